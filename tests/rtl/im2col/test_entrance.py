"""Copies and the window unit's pixels on their way into the im2col buffer, through one port."""

import random

import pytest

from accel.params import Params
from accel.rtl.im2col.banks import im2col_banks
from accel.rtl.im2col.entrance import Im2colEntrance
from tests.rtl.im2col.entrances import Entrance


@pytest.mark.parametrize("rows, cols", [(8, 8), (16, 4)])
def test_copies_make_way_for_pixels_of_any_width_at_any_address(rows, cols):
    """Both write everything they have; around the end of the buffer, too."""
    size = 16 * rows
    params = Params(rows=rows, cols=cols, bus_bytes=8, input_bytes=size, window_taps=4,
                    window_bytes=512)  # fmt: skip
    rng, dut = random.Random(rows), Im2colEntrance(params)
    entrance = Entrance(dut, params, im2col_banks(params), size)
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

    entrance.run(beats, write)
    assert entrance.buffer == expected
    assert sum(entrance.taken) >= len(beats) and len(entrance.completed) == 1
