"""The accumulators against NumPy: alone with arbitrary sums, and behind the systolic array."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator

from accel.params import ACC_READ_LATENCY, PARAM_SLOTS, PE_LATENCY, Params
from accel.rtl.array.accumulator import Accumulator
from accel.rtl.array.systolic import SystolicArray


def int32(values):
    """Wrap at 32 bits, as the machine does."""
    return (np.asarray(values, dtype=np.int64) + 2**31) % 2**32 - 2**31


def simulate(dut, *benches):
    sim = Simulator(dut)
    sim.add_clock(1e-8)
    for bench in benches:
        sim.add_testbench(bench)
    sim.run()


async def write_bias(ctx, port, slot, bias):
    """Write a slot's biases plane by plane, then the planes that mean nothing here."""
    for plane in range(9):
        ctx.set(port.valid, 1)
        ctx.set(port.slot, slot)
        ctx.set(port.plane, plane)
        garbage = np.full(len(bias), 0xA5)
        byte = bias >> 8 * plane & 0xFF if plane < 4 else garbage
        ctx.set(port.data, byte.tolist())
        await ctx.tick()
    ctx.set(port.valid, 0)


async def read_rows(ctx, port, bank, rows, cols):
    """Read rows at one a cycle; the data of a request comes ACC_READ_LATENCY cycles later."""
    result = []
    for cycle in range(len(rows) + ACC_READ_LATENCY):
        ctx.set(port.bank, bank)
        if cycle < len(rows):
            ctx.set(port.row, rows[cycle])
        else:
            ctx.set(port.bank, 1 - bank)  # must not touch what is under way
        if cycle >= ACC_READ_LATENCY:
            values = ctx.get(port.data)
            result.append([values[c] for c in range(cols)])
        await ctx.tick()
    return np.array(result)


def tag(first=0, done=0, bank=0, slot=0, row=0):
    return dict(valid=1, first=first, done=done, bank=bank, slot=slot, row=row)


def tiles(pixels, count, bank, slot, gap):
    """Yield the tags of ``count`` tiles of a block, one a cycle; None where nothing is issued."""
    for tile in range(count):
        for row in range(pixels):
            last = tile == count - 1 and row == pixels - 1
            yield tag(first=tile == 0, done=last, bank=bank, slot=slot, row=row)
        yield from [None] * gap


# (pixels of a block, weight tiles): the first is the shortest distance at which a row may recur.
BLOCKS = [(1, 5), (4, 3), (7, 2), (2, 4), (3, 1), (32, 2)]


@pytest.mark.parametrize(("rows", "cols"), [(4, 4), (8, 4), (4, 8)])
def test_accumulates_blocks_while_others_are_read(rows, cols):
    params = Params(rows=rows, cols=cols, acc_rows=64)
    dut = Accumulator(params)
    rng = np.random.default_rng(rows * 100 + cols)
    biases = int32(rng.integers(-(2**31), 2**31, (PARAM_SLOTS, cols)))

    # Blocks follow at once, except that a bank must have been read before it is filled again.
    first_sum = rows - 1 + PE_LATENCY
    tags, blocks, free = [], [], [0, 0]
    for number, (pixels, count) in enumerate(BLOCKS):
        bank, slot = number % 2, number % PARAM_SLOTS
        tags += [None] * (free[bank] - len(tags))
        blocks.append((pixels, bank, slot, len(tags)))
        tags += tiles(pixels, count, bank, slot, max(rows - pixels, 0))
        written = len(tags) + first_sum + cols
        free[bank] = max(written, free[1 - bank]) + pixels + ACC_READ_LATENCY + 2
    psums = int32(rng.integers(-(2**31), 2**31, (len(tags), cols)))

    expected, dones = [], []
    for number, (pixels, _, slot, start) in enumerate(blocks):
        sums = np.repeat(biases[slot][None], pixels, axis=0).astype(np.int64)
        stop = blocks[number + 1][3] if number + 1 < len(blocks) else len(tags)
        for cycle in range(start, stop):
            if tags[cycle]:
                sums[tags[cycle]["row"]] += psums[cycle]
                if tags[cycle]["done"]:
                    dones.append(cycle + first_sum + cols)
        expected.append(int32(sums))

    strobes, results = [], []

    async def feed(ctx):
        for slot in range(PARAM_SLOTS):
            await write_bias(ctx, dut.param, slot, biases[slot])
        for cycle in range(len(tags) + first_sum + cols + 1):
            sums = rng.integers(-(2**31), 2**31, cols)  # noise where no sum is due
            for c in range(cols):
                source = cycle - first_sum - c
                if 0 <= source < len(tags) and tags[source]:
                    sums[c] = psums[source, c]
            ctx.set(dut.psums, sums.tolist())
            now = tags[cycle] if cycle < len(tags) else None
            ctx.set(dut.tag, now or dict(tag(bank=cycle % 2, row=cycle % 32), valid=0))
            if ctx.get(dut.block_done):
                strobes.append(cycle)
            await ctx.tick()

    async def drain(ctx):
        for number, (pixels, bank, _, _) in enumerate(blocks):
            while len(strobes) <= number:
                await ctx.tick()
            await ctx.tick()
            results.append(await read_rows(ctx, dut.read, bank, list(range(pixels)), cols))

    simulate(dut, feed, drain)
    assert strobes == dones
    for result, sums in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, sums)


