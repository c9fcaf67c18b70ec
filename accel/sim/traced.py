"""The machine as Verilator simulates it for a waveform: with its blocks, and their own names.

The fast simulation is one flat module of merged registers.  This one keeps Amaranth's hierarchy and
every named signal (Verilator leaves out what Yosys calls _0123_).  It computes the same bytes in
the same cycles (clock gates, which it has not, change none), a few times as slowly.  What the many
equal processing elements hold inside is left out, but for what they give each other.
"""

import hashlib
import pathlib
import re

from amaranth.back import rtlil

from accel.params import Params
from accel.rtl.top import Accelerator
from accel.sim.build import Flavour
from accel.sim.verilog import TOP, Design, wrapped
from accel.sim.yosys import rare_collection, run_yosys
from accel.sim.zeroes import without_zeroes

_PASSES = """
    read_rtlil machine.il
    proc -norom
    opt_clean
    memory_collect
    write_verilog -noattr machine.v
"""
#: Nanoseconds of a clock cycle in a waveform; cycle n of the simulation begins at n times as many.
PERIOD = 10
#: A module of the array: a processing element, or one of the delays at its edges.
_ELEMENT = re.compile(r"^module \\\S+\.array\.(?:pe|lane|weight)_\S* .*?^endmodule\n", re.M | re.S)
#: Headers in the place of two libraries that Verilator's FST writer would want.
_FST = pathlib.Path(__file__).with_name("fst")


def emit_traced(params: Params, design: Design = Accelerator) -> str:
    """Return Verilog of module ``simulated``: ``design``, block by block."""
    with rare_collection():
        machine = design(params)
        text = rtlil.convert(machine, name=TOP, emit_src=False)
    text = run_yosys({"machine.il": without_zeroes(text)}, _PASSES, "machine.v")
    return f"`timescale 1ns/1ns\n{wrapped(_quiet(text), machine)}"


def _quiet(text: str) -> str:
    """Have Verilator trace nothing inside of processing elements and the array's delays."""
    off, on = "/* verilator tracing_off */\n", "/* verilator tracing_on */\n"
    return _ELEMENT.sub(lambda found: f"{off}{found[0]}{on}", text)


def _source() -> str:
    """A hash of this file, which decides what the Verilog is."""
    return hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()


def flavour(form: str) -> Flavour:
    """How to build a simulation that writes waveforms: ``form`` is "fst" or "vcd"."""
    fst = int(form == "fst")
    return Flavour(
        emit_traced,
        verilator=("--trace-fst" if fst else "--trace-vcd",),
        compiler=("-DVM_TRACE=1", f"-DVM_TRACE_FST={fst}", f"-DVM_TRACE_VCD={1 - fst}",
                  f"-I{_FST}"),
        runtime=("verilated", "verilated_threads", f"verilated_{form}_c"),
        fast="-O1", name=f"traced {_source()}",
    )  # fmt: skip
