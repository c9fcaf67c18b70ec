"""Runs mutants until a case notices them."""

import collections
import concurrent.futures
import ctypes
import dataclasses
import functools
import itertools
import pathlib
import pickle
import re
import time

import numpy as np

from accel.sim import verilator
from accel.sim.cache import Cache, cache_directory, key_of
from tests.faults.subject import PARAMS
from tests.mutation.case import Case, Ended
from tests.mutation.cases import LONGEST, cases, right
from tests.mutation.equivalent import STEPS, proof
from tests.mutation.graph import Netlist
from tests.mutation.high import high_cases
from tests.mutation.host import HostCase, hosts, in_parts
from tests.mutation.netlist import Mutant, Mutants, flat
from tests.mutation.rare import rare
from tests.mutation.results import Results
from tests.mutation.singles import commands, one_by_one

#: A mutant that runs so many times as long as the unchanged machine is noticed; at least so long.
PATIENCE, LEAST = 3, 5000
#: So many cases of a kind are enough; what notices most mutants in the shortest time.
MOST = {"layer": 12, "chain": 4, "wild network": 8, "wild another network": 8,
        "a broken command": 40}  # fmt: skip
FIRST = "network", "instructions"
#: They are run as if they were so many times shorter: the shortest cases are first.
WORTH = 8
#: Commands alone are so many cases, each with a part of them.
PARTS = 12
#: All mutants are tried with the first cases before any is with more: with so much of the cycles of
#: all cases in each round.  What is proved by the last one, which takes longest, is spared it.
ROUNDS = 0.03, 0.2, 1


@dataclasses.dataclass(frozen=True)
class Judged:
    """A mutant, and the case that noticed it, or None; how it is proved to change nothing; and, if
    neither, with how many cases it is yet to be tried, and whether all steps of a proof failed."""

    mutant: Mutant
    noticed_by: str | None
    proof: str = ""
    left: int = 0
    unproved: bool = False


@functools.cache
def every() -> tuple[Case | HostCase, ...]:
    """All cases; of some kinds fewer than measure coverage."""
    counts, found = collections.Counter(), []
    for case in cases():
        kind = kind_of(case.name)
        counts[kind] += 1
        if counts[kind] <= MOST.get(kind, len(cases())):
            found.append(case)
    listed = commands(PARAMS)
    alone = (one_by_one(f"single commands {n}", listed[n::PARTS]) for n in range(PARTS))
    parts = in_parts(found[0].memory)
    return (*found, *hosts((*found,)[:34]), parts, *alone, *rare(PARAMS), *high_cases())


def kind_of(name: str) -> str:
    """A case's name without what is its own."""
    return re.sub(r"( [\da-f]+| [A-Z_]+)$", "", name).removeprefix("raised ")


