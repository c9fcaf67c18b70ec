"""Draws faults, runs the machine with each, and sorts what came of it."""

import concurrent.futures
import ctypes
import dataclasses
import functools

import numpy as np

from accel.checksum import checksum
from accel.isa import RECORD_BYTES, Error
from accel.registers import Reg
from accel.sim import verilator
from accel.sim.engine import MachineError, Memory
from accel.sim.host import RESULTS, outcome
from tests.faults.elements import Element
from tests.faults.subject import GUARDED, PARAMS, Subject, build, subject

#: How a run with a fault ends.
OUTCOMES = {
    "masked": "every byte of memory and every counter as without it",
    "counters": "every byte right, a counter wrong",
    "reported": "the machine stops with an error code: a malformed command, an AXI error, the "
                "watchdog, the budget, parity, the checksum",
    "bus": "the machine breaks a rule of AXI, or a register is not answered, or not as any machine "
           "would: seen from outside alone",
    "inside": "no error; the output is right, other bytes of memory (tensors in between, the "
              "program) are wrong",
    "wrong": "no error; the output is wrong",
    "late": "an interrupt, after more than LATE times the cycles of a run without a fault",
    "hang": "no interrupt within NEVER cycles",
}  # fmt: skip
LATE, NEVER = 20, 1 << 23
#: The budget of a run, in times the cycles of one without a fault.
BUDGET = 16
_MEMORY = Memory(latency_cycles=20)


@dataclasses.dataclass(frozen=True)
class Fault:
    """A flip of ``bit`` of ``word`` of the element's, before ``cycle``."""

    element: int
    word: int
    bit: int
    cycle: int


@dataclasses.dataclass(frozen=True)
class Ended:
    """One of OUTCOMES; the error's name, or what the simulator said; after how many cycles."""

    outcome: str
    said: str
    cycles: int


class Faulty:
    """The machine and its network, and what a run without a fault leaves."""

    def __init__(self, guarded: bool = False, never: int = NEVER):
        self._params = GUARDED if guarded else PARAMS
        path, self.elements = build(self._params)
        self._library = verilator.load(path)
        self._library.accel_flip.argtypes = (ctypes.c_uint32,) * 3
        self._subject: Subject = subject()
        self._limit, self._registers = never, {}
        ended, self.clean, self.counters = self._run()
        output = self._subject.program.tensors[self._subject.output].view(self.clean)
        if ended.said != "NONE" or not np.array_equal(output, self._subject.right):
            raise AssertionError(f"the machine without a fault: {ended}")
        self.cycles = ended.cycles
        (step,) = self._subject.program.steps
        self._registers = {Reg.BUDGET: BUDGET * self.cycles}
        if guarded:
            self._registers[Reg.CHECKSUM] = checksum(
                self._params, self._subject.memory, step.start, step.commands
            )

    def run(self, *faults: Fault) -> Ended:
        """The network once more, with a fault, or several in the same cycle."""
        ended, memory, counters = self._run(*faults)
        if ended.outcome == "done" and ended.cycles > LATE * self.cycles:
            return dataclasses.replace(ended, outcome="late")
        if ended.outcome != "done":
            return ended
        if ended.said != Error.NONE.name:
            return dataclasses.replace(ended, outcome="reported")
        place = self._subject.program.tensors[self._subject.output]
        if not np.array_equal(place.view(memory), self._subject.right):
            return dataclasses.replace(ended, outcome="wrong")
        if not np.array_equal(self._bytes(memory), self._bytes(self.clean)):
            return dataclasses.replace(ended, outcome="inside")
        same = counters == self.counters and np.array_equal(memory, self.clean)
        return dataclasses.replace(ended, outcome="masked" if same else "counters")

    def _bytes(self, memory: np.ndarray) -> np.ndarray:
        """Memory without the layers' completion records, which are counters."""
        memory = memory.copy()
        for layer in self._subject.program.layers:
            memory[layer.mark_addr : layer.mark_addr + RECORD_BYTES] = 0
        return memory

    def _run(self, *faults: Fault):
        """How a run ended, its memory, and the machine's counters."""
        (step,) = self._subject.program.steps
        memory, result = self._subject.memory.copy(), verilator.Result()
        config = verilator.config_of(self._params, memory, step.start, step.commands, _MEMORY,
                                     self._limit, self._registers)  # fmt: skip
        handle = self._library.accel_begin(config)
        try:
            if faults:
                (cycle,) = {fault.cycle for fault in faults}
                self._library.accel_advance(handle, cycle, result)
                for fault in faults:
                    self._library.accel_flip(fault.element, fault.word, fault.bit)
            while not result.finished:
                self._library.accel_advance(handle, 1 << 20, result)
        finally:
            self._library.accel_end(handle)
        said = result.error.decode()
        if said:
            kind = "hang" if said.startswith("no interrupt") else "bus"
            return Ended(kind, said, result.cycles), memory, None
        try:
            found = outcome(list(result.values[: len(RESULTS)]), 0.0)
        except MachineError as error:  # a STATUS that no machine has
            return Ended("bus", str(error), result.cycles), memory, None
        return Ended("done", found.error.name, result.cycles), memory, found.counters


def draw(elements: list[Element], cycles: int, count: int, seed: int) -> list[Fault]:
    """``count`` faults: of every class of elements equally many, in it of every bit."""
    rng = np.random.default_rng(seed)
    kinds: dict[str, list[int]] = {}
    for number, one in enumerate(elements):
        kinds.setdefault(one.kind, []).append(number)
    found = []
    for n in range(count):
        members = kinds[sorted(kinds)[n % len(kinds)]]
        sizes = np.array([elements[number].bits * elements[number].words for number in members])
        number = members[rng.choice(len(members), p=sizes / sizes.sum())]
        one = elements[number]
        found.append(Fault(number, int(rng.integers(one.words)), int(rng.integers(one.bits)),
                           int(rng.integers(cycles))))  # fmt: skip
    return found


@functools.cache
def machine(guarded: bool) -> Faulty:
    """This process's machine."""
    return Faulty(guarded)


def one(guarded: bool, fault: Fault) -> Ended:
    """Run a fault on this process's machine."""
    return machine(guarded).run(fault)


@dataclasses.dataclass(frozen=True)
class Campaign:
    """A machine, and its faults each with its end."""

    faulty: Faulty
    ended: list[tuple[Fault, Ended]]

    def outcome(self, name: str) -> list[tuple[Fault, Ended]]:
        """Those that ended like that."""
        return [(fault, end) for fault, end in self.ended if end.outcome == name]


def run(count: int, seed: int, jobs: int, guarded: bool) -> Campaign:
    """Run ``count`` faults on the machine without or with what finds them."""
    faulty = machine(guarded)
    faults = draw(faulty.elements, faulty.cycles, count, seed)
    this = functools.partial(one, guarded)
    if jobs == 1:
        return Campaign(faulty, [(fault, this(fault)) for fault in faults])
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        ended = pool.map(this, faults, chunksize=50)
        return Campaign(faulty, list(zip(faults, ended, strict=True)))
