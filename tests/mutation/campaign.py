"""Runs mutants until a case notices them."""

import concurrent.futures
import ctypes
import dataclasses
import functools
import itertools
import pathlib
import time

import numpy as np

from accel.sim import verilator
from tests.faults.subject import PARAMS
from tests.mutation.case import Case, Ended
from tests.mutation.cases import LONGEST, cases, right
from tests.mutation.equivalent import proof
from tests.mutation.graph import Netlist
from tests.mutation.host import HostCase, hosts
from tests.mutation.netlist import Mutant, Mutants, flat
from tests.mutation.results import Results
from tests.mutation.singles import singles

#: A mutant that runs so many times as long as the unchanged machine is noticed; at least so long.
PATIENCE, LEAST = 3, 5000
#: Of the programs with a broken command.
BROKEN = 100


@dataclasses.dataclass(frozen=True)
class Judged:
    """A mutant, and the case that noticed it, or None; and how it is proved to change nothing."""

    mutant: Mutant
    noticed_by: str | None
    proof: str = ""


def every() -> tuple[Case | HostCase, ...]:
    """All cases, those first that notice most."""
    programs = cases()
    broken = [case for case in programs if "broken" in case.name]
    less = {case.digest for case in broken[BROKEN:]}  # than measure coverage
    return (*(case for case in programs if case.digest not in less), *hosts(programs[:24]),
            singles(PARAMS))  # fmt: skip


class Judge:
    """All mutants' simulator, and how every case ends on the unchanged machine."""

    def __init__(self, count: int, seed: int):
        mutants = Mutants(count, seed)
        self._library = verilator.load(mutants.simulator(PARAMS))
        self._library.accel_mutant.argtypes = (ctypes.c_uint32,)
        self.mutants, self.netlist = mutants.listed, mutants.digest
        self._library.accel_mutant(0)
        self._cases: dict[str, tuple[Case | HostCase, Ended]] = {}
        self._infected: dict[str, np.ndarray] = {}
        for case in every():
            ended = case.end(self._library, LONGEST)
            if ended.cycles < LONGEST:
                self._cases[case.digest] = case, ended
                self._infected[case.digest] = self._infections()
        self.cycles = sum(ended.cycles for _, ended in self._cases.values())
        left = np.frombuffer(next(iter(self._cases.values()))[1].memory, np.uint8)
        if not right(dataclasses.replace(cases()[0], memory=left)):
            raise AssertionError("the unchanged machine does not compute what golden does")

    @property
    def cases(self) -> dict[str, Case | HostCase]:
        """The cases by their digests."""
        return {digest: case for digest, (case, _) in self._cases.items()}

    def _infections(self) -> np.ndarray:
        """For each mutant, whether it would have changed anything in the last run."""
        words = np.zeros(-(-len(self.mutants) // 32), np.uint32)
        self._library.accel_infected(ctypes.c_void_p(words.ctypes.data))
        return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)

    def infected(self, number: int, digests: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the cases in which a mutant changes anything: others cannot notice it."""
        return tuple(digest for digest in digests if self._infected[digest][number])

    def notices(self, mutant: Mutant, digests: tuple[str, ...]) -> str | None:
        """Run these cases in their order; the digest of the first that notices the mutant."""
        self._library.accel_mutant(mutant.number)
        for digest in digests:
            case, wanted = self._cases[digest]
            if case.end(self._library, LEAST + PATIENCE * wanted.cycles) != wanted:
                return digest
        return None


@functools.cache
def _judge(count: int, seed: int) -> Judge:
    return Judge(count, seed)


def _one(count: int, seed: int, work: tuple[int, tuple[str, ...]]) -> tuple[int, str | None]:
    judge, (number, digests) = _judge(count, seed), work
    return number, judge.notices(judge.mutants[number], digests)


def run(count: int, seed: int, jobs: int, path: pathlib.Path | None = None,
        seconds: float = float("inf")) -> tuple[Judge, list[Judged]]:  # fmt: skip
    """Judge ``count`` mutants, but those whose verdicts are in the file ``path``.

    After ``seconds`` no further one is begun; returned are the judge and what was judged.
    """
    judge = _judge(count, seed)
    results, cases = Results(path, judge.netlist), (*judge.cases,)
    work = [(number, judge.infected(number, left)) for number in range(len(judge.mutants))
            if (left := results.left(str(number), cases))]  # fmt: skip
    saved = time.monotonic()
    for number, digest in _done(count, seed, jobs, work, saved + seconds):
        results.add(str(number), digest, cases)
        if time.monotonic() > saved + 20:
            results.save()
            saved = time.monotonic()
    results.save()
    judged = []
    for number, mutant in enumerate(judge.mutants):
        noticed = results.of(str(number), cases)
        if noticed is not False:
            by = judge.cases[noticed].name if noticed else None
            judged.append(Judged(mutant, by, results.proofs.get(str(number), "")))
    return judge, judged


def prove(count: int, seed: int, path: pathlib.Path, seconds: float = float("inf")) -> None:
    """Try to prove equivalent what nothing noticed, and keep in the file ``path`` what was."""
    judge, ends = _judge(count, seed), time.monotonic() + seconds
    results, net = Results(path, judge.netlist), Netlist(flat(PARAMS) / "flat.json")
    for number, mutant in enumerate(judge.mutants):
        name = str(number)
        if results.of(name, (*judge.cases,)) is None and name not in results.proofs:
            results.proofs[name] = proof(net, mutant) or ""
            results.save()
        if time.monotonic() > ends:
            break


def _done(count, seed, jobs, work, ends):
    """The verdicts on ``work``, until the time is over."""
    if jobs == 1:
        for one in work:
            if time.monotonic() > ends:
                return
            yield _one(count, seed, one)
        return
    # Forked, they have what the unchanged machine does.
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        waiting, begun = iter(work), set()
        while True:
            if time.monotonic() < ends:
                begun |= {pool.submit(_one, count, seed, one)
                          for one in itertools.islice(waiting, 2 * jobs - len(begun))}  # fmt: skip
            if not begun:
                return
            done, begun = concurrent.futures.wait(
                begun, return_when=concurrent.futures.FIRST_COMPLETED
            )
            yield from (one.result() for one in done)