class Pair(wiring.Component):
    """The array and its accumulators, joined as the machine joins them."""

    def __init__(self, params):
        self.array, self.accumulator = SystolicArray(params), Accumulator(params)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.array, m.submodules.accumulator = self.array, self.accumulator
        m.d.comb += self.accumulator.psums.eq(self.array.psums)
        return m


@pytest.mark.parametrize(
    ("rows", "cols", "shapes"),
    [
        (4, 4, [(4, 16, 4), (1, 4, 1), (6, 5, 2), (1, 21, 3)]),
        (8, 4, [(8, 30, 4), (3, 17, 1), (9, 8, 4)]),
    ],
)
def test_matrix_products_behind_the_array(rows, cols, shapes):
    """Blocks of M x K by K x N, tiles one after another with no cycle between them."""
    params = Params(rows=rows, cols=cols, acc_rows=64)
    dut = Pair(params)
    rng = np.random.default_rng(rows)
    vectors, rows_in, swaps, tags, expected, biases = {}, {}, set(), {}, [], []
    swap = previous = 60
    for number, (pixels, depth, used) in enumerate(shapes):
        a = rng.integers(-128, 128, (pixels, depth))
        w = rng.integers(-128, 128, (depth, used))
        bias = rng.integers(-(2**20), 2**20, cols)
        count = -(-depth // rows)
        a_full = np.pad(a, ((0, 0), (0, count * rows - depth)), constant_values=77)
        w_full = np.pad(w, ((0, count * rows - depth), (0, cols - used)))
        biases.append(bias)
        expected.append(bias + np.pad(a @ w, ((0, 0), (0, cols - used))))
        for t in range(count):
            load = previous if swaps else swap - rows
            rows_in.update({load + r: (r, w_full[t * rows + r]) for r in range(rows)})
            swaps.add(swap)
            for row in range(pixels):
                vectors[swap + 1 + row] = a_full[row, t * rows : (t + 1) * rows]
                last = t == count - 1 and row == pixels - 1
                tags[swap + 1 + row] = tag(t == 0, last, number % 2, number % PARAM_SLOTS, row)
            previous, swap = swap, swap + max(pixels, rows)
    results = []

    async def feed(ctx):
        for slot, bias in enumerate(biases):
            await write_bias(ctx, dut.accumulator.param, slot, bias)
        for cycle in range(9 * len(biases), swap + 200):
            ctx.set(dut.array.lanes, vectors.get(cycle, np.full(rows, 99)).tolist())
            ctx.set(dut.array.swap, cycle in swaps)
            index, values = rows_in.get(cycle, (0, np.zeros(cols, int)))
            ctx.set(dut.array.weight.valid, cycle in rows_in)
            ctx.set(dut.array.weight.index, index)
            ctx.set(dut.array.weight.data, values.tolist())
            ctx.set(dut.accumulator.tag, tags.get(cycle, dict(tag(), valid=0)))
            await ctx.tick()

    async def drain(ctx):
        # Blocks here are too short to read one beside the next; only each bank's last is read.
        for _ in shapes:
            await ctx.tick().until(dut.accumulator.block_done)
        for number in (len(shapes) - 2, len(shapes) - 1):
            every = list(range(shapes[number][0]))
            read = dut.accumulator.read
            results.append(await read_rows(ctx, read, number % 2, every, cols))

    simulate(dut, feed, drain)
    np.testing.assert_array_equal(results[0], expected[-2])
    np.testing.assert_array_equal(results[1], expected[-1])
