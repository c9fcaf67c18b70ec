"""Verilog to a shared library: Verilator, a C++ compiler, and a cache of what they made.

Verilator's own ``--build`` needs make and perl and fails under GCC with precompiled headers, so
its C++ is compiled here, in parallel.  The results lie in the user's cache directory
(accel.sim.cache):

    verilog/KEY/*.v     by the machine's parameters and the source of the RTL
    runtime/KEY/*.o     Verilator's runtime, by compiler and flags
    machine/KEY/*.so    by Verilog, harness, flags, compiler and Verilator's version

Where the seconds go: most of what the compiler reads of a file is the header with all of the
machine's registers, so files are few; the runtime is compiled while Verilator runs.

A builder for another target than this computer (accel.page.wasm) is a subclass with a toolchain of
its own.
"""

import concurrent.futures
import dataclasses
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import subprocess
from collections.abc import Callable, Iterable

from accel.params import Params
from accel.sim.cache import Cache, discard, key_of, whole
from accel.sim.engine import SimulationError
from accel.sim.shipped import simulated
from accel.sim.toolchain import (
    Toolchain,
    check,
    find_compiler,
    find_verilator,
    run,
    run_verilator,
)
from accel.sim.verilog import SIMULATED, Design, fingerprint

#: Told a stage and its share done, from 0 to 1.
Progress = Callable[[str, float], None]

PREFIX = "Vaccelerator"
_HARNESS = pathlib.Path(__file__).with_name("harness.cpp")
_SIGN = pathlib.Path(__file__).with_name("sign.h")
#: What the harness includes.
_DRAM = pathlib.Path(__file__).with_name("dram.h")
#: Files of 30,000 statements in functions of 5,000: the compiler reads few files, and none of its
#: passes that take more than linear time gets a function that is too long for it.
_VERILATOR_FLAGS = (
    "--cc", "-O3", "--x-assign", "fast", "--x-initial", "0", "--no-timing",
    "--output-split", "30000", "--output-split-cfuncs", "5000",
    "-Wno-fatal", "-Wno-lint", "-Wno-style",
)  # fmt: skip
_NO_TRACE = ("-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0")
#: Bytes of C++ below which a file is compiled together with others.
_SMALL = 50_000


@dataclasses.dataclass(frozen=True)
class Flavour:
    """A way of simulating a machine.

    Attributes:
        emit: Verilog of module ``simulated``, from a machine's parameters and design.
        verilator, compiler, linker: what these get besides the usual.
        runtime: the files of Verilator's runtime that it uses.
        fast, slow: optimisation of what runs every cycle and of the rest.
        name: what tells its Verilog from another flavour's.
    """

    emit: Callable[[Params, Design], str] = simulated
    verilator: tuple[str, ...] = ()
    compiler: tuple[str, ...] = _NO_TRACE
    linker: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ("verilated", "verilated_threads")
    fast: str = "-O2"
    slow: str = "-O0"
    name: str = ""


#: As fast as can be.
FASTEST = Flavour()


