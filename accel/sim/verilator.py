"""Engine `verilator`: the machine compiled to C++, with memory and host beside it.

About a thousand times as fast as `pysim`, with the same cycles.  Needs a C++ compiler.
"""

import contextlib
import ctypes
import os
import pathlib
import time
from collections.abc import Iterator, Mapping

import numpy as np

from accel import dram
from accel.params import Params
from accel.registers import Reg
from accel.rtl.top import Accelerator
from accel.sim.build import FASTEST, Builder, Flavour, Progress
from accel.sim.engine import TRAFFIC, MachineError, Memory, Outcome, SimulationError
from accel.sim.host import RESULTS, outcome, writes
from accel.sim.memory import OUTSTANDING
from accel.sim.toolchain import find_compiler, find_verilator
from accel.sim.verilog import Design

#: Cycles simulated between two looks at Python's signals (Ctrl-C).
_SLICE = 200_000


class _Config(ctypes.Structure):
    """Config of harness.cpp."""

    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("memory_bytes", ctypes.c_uint64),
        ("latency_cycles", ctypes.c_uint64),
        ("write_latency_cycles", ctypes.c_uint64),
        ("bytes_per_cycle", ctypes.c_uint64),
        ("outstanding", ctypes.c_uint64),
        ("stall_seed", ctypes.c_uint32),
        ("stall_percent", ctypes.c_uint32),
        ("fail_read", ctypes.c_int64),
        ("fail_write", ctypes.c_int64),
        ("dead", ctypes.c_uint32),
        ("writes", ctypes.c_uint32),
        ("reads", ctypes.c_uint32),
        ("write_address", ctypes.c_uint32 * 8),
        ("write_data", ctypes.c_uint32 * 8),
        ("read_address", ctypes.c_uint32 * 32),
        ("max_cycles", ctypes.c_uint64),
        ("dram", ctypes.c_int64 * dram.NUMBERS),
    )


class Result(ctypes.Structure):
    """Result of harness.cpp."""

    _fields_ = (
        ("cycles", ctypes.c_uint64),
        ("finished", ctypes.c_uint32),
        ("values", ctypes.c_uint32 * 32),
        ("traffic", ctypes.c_uint64 * len(TRAFFIC)),
        ("error", ctypes.c_char * 160),
    )


def available() -> bool:
    """Whether Verilator and a C++ compiler are there."""
    try:
        find_verilator()
        find_compiler()
    except SimulationError:
        return False
    return True


def load(path: pathlib.Path) -> ctypes.CDLL:
    """Load a library with harness.cpp in it, for :class:`Machine`."""
    library = ctypes.CDLL(str(path))
    library.accel_begin.argtypes = (ctypes.POINTER(_Config),)
    library.accel_begin.restype = ctypes.c_void_p
    library.accel_advance.argtypes = (ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(Result))
    library.accel_restart.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Config))
    library.accel_end.argtypes = (ctypes.c_void_p,)
    return library


class VerilatorEngine:
    """Simulate ``design`` with Verilator.

    ``compiler`` is a C++ compiler's path, the default being the first on the PATH; ``cache`` the
    directory that keeps builds, by default the user's; ``flavour`` how it is built.
    """

    name = "verilator"

    def __init__(
        self,
        design: Design = Accelerator,
        compiler: str | None = None,
        cache: pathlib.Path | None = None,
        flavour: Flavour = FASTEST,
    ):
        self._design, self._flavour = design, flavour
        #: A waveform that the next run writes, if the flavour can: file, first and last cycle + 1.
        self.waveform: tuple[pathlib.Path, int, int] | None = None
        self._compiler = compiler
        self._cache = cache
        self._params = None
        self._library = None
        #: The library's file, once it is built.
        self.file: pathlib.Path | None = None

    def build(self, params: Params, progress: Progress | None = None) -> None:
        """Emit, verilate, compile and load the machine, or take it from the cache.

        Raises:
            SimulationError: naming the step that failed.
        """
        if params == self._params:
            return
        builder = Builder(self._compiler, self._cache, self._flavour)
        self.file = builder.build(params, self._design, progress)
        self._library, self._params = load(self.file), params

    def run(
        self, memory: np.ndarray, start: int, commands: int, behaviour: Memory, max_cycles: int,
        registers: Mapping[Reg, int] | None = None,
    ) -> Outcome:
        """Run a program on a fresh machine (see accel.sim.engine.Engine)."""
        with self.machine() as machine:
            machine.waveform, self.waveform = self.waveform, None
            return machine.run(memory, start, commands, behaviour, max_cycles, registers)

    @contextlib.contextmanager
    def machine(self) -> Iterator["Machine"]:
        """A fresh machine for several runs, as a driver starts them: without a reset between.

        Raises:
            SimulationError: the engine has not been built.
        """
        if self._library is None:
            raise SimulationError("the engine has not been built")
        machine = Machine(self._library, self._params)
        try:
            yield machine
        finally:
            machine.end()


