"""Hosts that do on the register port what a driver may do: a program's run is only a part of it.

Accesses with any address, strobes and delays, writes and reads at once; starts, aborts and clears
at any time; base addresses, time limits and budgets written while a program runs; resets.
"""

import ctypes
import dataclasses
import hashlib

import numpy as np

from accel.registers import Reg
from accel.sim import verilator
from accel.sim.engine import Memory
from tests.faults.subject import PARAMS
from tests.mutation.case import Case, Ended, bus_of

#: Cycles of a host's life; accesses that may fall into it; hosts.
CYCLES, ACCESSES, HOSTS = 6000, 400, 12
#: What host.h does with a channel on which nothing is valid.
_IDLE = "any value"
#: Of an access: see host.h.
_FIELDS = "gap", "interrupt", "address", "data", "strobe", "late_address", "late_data", "wait"
#: What a host writes most, and which of it, most of the time, is what makes a program run.
_WRITTEN = (Reg.CONTROL, Reg.CONTROL, Reg.PROGRAM, Reg.COMMANDS, Reg.TIMEOUT, Reg.BASE, Reg.BUDGET)


@dataclasses.dataclass(frozen=True)
class HostCase:
    """A host's accesses, uint32 with a row of _FIELDS each, and the cycles of its resets."""

    name: str
    memory: np.ndarray
    behaviour: Memory
    writes: np.ndarray
    reads: np.ndarray
    resets: tuple[int, ...]
    cycles: int = CYCLES

    @property
    def digest(self) -> str:
        """What tells it from any other case, whatever its name."""
        arrays = (one.tobytes() for one in (self.memory, self.writes, self.reads))
        text = repr((self.behaviour, self.resets, self.cycles, _IDLE))
        return hashlib.sha256(b"".join(arrays) + text.encode()).hexdigest()[:16]

    def end(self, library, limit: int) -> Ended:
        """What the machine answered, in every cycle, and did."""
        memory, result = self.memory.copy(), verilator.Result()
        config = verilator.config_of(PARAMS, memory, 0, 0, self.behaviour, limit)
        resets = np.array(self.resets, np.uint64)
        library.accel_host.restype = ctypes.c_uint64
        seen = library.accel_host(
            ctypes.byref(config), _pointer(self.writes), len(self.writes), _pointer(self.reads),
            len(self.reads), _pointer(resets), len(resets), ctypes.c_uint64(self.cycles),
            ctypes.byref(result),
        )  # fmt: skip
        return Ended(memory.tobytes(), (seen,), result.cycles, result.error.decode(),
                     bus_of(library))  # fmt: skip


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def hosts(programs: tuple[Case, ...]) -> list[HostCase]:
    """Hosts that run, or try to run, one of the programs each."""
    found = []
    for number in range(HOSTS):
        rng = np.random.default_rng([17, number])
        case = programs[number % len(programs)]
        resets = sorted(rng.choice(CYCLES, number % 3, replace=False).tolist())
        found.append(HostCase(
            f"host {number}", case.memory, case.behaviour, _writes(rng, case),
            accesses(rng, [int(rng.integers(256)) for _ in range(ACCESSES)]),
            tuple(one for one in resets if one),
        ))  # fmt: skip
    return found


def _writes(rng, case: Case) -> np.ndarray:
    """Writes: what starts the case's program, again and again, and anything else between."""
    right = {Reg.PROGRAM: case.start, Reg.COMMANDS: case.commands, Reg.TIMEOUT: 300,
             Reg.BASE: case.base, Reg.BUDGET: 0, Reg.CONTROL: 1}  # fmt: skip
    rows = []
    while len(rows) < ACCESSES:
        if rng.random() < 0.3:
            rows += [(address, value, 15) for address, value in right.items()]
            continue
        address = int(rng.choice(_WRITTEN)) if rng.random() < 0.9 else int(rng.integers(256))
        data = int(rng.choice([rng.integers(1 << 32), rng.integers(8), 1 << rng.integers(32)]))
        if address == Reg.CONTROL and rng.random() < 0.7:
            data = int(rng.choice([2, 4]))
        strobe = 15 if rng.random() < 0.6 else int(rng.integers(16))
        rows.append((address ^ int(rng.integers(4)) * (rng.random() < 0.1), data, strobe))
    found = accesses(rng, [address for address, _, _ in rows])
    found[:, 3:5] = [row[1:] for row in rows]
    # Where a program was started it gets some time, most of the time.
    starts = np.flatnonzero((found[:, 2] == Reg.CONTROL) & (found[:, 3] == 1))
    for start in starts[starts + 1 < len(found)]:
        found[start + 1, 0] += int(rng.integers(400)) * (rng.random() < 0.7)
    return found


def in_parts(memory: np.ndarray) -> HostCase:
    """A host that writes registers byte by byte, and reads all of them all the time; no start."""
    rng = np.random.default_rng(18)
    writable = Reg.PROGRAM, Reg.COMMANDS, Reg.TIMEOUT, Reg.BASE, Reg.BUDGET
    writes = accesses(rng, rng.choice(writable, ACCESSES).tolist())
    writes[:, 0], writes[:, 3] = 60, rng.integers(1 << 32, size=ACCESSES)
    writes[:, 4] = rng.integers(16, size=ACCESSES)
    reads = accesses(rng, [*writable, Reg.STATUS] * ACCESSES)
    reads[:, 0] = reads[:, 7] = 0
    return HostCase("registers in parts", memory, Memory(latency_cycles=2), writes, reads, (),
                    cycles=70 * ACCESSES)  # fmt: skip


def accesses(rng, addresses: list[int]) -> np.ndarray:
    """Accesses to these addresses, most of them without delay."""
    found = np.zeros((len(addresses), len(_FIELDS)), np.uint32)
    found[:, 0] = rng.integers(0, 20, len(found)) * (rng.random(len(found)) < 0.5)
    found[:, 2] = addresses
    found[:, 5:] = rng.integers(0, 6, (len(found), 3)) * (rng.random((len(found), 3)) < 0.5)
    return found
