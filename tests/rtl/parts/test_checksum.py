"""Sums modulo 2**32 - 1, of several words a cycle and of several sums."""

import random

import pytest
from amaranth.sim import Simulator

from accel.rtl.parts.checksum import Checksum, Total, sum_bits

MODULUS = (1 << 32) - 1


def simulate(dut, main):
    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(main)
    sim.run()


@pytest.mark.parametrize("words", [1, 2, 4, 16])
@pytest.mark.parametrize("kind", ["random", "ones", "zeroes"])
def test_words_are_summed_up(words, kind):
    dut, levels = Checksum(words), words.bit_length() - 1

    async def main(ctx):
        rng, total = random.Random(words), 0
        draw = {"random": lambda: rng.getrandbits(32), "ones": lambda: MODULUS,
                "zeroes": lambda: 0}[kind]  # fmt: skip
        for _ in range(100):
            valid = rng.random() < 0.7
            ctx.set(dut.valid, valid)
            for number in range(words):
                value = draw()
                ctx.set(dut.data[number], value)
                total += value * valid
            await ctx.tick()
        ctx.set(dut.valid, 0)
        await ctx.tick().repeat(levels + 1)
        assert ctx.get(dut.sum) % MODULUS == total % MODULUS
        assert (ctx.get(dut.sum) == 0) == (total == 0)

    simulate(dut, main)


@pytest.mark.parametrize("words", [(2,), (2, 4), (2, 4, 1), (2, 32, 32)])
def test_the_total_is_compared(words):
    widths = [sum_bits(one) for one in words]
    dut = Total(widths)

    async def main(ctx):
        rng = random.Random(1)
        for number in range(200):
            parts = [rng.getrandbits(width) if number % 3 else (1 << width) - 1 - number // 3
                     for width in widths]  # fmt: skip
            total, low = 0, 0
            for part, width in zip(parts, widths, strict=True):
                total |= part << low
                low += width
            ctx.set(dut.sums, total)
            right = (sum(parts) - 1) % MODULUS + 1
            for expected in (right, 0, right ^ 1 << rng.randrange(32), 1 + rng.randrange(MODULUS)):
                ctx.set(dut.expected, expected)
                await ctx.tick().repeat(6)
                assert ctx.get(dut.wrong) == (expected not in (0, right))

    simulate(dut, main)
