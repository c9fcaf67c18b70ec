"""What a memory holds at first is left out where it is zero, and only there."""

from amaranth import Module
from amaranth.back import rtlil
from amaranth.lib.memory import Memory

from accel.sim.yosys import run_yosys
from accel.sim.zeroes import without_zeroes

PASSES = "read_rtlil machine.il; proc; memory_collect; write_verilog -noattr machine.v"


def test_only_zeroes_are_left_out():
    m, ports = Module(), []
    for name, init in ("empty", []), ("zero", [0] * 8), ("one", [0] * 7 + [1]):
        m.submodules[name] = memory = Memory(shape=9, depth=8, init=init)
        ports += [memory.write_port(), memory.read_port()]
    text = rtlil.convert(m, ports=[port.data for port in ports], emit_src=False)
    left = without_zeroes(text)
    assert (text.count("cell $meminit_v2"), left.count("cell $meminit_v2")) == (3, 1)
    verilog = run_yosys({"machine.il": left}, PASSES, "machine.v")
    assert verilog.count("] = 9'h001;") == 1
    assert verilog.count("reg [8:0]") >= 3
    # Nothing else is another.
    both = [line for line in text.splitlines() if line not in left.splitlines()]
    assert all("meminit" in line or "DATA" in line for line in both), both
