"""The machine as Verilog with its branches, and the simulator that counts them."""

import functools
import json
import pathlib
import re

from amaranth.back import rtlil

from accel.params import Params
from accel.rtl.parts.rest import ClockGates
from accel.rtl.top import Accelerator
from accel.sim.build import Builder, Flavour
from accel.sim.cache import key_of
from accel.sim.shipped import simulated
from accel.sim.verilog import TOP, Design, wrapped
from accel.sim.yosys import rare_collection, run_yosys

#: Amaranth's m.If and m.Switch stay what they are; all modules become one, so names tell the place.
_PASSES = """
    read_rtlil machine.il
    proc -nomux -norom
    flatten
    opt_clean
    memory_collect
    write_verilog -norename -noattr machine.v
"""
#: What synthesis leaves: bits that it finds constant are not there in any hardware.
_SYNTHESIS = """
    read_rtlil machine.il
    proc
    flatten
    opt -full
    memory_collect
    opt -full
    write_json machine.json
"""
_CPP = pathlib.Path(__file__).with_name("machine.cpp")
_HARNESS = pathlib.Path(simulated.__globals__["__file__"]).parent
#: A declaration of a wire, register or port, not of a memory: an escaped name or a plain one.
_DECLARED = re.compile(
    r"^  (?:(?:input|output) )?(?:wire|reg)?(?: \[\d+:0\])? *(?:\\(\S+) |(\w+))(?: \[\d+:0\])?"
    r"(?: = [^;\n]*)?;$", re.M,
)  # fmt: skip
#: What makes other simulators look at a block once at the beginning: no branch of the machine.
_BEGINNING = re.compile(r"^ *if \(\\\$auto\$verilog_backend\S+ \) begin end\n", re.M)
#: What a statement assigns.
ASSIGNED = re.compile(r"(?:^|assign | )(?:\\(\S+) |([a-z]\w*)) *(?:\[[^\]=]*\] *)?<?= ")
_FLAGS = ("--coverage-line", "--coverage-toggle", "--coverage-max-width", "100000")


def _rtlil(params: Params, design: Design = Accelerator):
    with rare_collection():
        machine = design(params)
        return machine, rtlil.convert(machine, name=TOP, platform=ClockGates(), emit_src=False)


def _emit(params: Params, design: Design) -> str:
    machine, text = _rtlil(params, design)
    verilog = run_yosys({"machine.il": text}, _PASSES, "machine.v")
    verilog = _BEGINNING.sub("", verilog)
    return wrapped(_DECLARED.sub(functools.partial(_counted, toggling(params)), verilog), machine)


def text(params: Params) -> list[str]:
    """The lines of the Verilog that branches are of."""
    return _emit(params, Accelerator).splitlines()


def _counted(names, declared: re.Match) -> str:
    """A declaration, whose toggles are not counted unless it is among ``names``."""
    if (declared[1] or declared[2]) in names:
        return declared[0]
    return f"/*verilator coverage_off*/{declared[0]}/*verilator coverage_on*/"


def simulator(params: Params) -> pathlib.Path:
    """The library of a machine that counts its branches and toggles."""
    flavour = Flavour(
        emit=_emit, verilator=_FLAGS, fast="-O1", runtime=(
            "verilated", "verilated_threads", "verilated_cov"
        ), compiler=(f"-I{_HARNESS}", "-DVM_TRACE=0", "-DVM_COVERAGE=1"),
        name=f"coverage {key_of(_PASSES, _SYNTHESIS)}",
    )  # fmt: skip
    return Builder(flavour=flavour).build(params, Accelerator, harness=_CPP)


@functools.cache
def toggling(params: Params) -> dict[str, tuple[int, ...]]:
    """The bits that synthesis leaves, each under one name of those that it has.

    What it finds constant, or equal to another bit, is not there in any hardware.  Words of
    memories are not among them.
    """
    _, text = _rtlil(params)
    design = json.loads(run_yosys({"machine.il": text}, _SYNTHESIS, "machine.json"))
    found, seen = {}, set()
    for name, net in sorted(design["modules"][TOP]["netnames"].items()):
        if net["hide_name"]:
            continue
        new = [number for number, bit in enumerate(net["bits"])
               if not isinstance(bit, str) and bit not in seen]  # fmt: skip
        seen |= {net["bits"][number] for number in new}
        if new:
            found[name] = tuple(new)
    return found
