"""The im2col buffer: lanes of any base and offsets, in their cycle."""

import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from accel.params import IM2COL_LATENCY, Params
from accel.rtl.im2col.buffer import Im2colBuffer


async def fill(ctx, dut, params, image):
    """Write ``image``, R bytes a cycle."""
    ctx.set(dut.write.enable, (1 << params.rows) - 1)
    for row in range(params.input_rows):
        for bank in range(params.rows):
            ctx.set(dut.write.row[bank], row)
            ctx.set(dut.write.data[bank], int(image[row * params.rows + bank]))
        await ctx.tick()
    ctx.set(dut.write.enable, 0)


def run(dut, bench):
    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("rows", [4, 8, 16])
def test_lanes_of_random_bases_and_offsets_come_after_the_latency(rows):
    params = Params(rows=rows, cols=4, input_bytes=16 * rows, acc_rows=16, bus_bytes=4)
    rng = random.Random(rows)
    image = np.frombuffer(rng.randbytes(params.input_bytes), np.int8)
    dut = Im2colBuffer(params)
    count, expected = 300, {}

    async def bench(ctx):
        await fill(ctx, dut, params, image)
        offsets = [0] * rows
        for cycle in range(count + IM2COL_LATENCY + 1):
            ctx.set(dut.read.offsets, offsets)  # those of the vector issued a cycle before
            valid = cycle < count and rng.random() < 0.8
            base = rng.choice([rng.randrange(params.input_bytes), params.input_bytes - 1])
            ctx.set(dut.read.valid, valid)
            ctx.set(dut.read.base, base)
            if valid:
                if rng.random() < 0.3:  # a new tile; the bank rows wrap at the buffer's end
                    offsets = [rng.randrange(params.input_rows) for _ in range(rows)]
                lanes = np.arange(rows)
                places = base + lanes + rows * np.array(offsets)
                expected[cycle + IM2COL_LATENCY] = list(image[places % params.input_bytes])
            *_, got = await ctx.tick().sample(dut.lanes)
            if cycle in expected:
                assert list(got) == expected[cycle], f"cycle {cycle}"

    run(dut, bench)
    assert len(expected) > count // 2


def test_a_byte_is_seen_by_a_read_issued_in_the_cycle_after_its_write():
    params = Params(rows=4, cols=4, input_bytes=64, acc_rows=16, bus_bytes=4)
    dut = Im2colBuffer(params)

    async def bench(ctx):
        ctx.set(dut.write.enable, 0b0100)
        ctx.set(dut.write.row[2], 15)
        ctx.set(dut.write.data[2], 0x80)
        await ctx.tick()
        ctx.set(dut.write.enable, 0)
        ctx.set(dut.read.valid, 1)
        ctx.set(dut.read.base, 62)
        await ctx.tick().repeat(IM2COL_LATENCY)
        assert list(ctx.get(dut.lanes)) == [-128, 0, 0, 0]

    run(dut, bench)


@pytest.mark.parametrize("rows", [8, 16])
def test_a_convolution_window_with_the_compilers_row_pitch(rows):
    """Rows of P bytes with P = kw * Cin (mod R): every K vector of a kernel in one cycle."""
    kernel_h, kernel_w, channels, width = 3, 3, 5, 7
    segment = kernel_w * channels
    skip = -(-(width * channels - segment) // rows)
    pitch = segment + skip * rows
    params = Params(rows=rows, cols=4, input_bytes=32 * rows, acc_rows=16, bus_bytes=4)
    rng = random.Random(rows)
    image = np.frombuffer(rng.randbytes(params.input_bytes), np.int8)
    reduction = kernel_h * segment
    dut, start = Im2colBuffer(params), params.input_bytes - pitch  # wraps in the first window

    async def bench(ctx):
        await fill(ctx, dut, params, image)
        for tile in range(-(-reduction // rows)):
            k = np.arange(tile * rows, (tile + 1) * rows)
            for x in range(width - kernel_w + 1):
                base = (start + x * channels) % params.input_bytes
                ctx.set(dut.read.valid, 1)
                ctx.set(dut.read.base, base)
                await ctx.tick()
                ctx.set(dut.read.valid, 0)
                ctx.set(dut.read.offsets, [int(t) for t in tile + skip * (k // segment)])
                await ctx.tick().repeat(IM2COL_LATENCY - 1)
                got = list(ctx.get(dut.lanes))
                for lane, index in enumerate(k):
                    row, inside = divmod(index, segment)
                    address = start + row * pitch + x * channels + inside
                    if index < reduction:
                        assert got[lane] == image[address % params.input_bytes]

    run(dut, bench)
