"""Verilator's and Icarus' opinion of the emitted Verilog."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile

from accel.sim.engine import SimulationError
from accel.sim.toolchain import run_verilator
from accel.sim.verilog import TOP

#: Warnings that Verilog written by Yosys cannot avoid: category, pattern of the message, and why
#: they are harmless.
WAIVED = (
    ("CASEOVERLAP", "", "a select's bits exclude each other; were two set, the first would win"),
    ("CMPCONST", "", "the last of a row of comparators, one a lane, is constant"),
    ("DECLFILENAME", "", "all modules are in one file"),
    ("PROCASSINIT", "", "registers have their power-up value in the declaration, as FPGAs load it"),
    ("UNSIGNED", "", "the first of a row of comparators, one a lane, is constant"),
    ("UNUSEDSIGNAL", "", "Yosys names carries and sliced-off bits"),
    ("VARHIDDEN", "of signal hides declaration in upper scope: '[abs]'",
     "the arguments of Yosys' functions are called so"),
    ("WIDTHEXPAND", "", "Amaranth sizes results to hold every value; Verilog extends operands"),
    ("WIDTHTRUNC", "LOGNOT", "Yosys writes 'vector == 0' as '!vector'"),
    ("WIDTHTRUNC", "SHIFTR", "a word selected from a vector is a shift cut to its width"),
)  # fmt: skip

#: Constructs that are latches, or hide one, and about which Verilator says nothing: pattern, why.
LATCHES = (
    (r"\balways_latch\b", "a latch is written as such (so Yosys writes those it infers)"),
    (r"\balways\s*@\s*\((?!\s*(\*|posedge|negedge))", "a process waits for levels, not for edges"),
    (r"(//|/\*)\s*(synopsys|synthesis)\s+full_case", "a comment says that a case is complete"),
)
#: A comment that turns warnings off or on.
_WAIVER = re.compile(r"/\* verilator lint_\w+( \w+)? \*/")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One warning: Verilator's category and the message with its line number."""

    category: str
    message: str


def lint(text: str) -> list[Finding]:
    """Return all of ``verilator --lint-only -Wall``'s warnings about the Verilog ``text``.

    Those that ``text`` itself waives, too: this is where each message is looked at.  What LATCHES
    lists is found, too, in Verilator's category LATCH.

    Raises:
        SimulationError: the Verilog does not even elaborate.
    """
    with tempfile.TemporaryDirectory() as work:
        (pathlib.Path(work) / f"{TOP}.v").write_text(_WAIVER.sub("", text))
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
    ] + [
        Finding("LATCH", f"{TOP}.v:{text.count(chr(10), 0, found.start()) + 1}: {why}")
        for pattern, why in LATCHES
        for found in re.finditer(pattern, text)
    ]


def unexplained(warnings: list[Finding]) -> list[Finding]:
    """Return the warnings that WAIVED gives no reason for."""
    return [
        warning
        for warning in warnings
        if not any(
            warning.category == category and re.search(pattern, warning.message)
            for category, pattern, _ in WAIVED
        )
    ]


def icarus_errors(text: str, language: str = "2012") -> str | None:
    """Return what Icarus Verilog says when it elaborates the Verilog ``text`` ("": all is well).

    All warnings are on.  None if Icarus is not installed.
    """
    tool = shutil.which("iverilog")
    if tool is None:
        return None
    with tempfile.TemporaryDirectory() as work:
        file = pathlib.Path(work) / f"{TOP}.v"
        file.write_text(text)
        result = subprocess.run(
            [tool, f"-g{language}", "-Wall", "-t", "null", "-s", TOP, str(file)],
            capture_output=True, text=True, check=False,
        )
    return result.stdout + result.stderr
