"""Copies and the array's words on their way into the window unit's buffer, through one port."""

import random

from amaranth import Module
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from accel.params import Params
from accel.rtl.im2col.banks import window_banks
from accel.rtl.im2col.place import Placer
from accel.rtl.window.entrance import BufferEntrance


def test_copies_make_way_for_words():
    """Both write everything they have; a copy is as much later as there were words."""
    params = Params(rows=8, cols=4, bus_bytes=8, input_bytes=4096, window_taps=4, window_bytes=512)
    banks, rng = window_banks(params), random.Random(3)
    m = Module()
    m.submodules.placer = placer = Placer(params, banks)
    m.submodules.dut = dut = BufferEntrance(params)
    connect(m, placer.write, dut.copies)
    m.d.comb += placer.stall.eq(dut.stall)
    beats = [rng.randbytes(8) for _ in range(20)]
    words = {40 + n: rng.randbytes(4) for n in range(40)}
    buffer, taken, completed = bytearray(512), [], []

    async def copy(ctx):
        ctx.set(placer.input.payload, {"dst": 0, "left": 159, "last": 1})
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
        for addr, word in words.items():
            while rng.random() < 0.5:
                await ctx.tick()
            signed = [byte - 256 if byte > 127 else byte for byte in word]
            ctx.set(dut.near, {"valid": 1, "addr": 4 * addr, "data": signed})
            await ctx.tick()
            ctx.set(dut.near.valid, 0)

    async def watch(ctx):
        cycle = 0
        async for _, _, enable, row, data, stall, ready, done in ctx.tick().sample(
            dut.write.enable, dut.write.row, dut.write.data, dut.stall, placer.beats.ready,
            placer.completed,
        ):
            cycle += 1
            assert not (stall and ready)
            taken.append(ready)
            completed.extend([cycle] * done)
            for lane in range(banks.lanes):
                bank, byte = divmod(lane, banks.word)
                if enable >> lane & 1:
                    buffer[row[bank] * banks.lanes + lane] = data[bank] >> 8 * byte & 255

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(copy)
    simulator.add_testbench(write)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    assert buffer[:160] == b"".join(beats)
    assert buffer[160:320] == b"".join(words.values())
    assert sum(taken) >= len(beats) and len(completed) == 1
