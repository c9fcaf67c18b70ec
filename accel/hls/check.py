"""Compile an export with the system's C++ compiler and run its testbench."""

import dataclasses
import pathlib
import subprocess
import tempfile
import time

from accel.sim.engine import SimulationError

#: Loop labels and pragmas are for synthesis tools.  Fusing a product with another operation would
#: round differently.
FLAGS = (
    "-std=c++14", "-O2", "-Wall", "-Wextra", "-Wno-unused-label", "-Wno-unknown-pragmas",
    "-ffp-contract=off", "-DACCEL_HLS_OBSERVE",
)  # fmt: skip
SOURCES = ("network.cpp", "testbench.cpp")
#: Where the host computes layers in the middle, besides.
HOST_SOURCE = "host.cpp"


@dataclasses.dataclass(frozen=True)
class Check:
    """How an export compared: bytes that differ by layer, and seconds.

    ``network_seconds`` are those in the top function, comparing included.
    """

    differing: list[int]
    compile_seconds: float
    network_seconds: float


def check(folder: pathlib.Path, layers: int, compiler: str, extra: tuple[str, ...] = ()) -> Check:
    """Compile the C++ in ``folder`` and run it.

    Args:
        folder: an export.
        layers: rows that its testbench prints.
        compiler: the C++ compiler.
        extra: flags besides FLAGS.

    Raises:
        SimulationError: it does not compile, or the testbench does not tell about all layers.
    """
    folder = pathlib.Path(folder).resolve()
    with tempfile.TemporaryDirectory() as build:
        program = str(pathlib.Path(build) / "testbench")
        began = time.perf_counter()
        sources = [*SOURCES, HOST_SOURCE] if (folder / HOST_SOURCE).exists() else SOURCES
        made = _run([compiler, *FLAGS, *extra, *sources, "-o", program], folder)
        if made.returncode:
            raise SimulationError(f"{folder}: the C++ compiler {compiler} failed with code "
                                  f"{made.returncode}: {_first(made.stderr)}")
        seconds = time.perf_counter() - began
        done = _run([program], folder)
    lines = done.stdout.splitlines()
    if done.returncode not in (0, 1) or len(lines) != layers + 3:
        raise SimulationError(f"{folder}: the testbench failed with code {done.returncode}: "
                              f"{_first(done.stderr)}")
    differing = [int(line.split()[-1]) for line in lines[1 : layers + 1]]
    if bool(done.returncode) != any(differing):
        raise SimulationError(f"{folder}: the testbench ended with code {done.returncode} and "
                              f"{sum(differing)} differing bytes: {_first(done.stderr)}")
    return Check(differing, seconds, float(lines[-1].split()[1]))


def _run(command: list[str], folder: pathlib.Path) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SimulationError(f"cannot start {command[0]}: {error.strerror}") from error


def _first(text: str) -> str:
    """The first line that tells of an error, or the first at all."""
    lines = text.strip().splitlines() or ["no message"]
    return next((line for line in lines if "error" in line.lower()), lines[0])
