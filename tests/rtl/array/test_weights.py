# amaranth: UnusedElaboratable=no
"""The weight engine: rows, parameters and swaps in their cycles, and how far it asks ahead."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from accel.params import PARAM_PLANES, PARAM_SLOTS, SWAP_LATENCY, Params
from accel.rtl.array.weights import WeightEngine
from accel.rtl.memory.read import ReadMaster
from tests.rtl.read_memory import ReadMemory, simulate


def machine(rows, cols, bus, tiles=8):
    return Params(
        rows=rows, cols=cols, bus_bytes=bus, input_bytes=16 * rows, acc_rows=16, weight_tiles=tiles
    )


class Bench:
    """A weight engine on a read memory; ``blocks`` gives the tiles of each WEIGHTS command.

    ``distance(tile)`` is how many cycles to wait before swapping in a ready tile, at the least,
    since the swap before (the M of the block before).
    """

    def __init__(self, params, blocks, latency=32, stall=0.0, distance=lambda tile: 1):
        self.params, self.blocks, self.distance = params, blocks, distance
        rng = random.Random(sum(blocks))
        self.commands, self.records, self.tiles, image = [], [], [], bytearray(params.bus_bytes)
        for count in blocks:
            self.commands.append({
                "src": len(image), "tiles": count, "wait_load": 0, "wait_exec": 0, "wait_post": 0
            })
            self.records.append(rng.randbytes(params.param_bytes))
            self.tiles += [rng.randbytes(params.tile_bytes) for _ in range(count)]
            image += self.records[-1] + b"".join(self.tiles[len(self.tiles) - count :])
            image += bytes(params.bus_bytes * rng.randrange(3))
        self.m = Module()
        self.m.submodules.engine = self.engine = WeightEngine(params)
        self.m.submodules.master = master = ReadMaster(params, 1)
        connect(self.m, self.engine.client, master.clients[0])
        self.memory = ReadMemory(master.axi, params, bytes(image), latency, stall, seed=3)
        self.rows, self.writes, self.swaps, self.ready_rises = [], [], [], []
        self.completions, self.cycle, self.empty = 0, 0, []
        self.free_slots_after = 0  # cycles from a block's last swap to its slot_free

    async def send(self, ctx):
        port = self.engine.command
        for command in self.commands:
            ctx.set(port.payload, command)
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)

    async def watch(self, ctx):
        """Record everything, swap when ready and due, and free slots behind the swaps."""
        engine, was_ready, frees = self.engine, False, []
        ends = [sum(self.blocks[: n + 1]) for n in range(len(self.blocks))]
        while True:
            ready = ctx.get(engine.ready)
            since = self.cycle - self.swaps[-1] if self.swaps else 1 << 30
            swap = ready and since >= self.distance(len(self.swaps))
            if ready and (not was_ready or (self.swaps and self.swaps[-1] == self.cycle - 1)):
                self.ready_rises.append(self.cycle)
            was_ready = ready
            if swap:
                self.swaps.append(self.cycle)
                if len(self.swaps) in ends:
                    frees.append(self.cycle + self.free_slots_after)
            ctx.set(engine.swap, swap)
            ctx.set(engine.slot_free, self.cycle in frees)
            row, param = engine.row, engine.param
            *_, valid, index, row_data, write, slot, plane, data, completed, empty = (
                await ctx.tick().sample(
                    row.valid, row.index, row.data, param.valid, param.slot, param.plane,
                    param.data, engine.completed, engine.fifo_empty,
                )
            )
            if valid:
                self.rows.append((self.cycle, index, bytes(v & 0xFF for v in row_data)))
            if write:
                self.writes.append((slot, plane, bytes(data)))
            self.completions += completed
            self.empty.append(empty)
            self.cycle += 1

    def run(self):
        async def finish(ctx):
            await self.send(ctx)
            await ctx.tick().until(self.engine.idle)
            await ctx.tick().repeat(60)  # the last swaps

        simulate(self.m, finish, background=(self.memory.serve, self.watch))

    def starts(self):
        """Issue cycles of the tiles' first rows, after checking every row and parameter."""
        rows, cols = self.params.rows, self.params.cols
        assert len(self.rows) == rows * len(self.tiles)
        starts = []
        for n, tile in enumerate(self.tiles):
            first = self.rows[n * rows][0]
            starts.append(first - SWAP_LATENCY)
            for r in range(rows):
                assert self.rows[n * rows + r] == (first + r, r, tile[r * cols : (r + 1) * cols])
        assert self.writes == [
            (block % PARAM_SLOTS, plane, record[plane * cols : (plane + 1) * cols])
            for block, record in enumerate(self.records)
            for plane in range(PARAM_PLANES)
        ]
        assert self.completions == len(self.blocks)
        assert self.ready_rises == [start + 1 for start in starts]
        return starts


