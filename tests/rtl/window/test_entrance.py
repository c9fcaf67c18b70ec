"""Copies and the array's words on their way into the window unit's buffer, through one port."""

import random

from accel.params import Params
from accel.rtl.im2col.banks import window_banks
from accel.rtl.window.entrance import BufferEntrance
from tests.rtl.im2col.entrances import Entrance


def test_copies_make_way_for_words():
    """Both write everything they have; a copy is as much later as there were words."""
    params = Params(rows=8, cols=4, bus_bytes=8, input_bytes=4096, window_taps=4, window_bytes=512)
    rng, dut = random.Random(3), BufferEntrance(params)
    entrance = Entrance(dut, params, window_banks(params), 512)
    beats = [rng.randbytes(8) for _ in range(20)]
    words = {40 + n: rng.randbytes(4) for n in range(40)}

    async def write(ctx):
        for addr, word in words.items():
            while rng.random() < 0.5:
                await ctx.tick()
            signed = [byte - 256 if byte > 127 else byte for byte in word]
            ctx.set(dut.near, {"valid": 1, "addr": 4 * addr, "data": signed})
            await ctx.tick()
            ctx.set(dut.near.valid, 0)

    entrance.run(beats, write)
    assert entrance.buffer[:160] == b"".join(beats)
    assert entrance.buffer[160:320] == b"".join(words.values())
    assert sum(entrance.taken) >= len(beats) and len(entrance.completed) == 1
