"""Where the taps of a window lie: random windows, and how long they take to prepare."""

import random

import pytest
from amaranth.sim import Simulator

from accel.rtl.im2col.banks import Banks
from accel.rtl.window.offsets import TapOffsets


def expected(taps, rows, seg, skip, group):
    return [(group * taps + tap) // seg * skip % rows for tap in range(taps)]


@pytest.mark.parametrize("taps", (2, 4, 8, 16))
def test_offsets_of_random_windows(taps):
    """Outputs of several groups, with pauses, from command to command without one."""
    banks = Banks(taps, 4, taps * 4 * 32)
    rng = random.Random(taps)
    dut = TapOffsets(banks)
    commands = [
        (rng.choice([1, 2, 3, taps - 1, taps, taps + 1, rng.randint(1, 80), 65535]),
         rng.randrange(1 << 16), rng.randint(1, 9), rng.randint(1, 3))
        for _ in range(60)
    ]  # fmt: skip
    asked, got = [], []

    async def prepare(ctx, seg, skip):
        ctx.set(dut.seg, seg)
        ctx.set(dut.seg_skip, skip)
        ctx.set(dut.prepare, 1)
        await ctx.tick().repeat(taps + 1)
        assert ctx.get(dut.prepared)

    async def tick(ctx):
        """One cycle, in which the strobes are as they were set."""
        step = ctx.get(dut.step)
        await ctx.tick()
        ctx.set(dut.take, 0)
        ctx.set(dut.step, 0)
        if step:
            got.append(list(ctx.get(dut.offsets)))

    async def bench(ctx):
        for number, (seg, skip, groups, outputs) in enumerate(commands):
            if number == 0:
                await prepare(ctx, seg, skip)
            ctx.set(dut.take, 1)
            await tick(ctx)
            ctx.set(dut.prepare, 0)
            for last_output in [False] * (outputs - 1) + [True]:
                for group in range(groups):
                    if last_output and group == groups - 1 and number + 1 < len(commands):
                        await prepare(ctx, *commands[number + 1][:2])
                    while rng.random() < 0.2:
                        await tick(ctx)
                    ctx.set(dut.step, 1)
                    ctx.set(dut.restart, group == groups - 1)
                    asked.append(expected(taps, banks.rows, seg, skip, group))
                    await tick(ctx)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    assert got == asked
    assert len(got) > 300


def test_preparation_takes_a_cycle_more_than_taps():
    dut = TapOffsets(Banks(4, 4, 256))

    async def bench(ctx):
        ctx.set(dut.seg, 3)
        ctx.set(dut.prepare, 1)
        for _ in range(5):
            assert not ctx.get(dut.prepared)
            await ctx.tick()
        assert ctx.get(dut.prepared)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
