"""Command fetch against a fake read master: order, widths, refusals, halting."""

import random

import pytest
from amaranth.sim import Simulator

from accel.isa import COMMAND_BYTES, Error, Op, pack, unpack
from accel.params import MAX_BURST, Params
from accel.rtl.control.check import CHECK_LATENCY
from accel.rtl.control.command_queue import words_of
from accel.rtl.control.dispatch import queue_bits
from accel.rtl.control.fetch import Fetch
from accel.rtl.interfaces import command_layout

ENGINE_OF = {Op.LOAD: "load", Op.WEIGHTS: "weights", Op.EXEC: "exec", Op.POST: "post",
             Op.TABLE: "post", Op.ACTIVATION: "post",
             Op.WLOAD: "wload", Op.WPARAM: "wparam", Op.WINDOW: "window"}  # fmt: skip
ENGINES = tuple(dict.fromkeys(ENGINE_OF.values()))


def machine(bus_bytes, **more):
    return Params(rows=8, cols=16, bus_bytes=bus_bytes, queue_depth=2, **more)


def random_commands(rng, count):
    """Legal commands of every opcode, told apart by their wait fields."""
    commands = []
    for n in range(count):
        op = rng.choice(list(Op))
        values = {
            Op.LOAD: dict(rows=1, items=1, inner=rng.randrange(1, 99), fill_value=-1),
            Op.WEIGHTS: dict(src=1024 * rng.randrange(99), tiles=rng.randrange(1, 99)),
            Op.EXEC: dict(nx=3, ny=2, k=rng.randrange(1, 999), seg=1, cols=5, seg_skip=65535),
            Op.POST: dict(count=7, cols=1, lo=-5, hi=rng.randrange(-5, 99), mark_addr=1 << 31),
            Op.TABLE: dict(entries=8, multiplier7=rng.getrandbits(32), shift7=-9),
            Op.ACTIVATION: dict(first=32 * rng.randrange(8), value31=rng.randrange(-128, 128)),
            Op.WLOAD: dict(rows=1, items=1, inner=rng.randrange(1, 99), fill_value=-1),
            Op.WPARAM: dict(src=1024 * rng.randrange(99), tiles=rng.randrange(1, 33)),
            Op.WINDOW: dict(nx=3, ny=2, k=rng.randrange(1, 99), seg=1, cols=5, mark_addr=1 << 31),
        }[op]
        commands.append(pack(op, wait_post=n, **values))
    return commands


