"""The end of a program is seen when all is over, and not before."""

import random

import pytest
from amaranth.sim import Simulator

from accel.params import Params
from accel.rtl.control.scoreboard import Scoreboard

#: Cycles from an input to the outputs: it is registered, then judged.
LATENCY = 2
ENGINES = ("load", "weights", "exec", "post", "wload", "wparam", "window")
COUNTED = ("load", "exec", "post", "wload", "window")


def simulate(main, taps=4):
    dut = Scoreboard(Params(window_taps=taps))
    sim = Simulator(dut)
    sim.add_clock(1e-8)

    async def bench(ctx):
        ctx.set(dut.idle, dict.fromkeys(ENGINES, 1))
        ctx.set(dut.dispatch_finished, 1)
        await ctx.tick().repeat(LATENCY)
        await main(ctx, dut)

    sim.add_testbench(bench)
    sim.run()


def test_counts_and_finish():
    rng = random.Random(2)

    async def main(ctx, dut):
        open_, done = dict.fromkeys(ENGINES, 0), dict.fromkeys(ENGINES, 0)
        expected = []
        for _ in range(2000):
            given = {name: rng.random() < 0.2 for name in ENGINES}
            ended = {name: open_[name] > 0 and rng.random() < 0.4 for name in ENGINES}
            ctx.set(dut.dispatched, given)
            ctx.set(dut.completed, ended)
            over = not any(open_.values())
            moved = any(given.values()) or any(ended.values())
            for name in ENGINES:
                open_[name] += given[name] - ended[name]
                done[name] += ended[name]
            expected.append((over, moved, dict(done)))
            await ctx.tick()
            if len(expected) < LATENCY:
                continue
            over, moved, counts = expected[-LATENCY]
            assert ctx.get(dut.finished) == over
            assert ctx.get(dut.progress) == moved
            for name in COUNTED:
                assert ctx.get(dut.done[name]) == counts[name]
        assert min(done.values()) > 300

    simulate(main)


def test_everything_that_holds_the_end_back():
    async def main(ctx, dut):
        async def finished():
            await ctx.tick().repeat(LATENCY)
            return ctx.get(dut.finished)

        assert await finished()
        for name in ("outstanding_read", "outstanding_write"):
            ctx.set(getattr(dut, name), 1)
            assert not await finished() and ctx.get(dut.outstanding)
            ctx.set(getattr(dut, name), 0)
            assert await finished() and not ctx.get(dut.outstanding)
        for name in ENGINES:
            ctx.set(dut.idle[name], 0)
            assert not await finished()
            ctx.set(dut.idle[name], 1)
        ctx.set(dut.dispatch_finished, 0)
        assert not await finished()

    simulate(main)


@pytest.mark.parametrize("name", ("wload", "wparam", "window"))
def test_a_window_unit_that_is_not_there_holds_nothing_back(name):
    async def main(ctx, dut):
        ctx.set(dut.idle[name], 0)
        ctx.set(dut.completed[name], 1)
        await ctx.tick().repeat(5)
        assert ctx.get(dut.finished)
        assert not any(ctx.get(dut.done[counter]) for counter in COUNTED)

    simulate(main, taps=0)


def test_drained_when_no_vector_can_follow():
    async def main(ctx, dut):
        assert ctx.get(dut.drained)
        for port, held in ((dut.exec_pending, 1), (dut.idle.exec, 0), (dut.dispatch_finished, 0)):
            ctx.set(port, held)
            await ctx.tick().repeat(LATENCY)
            assert not ctx.get(dut.drained)
            ctx.set(port, 1 - held)
        ctx.set(dut.idle.post, 0)
        await ctx.tick().repeat(LATENCY)
        assert ctx.get(dut.drained)

    simulate(main)


def test_every_activity_is_progress():
    async def main(ctx, dut):
        await ctx.tick()
        for name in dut.activity.shape().members:
            ctx.set(dut.activity[name], 1)
            await ctx.tick().repeat(LATENCY)
            assert ctx.get(dut.progress)
            ctx.set(dut.activity[name], 0)
            await ctx.tick().repeat(LATENCY)
            assert not ctx.get(dut.progress)

    simulate(main)
