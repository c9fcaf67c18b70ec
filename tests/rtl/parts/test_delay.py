# amaranth: UnusedElaboratable=no
"""Delay: n cycles for any shape, and a clear error for anything else."""

import numpy as np
import pytest
from amaranth import signed
from amaranth.lib import data
from amaranth.sim import Simulator

from accel.rtl.parts.delay import Delay


def run(dut, values):
    """Feed one value a cycle; return what comes out in each of those cycles."""
    seen = []

    async def bench(ctx):
        for value in values:
            ctx.set(dut.i, value)
            seen.append(ctx.get(dut.o))
            await ctx.delay(1e-8)

    sim = Simulator(dut)
    sim.add_clock(1e-8, if_exists=True)
    sim.add_testbench(bench)
    sim.run()
    return seen


@pytest.mark.parametrize("cycles", [0, 1, 2, 7])
@pytest.mark.parametrize("reset_less", [False, True])
def test_delays_by_cycles(cycles, reset_less):
    values = np.random.default_rng(cycles).integers(-128, 128, 30).tolist()
    seen = run(Delay(signed(8), cycles, reset_less=reset_less), values)
    assert seen == ([0] * cycles + values)[: len(values)]


def test_keeps_a_struct_together():
    layout = data.StructLayout({"valid": 1, "row": 9})
    values = [{"valid": n & 1, "row": 500 - n} for n in range(8)]
    seen = run(Delay(layout, 3), values)
    assert [(view.valid, view.row) for view in seen[3:]] == [(n & 1, 500 - n) for n in range(5)]


@pytest.mark.parametrize("cycles", [-1, 1.5])
def test_refuses_a_bad_delay(cycles):
    with pytest.raises(ValueError, match=f"cycles must be an integer of at least 0, not {cycles}"):
        Delay(1, cycles)


def test_gated_registers_move_when_told():
    dut = Delay(8, 3, gated=True)
    seen = []

    async def bench(ctx):
        for number, enable in enumerate((0b111, 0b110, 0b100, 0b000, 0b001, 0b010, 0b100), 1):
            ctx.set(dut.i, number)
            ctx.set(dut.enable, enable)
            await ctx.tick()
            seen.append(ctx.get(dut.o))

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    assert seen == [0, 0, 1, 1, 1, 1, 5]
