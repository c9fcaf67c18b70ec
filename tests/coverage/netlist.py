"""The machine as Verilog with its branches, and the simulator that counts them."""

import functools
import json
import pathlib
import re

from amaranth.back import rtlil

from accel.page.probes import cpp_name
from accel.params import Params
from accel.rtl.parts.rest import ClockGates
from accel.rtl.top import Accelerator
from accel.sim.build import Builder, Flavour
from accel.sim.cache import Cache, key_of
from accel.sim.shipped import simulated
from accel.sim.verilog import TOP, Design, fingerprint, wrapped
from accel.sim.yosys import rare_collection, run_yosys
from accel.sim.zeroes import without_zeroes
from tests.mutation.counters import places_header

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
_HOST = _CPP.parents[1] / "mutation"
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
#: Registers of the counters that a test may set (tests.mutation.high), by patterns of their names.
COUNTERS = {
    "record": r"core\.counters\.record",
    "done": r"core\.scoreboard\.done",
    "index": r"core\.fetch\.resting\.fetcher\.\$signal\$\d+",
}
_MARK = " /*verilator public_flat_rw*/ "
_FLAGS = ("--coverage-line", "--coverage-toggle", "--coverage-max-width", "100000")


def _rtlil(params: Params, design: Design = Accelerator):
    with rare_collection():
        machine = design(params)
        return machine, rtlil.convert(machine, name=TOP, platform=ClockGates(), emit_src=False)


def _emit(params: Params, design: Design) -> str:
    machine, text = _rtlil(params, design)
    verilog = run_yosys({"machine.il": without_zeroes(text)}, _PASSES, "machine.v")
    verilog = _BEGINNING.sub("", _named(verilog))
    verilog = _DECLARED.sub(functools.partial(_counted, toggling(params)), verilog)
    for name in counters(verilog).values():
        declared = re.compile(rf"(reg \[\d+:0\] \\{re.escape(name)} )")
        verilog = declared.sub(rf"\1{_MARK}", verilog, count=1)
    return wrapped(verilog, machine)


def counters(verilog: str) -> dict[str, str]:
    """The registers' names of COUNTERS."""
    found = {}
    for counter, pattern in COUNTERS.items():
        (found[counter],) = re.findall(rf"reg \[\d\d+:0\] \\({pattern}) ", verilog)
    return found


class _Builder(Builder):
    """Builds the machine with its counters within reach, and keeps the Verilog."""

    def _verilog(self, params, design, progress):
        self.text = super()._verilog(params, design, progress)
        return self.text

    def _verilated(self, work):
        names = [cpp_name(name) for name in counters(self.text).values()]
        places = {f"counter == {number}": (name, "low") for number, name in enumerate(names)}
        (work / "counters.h").write_text(places_header(places, f"{names[0]}[0]"))


def _counted(names, declared: re.Match) -> str:
    """A declaration, whose toggles are not counted unless it is among ``names``."""
    if (declared[1] or declared[2]) in names:
        return declared[0]
    return f"/*verilator coverage_off*/{declared[0]}/*verilator coverage_on*/"


def simulator(params: Params) -> tuple[pathlib.Path, list[str]]:
    """The library of a machine that counts its branches and toggles; the lines of its Verilog."""
    # What the harness includes, so that a change of it makes another library.
    included = key_of(*(path.read_text() for path in sorted(_HOST.glob("*.h"))))
    flavour = Flavour(
        emit=_emit, verilator=_FLAGS, fast="-O1", runtime=(
            "verilated", "verilated_threads", "verilated_dpi", "verilated_cov"
        ), compiler=(f"-I{_HARNESS}", f"-I{_HOST}", "-DVM_TRACE=0", "-DVM_COVERAGE=1",
                     f"-DINCLUDED={included}"),
        name=f"coverage {key_of(_PASSES, _SYNTHESIS, *COUNTERS.values(), _MARK, 'all named')}",
    )  # fmt: skip
    builder = _Builder(flavour=flavour)
    return builder.build(params, Accelerator, harness=_CPP), builder.text.splitlines()


@functools.cache
def toggling(params: Params) -> dict[str, tuple[int, ...]]:
    """The bits that synthesis leaves, each under one name of those that it has.

    What it finds constant, or equal to another bit, is not there in any hardware.  Words of
    memories are not among them.
    """
    def make(folder):
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
                found[name] = new
        (folder / "toggling.json").write_text(json.dumps(found))

    entry = Cache().entry("toggling", key_of(_SYNTHESIS, fingerprint(params)), make)
    found = json.loads((entry / "toggling.json").read_text())
    return {_named(name): tuple(bits) for name, bits in found.items()}


def _named(text: str) -> str:
    """Other names for signals that begin with an underscore: Verilator would not count them."""
    return text.replace("._", ".u_")
