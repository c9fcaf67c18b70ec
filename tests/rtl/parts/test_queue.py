# amaranth: UnusedElaboratable=no
"""The deep queue: order, speed, latency and depth."""

import random

import pytest

from accel.rtl.parts.queue import RamQueue
from tests.rtl.read_memory import simulate


def test_entries_come_out_in_order_at_one_a_cycle_after_the_latency():
    dut, out, count = RamQueue(8, 8), [], 200
    rng = random.Random(0)

    async def feed(ctx):
        for value in range(count):
            ctx.set(dut.input.payload, value)
            ctx.set(dut.input.valid, 1)
            await ctx.tick().until(dut.input.ready)
            ctx.set(dut.input.valid, 0)
            if value > 100 and rng.random() < 0.5:
                await ctx.tick().repeat(rng.randint(1, 4))

    async def drain(ctx):
        cycle = 0
        while len(out) < count:
            ready = len(out) < 50 or rng.random() < 0.5
            ctx.set(dut.output.ready, ready)
            *_, valid, value = await ctx.tick().sample(dut.output.valid, dut.output.payload)
            if valid and ready:
                if len(out) < 50:
                    assert cycle == len(out) + RamQueue.LATENCY
                out.append(value)
            cycle += 1

    simulate(dut, feed, drain)
    assert out == list(range(count))


def test_it_holds_its_depth_and_then_refuses():
    dut = RamQueue(8, 4)

    async def bench(ctx):
        ctx.set(dut.input.valid, 1)
        taken = 0
        for _ in range(20):
            *_, ready = await ctx.tick().sample(dut.input.ready)
            taken += ready
            assert ctx.get(dut.level) == taken
        assert 4 <= taken <= 7

    simulate(dut, bench)


@pytest.mark.parametrize("depth", [2, 6, 0])
def test_it_refuses_a_bad_depth(depth):
    rule = f"depth must be a power of two of at least 4, not {depth}"
    with pytest.raises(ValueError, match=rule):
        RamQueue(8, depth)
