"""Runs mutants until a case notices them."""

import concurrent.futures
import ctypes
import dataclasses
import functools

import numpy as np

from accel.sim import verilator
from tests.faults.subject import PARAMS
from tests.mutation.cases import LONGEST, Ended, cases, end, right
from tests.mutation.netlist import Mutant, Mutants

#: A mutant that runs so many times as long as the unchanged machine is noticed; at least so long.
PATIENCE, LEAST = 3, 5000


@dataclasses.dataclass(frozen=True)
class Judged:
    """A mutant, and the case that noticed it, or None."""

    mutant: Mutant
    noticed_by: str | None


class Judge:
    """All mutants' simulator, and how every case ends on the unchanged machine."""

    def __init__(self, count: int, seed: int):
        mutants = Mutants(count, seed)
        self._library = verilator.load(mutants.simulator(PARAMS))
        self._library.accel_mutant.argtypes = (ctypes.c_uint32,)
        self.mutants = mutants.listed
        self._library.accel_mutant(0)
        ran = [(case, end(self._library, case, LONGEST)) for case in cases()]
        self._cases = [(case, ended) for case, ended in ran if ended.cycles < LONGEST]
        self.cycles = sum(ended.cycles for _, ended in self._cases)
        left = np.frombuffer(self._cases[0][1].memory, np.uint8)
        if not right(dataclasses.replace(cases()[0], memory=left)):
            raise AssertionError("the unchanged machine does not compute what golden does")

    def judge(self, mutant: Mutant) -> Judged:
        """Run the cases in their order."""
        self._library.accel_mutant(mutant.number)
        for case, wanted in self._cases:
            if self._end(case, wanted) != wanted:
                return Judged(mutant, case.name)
        return Judged(mutant, None)

    def _end(self, case, wanted: Ended) -> Ended:
        return end(self._library, case, LEAST + PATIENCE * wanted.cycles)


@functools.cache
def _judge(count: int, seed: int) -> Judge:
    return Judge(count, seed)


def _one(count: int, seed: int, number: int) -> Judged:
    judge = _judge(count, seed)
    return judge.judge(judge.mutants[number])


def run(count: int, seed: int, jobs: int) -> tuple[Judge, list[Judged]]:
    """Judge ``count`` mutants."""
    judge = _judge(count, seed)
    numbers = range(len(judge.mutants))
    if jobs == 1:
        return judge, [judge.judge(mutant) for mutant in judge.mutants]
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        work = functools.partial(_one, count, seed)
        return judge, list(pool.map(work, numbers, chunksize=10))
