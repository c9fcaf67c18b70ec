"""Two writers on one port: nothing lost, nothing mixed, nobody left waiting."""

import random

import pytest

from accel.params import MAX_BURST, Params
from accel.rtl.memory.write_arbiter import MASTERS, WriteArbiter
from tests.rtl.axi_sink import AxiSink
from tests.rtl.read_memory import simulate

PARAMS = Params(rows=8, cols=8, bus_bytes=8)
BUS, SIZE = 8, 1 << 14
#: Bursts that a master has without a response at most.
OPEN = 16


class Master:
    """Writes bursts of random bytes into its half of memory; counts responses."""

    def __init__(self, port, number, bursts, rng, pause=0.0):
        self.port, self.bursts, self.rng, self.pause = port, bursts, rng, pause
        self.first = number * SIZE // MASTERS
        self.memory = bytearray(SIZE // MASTERS)
        self.responses, self.addressed, self.written = [], 0, 0
        self.waits = []  # cycles from each address until it had been accepted, at least 1
        self.cycle = 0

    async def count(self, ctx):
        async for _ in ctx.tick():
            self.cycle += 1

    async def addresses(self, ctx):
        """An address at a time; the next is shown when the data of this one has gone."""
        port = self.port
        for n, (beat, beats) in enumerate(self.bursts):
            while self.written < n or n - len(self.responses) >= OPEN:
                await ctx.tick()
            while self.rng.random() < self.pause:
                await ctx.tick()
            ctx.set(port.awaddr, self.first + BUS * beat)
            ctx.set(port.awlen, beats - 1)
            ctx.set(port.awsize, 3)
            ctx.set(port.awburst, 1)
            ctx.set(port.awvalid, 1)
            self.addressed = n + 1
            shown = self.cycle
            await ctx.tick().until(port.awready)
            self.waits.append(self.cycle - shown)
            ctx.set(port.awvalid, 0)

    async def data(self, ctx):
        port = self.port
        for n, (beat, beats) in enumerate(self.bursts):
            while self.addressed <= n:
                await ctx.tick()
            for place in range(beat, beat + beats):
                word = self.rng.randbytes(BUS)
                strobe = self.rng.randrange(256)
                for lane in range(BUS):
                    if strobe >> lane & 1:
                        self.memory[BUS * place + lane] = word[lane]
                ctx.set(port.wdata, int.from_bytes(word, "little"))
                ctx.set(port.wstrb, strobe)
                ctx.set(port.wlast, place == beat + beats - 1)
                ctx.set(port.wvalid, 1)
                await ctx.tick().until(port.wready)
            ctx.set(port.wvalid, 0)
            self.written = n + 1

    async def answers(self, ctx):
        port = self.port
        while True:
            ready = self.rng.random() >= self.pause
            ctx.set(port.bready, ready)
            *_, valid, response = await ctx.tick().sample(port.bvalid, port.bresp)
            if valid and ready:
                self.responses.append(response)


def random_bursts(rng, count, longest=MAX_BURST):
    bursts = []
    for _ in range(count):
        beats = rng.randint(1, longest)
        room = SIZE // MASTERS // BUS // MAX_BURST
        first = MAX_BURST * rng.randrange(room) + rng.randint(0, MAX_BURST - beats)
        bursts.append((first, beats))
    return bursts


def run(bursts, pauses=(0.0, 0.0), deadline=20_000, **behaviour):
    """Write ``bursts`` of both masters; returns the masters, the sink and the cycles it took."""
    dut = WriteArbiter(PARAMS)
    sink = AxiSink(dut.axi, SIZE, **behaviour)
    masters = [
        Master(dut.masters[n], n, bursts[n], random.Random(n), pauses[n]) for n in range(MASTERS)
    ]

    async def wait(ctx):
        while any(len(master.responses) < len(master.bursts) for master in masters):
            await ctx.tick()

    benches = [bench for x in masters for bench in (x.count, x.addresses, x.data, x.answers)]
    simulate(dut, wait, background=(sink.run, *benches), deadline=deadline)
    assert sink.beats == sum(beats for master in masters for _, beats in master.bursts)
    return masters, sink, masters[0].cycle


@pytest.mark.parametrize("stall", (0.0, 0.3, 0.7))
@pytest.mark.parametrize("pauses", [(0.0, 0.0), (0.5, 0.0), (0.8, 0.8)])
def test_everything_arrives_where_it_belongs(stall, pauses):
    rng = random.Random(4)
    bursts = [random_bursts(rng, 60), random_bursts(rng, 60, 3)]
    masters, sink, _ = run(bursts, pauses, stall=stall, latency=9, seed=2)
    assert sink.memory == masters[0].memory + masters[1].memory
    for n, master in enumerate(masters):
        mine = [(a, b) for a, b in sink.bursts if a // (SIZE // MASTERS) == n]
        assert mine == [(master.first + BUS * beat, beats) for beat, beats in master.bursts]
        assert master.responses == [0] * 60


@pytest.mark.parametrize("failing", range(MASTERS))
def test_an_error_goes_to_the_master_that_wrote(failing):
    bursts = [[(MAX_BURST * n, 1 + n % 3) for n in range(20)] for _ in range(MASTERS)]
    masters, _, _ = run(bursts, stall=0.4, fail=failing * SIZE // MASTERS + BUS * MAX_BURST * 13)
    for n, master in enumerate(masters):
        assert master.responses == [2 if n == failing and k == 13 else 0 for k in range(20)]


def test_bursts_take_turns():
    """Neither waits for more than one burst of the other, however short its own are."""
    long, short = [(16 * n, 16) for n in range(20)], [(n, 1) for n in range(20)]
    masters, sink, _ = run([long, short], latency=2)
    owners = [address // (SIZE // MASTERS) for address, _ in sink.bursts]
    assert owners[:38] == [1, 0] * 19
    assert max(masters[1].waits) <= 16 + 1
    assert max(masters[0].waits) <= 1 + 1


@pytest.mark.parametrize("beats", (1, 2, 16))
def test_throughput_of_both(beats):
    """A beat in every cycle, whosever it is."""
    bursts = [(n * beats % 512, beats) for n in range(40)]
    _, _, cycles = run([bursts, bursts], latency=1)
    assert cycles <= 2 * 40 * beats + 10


@pytest.mark.parametrize("number", range(MASTERS))
def test_throughput_of_one(number):
    """A burst of one beat each cycle, on the bus a cycle later."""
    dut = WriteArbiter(PARAMS)
    master = dut.masters[number]

    async def bench(ctx):
        for port in (dut.axi.awready, dut.axi.wready, master.awvalid, master.wvalid, master.wlast,
                     master.bready):  # fmt: skip
            ctx.set(port, 1)
        for n in range(50):
            ctx.set(master.awaddr, 8 * n)
            ctx.set(master.wdata, 1000 + n)
            ctx.set(dut.axi.bvalid, n > 2)
            assert ctx.get(master.awready) and ctx.get(master.wready)
            await ctx.tick()
            assert ctx.get(dut.axi.awvalid) and ctx.get(dut.axi.awaddr) == 8 * n
            assert ctx.get(dut.axi.wvalid) and ctx.get(dut.axi.wdata) == 1000 + n
        assert ctx.get(master.bvalid) and not ctx.get(dut.masters[1 - number].bvalid)

    simulate(dut, bench)
