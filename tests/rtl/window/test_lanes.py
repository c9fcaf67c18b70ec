"""The requantising lanes: outputs as fast as they may come."""

import random

import pytest
from amaranth.sim import Simulator

from accel.isa import PAIRS, Rounding, WindowMode
from accel.params import Params
from accel.rtl.window.lanes import RELAYS, WindowLanes, lanes_latency
from accel.rtl.window.scale import SCALE_LATENCY
from tests.rtl.expected import requantise
from tests.rtl.window.model import scaled

MAC, SUM, MAX, ADD, MUL, SUB, MIN = WindowMode


@pytest.mark.parametrize("cols, lanes", [(4, 4), (8, 2), (4, 1)])
@pytest.mark.parametrize("mode", (MAC, SUM, ADD, MUL, SUB, MIN))
def test_outputs_as_fast_as_they_may_come(cols, lanes, mode):
    params = Params(rows=8, cols=cols, input_bytes=4096, acc_rows=16, bus_bytes=8,
                    window_taps=2, window_lanes=lanes)  # fmt: skip
    dut, rng, pace = WindowLanes(params), random.Random(cols + lanes), cols // lanes
    config = {
        "mode": mode, "rounding": Rounding.DOUBLE, "out_zero": 4, "lo": -120, "hi": 121,
        "multiplier": 3 << 29, "shift": -18 if mode in (ADD, SUB) else -8, "a_zero": -7,
        "b_zero": 9, "a_multiplier": 3 << 29, "a_shift": -1, "b_multiplier": 5 << 28, "b_shift": 0,
        "offset": -99,
    }  # fmt: skip
    if mode == MUL:
        config |= {"a_multiplier": 0, "a_shift": 0, "b_multiplier": 0, "offset": 0}
    slots = [[(rng.randrange(1 << 30, 1 << 31), rng.randint(-10, -5)) for _ in range(cols)]
             for _ in range(2)]  # fmt: skip
    outputs = [[rng.randint(-(1 << 15), 1 << 15) for _ in range(cols)] for _ in range(20)]

    def expected(sums, slot):
        vector = []
        for x, own in zip(sums, slots[slot], strict=True):
            multiplier, shift = own if mode == MAC else (config["multiplier"], config["shift"])
            a, b = ((byte ^ 128) - 128 for byte in (x & 255, x >> 8 & 255))
            if mode == ADD:
                x = scaled(a, -7, 3 << 29, -1) + scaled(b, 9, 5 << 28, 0) - 99
            elif mode == SUB:
                x = scaled(a, -7, 3 << 29, -1) - (scaled(b, 9, 5 << 28, 0) - 99)
            elif mode == MUL:
                x = (a + 7) * (b - 9)
            vector.append(requantise(x, multiplier, shift, Rounding.DOUBLE, 4, -120, 121))
        return vector

    got, free = [], []

    async def watch(ctx):
        cycle = 0
        async for _, _, valid, vector, last, slot_free in ctx.tick().sample(
            dut.valid, dut.vector, dut.last, dut.slot_free
        ):
            if valid:
                got.append((cycle, list(vector), last))
            if slot_free:
                free.append(cycle)
            cycle += 1

    async def slot(ctx):
        async for values in ctx.changed(dut.scale_slot):
            for c, (multiplier, shift) in enumerate(slots[values[0]]):
                ctx.set(dut.scales.multiplier[c], multiplier)
                ctx.set(dut.scales.shift[c], shift)

    async def bench(ctx):
        ctx.set(dut.config, config)
        await ctx.tick().repeat(RELAYS)
        for number, sums in enumerate(outputs):
            ctx.set(dut.load, 1)
            ctx.set(dut.sums, sums)
            ctx.set(dut.slot, number >= 10)
            ctx.set(dut.final, number in (9, 19))
            await ctx.tick()
            ctx.set(dut.load, 0)
            ctx.set(dut.sums, [0] * cols)
            for _ in range(pace - 1):
                await ctx.tick()
        await ctx.tick().repeat(lanes_latency(params) + SCALE_LATENCY + 1)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(watch, background=True)
    sim.add_testbench(slot, background=True)
    sim.add_testbench(bench)
    sim.run()
    latency = lanes_latency(params) + SCALE_LATENCY * (mode in PAIRS)
    assert got == [
        (RELAYS + number * pace + latency, expected(sums, number >= 10), number in (9, 19))
        for number, sums in enumerate(outputs)
    ]
    assert free == ([RELAYS + n * pace + pace + 1 for n in (9, 19)] if mode == MAC else [])
