# amaranth: UnusedElaboratable=no
"""The walk over windows that are open in a pixel, along an axis."""

import pytest
from amaranth.sim import Simulator

from accel.rtl.pool.windows import WindowWalk


@pytest.mark.parametrize("kernel, stride, pad, size, windows", [
    (1, 1, 0, 5, 5), (3, 1, 1, 6, 6), (3, 2, 1, 7, 4), (2, 3, 0, 9, 3), (5, 2, 4, 3, 3),
    (3, 3, 2, 1, 1), (4, 1, 3, 2, 5),
])  # fmt: skip
def test_walk(kernel, stride, pad, size, windows):
    """Against the definition, coordinate by coordinate, twice around."""
    dut = WindowWalk(2 * 8)

    async def configure(ctx, **config):
        for name, value in config.items():
            ctx.set(getattr(dut, name), value)
        await ctx.tick()
        ctx.set(dut.restart, 1)
        await ctx.tick()
        ctx.set(dut.restart, 0)

    async def process(ctx):
        # Another image first: nothing of it may stay.
        await configure(ctx, kernel=1, stride=1, pad=0, size=9, windows=9, pitch=7)
        ctx.set(dut.step, 1)
        ctx.set(dut.advance, 1)
        await ctx.tick().repeat(5)
        ctx.set(dut.step, 0)
        await configure(ctx, kernel=kernel, stride=stride, pad=pad, size=size, windows=windows,
                        pitch=2)  # fmt: skip
        ctx.set(dut.step, 1)
        for _ in range(2):
            for x in range(size):
                inside = [n for n in range(windows) if 0 <= x + pad - n * stride < kernel]
                assert ctx.get(dut.end) == (x == size - 1)
                if not inside:
                    assert not ctx.get(dut.inside) and ctx.get(dut.last)
                for n in inside:
                    assert ctx.get(dut.inside)
                    assert ctx.get(dut.slot) == 2 * (n % 8)
                    assert ctx.get(dut.first) == (n == inside[0])
                    assert ctx.get(dut.last) == (n == inside[-1])
                    assert ctx.get(dut.opens) == (x == max(n * stride - pad, 0))
                    assert ctx.get(dut.closes) == (x == min(n * stride - pad + kernel, size) - 1)
                    ctx.set(dut.advance, n == inside[-1])
                    await ctx.tick()
                if not inside:
                    ctx.set(dut.advance, 1)
                    await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


def test_ring_size():
    with pytest.raises(ValueError, match="entries must be an integer of at least 1, not 0"):
        WindowWalk(0)
