"""The window unit's parameters: records of all sizes to the slots, ahead of their use."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from accel.params import WINDOW_TILES, Params
from accel.rtl.memory.read import ReadMaster
from accel.rtl.window.params import WindowParamEngine
from accel.rtl.window.slots import READ_LATENCY, SLOTS, WindowParamMemory
from tests.rtl.read_memory import ReadMemory, simulate

SIZE = 1 << 15


class Bench:
    """The engine on a memory, and the slots behind it."""

    def __init__(self, params, *, stall=0.0, latency=20):
        self.params = params
        self.image = random.Random(params.cols).randbytes(SIZE)
        self.m = Module()
        self.m.submodules.engine = self.engine = WindowParamEngine(params)
        self.m.submodules.slots = self.slots = WindowParamMemory(params)
        self.m.submodules.master = master = ReadMaster(params, 1)
        connect(self.m, self.engine.client, master.clients[0])
        connect(self.m, self.engine.write, self.slots.write)
        self.memory = ReadMemory(master.axi, params, self.image, latency, stall)
        self.completed = 0

    async def watch(self, ctx):
        async for _, _, completed in ctx.tick().sample(self.engine.completed):
            self.completed += completed

    async def send(self, ctx, records):
        port = self.engine.command
        for src, tiles in records:
            ctx.set(port.payload, {"src": src, "tiles": tiles})
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)

    async def check(self, ctx, slot, src, tiles):
        """Everything in a slot, against the bytes in memory."""
        cols, taps, slots = self.params.cols, self.params.window_taps, self.slots
        ctx.set(slots.bias_slot, slot)
        ctx.set(slots.scale_slot, slot)
        await ctx.tick()
        for c in range(cols):
            planes = self.image[src + c : src + 9 * cols : cols]
            assert ctx.get(slots.biases[c]) == int.from_bytes(planes[:4], "little", signed=True)
            assert ctx.get(slots.scales.multiplier[c]) == int.from_bytes(planes[4:8], "little")
            assert ctx.get(slots.scales.shift[c]) == (planes[8] ^ 128) - 128
        for tile in range(tiles):
            ctx.set(slots.weights.slot, slot)
            ctx.set(slots.weights.tile, tile)
            ctx.set(slots.weights.valid, 1)
            await ctx.tick()
            ctx.set(slots.weights.valid, 0)
            await ctx.tick().repeat(READ_LATENCY - 1)
            for tap in range(taps):
                start = src + self.params.param_bytes + (tile * taps + tap) * cols
                word = int.from_bytes(self.image[start : start + cols], "little")
                assert ctx.get(slots.weights.words[tap]) == word


def machine(taps, cols, bus_bytes):
    return Params(rows=max(4, bus_bytes // 4), cols=cols, input_bytes=4096, acc_rows=16,
                  bus_bytes=bus_bytes, window_taps=taps, window_bytes=1024)  # fmt: skip


@pytest.mark.parametrize("taps, cols, bus", [(2, 4, 4), (2, 4, 32), (4, 8, 16), (4, 16, 4)])
@pytest.mark.parametrize("stall", (0.0, 0.4))
def test_records_of_all_sizes(taps, cols, bus, stall):
    """Records that end within a beat, and the largest; a slot is free when it has been checked."""
    params = machine(taps, cols, bus)
    bench = Bench(params, stall=stall)
    rng = random.Random(taps)
    tiles = [1, 2, 3, WINDOW_TILES, 1, rng.randint(1, WINDOW_TILES)]
    records = [(rng.randrange(0, SIZE // 2, bus), count) for count in tiles]

    async def use(ctx):
        for number, (src, count) in enumerate(records):
            while bench.completed <= number:
                await ctx.tick()
            assert bench.completed <= number + SLOTS
            await ctx.tick()
            await bench.check(ctx, number % SLOTS, src, count)
            ctx.set(bench.engine.slot_free, 1)
            await ctx.tick()
            ctx.set(bench.engine.slot_free, 0)
        assert ctx.get(bench.engine.idle)

    async def send(ctx):
        await bench.send(ctx, records)

    simulate(bench.m, send, use, background=(bench.memory.serve, bench.watch))
    assert bench.completed == len(records)


def test_requests_run_ahead_of_the_slots_as_far_as_there_is_room():
    params = machine(2, 4, 4)
    bench = Bench(params, latency=2)
    records = [(1024 * n, WINDOW_TILES) for n in range(4)]
    size = params.param_bytes + WINDOW_TILES * 8

    async def drive(ctx):
        await bench.send(ctx, records)
        await ctx.tick().repeat(1200)
        assert bench.completed == SLOTS
        asked = sum(4 * beats for _, _, beats in bench.memory.bursts)
        assert SLOTS * size < asked < 4 * size
        assert not ctx.get(bench.engine.idle)

    simulate(bench.m, drive, background=(bench.memory.serve, bench.watch))


def test_a_command_asks_for_nothing_before_its_waits_are_met():
    bench = Bench(machine(2, 4, 4), latency=2)
    port = bench.engine.command

    async def drive(ctx):
        ctx.set(port.payload, {"src": 0, "tiles": 1, "wait_post": 2})
        ctx.set(port.valid, 1)
        await ctx.tick().repeat(20)
        assert not bench.memory.bursts and not ctx.get(bench.engine.idle)
        assert not ctx.get(port.ready)
        ctx.set(bench.engine.done.post, 2)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)
        await ctx.tick().repeat(80)
        assert bench.completed == 1 and ctx.get(bench.engine.idle)

    simulate(bench.m, drive, background=(bench.memory.serve, bench.watch))