class Machine:
    """One simulated machine of a ``library`` (see :func:`load`), made for ``params``.

    :meth:`VerilatorEngine.machine` makes and ends one.
    """

    def __init__(self, library: ctypes.CDLL, params: Params):
        self._library, self._params = library, params
        self._handle, self._ended = None, False
        self._memory: np.ndarray | None = None  # whose bytes the C++ writes to
        self.waveform: tuple[pathlib.Path, int, int] | None = None

    def run(
        self, memory: np.ndarray, start: int, commands: int, behaviour: Memory, max_cycles: int,
        registers: Mapping[Reg, int] | None = None,
    ) -> Outcome:
        """Run a program on the machine as the one before left it (see accel.sim.engine.Engine).

        Transactions of a run that failed are finished, in ``memory``, before the program starts.

        Raises:
            MachineError: no interrupt within ``max_cycles``.
            SimulationError: the machine was given back.
        """
        if self._ended:
            raise SimulationError("the machine was given back")
        config = config_of(self._params, memory, start, commands, behaviour, max_cycles, registers)
        self._memory = memory
        if self._handle is None:
            self._handle = self._library.accel_begin(config)
        else:
            self._library.accel_restart(self._handle, config)
        if self.waveform is not None:
            path, first, last = self.waveform
            trace = self._library.accel_trace
            trace.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64, ctypes.c_uint64)
            trace(self._handle, os.fsencode(path), first, last)
        result = Result()
        began = time.perf_counter()
        while not result.finished:
            self._library.accel_advance(self._handle, _SLICE, result)
        if result.error:
            raise MachineError(result.error.decode())
        traffic = dict(zip(TRAFFIC, result.traffic, strict=True))
        return outcome(list(result.values[: len(RESULTS)]), time.perf_counter() - began, traffic)

    def end(self) -> None:
        """Give the machine back."""
        self._ended = True
        if self._handle is not None:
            self._library.accel_end(self._handle)
            self._handle = self._memory = None


def config_of(
    params: Params, memory: np.ndarray, start: int, commands: int, behaviour: Memory,
    max_cycles: int, registers: Mapping[Reg, int] | None = None,
) -> _Config:
    """What a run is given, for ``accel_begin``; ``memory`` must outlive it."""
    script = writes(start, commands, params.timeout_cycles, registers)
    return _Config(
        memory=memory.ctypes.data,
        memory_bytes=len(memory),
        latency_cycles=behaviour.latency_cycles,
        write_latency_cycles=behaviour.latency_cycles,
        bytes_per_cycle=behaviour.bytes_per_cycle,
        outstanding=OUTSTANDING,
        stall_seed=behaviour.stall_seed,
        stall_percent=behaviour.stall_percent,
        fail_read=behaviour.fail_read,
        fail_write=behaviour.fail_write,
        dead=behaviour.dead,
        writes=len(script),
        reads=len(RESULTS),
        write_address=tuple(script),
        write_data=tuple(script.values()),
        read_address=RESULTS,
        max_cycles=max_cycles,
        dram=dram.numbers(behaviour.dram, behaviour.clock_mhz),
    )