@pytest.mark.parametrize(
    "rows, cols, bus", [(4, 4, 16), (8, 8, 8), (4, 16, 4), (8, 4, 4), (16, 16, 16), (4, 32, 128)]
)
@pytest.mark.parametrize("stall", [0, 0.4])
def test_rows_parameters_and_swaps_keep_their_timing(rows, cols, bus, stall):
    rng = random.Random(rows + cols + bus)
    distances = [rng.choice([1, 2, rows - 1, rows, rows + 1, 3 * rows]) for _ in range(64)]
    blocks = [1, 3, 1, 2, 5, 1, 1]
    bench = Bench(
        machine(rows, cols, bus), blocks, latency=9, stall=stall, distance=lambda n: distances[n]
    )
    bench.run()
    starts = bench.starts()
    assert len(bench.swaps) == len(starts)
    for n in range(1, len(starts)):
        assert starts[n] >= max(starts[n - 1] + rows, bench.swaps[n - 1])
        assert bench.swaps[n] > starts[n]


@pytest.mark.parametrize("pixels", [1, 8, 9, 20])
def test_tiles_of_a_block_follow_without_a_gap(pixels):
    params = machine(8, 8, 16)
    bench = Bench(params, [30], latency=32, distance=lambda n: pixels)
    bench.run()
    starts = bench.starts()
    for n in range(2, len(starts)):
        assert starts[n] == max(starts[n - 1] + params.rows, bench.swaps[n - 1])
    spacing = {b - a for a, b in zip(bench.swaps[1:], bench.swaps[2:], strict=False)}
    assert spacing == {max(params.rows, pixels)}


def test_the_next_blocks_parameters_hide_behind_a_last_tile_that_is_long_enough():
    params = machine(8, 8, 16)
    pixels = params.rows + params.param_words
    bench = Bench(params, [2] * 10, latency=32, distance=lambda n: pixels)
    bench.run()
    bench.starts()
    assert {b - a for a, b in zip(bench.swaps[2:], bench.swaps[3:], strict=False)} == {pixels}


def test_a_narrow_bus_limits_the_rate_and_shows_as_an_empty_queue():
    params = machine(8, 8, 4)
    bench = Bench(params, [20], latency=32)
    bench.run()
    starts = bench.starts()
    beats = params.tile_bytes // params.bus_bytes
    assert {b - a for a, b in zip(starts[2:], starts[3:], strict=False)} == {beats}
    assert any(bench.empty[starts[5] + params.rows : starts[6]])


def test_no_more_than_all_slots_are_filled_before_one_is_freed():
    bench = Bench(machine(4, 4, 16), [1] * 6, latency=2)
    bench.free_slots_after = 60
    engine = bench.engine

    async def drive(ctx):
        await bench.send(ctx)
        await ctx.tick().until(engine.idle)

    async def slots(ctx):
        used = 0
        while True:
            *_, valid, plane, free = await ctx.tick().sample(
                engine.param.valid, engine.param.plane, engine.slot_free
            )
            used += (valid and plane == 0) - free
            assert used <= PARAM_SLOTS

    simulate(bench.m, drive, background=(bench.memory.serve, bench.watch, slots))


def test_waits_and_halt_keep_it_from_asking():
    bench = Bench(machine(4, 4, 16), [1], latency=2)
    bench.commands[0]["wait_exec"] = 2
    engine = bench.engine

    async def drive(ctx):
        await ctx.tick().repeat(10)
        assert not bench.memory.bursts and not ctx.get(engine.idle)
        ctx.set(engine.halt, 1)
        ctx.set(engine.done, {"load": 0, "exec": 2, "post": 0})
        await ctx.tick().repeat(10)
        assert not bench.memory.bursts and not ctx.get(engine.idle)
        ctx.set(engine.halt, 0)
        await ctx.tick().until(engine.idle)

    simulate(bench.m, drive, background=(bench.memory.serve, bench.watch, bench.send))
