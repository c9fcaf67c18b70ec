"""The flags are what the FIFO itself says of its level, in every cycle."""

import random

import pytest
from amaranth import Module
from amaranth.lib.fifo import SyncFIFO
from amaranth.sim import Simulator

from accel.rtl.parts.full import full_flag, some_flag


@pytest.mark.parametrize("depth", [2, 3, 8])
def test_it_is_the_fifos_own_word(depth):
    m, rng, seen = Module(), random.Random(depth), []
    m.submodules.fifo = fifo = SyncFIFO(width=1, depth=depth)
    full, some = full_flag(m, fifo), some_flag(m, fifo)

    async def bench(ctx):
        for cycle in range(400):
            ready = ctx.get(fifo.w_rdy)
            assert ctx.get(full) == (not ready)
            assert ctx.get(some) == ctx.get(fifo.r_rdy)
            seen.append(ready)
            # It fills and empties in turns; nothing is written while it is full.
            more = rng.random() < (0.8 if cycle // 40 % 2 else 0.3)
            ctx.set(fifo.w_en, ready and more)
            ctx.set(fifo.r_en, rng.random() < 0.5)
            await ctx.tick()

    sim = Simulator(m)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    assert 20 < sum(not ready for ready in seen) < 380
