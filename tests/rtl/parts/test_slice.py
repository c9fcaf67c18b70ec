"""The register slice: order, full throughput, and no path from ready to ready."""

import random

import pytest
from amaranth.sim import Simulator

from accel.rtl.parts.slice import StreamSlice


def run(count, offer, take):
    """Send 0, 1, ... while ``offer``, take while ``take``; return what came out, and when."""
    dut, taken, cycle = StreamSlice(8), [], 0
    sim = Simulator(dut)
    sim.add_clock(1e-8)

    async def main(ctx):
        nonlocal cycle
        sent = 0
        while len(taken) < count:
            ctx.set(dut.input.valid, sent < count and offer())
            ctx.set(dut.input.payload, sent)
            before = ctx.get(dut.input.ready)
            ctx.set(dut.output.ready, take())
            assert ctx.get(dut.input.ready) == before
            assert ctx.get(dut.level) == sent - len(taken)
            if ctx.get(dut.output.valid) and ctx.get(dut.output.ready):
                taken.append((ctx.get(dut.output.payload), cycle))
            sent += ctx.get(dut.input.valid) and ctx.get(dut.input.ready)
            await ctx.tick()
            cycle += 1
            assert cycle < 20 * count

    sim.add_testbench(main)
    sim.run()
    return taken


def test_an_entry_a_cycle_after_one():
    taken = run(20, lambda: True, lambda: True)
    assert taken == [(n, n + 1) for n in range(20)]


@pytest.mark.parametrize("offered, wanted", [(0.3, 0.9), (0.9, 0.3), (0.5, 0.5)])
def test_order_with_random_stalls(offered, wanted):
    rng = random.Random(7)
    taken = run(200, lambda: rng.random() < offered, lambda: rng.random() < wanted)
    assert [value for value, _ in taken] == list(range(200))
