"""Copies and the window unit's pixels on their way into the im2col buffer, through one port."""

import random

import pytest
from amaranth import Module
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from accel.params import Params
from accel.rtl.im2col.banks import im2col_banks
from accel.rtl.im2col.entrance import Im2colEntrance
from accel.rtl.im2col.place import Placer


@pytest.mark.parametrize("rows, cols", [(8, 8), (16, 4)])
def test_copies_make_way_for_pixels_of_any_width_at_any_address(rows, cols):
    """Both write everything they have; around the end of the buffer, too."""
    size = 16 * rows
    params = Params(rows=rows, cols=cols, bus_bytes=8, input_bytes=size, window_taps=4,
                    window_bytes=512)  # fmt: skip
    banks, rng = im2col_banks(params), random.Random(rows)
    m = Module()
    m.submodules.placer = placer = Placer(params, banks)
    m.submodules.dut = dut = Im2colEntrance(params)
    connect(m, placer.write, dut.copies)
    m.d.comb += placer.stall.eq(dut.stall)
    beats = [rng.randbytes(8) for _ in range(7)]
    # Pixels behind the copy's bytes, one directly behind the other, the last ones around the end.
    pixels, end = [], 8 * len(beats)
    while end < size + 5:
        width = rng.randint(1, cols)
        pixels.append((end % size, rng.randbytes(width)))
        end += width
    expected = bytearray(size)
    expected[: 8 * len(beats)] = b"".join(beats)
    for addr, pixel in pixels:
        for n, byte in enumerate(pixel):
            expected[(addr + n) % size] = byte
    buffer, steps, completed = bytearray(size), [], []

    async def copy(ctx):
        ctx.set(placer.input.payload, {"dst": 0, "left": 8 * len(beats) - 1, "last": 1})
        ctx.set(placer.input.valid, 1)
        await ctx.tick()
        ctx.set(placer.input.valid, 0)
        for beat in beats:
            ctx.set(placer.beats.payload, int.from_bytes(beat, "little"))
            ctx.set(placer.beats.valid, 1)
            await ctx.tick().until(placer.beats.ready)
        ctx.set(placer.beats.valid, 0)
        await ctx.tick().repeat(40)

    async def write(ctx):
        for number, (addr, pixel) in enumerate(pixels):
            if addr < 16:  # behind the copy, which lies there, too
                await ctx.tick().repeat(60)
            while number % 3 and rng.random() < 0.5:
                await ctx.tick()
            data = [byte - 256 if byte > 127 else byte for byte in pixel]
            data += [rng.randrange(-128, 128) for _ in range(cols - len(pixel))]
            ctx.set(dut.near, {"valid": 1, "addr": addr, "cols": len(pixel), "data": data})
            await ctx.tick()
            ctx.set(dut.near, {"valid": 0, "addr": 0, "cols": 0, "data": [0] * cols})
        await ctx.tick().repeat(5)

    async def watch(ctx):
        cycle = 0
        async for _, _, enable, row, data, stall, ready, done in ctx.tick().sample(
            dut.write.enable, dut.write.row, dut.write.data, dut.stall, placer.beats.ready,
            placer.completed,
        ):
            cycle += 1
            assert not (stall and ready)
            steps.append(ready)
            completed.extend([cycle] * done)
            for lane in range(rows):
                if enable >> lane & 1:
                    buffer[row[lane] * rows + lane] = data[lane]

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(copy)
    simulator.add_testbench(write)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    assert buffer == expected
    assert sum(steps) >= len(beats) and len(completed) == 1
