# amaranth: UnusedElaboratable=no
"""Rotation in both directions, by every amount."""

import pytest
from amaranth import Module, Signal
from amaranth.lib import data

from accel.rtl.parts.rotate import rotated
from tests.rtl.read_memory import simulate


@pytest.mark.parametrize("count", [4, 16])
def test_both_directions_by_every_amount(count):
    m = Module()
    elements, amount = Signal(data.ArrayLayout(5, count)), Signal(range(count))
    left = rotated(m, elements, count, amount, left=True)
    right = rotated(m, elements, count, amount, left=False)
    values = [7 * n % 32 for n in range(count)]

    async def bench(ctx):
        ctx.set(elements, values)
        for turn in range(count):
            ctx.set(amount, turn)
            await ctx.tick()
            for n in range(count):
                assert ctx.get(left.word_select((n + turn) % count, 5)) == values[n]
                assert ctx.get(right.word_select(n, 5)) == values[(n + turn) % count]

    m.d.sync += Signal().eq(0)
    simulate(m, bench)


def test_it_refuses_a_count_that_does_not_fit_the_amount():
    rule = r"count must be 2\*\*len\(amount\) = 8 and divide the value's 32 bits, not 4"
    with pytest.raises(ValueError, match=rule):
        rotated(Module(), Signal(32), 4, Signal(3), left=True)
