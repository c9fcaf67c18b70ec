"""A program that mutants may be noticed by, and how it ends."""

import ctypes
import dataclasses
import hashlib

import numpy as np

from accel.registers import Reg
from accel.sim import verilator
from accel.sim.engine import Memory
from accel.sim.host import RESULTS
from tests.faults.subject import PARAMS

#: Registers that are read at the end of every case.
READ = (*RESULTS, Reg.ID, Reg.SHAPE, Reg.CONTROL, Reg.PROGRAM, Reg.COMMANDS, Reg.TIMEOUT, Reg.BASE,
        Reg.VERSION, Reg.MACHINE, Reg.BUDGET)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Ended:
    """Memory, registers and cycles at the end, or what the simulator said of it; and a digest of
    the transactions on the bus, if it has one."""

    memory: bytes
    values: tuple[int, ...]
    cycles: int
    said: str
    bus: int = 0


@dataclasses.dataclass(frozen=True)
class Case:
    """A program in memory, the memory's behaviour, and what the host writes to BASE and BUDGET."""

    name: str
    memory: np.ndarray
    start: int
    commands: int
    behaviour: Memory
    base: int = 0
    budget: int = 0
    timeout: int = PARAMS.timeout_cycles

    @property
    def digest(self) -> str:
        """What tells it from any other case, whatever its name."""
        others = dataclasses.replace(self, name="", memory=None)
        return hashlib.sha256(self.memory.tobytes() + repr(others).encode()).hexdigest()[:16]

    def end(self, library, limit: int) -> Ended:
        """Run it on a fresh machine for at most ``limit`` cycles."""
        (ended,) = in_turn([self], library, limit)
        return ended

    def config(self, memory: np.ndarray, limit: int):
        """What a run is given."""
        registers = {Reg.BUDGET: self.budget} if self.budget else {}
        registers |= {Reg.BASE: self.base, Reg.TIMEOUT: self.timeout}
        config = verilator.config_of(PARAMS, memory, self.start, self.commands, self.behaviour,
                                     limit, registers)  # fmt: skip
        config.reads = len(READ)
        config.read_address[: len(READ)] = READ
        return config


def in_turn(cases: list[Case], library, limit: int) -> list[Ended]:
    """Run programs on one machine, one behind the other; it is fresh at first."""
    memories, handle, found = [case.memory.copy() for case in cases], None, []
    try:
        for case, memory in zip(cases, memories, strict=True):
            config, result = case.config(memory, limit), verilator.Result()
            if handle is None:
                handle = library.accel_begin(config)
            else:
                library.accel_restart(handle, config)
            while not result.finished:
                library.accel_advance(handle, limit, result)
            found.append((memory, result))
    finally:
        library.accel_end(handle)
    return [Ended(memory.tobytes(), tuple(result.values), result.cycles, result.error.decode(),
                  bus_of(library)) for memory, result in found]  # fmt: skip


def bus_of(library) -> int:
    """A digest of the last machine's transactions, where the simulator makes one."""
    if not hasattr(library, "accel_bus"):
        return 0
    library.accel_bus.restype = ctypes.c_uint64
    return library.accel_bus()
