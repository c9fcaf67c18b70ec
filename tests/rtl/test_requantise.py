import random

import pytest
from amaranth.sim import Simulator

from accel.isa import Rounding
from accel.params import REQUANT_LATENCY
from rtl.requantise import Requantiser
from tests.rtl.expected import requantise

CORNERS = (0, 1, -1, 2, -2, 3, -3, 127, -128, 1 << 16, -(1 << 16), (1 << 31) - 1, -(1 << 31))
MULTIPLIERS = (0, 1, 1 << 16, 1 << 30, (1 << 30) + 1, 3 << 29, (1 << 31) - 1)


def cases(rng, count):
    """Corners, values around rounding halves, and random ones."""
    result = [
        (x, multiplier, shift)
        for x in CORNERS
        for multiplier in MULTIPLIERS
        for shift in (0, -1, -2, -8, -30, -31)
    ]
    for shift in (-1, -4, -9, 0):  # exact ties: x * 2**30 * 2**shift / 2**31
        result += [(x << -shift, 1 << 30, shift) for x in (1, -1, 3, -3, 5, -5)]
    for _ in range(count):
        shift = rng.randint(-31, 12)
        bits = rng.randint(1, 31 - max(shift, 0))
        x = rng.randint(-(1 << bits), (1 << bits) - 1)
        result.append(
            (x, rng.choice((rng.randrange(1 << 30, 1 << 31), rng.randrange(1 << 31))), shift)
        )
        # A result near +-64: the interesting part is not the clamp.
        result.append((rng.randint(-(1 << 20), 1 << 20), rng.randrange(1 << 30, 1 << 31), -13))
    return result


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("zero, lo, hi", [(0, -128, 127), (-128, -128, 127), (127, -7, 100)])
def test_matches_definition(rounding, zero, lo, hi):
    inputs = cases(random.Random(zero), 400)
    dut = Requantiser()
    results = []

    async def drive(ctx):
        for name, value in (("rounding", rounding), ("zero", zero), ("lo", lo), ("hi", hi)):
            ctx.set(getattr(dut, name), value)
        await ctx.tick()
        for x, multiplier, shift in inputs:
            ctx.set(dut.valid, 1)
            ctx.set(dut.x, x)
            ctx.set(dut.multiplier, multiplier)
            ctx.set(dut.shift, shift)
            await ctx.tick()
        ctx.set(dut.valid, 0)
        await ctx.tick().repeat(REQUANT_LATENCY + 2)

    async def collect(ctx):
        async for _, _, valid, y in ctx.tick().sample(dut.valid_out, dut.y):
            if valid:
                results.append(y)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(collect, background=True)
    simulator.run()
    expected = [requantise(*case, rounding, zero, lo, hi) for case in inputs]
    assert len(results) == len(expected)
    for case, result, value in zip(inputs, results, expected, strict=True):
        assert result == value, f"x, multiplier, shift = {case}"


def test_latency():
    dut = Requantiser()

    async def drive(ctx):
        ctx.set(dut.hi, 127)
        ctx.set(dut.valid, 1)
        ctx.set(dut.x, 100)
        ctx.set(dut.multiplier, 1 << 30)
        await ctx.tick()
        ctx.set(dut.valid, 0)
        for _ in range(REQUANT_LATENCY - 1):
            assert not ctx.get(dut.valid_out)
            await ctx.tick()
        assert ctx.get(dut.valid_out)
        assert ctx.get(dut.y) == 50
        await ctx.tick()
        assert not ctx.get(dut.valid_out)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
