# amaranth: UnusedElaboratable=no
"""The way in: ranges cut into bursts, readers in turn, data read ahead."""

import random

import pytest
from amaranth.hdl import Module

from accel.params import MAX_BURST, Params
from accel.rtl.memory.read import ReadMaster, ReadSplitter
from accel.rtl.memory.readahead import ReadAhead
from tests.rtl.read_memory import ReadMemory, simulate

SMALL = dict(rows=4, cols=4, input_bytes=256, acc_rows=16, pool_entries=8)


def bursts_of(params, address, size):
    """A range's bursts, beat by beat."""
    bus, bursts = params.bus_bytes, []
    for beat in range(address // bus, (address + size - 1) // bus + 1):
        if bursts and beat % MAX_BURST:
            bursts[-1][1] += 1
        else:
            bursts.append([beat * bus, 1])
    return [tuple(burst) for burst in bursts]


@pytest.mark.parametrize("bus", [4, 16, 128])
def test_splitter_cuts_ranges_at_windows_without_losing_a_cycle(bus):
    params = Params(**{**SMALL, "rows": 16, "cols": 8, "bus_bytes": bus})
    rng = random.Random(bus)
    ranges = [
        (rng.randrange(1 << 20), rng.choice([1, 3, bus, 16 * bus, rng.randint(1, 40 * bus)]))
        for _ in range(60)
    ]
    ranges.append((5 * bus, (1 << 21) - 1 if bus == 128 else 1000))
    expected = [burst for address, size in ranges for burst in bursts_of(params, address, size)]
    dut, got, busy_cycles = ReadSplitter(params), [], []

    async def feed(ctx):
        for address, size in ranges:
            ctx.set(dut.input.payload, {"addr": address, "bytes": size})
            ctx.set(dut.input.valid, 1)
            await ctx.tick().until(dut.input.ready)
        ctx.set(dut.input.valid, 0)

    async def drain(ctx):
        cycle = 0
        while len(got) < len(expected):
            stalled = cycle > 40 and rng.random() < 0.3
            ctx.set(dut.output.ready, not stalled)
            *_, valid, burst = await ctx.tick().sample(dut.output.valid, dut.output.payload)
            if valid and not stalled:
                got.append((burst.addr, burst.beats))
                busy_cycles.append(cycle)
            cycle += 1

    simulate(dut, feed, drain)
    assert got == expected
    assert busy_cycles[:30] == list(range(1, 31))


def test_splitter_refuses_a_bad_width():
    with pytest.raises(ValueError, match="byte_bits must be from 1 to 64, not 0"):
        ReadSplitter(Params(), 0)


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_master_serves_by_priority_and_returns_every_beat_to_its_owner(stall):
    params = Params(**SMALL)
    rng = random.Random(1)
    image = rng.randbytes(1 << 14)
    dut = ReadMaster(params, 3)
    memory = ReadMemory(dut.axi, params, image, latency=9, stall=stall, seed=2)
    bus = params.bus_bytes
    plans = []
    for _ in range(3):
        beats = [rng.randint(1, MAX_BURST) for _ in range(12)]
        plans.append([(rng.randrange(64) * bus * MAX_BURST, count) for count in beats])

    def asker(number):
        async def ask(ctx):
            client = dut.clients[number]
            for address, beats in plans[number]:
                if rng.random() < 0.5:
                    await ctx.tick().repeat(rng.randint(1, 9))
                ctx.set(client.request.payload, {"addr": address, "beats": beats})
                ctx.set(client.request.valid, 1)
                await ctx.tick().until(client.request.ready)
                ctx.set(client.request.valid, 0)
        return ask

    def taker(number):
        async def take(ctx):
            client = dut.clients[number]
            for address, beats in plans[number]:
                for n in range(beats):
                    (word,) = await ctx.tick().sample(client.data).until(client.valid)
                    place = address + n * bus
                    assert word == int.from_bytes(image[place : place + bus], "little")
        return take

    async def priority(ctx):
        requests = [client.request for client in dut.clients]
        while True:
            *_, v0, v1, r0, r1, r2 = await ctx.tick().sample(
                requests[0].valid, requests[1].valid, *(request.ready for request in requests)
            )
            assert not (v0 and (r1 or r2)) and not (v1 and r2)

    counted = {"beats": 0}

    async def count(ctx):
        while True:
            *_, beat, outstanding = await ctx.tick().sample(dut.beats, dut.outstanding)
            counted["beats"] += beat
            assert outstanding or not beat

    async def settle(ctx):
        await ctx.tick().repeat(20)
        await ctx.tick().until(~dut.outstanding)

    simulate(
        dut, *(asker(n) for n in range(3)), *(taker(n) for n in range(3)), settle,
        background=(memory.serve, priority, count),
    )
    assert counted["beats"] == sum(beats for plan in plans for _, beats in plan)


def test_master_sends_an_address_each_cycle_and_keeps_the_bus_full_at_latency_32():
    params = Params(**SMALL)
    dut = ReadMaster(params, 1)
    memory = ReadMemory(dut.axi, params, bytes(4096), latency=32)
    arrivals = []

    async def ask(ctx):
        client = dut.clients[0]
        ctx.set(client.request.payload, {"addr": 64, "beats": 1})
        ctx.set(client.request.valid, 1)
        for cycle in range(200):
            *_, valid = await ctx.tick().sample(client.valid)
            if valid:
                arrivals.append(cycle)

    simulate(dut, ask, background=(memory.serve,))
    assert [cycle for cycle, *_ in memory.bursts[:100]] == list(range(1, 101))
    assert arrivals == list(range(arrivals[0], 200))
    assert arrivals[0] == 1 + memory.latency + 1


def test_master_reports_errors_and_halts():
    params = Params(**SMALL)
    dut = ReadMaster(params, 1)
    memory = ReadMemory(dut.axi, params, bytes(4096), latency=5, fail=128)
    errors = []

    async def watch(ctx):
        while True:
            *_, error = await ctx.tick().sample(dut.error)
            errors.append(error)

    async def ask(ctx):
        client = dut.clients[0]
        ctx.set(client.request.payload, {"addr": 128, "beats": 2})
        ctx.set(client.request.valid, 1)
        await ctx.tick().until(client.request.ready)
        ctx.set(dut.halt, 1)
        await ctx.tick().repeat(30)
        assert not ctx.get(dut.outstanding)
        assert len(memory.bursts) == 1

    simulate(dut, ask, background=(memory.serve, watch))
    assert sum(errors) == 1


@pytest.mark.parametrize("clients", [0, 17, 1.5])
def test_master_refuses_a_bad_number_of_clients(clients):
    with pytest.raises(ValueError, match=f"clients must be from 1 to 16, not {clients}"):
        ReadMaster(Params(), clients)


@pytest.mark.parametrize("ratio", [1, 4])
def test_read_ahead_packs_entries_and_never_asks_for_more_than_fits(ratio):
    params, beats = Params(**{**SMALL, "bus_bytes": 4}), 32
    rng = random.Random(ratio)
    image = rng.randbytes(1 << 12)
    m = Module()
    m.submodules.dut = dut = ReadAhead(params, 4 * ratio, beats)
    client, total = dut.client, 240
    asked, sent, arrived, taken = [], [0], [0], [0]

    async def ask(ctx):
        left = total
        while left:
            count = min(left, rng.randint(1, MAX_BURST))
            ctx.set(dut.request.payload, {"addr": 4 * (total - left), "beats": count})
            ctx.set(dut.request.valid, 1)
            await ctx.tick().until(dut.request.ready)
            left -= count
        ctx.set(dut.request.valid, 0)

    async def serve(ctx):
        ctx.set(client.request.ready, 1)
        while True:
            ctx.set(client.valid, sent[0] < len(asked) and rng.random() < 0.7)
            if ctx.get(client.valid):
                place = asked[sent[0]]
                ctx.set(client.data, int.from_bytes(image[place : place + 4], "little"))
                sent[0] += 1
            *_, valid, request, came = await ctx.tick().sample(
                client.request.valid, client.request.payload, dut.arrived
            )
            arrived[0] += came
            if valid:
                asked.extend(request.addr + 4 * n for n in range(request.beats))
            assert len(asked) - taken[0] * ratio <= beats

    async def take(ctx):
        await ctx.tick().repeat(100)  # let it fill up
        assert len(asked) > beats - MAX_BURST
        for entry in range(total // ratio):
            if rng.random() < 0.5:
                await ctx.tick().repeat(rng.randint(1, 4))
            ctx.set(dut.output.ready, 1)
            (word,) = await ctx.tick().sample(dut.output.payload).until(dut.output.valid)
            ctx.set(dut.output.ready, 0)
            taken[0] += 1
            place = 4 * ratio * entry
            assert word == int.from_bytes(image[place : place + 4 * ratio], "little")

    simulate(m, ask, take, background=(serve,))
    assert arrived[0] == total // ratio


def test_read_ahead_refuses_bad_sizes():
    with pytest.raises(ValueError, match="entry_bytes must be a multiple of bus_bytes = 16, not 8"):
        ReadAhead(Params(), 8, 64)
    with pytest.raises(ValueError, match="beats must be a power of two of at least 32, not 48"):
        ReadAhead(Params(), 16, 48)


def test_master_adds_the_base_and_begins_anew_at_the_end_of_the_address_space():
    params = Params(**SMALL)
    dut, seen = ReadMaster(params, 1), []

    async def ask(ctx):
        client = dut.clients[0]
        ctx.set(dut.axi.arready, 1)
        last = 0xFFFFF
        for base, address in ((0, 0xFFF0), (0x40000, 0x12340), (last, 0xFFF0), (last, 0x1010)):
            ctx.set(dut.base, base)
            ctx.set(client.request.payload, {"addr": address, "beats": 1})
            ctx.set(client.request.valid, 1)
            await ctx.tick().until(client.request.ready)
            ctx.set(client.request.valid, 0)
            ctx.set(dut.base, 0)  # what is on the bus stays
            assert ctx.get(dut.axi.arvalid)
            seen.append(ctx.get(dut.axi.araddr))
            await ctx.tick()

    simulate(dut, ask)
    assert seen == [0xFFF0, 0x40012340, 0xEFF0, 0x10]