class Bench:
    """A Fetch, a memory that answers its bursts in order, and sinks for its queues."""

    def __init__(self, params, memory, latency=5, seed=0, stall=0.0, blocked=()):
        self.params, self.memory, self.latency = params, memory, latency
        self.rng, self.stall, self.blocked = random.Random(seed), stall, set(blocked)
        self.dut = Fetch(params)
        self.cycle = 0
        self.taken = []  # (engine, payload bits) in the order the sinks took them
        self.dispatched = []  # engines in the order of dispatch
        self.errors = []
        self.asked = []
        self.sim = Simulator(self.dut)
        self.sim.add_clock(1e-8)
        self.sim.add_testbench(self.clock, background=True)
        self.sim.add_testbench(self.serve, background=True)
        self.queues = ENGINES if params.window_taps else ENGINES[:4]
        for name in self.queues:
            self.sim.add_testbench(self.sink(name), background=True)

    async def clock(self, ctx):
        dut = self.dut
        while True:
            _, _, dispatched, error, code, where = await ctx.tick().sample(
                dut.dispatched, dut.error, dut.code, dut.where
            )
            self.cycle += 1
            assert self.cycle < 20_000, "no end in sight"
            self.dispatched += [name for name in ENGINES if dispatched[name]]
            if error:
                self.errors.append((Error(code), where))

    async def serve(self, ctx):
        """A burst at a time; beats come back to back, as Fetch promises to take them."""
        client, bus = self.dut.client, self.params.bus_bytes
        while True:
            ctx.set(client.request.ready, 1)
            _, _, valid, request = await ctx.tick().sample(
                client.request.valid, client.request.payload
            )
            if not valid:
                continue
            ctx.set(client.request.ready, 0)
            assert request.addr % bus == 0 and 1 <= request.beats <= MAX_BURST
            last = request.addr + (request.beats - 1) * bus
            assert request.addr // (MAX_BURST * bus) == last // (MAX_BURST * bus)
            self.asked += [request.addr + n * bus for n in range(request.beats)]
            for _ in range(self.latency):
                await ctx.tick()
            for n in range(request.beats):
                while self.rng.random() < self.stall:
                    await ctx.tick()
                start = request.addr + n * bus
                beat = self.memory.get(start // bus, bytes(bus))
                ctx.set(client.data, int.from_bytes(beat, "little"))
                ctx.set(client.valid, 1)
                await ctx.tick()
                ctx.set(client.valid, 0)

    def sink(self, name):
        port = getattr(self.dut, name)

        async def run(ctx):
            while True:
                while name in self.blocked or self.rng.random() < self.stall:
                    await ctx.tick()
                ctx.set(port.ready, 1)
                _, _, valid, payload = await ctx.tick().sample(
                    port.valid, port.payload.as_value()
                )
                if valid:
                    self.taken.append((name, payload))
                ctx.set(port.ready, 0)

        return run

    def run(self, start, commands, until, cycles=0):
        """Start and run until ``until(ctx)``, then ``cycles`` more."""

        async def main(ctx):
            dut = self.dut
            for _ in range(3):
                await ctx.tick()
                assert not ctx.get(dut.finished)
            ctx.set(dut.program, start)
            ctx.set(dut.commands, commands)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            while not until(ctx):
                await ctx.tick()
            for _ in range(cycles):
                await ctx.tick()
            self.finished = ctx.get(dut.finished)

        self.sim.add_testbench(main)
        self.sim.run()
        return self


def beats_of(commands, start, bus):
    """The program as bus beats, with rubbish (not zeroes) behind its end."""
    raw = b"".join(commands)
    raw += b"\xee" * (-len(raw) % bus)
    return {(start + n) // bus: raw[n : n + bus] for n in range(0, len(raw), bus)}


def queue_word(command):
    """What the engine's queue holds for a command."""
    word = int.from_bytes(command, "little")
    op = Op(word & 0xFF)
    word >>= 8
    if op in (Op.POST, Op.TABLE, Op.ACTIVATION):
        return word << 2 | (op == Op.ACTIVATION) << 1 | (op == Op.TABLE)
    return word & (1 << command_layout(op).size) - 1


def drained(bench):
    def until(ctx):
        dut = bench.dut
        return ctx.get(dut.finished) and not ctx.get(dut.pending.as_value())

    return until


@pytest.mark.parametrize("bus_bytes", [4, 16, 64, 128])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_dispatches_in_order(bus_bytes, stall):
    rng = random.Random(bus_bytes)
    params = machine(bus_bytes)
    for count, start in ((1, 0), (17, 0x10000 - 3 * bus_bytes)):
        commands = random_commands(rng, count)
        bench = Bench(params, beats_of(commands, start, bus_bytes), seed=count, stall=stall)
        bench.run(start, count, drained(bench), cycles=20)
        owners = [ENGINE_OF[unpack(c)[0]] for c in commands]
        assert bench.dispatched == owners
        for name in ENGINES:
            mine = [queue_word(c) for c, o in zip(commands, owners, strict=True) if o == name]
            assert [payload for who, payload in bench.taken if who == name] == mine
        assert bench.errors == []
        beats = -(-count * COMMAND_BYTES // bus_bytes)
        assert bench.asked == [start + n * bus_bytes for n in range(beats)]


def test_no_commands_finish_at_once():
    bench = Bench(machine(16), {})
    bench.run(0, 0, drained(bench), cycles=50)
    assert bench.asked == [] and bench.dispatched == [] and bench.errors == []


def test_throughput_with_latency():
    commands = [pack(Op.WEIGHTS, tiles=1)] * 32
    bench = Bench(machine(16), beats_of(commands, 0, 16), latency=8)
    bench.run(0, 32, drained(bench))
    words = words_of(queue_bits((Op.WEIGHTS,)))
    assert bench.cycle <= 40 + 32 * (CHECK_LATENCY + 2 + words)


def test_full_queue_blocks_everything_behind_it():
    params = machine(16)
    commands = [pack(Op.EXEC, nx=1, ny=1, k=1, seg=1, cols=1)] * 6 + [pack(Op.WEIGHTS, tiles=1)] * 2
    bench = Bench(params, beats_of(commands, 0, 16), blocked=["exec"])

    def filled(ctx):
        return bench.cycle > 300

    bench.run(0, len(commands), filled)
    assert bench.dispatched == ["exec"] * params.queue_depth
    assert bench.taken == [] and bench.errors == []


@pytest.mark.parametrize(
    "bus_bytes, bad, code",
    [
        (4, bytes(COMMAND_BYTES), Error.ILLEGAL_OPCODE),
        (16, b"\x0a" + bytes(COMMAND_BYTES - 1), Error.ILLEGAL_OPCODE),
        (64, pack(Op.WEIGHTS, tiles=0), Error.ILLEGAL_FIELD),
        (128, pack(Op.WEIGHTS, tiles=1)[:-1] + b"\x80", Error.ILLEGAL_FIELD),
    ],
)
def test_refusal_names_the_command_and_stops(bus_bytes, bad, code):
    good = random_commands(random.Random(3), 9)
    for where in (0, 7):
        commands = good[:where] + [bad] + good[where:]
        bench = Bench(machine(bus_bytes), beats_of(commands, 0, bus_bytes))
        bench.run(0, len(commands), lambda ctx, bench=bench: bench.errors, cycles=100)
        assert bench.errors == [(code, where)]
        assert len(bench.dispatched) == where == len(bench.taken)
        assert not bench.finished


def test_a_machine_without_a_window_unit_refuses_its_commands():
    rng = random.Random(4)
    bad = pack(Op.WLOAD, rows=1, items=1, inner=1)
    good = [command for command in random_commands(rng, 30) if command[0] not in (6, 7, 8)]
    params = machine(16, window_taps=0)
    bench = Bench(params, beats_of([*good, bad], 0, 16))
    bench.run(0, len(good) + 1, lambda ctx: bench.errors, cycles=50)
    assert bench.errors == [(Error.ILLEGAL_OPCODE, len(good))]
    assert len(bench.dispatched) == len(good) > 9
    assert not hasattr(bench.dut, "wload") and not hasattr(bench.dut, "window")


@pytest.mark.parametrize("start, count", [(8, 1), (1, 1), (0, 1 << 24), (0, 1 << 31)])
def test_unusable_program_is_refused_as_command_0(start, count):
    bench = Bench(machine(16), {})
    bench.run(start, count, lambda ctx: bench.errors, cycles=50)
    assert bench.errors == [(Error.ILLEGAL_FIELD, 0)]
    assert bench.asked == []


def test_halt_stops_dispatch_and_requests():
    commands = random_commands(random.Random(5), 40)
    bench = Bench(machine(16), beats_of(commands, 0, 16))
    counts = []

    def until(ctx):
        if len(bench.dispatched) >= 5 and not counts:
            ctx.set(bench.dut.halt, 1)
            counts.append((bench.cycle, len(bench.dispatched), len(bench.asked)))
        return counts and bench.cycle > counts[0][0] + 200

    bench.run(0, 40, until)
    _, dispatched, asked = counts[0]
    assert len(bench.dispatched) == dispatched
    assert len(bench.asked) <= asked + MAX_BURST  # a burst already offered still goes out
    assert bench.errors == []