class Builder:
    """Builds and caches simulation libraries of a ``flavour`` with one ``compiler`` in one
    ``cache``."""

    def __init__(
        self,
        compiler: str | None = None,
        cache: pathlib.Path | None = None,
        flavour: Flavour = FASTEST,
    ):
        self._flavour = flavour
        self._toolchain = self._made_for(compiler)
        #: Compilers at work, which an interruption ends.
        self._running: set[subprocess.Popen] = set()
        self._cache = Cache(pathlib.Path(cache) if cache else None)
        self._include = find_verilator() / "include"
        # The predefined macros tell the compiler's version and what its target means here.
        target = self._toolchain.target
        macros = self._compile(*target, "-dM", "-E", "-x", "c++", os.devnull, cwd=None)
        flags = self._toolchain.flags
        self._identity = "\n".join(
            (macros, importlib.metadata.version("verilator"), *_VERILATOR_FLAGS, *flags,
             *map(str, dataclasses.astuple(dataclasses.replace(flavour, emit=None))))
        )  # fmt: skip

    def _made_for(self, compiler: str | None) -> Toolchain:
        """For this computer."""
        compiler = compiler or find_compiler()
        return Toolchain((compiler,), f"the C++ compiler {compiler}")

    def build(
        self,
        params: Params,
        design: Design,
        progress: Progress | None = None,
        harness: pathlib.Path = _HARNESS,
    ) -> pathlib.Path:
        """Return the library of ``design`` and the C++ file ``harness``, built now or before.

        What a killed build had compiled is not compiled again.

        Raises:
            SimulationError: naming the step that failed.
        """
        progress = progress or (lambda stage, share: None)
        text = self._verilog(params, design, progress)
        defines = [
            f"-DBUS_BYTES={params.bus_bytes}", f"-DROWS={params.rows}", f"-DCOLS={params.cols}"
        ]
        sources = [path.read_text() for path in (harness, _SIGN, _DRAM)]
        key = key_of(text, *sources, *defines, self._identity)

        def make(directory):
            self._library(directory, text, harness, defines, progress)

        entry = self._cache.entry("machine", key, make)
        progress("ready", 1.0)
        return entry / self._toolchain.output

    def _verilog(self, params, design, progress):
        """Return the Verilog, from the cache if the sources have not changed."""
        progress("emit Verilog", 0.0)

        def make(directory):
            (directory / "accelerator.v").write_text(self._flavour.emit(params, design))

        name = [self._flavour.name] if self._flavour.name else []
        key = key_of(fingerprint(params, design), *name)
        return (self._cache.entry("verilog", key, make) / "accelerator.v").read_text()

    def _library(self, directory, text, harness, defines, progress):
        """Build the library in ``directory``, unless a killed build had."""
        work = directory / "work"
        if (directory / self._toolchain.output).exists():
            discard(work)
            return
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            runtime = beside.submit(self._runtime)
            try:
                if not work.is_dir():
                    progress("run Verilator", 0.0)
                    self._verilate(work, text)
                runtime = runtime.result()
            except BaseException:
                self._end_compilers()
                raise
        flags = ["-I.", "-include", str(_SIGN), *defines]
        objects = self._compile_all(self._units(work, harness), work, flags, progress)
        progress("link", 0.0)
        before, behind = self._toolchain.link
        with whole(directory / self._toolchain.output) as new:
            self._compile(*before, "-o", str(new), *objects, *runtime, *behind,
                          *self._flavour.linker, cwd=work)  # fmt: skip
        discard(work)

    def _verilate(self, work, text):
        """Make the folder ``work`` with the machine in C++."""
        with whole(work) as new:
            new.mkdir()
            (new / "accelerator.v").write_text(text)
            result = run_verilator(
                [*_VERILATOR_FLAGS, *self._flavour.verilator, "--prefix", PREFIX,
                 "--top-module", SIMULATED, "--Mdir", ".", "accelerator.v"],
                new,
            )  # fmt: skip
            check("verilator", result)
            self._verilated(new)

    def _verilated(self, work):
        """Add to the machine's C++ in the folder ``work`` what else the harness needs."""

    def _units(self, work, harness):
        """What to compile: C++ files of the machine and ``harness``, and how to optimise each.

        What runs every cycle comes first: of a function that several objects have, the linker
        takes the first.
        """
        lists = _file_lists((work / f"{PREFIX}_classes.mk").read_text())
        missing = {*lists["GLOBAL_FAST"], *lists["GLOBAL_SLOW"]} - {*self._flavour.runtime}
        if missing:
            raise SimulationError(f"Verilator wants more of its runtime: {', '.join(missing)}")
        fast, slow = (
            [work / f"{name}.cpp" for kind in ("CLASSES", "SUPPORT")
             for name in lists[f"{kind}_{speed}"]]
            for speed in ("FAST", "SLOW")
        )  # fmt: skip
        large = [path for path in fast if path.stat().st_size >= _SMALL]
        small = [path for path in fast if path not in large]
        return [
            *((path, self._flavour.fast) for path in large),
            (_together(work / "rest_fast.cpp", [*small, harness]), self._flavour.fast),
            (_together(work / "rest_slow.cpp", slow), self._flavour.slow),
        ]

    def _runtime(self):
        """Return the objects of Verilator's runtime."""
        names = self._flavour.runtime

        def make(directory):
            sources = [(self._include / f"{name}.cpp", self._flavour.fast) for name in names]
            self._compile_all(sources, directory, [], lambda stage, share: None)

        entry = self._cache.entry("runtime", key_of(self._identity, *names), make)
        return [str(entry / f"{name}.o") for name in names]

    def _compile_all(self, sources, cwd, flags, progress):
        """Compile in parallel, longest files first; return the objects' paths."""
        longest = sorted(sources, key=lambda source: -source[0].stat().st_size)
        progress("compile", 0.0)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [pool.submit(self._object, *source, cwd, flags) for source in longest]
            try:
                for count, job in enumerate(concurrent.futures.as_completed(jobs), 1):
                    job.result()
                    progress("compile", count / len(jobs))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._end_compilers()
                raise
        return [str(_object_of(path, cwd)) for path, _ in sources]

    def _object(self, path, level, cwd, flags):
        """Compile a file, if a killed build has not."""
        made = _object_of(path, cwd)
        if made.exists():
            return
        with whole(made) as new:
            self._compile(
                *self._toolchain.flags, *self._flavour.compiler, level, *flags,
                f"-I{self._include}", f"-I{self._include / 'vltstd'}",
                "-c", str(path), "-o", str(new), cwd=cwd,
            )  # fmt: skip

    def _end_compilers(self):
        """End those that are at work: nobody waits for what they make."""
        for process in list(self._running):
            process.kill()

    def _compile(self, *arguments, cwd):
        environment = {**os.environ, **self._toolchain.environment}
        result = run([*self._toolchain.command, *arguments], cwd, environment, self._running)
        check(self._toolchain.name, result)
        return result.stdout


def _object_of(path: pathlib.Path, cwd: pathlib.Path) -> pathlib.Path:
    return cwd / f"{path.stem}.o"


def _together(path: pathlib.Path, parts: Iterable[pathlib.Path]) -> pathlib.Path:
    """Write a C++ file that is ``parts``, one behind the other."""
    with whole(path) as new:
        new.write_text("".join(f'#include "{part}"\n' for part in parts))
    return path


def _file_lists(makefile):
    """Return Verilator's lists of files to compile, by variable name without ``VM_``."""
    return {
        name: files.replace("\\", " ").split()
        for name, files in re.findall(r"^VM_(\w+) \+= \\\n((?:  .*\n)*)", makefile, re.M)
    }