class Judge:
    """All mutants' simulator, and how every case ends on the unchanged machine."""

    def __init__(self, count: int, seed: int):
        mutants = Mutants(count, seed)
        path = mutants.simulator(PARAMS)
        self._library = verilator.load(path)
        self._library.accel_mutant.argtypes = (ctypes.c_uint32,)
        self.mutants, self._build = mutants.listed, path.parent.name  # digest of all that it is
        # What verdicts are of: whatever becomes of the simulator's sources, they stay.
        text = (flat(PARAMS) / "flat.il").read_text(encoding="utf-8")
        self.netlist = key_of(text, *(repr(mutant) for mutant in self.mutants))
        self._cases: dict[str, tuple[Case | HostCase, Ended]] = {}
        self._infected: dict[str, np.ndarray] = {}
        for case, (ended, infected) in zip(every(), self._unchanged(), strict=True):
            if ended.cycles < LONGEST or isinstance(case, HostCase):  # which ends by itself
                self._cases[case.digest] = case, ended
                self._infected[case.digest] = infected
        self.cycles = sum(ended.cycles for _, ended in self._cases.values())
        self._cases = {digest: self._cases[digest] for digest in self._order()}
        left = np.frombuffer(self._cases[cases()[0].digest][1].memory, np.uint8)
        if not right(dataclasses.replace(cases()[0], memory=left)):
            raise AssertionError("the unchanged machine does not compute what golden does")

    def _order(self) -> list[str]:
        """Some of those that notice most, for the first round; then those that take least for what
        they notice."""
        def cost(digest):
            case, ended = self._cases[digest]
            return ended.cycles / (WORTH if kind_of(case.name) in FIRST else 1)

        order = sorted(self._cases, key=cost)
        most = [one for one in order if kind_of(self._cases[one][0].name) in FIRST]
        sums = itertools.accumulate(self._cases[one][1].cycles for one in most)
        first = [one for one, so_far in zip(most, sums, strict=True)
                 if so_far <= ROUNDS[0] * self.cycles]  # fmt: skip
        return first + [one for one in order if one not in first]

    def _unchanged(self) -> list[tuple[Ended, np.ndarray]]:
        """How each case ends on the unchanged machine, and which mutants it would infect; now or
        when it was run before."""
        def make(folder):
            self._library.accel_mutant(0)
            ran = [(case.end(self._library, LONGEST), self._infections()) for case in every()]
            (folder / "ran.pickle").write_bytes(pickle.dumps(ran))

        key = key_of(self._build, *(case.digest for case in every()))
        ran = Cache(cache_directory()).entry("unchanged", key, make) / "ran.pickle"
        return pickle.loads(ran.read_bytes())

    @property
    def rounds(self) -> list[tuple[str, ...]]:
        """The digests of the cases that each round is with; the last one is with all."""
        sums = itertools.accumulate(ended.cycles for _, ended in self._cases.values())
        by_sum = [*zip(self._cases, sums, strict=True)]
        return [tuple(digest for digest, so_far in by_sum if so_far <= share * self.cycles)
                for share in ROUNDS]  # fmt: skip

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

    After ``seconds`` no further one is begun; returned are the judge and what was tried at least
    with the first round's cases.
    """
    judge = _judge(count, seed)
    results, cases = Results(path, judge.netlist), (*judge.cases,)
    ends = time.monotonic() + seconds
    for some in judge.rounds:
        work = [(number, judge.infected(number, left)) for number in range(len(judge.mutants))
                if results.of(str(number), cases) is False
                and (left := results.left(str(number), some))]  # fmt: skip
        work.sort(key=lambda one: -len(one[1]))  # what was tried least comes first
        saved = time.monotonic()
        for number, digest in _done(count, seed, jobs, work, ends):
            results.add(str(number), digest, some)
            if time.monotonic() > saved + 20:
                results.save()
                saved = time.monotonic()
        results.save()
    judged = []
    for number, mutant in enumerate(judge.mutants):
        name = str(number)
        noticed = results.of(name, cases)
        if noticed is not False or not results.left(name, judge.rounds[0]):
            by = judge.cases[noticed].name if noticed else None
            judged.append(Judged(mutant, by, results.proofs.get(name, ""),
                                 0 if by else len(results.left(name, cases)),
                                 results.proofs.get(name) == ""))  # fmt: skip
    return judge, judged


def prove(count: int, seed: int, path: pathlib.Path, seconds: float = float("inf")) -> None:
    """Try to prove equivalent what nothing noticed, and keep in the file ``path`` what was."""
    judge, ends = _judge(count, seed), time.monotonic() + seconds
    results, net = Results(path, judge.netlist), Netlist(flat(PARAMS) / "flat.json")
    left = [(str(number), mutant) for number, mutant in enumerate(judge.mutants)
            if not results.of(str(number), (*judge.cases,))
            and not results.left(str(number), judge.rounds[-2])]  # fmt: skip
    for step in STEPS:
        for name, mutant in left:
            if name in results.proofs or time.monotonic() > ends:
                continue
            found = proof(net, mutant, (step,))
            if found or step == STEPS[-1]:
                results.proofs[name] = found or ""
                results.save()


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
