"""A byte brought to the scale of a sum, as LiteRT does it."""

import random

from amaranth import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from accel.rtl.window.scale import SCALE_LATENCY, ByteScaler, scale_config
from tests.rtl.window.model import divide_by_power, doubling_high_mul, scaled


class Scaler(wiring.Component):
    """A scaler with its configuration, always on."""

    zero: In(signed(8))
    multiplier: In(31)
    shift: In(signed(8))
    offset: In(signed(8))
    inverted: In(1)
    x: In(signed(8))
    y: Out(signed(30))

    def elaborate(self, platform):
        m = Module()
        m.submodules.scaler = scaler = ByteScaler()
        config = scale_config(m, self.zero, self.multiplier, self.shift, self.offset, "config")
        m.d.comb += [
            scaler.config.eq(config), scaler.valid.eq(-1), scaler.x.eq(self.x), self.y.eq(scaler.y),
            scaler.inverted.eq(self.inverted),
        ]
        return m


def test_the_model_is_litert_s_arithmetic():
    """Halves: up in the product, away from zero in the shift; the one saturating product."""
    assert doubling_high_mul(1 << 30, 1) == 1 and doubling_high_mul(-(1 << 30), 1) == 0
    assert doubling_high_mul(-(1 << 30) - 1, 1) == -1
    assert doubling_high_mul(-(1 << 31), -(1 << 31)) == (1 << 31) - 1
    assert [divide_by_power(x, 2) for x in (-7, -6, -5, -2, 2, 5, 6)] == [-2, -2, -1, -1, 1, 1, 2]
    assert divide_by_power(-5, 0) == -5


def test_bytes_are_scaled_as_litert_does():
    """All bytes, with multipliers whose products have many halves, and every shift; moved."""
    rng = random.Random(1)
    multipliers = [0, 1 << 30, (1 << 31) - 1, 3 << 29, 5 << 28, (1 << 30) + 1024]
    cases = [(rng.randint(-128, 127), rng.choice(multipliers), -right) for right in range(32)]
    cases += [(-128, (1 << 31) - 1, 0), (127, (1 << 31) - 1, 0), (-128, (1 << 31) - 1, -31)]
    cases += [(rng.randint(-128, 127), rng.randrange(1 << 30, 1 << 31), -rng.randint(0, 12))
              for _ in range(8)]  # fmt: skip
    dut = Scaler()

    async def bench(ctx):
        for number, (zero, multiplier, shift) in enumerate(cases):
            ctx.set(dut.inverted, number % 2)
            ctx.set(dut.zero, zero)
            ctx.set(dut.multiplier, multiplier)
            offset = rng.randint(-128, 127) if shift >= -22 else 0
            ctx.set(dut.shift, shift)
            ctx.set(dut.offset, offset)
            await ctx.tick().repeat(3)
            for n in range(256 + SCALE_LATENCY):
                x = n - 128
                ctx.set(dut.x, min(x, 127))
                await ctx.tick()
                done = x - SCALE_LATENCY + 1
                if -128 <= done <= 127:
                    result = scaled(done, zero, multiplier, shift) + offset
                    assert ctx.get(dut.y) == (~result if number % 2 else result)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
