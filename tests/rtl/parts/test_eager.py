"""The queue does what Amaranth's own does, in every cycle."""

import random

import pytest
from amaranth import Module
from amaranth.lib.fifo import SyncFIFO
from amaranth.sim import Simulator

from accel.rtl.parts.eager import EagerFIFO


@pytest.mark.parametrize("depth", [2, 4, 32])
def test_it_is_amaranths_queue(depth):
    m, rng, levels = Module(), random.Random(depth), set()
    m.submodules.usual = usual = SyncFIFO(width=8, depth=depth)
    m.submodules.eager = eager = EagerFIFO(8, depth)

    async def bench(ctx):
        for cycle in range(1000):
            some = ctx.get(usual.r_rdy)
            assert ctx.get(eager.w_rdy) == ctx.get(usual.w_rdy)
            assert ctx.get(eager.r_rdy) == some
            assert ctx.get(eager.level) == ctx.get(usual.level)
            assert not some or ctx.get(eager.r_data) == ctx.get(usual.r_data)
            levels.add(ctx.get(usual.level))
            more = rng.random() < (0.8 if cycle // 100 % 2 else 0.3)
            entry, takes = rng.randrange(256), rng.random() < 0.5
            for fifo in (usual, eager):
                ctx.set(fifo.w_data, entry)
                ctx.set(fifo.w_en, more)
                ctx.set(fifo.r_en, takes)
            await ctx.tick()

    sim = Simulator(m)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    assert levels == set(range(depth + 1))
