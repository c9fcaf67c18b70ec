"""The requantiser against its definition, and a sample of the campaign over random sums."""

import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from accel.isa import FLOATS, Rounding
from accel.params import REQUANT_LATENCY
from accel.rtl.post.requantise import Requantiser
from tests.rtl.expected import requantise
from tests.support.requantisers import STICKY, build, compare, defined, vectors

CORNERS = (0, 1, -1, 2, -2, 3, -3, 127, -128, 1 << 16, -(1 << 16), (1 << 31) - 1, -(1 << 31))
MULTIPLIERS = (0, 1, 1 << 16, 1 << 30, (1 << 30) + 1, 3 << 29, (1 << 31) - 1)
FLOAT_MULTIPLIERS = (0, 1 << 30, (1 << 30) + 128, 3 << 29, (1 << 31) - 128)


def cases(rng, count, rounding):
    """Corners, values around rounding halves, and random ones."""
    if rounding in FLOATS:
        return float_cases(rng, count)
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


def float_cases(rng, count):
    """The same for factors that are float32: every length of a sum, ties of all three roundings."""
    sums = [*CORNERS]
    for bits in range(32):
        sums += [sign * ((1 << bits) + near) for sign in (1, -1) for near in (-1, 0, 1)]
    # Between two float32, just beside the middle, and up to the next power of two.
    sums += [sign * value for sign in (1, -1) for value in
             ((1 << 24) + 1, (1 << 24) + 3, (1 << 25) + 2, (1 << 25) + 6, (1 << 25) + 5,
              (1 << 30) + 32, (1 << 30) + 33, (1 << 25) - 1, (1 << 31) - 65)]  # fmt: skip
    result = [(sign * x, factor << 7, shift) for x, factor, shift in STICKY for sign in (1, -1)]
    result += [
        (x, multiplier, shift)
        for x in sums
        for multiplier in FLOAT_MULTIPLIERS
        for shift in (30, 7, 1, 0, -1, -2, -6, -24, -30, -31)
    ]
    for bits in range(1, 24):  # results of exactly n + 1/2: odd sums by a power of two
        for odd in (1, 3, 5, 127, 255, (1 << bits) - 1):
            result += [(sign * (odd << bits >> 1), 1 << 30, 1 - bits) for sign in (1, -1)]
    for _ in range(count):
        multiplier = rng.randrange(1 << 23, 1 << 24) << 7
        x = rng.randint(-(1 << 31), (1 << 31) - 1) >> rng.randrange(32)
        result.append((x, multiplier, rng.randint(-31, 30)))
        # Around n + 1/2, where a product is, or is not, rounded to a tie.
        shift = rng.randint(-22, -5)
        half = (2 * rng.randint(-130, 130) + 1) / 2
        nearest = round(half * 2.0 ** (31 - shift) / multiplier)
        result.append((nearest, multiplier, shift))
    return [case for case in result if -(1 << 31) <= case[0] < 1 << 31]


@pytest.mark.parametrize("rounding, zero, lo, hi", [
    # The definitions of float32's take seconds.
    pytest.param(rounding, *limits, marks=[pytest.mark.campaign] * (rounding in FLOATS and one > 0))
    for rounding in Rounding
    for one, limits in enumerate([(127, -7, 100), (0, -128, 127), (-128, -128, 127)])
])  # fmt: skip
def test_matches_definition(rounding, zero, lo, hi):
    inputs = cases(random.Random(zero), 400, rounding)
    results = simulate(inputs, rounding=rounding, zero=zero, lo=lo, hi=hi)
    expected = [requantise(*case, rounding, zero, lo, hi) for case in inputs]
    assert len(results) == len(expected)
    for case, result, value in zip(inputs, results, expected, strict=True):
        assert result == value, f"x, multiplier, shift = {case}"


@pytest.mark.parametrize("rounding", list(Rounding))
def test_a_sample_of_the_campaign(rounding):
    columns = vectors(np.random.default_rng(2), 1000, rounding)
    inputs = list(zip(*(column.tolist() for column in columns), strict=True))
    results = simulate(inputs, rounding=rounding, zero=7, lo=-100, hi=127)
    expected = defined(*columns, rounding, 7, -100, 127).tolist()
    assert results == expected
    assert expected == [requantise(*case, rounding, 7, -100, 127) for case in inputs]


@pytest.mark.campaign
@pytest.mark.parametrize("rounding", list(Rounding))
def test_a_million_sums(rounding, tmp_path):
    result = compare(build(tmp_path), np.random.default_rng([3, rounding]), rounding, 1_000_000)
    assert result["mismatches"] == 0, result["first"]
    assert result["not_clamped"] > 300_000


def simulate(inputs, **config):
    """The requantiser's results of (sum, multiplier, shift), one a cycle."""
    dut = Requantiser()
    results = []

    async def drive(ctx):
        for name, value in config.items():
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
    return results


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
