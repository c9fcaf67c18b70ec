"""Resting blocks: as they are without clock gates, behind one with them.

That resting changes nothing is what tests/sim/test_top.py and tests/cyclemodel show: pysim and the
cycle model know no clock gates, the machine under Verilator has them.
"""

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.back import rtlil
from amaranth.sim import Simulator

from accel.params import Params
from accel.rtl.control.fetch import Fetch
from accel.rtl.im2col.load import LoadEngine
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.reset import ResetChain
from accel.rtl.parts.rest import CLOCK_GATE, LOADING, RESTING, ClockGates, add_resting
from accel.rtl.window.unit import WindowUnit


class Resting(Elaboratable):
    """A delay that rests unless ``busy``."""

    def __init__(self):
        self.busy, self.block = Signal(), Delay(8, 2)

    def elaborate(self, platform):
        m = Module()
        add_resting(m, platform, self.busy, 3, delay=self.block)
        return m


def convert(platform):
    dut = Resting()
    ports = [dut.busy, dut.block.i, dut.block.o]
    return rtlil.convert(dut, platform=platform, ports=ports, emit_src=False)


def test_without_clock_gates_blocks_are_submodules():
    text = convert(None)
    assert CLOCK_GATE not in text and r"\top.delay" in text


def test_with_clock_gates_registers_are_behind_one():
    text = convert(ClockGates())
    assert text.count(f"cell \\{CLOCK_GATE} ") == 1
    (delay,) = (part for part in text.split("\nmodule ") if part.startswith(r"\top.resting.delay"))
    assert r"\resting_clk" in delay and r"connect \CLK \clk" not in delay


def test_without_clock_gates_nothing_rests():
    dut, seen = Resting(), []

    async def bench(ctx):
        for value in range(1, 20):
            ctx.set(dut.block.i, value)
            await ctx.tick()
            seen.append(ctx.get(dut.block.o))

    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == list(range(19))


@pytest.mark.parametrize(
    ("block", "domain", "names", "reset_name"),
    [
        (LoadEngine, LOADING, (".resting.generator", ".resting.placer"), "reset_block"),
        # It has a chain of its own.
        (WindowUnit, LOADING, (".resting.generator", ".resting.placer"), "reset_load"),
        (Fetch, RESTING, (".resting.fetcher", ".fetcher.dispatch"), "reset_block"),
    ],
)
def test_a_reset_of_its_own_reaches_what_rests(block, domain, names, reset_name):
    m, reset = Module(), Signal()
    ResetChain(m, reset).add("block", block(Params(rows=4, cols=4)))
    text = rtlil.convert(m, platform=ClockGates(), ports=[reset], emit_src=False)
    parts = [part for part in text.split("\nmodule ") if part.split(maxsplit=1)[0].endswith(names)]
    assert len(parts) == len(names)
    for part in parts:
        assert rf"\{domain}_clk" in part
        assert rf"\{reset_name}" in part
