"""Two cells that share a multiplier, against two cells with one each.

That every product is exact is proved: tests/formal/products.py.
"""

import numpy as np
from amaranth import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from accel.params import PE_LATENCY
from accel.rtl.array.pair import PairPE, packed
from accel.rtl.array.pe import PE

BITS = 19


class Both(wiring.Component):
    """A pair of cells and two single ones, given the same; the right cell's weights a cycle late.

    So the array has it, too: what is loaded and what is loaded with it moves right by a column.
    """

    a_in: In(8)
    swap_in: In(1)
    load: In(1)
    low: In(8)
    high: In(8)
    above: In(BITS)
    alone: Out(2 * BITS + 9)
    together: Out(2 * BITS + 9)

    def elaborate(self, platform):
        m = Module()
        m.submodules.left, m.submodules.right = left, right = PE(BITS), PE(BITS)
        m.submodules.pair = pair = PairPE(BITS)
        m.d.comb += [
            left.a_in.eq(self.a_in), right.a_in.eq(left.a_out), pair.a_in.eq(self.a_in),
            left.swap_in.eq(self.swap_in), right.swap_in.eq(left.swap_out),
            pair.swap_in.eq(self.swap_in),
            left.load.eq(self.load), pair.load.eq(self.load), left.weight_in.eq(self.low),
            pair.weight_in.eq(packed(self.low.as_signed(), self.high.as_signed())),
            left.psum_in.eq(self.above), right.psum_in.eq(self.above),
            pair.psum_in[0].eq(self.above), pair.psum_in[1].eq(self.above),
            self.alone.eq(Cat(left.psum_out, right.psum_out, right.a_out, right.swap_out)),
            self.together.eq(Cat(pair.psum_out.as_value(), pair.a_out, pair.swap_out)),
        ]  # fmt: skip
        m.d.sync += [right.load.eq(self.load), right.weight_in.eq(self.high)]
        return m


def test_a_pair_does_what_two_cells_do():
    rng, cycles = np.random.default_rng(3), 800
    edges = [-128, -127, -1, 0, 1, 127]
    dut, alone, together = Both(), [], []

    async def bench(ctx):
        for _ in range(cycles):
            for port in (dut.a_in, dut.low, dut.high):
                ctx.set(port, int(rng.choice([*edges, *rng.integers(-128, 128, 3)])) & 255)
            ctx.set(dut.above, int(rng.integers(0, 1 << BITS)))
            ctx.set(dut.load, int(rng.integers(0, 2)))
            ctx.set(dut.swap_in, int(rng.integers(0, 2)))
            alone.append(ctx.get(dut.alone))
            together.append(ctx.get(dut.together))
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    settled = PE_LATENCY + 2
    assert alone[settled:] == together[settled:]
    assert len(set(alone)) > cycles / 2
