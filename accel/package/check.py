"""Run a package's own testbench."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from accel.own_folder import read_manifest
from accel.package.plan import PackageError
from accel.package.writer import FOLDER
from accel.sim.engine import SimulationError

#: Lines of the testbench's output that a failure shows.
_SHOWN = 30


def check(
    folder: pathlib.Path, simulator: str = "icarus", tests: str | None = None
) -> tuple[bool, str]:
    """Compile a package's driver and run it on the package's Verilog.

    Args:
        folder: the package.
        simulator: "icarus" or "verilator".
        tests: only these, separated by commas; by default all.

    Returns:
        Whether all is well, and what the testbench said of it.

    Raises:
        PackageError: there is no package.
        SimulationError: a tool is missing, or the driver does not compile.
    """
    if not read_manifest(folder, FOLDER):
        raise PackageError(f"{folder}: is no package: make one with accel package NETWORK -o DIR")
    if importlib.util.find_spec("cocotb") is None or importlib.util.find_spec("cocotbext") is None:
        raise SimulationError(
            "cocotb and cocotbext-axi are missing: pip install 'cnn-accel[board]'"
        )
    with tempfile.TemporaryDirectory(prefix="accel-") as build:
        command = [sys.executable, str(folder / "sim" / "run.py"), "--simulator", simulator,
                   "--build", build, *(["--tests", tests] if tests else [])]  # fmt: skip
        done = subprocess.run(
            command, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    said = done.stdout
    told = re.findall(r"^.*(?:all right; cycles.*|\btests passed)$", said, re.M)
    if done.returncode == 0 and told:
        lines = [re.sub(r"^.*(?=base 0x)", "", line) for line in told]
        return True, "\n".join(lines)
    if done.returncode != 1:
        why = re.findall(r"^error: (.*)", said, re.M) or said.strip().splitlines()[-1:]
        raise SimulationError(f"{folder}: the check could not run: {' '.join(why)}")
    return False, "\n".join(said.strip().splitlines()[-_SHOWN:])
