"""Verilator's and Icarus' opinion of the emitted Verilog."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile

from accel.params import Params
from accel.sim.build import run_verilator
from accel.sim.engine import SimulationError
from accel.sim.verilog import TOP, Design, emit
from rtl.top import Accelerator

#: Categories of warnings that Verilog written by Yosys cannot avoid, and why they are harmless.
WAIVED = {
    "CASEINCOMPLETE": "Amaranth gives every output a default ahead of its case statement",
    "DECLFILENAME": "all modules are in one file",
    "PROCASSINIT": "registers have their power-up value in the declaration, as FPGAs load it",
    "UNUSEDSIGNAL": "carries and sliced-off bits are named by Yosys, then left unconnected",
    "WIDTHEXPAND": "Amaranth sizes operators to hold every result and lets Verilog extend operands",
    "WIDTHTRUNC": "Yosys writes '!vector' for 'vector == 0' and slices results by assignment",
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One warning: Verilator's category and the message with its line number."""

    category: str
    message: str


def lint(params: Params, design: Design = Accelerator) -> list[Finding]:
    """Return all of ``verilator --lint-only -Wall``'s warnings.

    Raises:
        SimulationError: the Verilog does not even elaborate.
    """
    with tempfile.TemporaryDirectory() as work:
        (pathlib.Path(work) / f"{TOP}.v").write_text(emit(params, design))
        result = run_verilator(
            ["--lint-only", "-Wall", "-Wno-fatal", "--top-module", TOP, f"{TOP}.v"],
            pathlib.Path(work),
        )
    if result.returncode:
        errors = re.findall(r"^%Error: (.*)$", result.stderr, re.M)
        raise SimulationError(f"Verilator rejects the Verilog: {'; '.join(errors[:3])}")
    return [
        Finding(category, message)
        for category, message in re.findall(r"^%Warning-(\w+): (.*)$", result.stderr, re.M)
    ]


def unexplained(warnings: list[Finding]) -> list[Finding]:
    """Return the warnings that WAIVED gives no reason for."""
    return [warning for warning in warnings if warning.category not in WAIVED]


def icarus_errors(params: Params, design: Design = Accelerator) -> str | None:
    """Return what Icarus Verilog says when it elaborates the machine ("": all is well).

    None if Icarus is not installed.
    """
    tool = shutil.which("iverilog")
    if tool is None:
        return None
    with tempfile.TemporaryDirectory() as work:
        file = pathlib.Path(work) / f"{TOP}.v"
        file.write_text(emit(params, design))
        result = subprocess.run(
            [tool, "-g2012", "-t", "null", "-s", TOP, str(file)],
            capture_output=True, text=True, check=False,
        )
    return result.stdout + result.stderr
