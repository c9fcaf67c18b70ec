"""The plan of a pooling window against a plain walk over two images."""

import random

import pytest

from accel.params import Params
from accel.rtl.pool.sequence import PoolSequence
from tests.rtl.read_memory import simulate

PARAMS = Params(rows=4, cols=4, input_bytes=64, acc_rows=16, pool_entries=16, bus_bytes=4)


def plans(kh, sh, pt, in_h, out_h, out_w):
    """What is to be done, by definition: a tuple (column, address, flags) for each operation."""
    slots = PARAMS.pool_entries // out_w

    def plan(column, window, **flags):
        return column, window % slots * out_w + column, {"keeps": 0, "uses": 1, **flags}

    for y in range(in_h):
        windows = [n for n in range(out_h) if 0 <= y + pt - n * sh < kh]
        closed = [n for n in windows if y == min(n * sh - pt + kh, in_h) - 1]
        for column in range(out_w):
            for n in windows:
                yield plan(
                    column, n, opens=y == max(n * sh - pt, 0), takes=n == windows[-1],
                    leaves=n == windows[0] and n in closed,
                )  # fmt: skip
            if not windows:
                yield column, None, {"uses": 0, "takes": 1, "leaves": 0}
        for n in windows[1:] if y == in_h - 1 else ():
            for column in range(out_w):
                yield plan(column, n, keeps=1, opens=0, takes=0, leaves=1)


@pytest.mark.parametrize("busy", [0.0, 0.5])
@pytest.mark.parametrize("kh, sh, pt, in_h, out_h, out_w", [
    (2, 2, 0, 4, 2, 3), (3, 1, 1, 5, 5, 4), (3, 2, 1, 6, 3, 5), (2, 3, 0, 9, 3, 1),
    (4, 1, 3, 2, 5, 2), (1, 1, 0, 1, 1, 1), (2, 2, 0, 3, 2, 16),
])  # fmt: skip
def test_plans_of_two_images(busy, kh, sh, pt, in_h, out_h, out_w):
    dut, rng = PoolSequence(PARAMS), random.Random(1)
    shape = {"kh": kh, "sh": sh, "pt": pt, "in_h": in_h, "out_h": out_h, "out_w": out_w}

    async def process(ctx):
        # Another image first: nothing of it may stay.
        for config in ({name: 3 for name in shape}, shape):
            ctx.set(dut.output.ready, 1)
            for name, value in config.items():
                ctx.set(dut.config[name], value)
            await ctx.tick().repeat(11)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
        for column, address, flags in [*plans(**shape)] * 2:
            while not ctx.get(dut.output.valid):
                await ctx.tick()
            ctx.set(dut.output.ready, 0)
            while rng.random() < busy:
                await ctx.tick()
            ctx.set(dut.output.ready, 1)
            plan = ctx.get(dut.output.payload)
            assert plan.column == column
            assert address in (None, plan.address)
            for name, value in flags.items():
                assert plan[name] == value, name
            await ctx.tick()

    simulate(dut, process)
