"""A campaign: every mutant of a session that has no result yet, one after the other."""

import collections
import dataclasses
import hashlib
import time

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from tests.software_mutation import draw, touch, trial
from tests.software_mutation.rooms import room_of
from tests.software_mutation.verdicts import Verdicts, change


@dataclasses.dataclass(frozen=True)
class Judged:
    """A mutant that was tried.

    Attributes:
        source, line: where it is.
        before, after: the changed lines.
        killed: whether a test noticed.
        said: by which, or how many let it live.
        why: why it is equivalent, if somebody found that it is.
    """

    source: str
    line: int
    before: str
    after: str
    killed: bool
    said: str
    why: str | None

    @property
    def room(self) -> str:
        """The room it is in."""
        return room_of(self.source)


def run(
    path, touched: touch.Touch, until: float, again: bool = False, enough: float = trial.ENOUGH,
    tell=print,
) -> bool:
    """Try what is left of a session; true if nothing is left.

    Args:
        path: the session.
        touched: which test runs which line.
        until: when, by time.monotonic, no further mutant is begun.
        again: try mutants that lived, and are not known to be equivalent, once more: there are new
            tests.
        enough: seconds of tests that a mutant must outlive.
        tell: gets a line for each.
    """
    with use_db(path, WorkDB.Mode.open) as database:
        left = list(database.pending_work_items)
        if again:
            known = Verdicts()
            left = [item for item, result in database.completed_work_items
                    if result.test_outcome == TestOutcome.SURVIVED and not known.why(
                        str(item.mutations[0].module_path), *result.diff.split("\n"))]  # fmt: skip
        # In any order but that of rooms: what is done when it is stopped is a sample, too.
        left.sort(key=lambda item: hashlib.sha256(item.job_id.encode()).digest())
        for number, item in enumerate(left):
            if time.monotonic() > until:
                tell(f"{len(left) - number} are left")
                return False
            (mutation,) = item.mutations
            begun, verdict = time.monotonic(), trial.judge(touched, mutation, enough)
            before, after = change(draw.text_of(str(mutation.module_path)), draw.mutated(mutation))
            outcome = TestOutcome.KILLED if verdict.killed else TestOutcome.SURVIVED
            database.set_result(item.job_id, WorkResult(
                WorkerOutcome.NORMAL, verdict.said, outcome, f"{before}\n{after}"))  # fmt: skip
            tell(f"{time.monotonic() - begun:5.1f} s {mutation.module_path}:{mutation.start_pos[0]}"
                 f" {before} -> {after}: {verdict.said}")  # fmt: skip
    return True


def drawn(path) -> int:
    """How many mutants a session has."""
    with use_db(path, WorkDB.Mode.open) as database:
        return database.num_work_items


def judged(path, verdicts: Verdicts) -> list[Judged]:
    """All mutants of a session that were tried, in the order of sources and lines."""
    found = []
    with use_db(path, WorkDB.Mode.open) as database:
        for item, result in database.completed_work_items:
            (mutation,) = item.mutations
            source = str(mutation.module_path)
            before, after = result.diff.split("\n")
            found.append(Judged(
                source, mutation.start_pos[0], before, after,
                result.test_outcome == TestOutcome.KILLED, result.output,
                verdicts.why(source, before, after),
            ))  # fmt: skip
    return sorted(found, key=lambda one: (one.source, one.line, one.after))


def by_room(all_: list[Judged]) -> dict[str, list[Judged]]:
    """The mutants of each room."""
    rooms = collections.defaultdict(list)
    for one in all_:
        rooms[one.room].append(one)
    return dict(sorted(rooms.items()))
