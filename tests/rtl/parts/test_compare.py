"""Comparisons in an FPGA's form: every mix of signs and widths."""

import itertools

from amaranth import Cat, Module, Signal, signed
from amaranth.sim import Simulator

from accel.rtl.parts.compare import less, negative


def test_every_mix_of_signs_and_widths():
    shapes = (3, 4, signed(3), signed(4))
    signals = [(Signal(a), Signal(b)) for a, b in itertools.product(shapes, repeat=2)]
    signs = [Signal(shape) for shape in shapes[2:]]
    m = Module()
    results, negatives = Signal(len(signals)), Signal(len(signs))
    m.d.comb += [
        results.eq(Cat(less(a, b) for a, b in signals)),
        negatives.eq(Cat(negative(sign) for sign in signs)),
    ]

    async def process(ctx):
        for x, y in itertools.product(range(16), repeat=2):
            for a, b in signals:
                ctx.set(a, x % (1 << len(a)))
                ctx.set(b, y % (1 << len(b)))
            for sign in signs:
                ctx.set(sign, x % (1 << len(sign)))
            await ctx.delay(1e-9)
            bits = ctx.get(results)
            for n, (a, b) in enumerate(signals):
                assert bits >> n & 1 == (ctx.get(a) < ctx.get(b))
            for n, sign in enumerate(signs):
                assert ctx.get(negatives) >> n & 1 == (ctx.get(sign) < 0)

    simulator = Simulator(m)
    simulator.add_testbench(process)
    simulator.run()
