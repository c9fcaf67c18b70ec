"""The window unit's column: outputs of random groups in every mode."""

import random

import pytest
from amaranth.sim import Simulator
from amaranth.utils import exact_log2

from accel.rtl.window.column import WindowColumn, column_latency

SUM, MAX, PAIR, MIN = range(4)


def rights(taps, count):
    """For each node of the tree, whether its right side has one of the first ``count`` taps."""
    flags = [
        tap < count
        for level in range(exact_log2(taps))
        for tap in range(1 << level, taps, 2 << level)
    ]
    return sum(flag << n for n, flag in enumerate(flags))


@pytest.mark.parametrize("taps", (2, 4, 8, 16))
@pytest.mark.parametrize("what", (SUM, MAX, PAIR, MIN))
def test_outputs_of_random_groups(taps, what):
    """One output after another; the taps behind the window have any element, and weight 0."""
    rng = random.Random(taps + what)
    dut = WindowColumn(taps)
    latency = column_latency(taps)

    async def group(ctx, x, weights, count, first, start):
        """A group alone in the pipeline."""
        ctx.set(dut.x, x)
        ctx.set(dut.weights, weights)
        ctx.set(dut.rights, rights(taps, count))
        ctx.set(dut.first, first)
        ctx.set(dut.start, start)
        for stage in range(latency):
            ctx.set(dut.valid, 1 << stage)
            await ctx.tick()
        ctx.set(dut.valid, 0)

    async def bench(ctx):
        ctx.set(dut.largest, what != SUM)
        ctx.set(dut.pair, what == PAIR)
        ctx.set(dut.smaller, what == MIN)
        for _ in range(40):
            k = 2 if what in (PAIR, MIN) else rng.randint(1, 3 * taps)
            start = rng.randint(-(1 << 30), 1 << 30)
            elements = [rng.choice([-128, 127, rng.randint(-128, 127)]) for _ in range(k)]
            factors = [rng.choice([-128, rng.randint(-128, 127)]) for _ in range(k)]
            if what != SUM:
                factors = [1] * k
            for begin in range(0, k, taps):
                x, weights = elements[begin : begin + taps], factors[begin : begin + taps]
                rest = taps - len(x)
                rubbish = [rng.randint(-128, 127) for _ in range(rest)]
                await group(ctx, x + rubbish, weights + [0] * rest, len(x), begin == 0, start)
            total = ctx.get(dut.total)
            if what == SUM:
                pairs = zip(elements, factors, strict=True)
                assert total == start + sum(x * weight for x, weight in pairs)
            elif what == MAX:
                assert total == max(elements)
            elif what == MIN:
                assert total == min(elements)
            else:
                assert total & 0xFFFF == (elements[0] & 255) | (elements[1] & 255) << 8

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
