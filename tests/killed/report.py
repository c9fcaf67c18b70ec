"""The page of a campaign."""

import collections
import time
from collections.abc import Sequence

from accel.bench.header import header
from tests.killed.campaign import Trial
from tests.killed.works import WORKS

#: Failed trials that are listed with all that is needed to run them again.
LISTED = 20


def render(done: Sequence[Trial]) -> str:
    """All trials so far, by kind."""
    seeds = [one.seed for one in done] or [0]
    machine = header()["machine"]["cpu"]
    lines = [
        "# Killed at random moments", "",
        f"`python -m tests.killed`, seeds {min(seeds)} to {max(seeds)}, "
        f"{time.strftime('%Y-%m-%d')}, {machine}:",
        f"{len(done):,} commands that a signal ended at a random moment of their own time, or",
        "before a random one of their file operations. Then every file under its final name must",
        "be whole, folders that are one thing the old or the new one, and the same command,",
        "started again, must end with the files of one that nobody disturbed and leave nothing",
        "temporary.", "",
        "*Under way*: those that had not ended by themselves before. *Earlier*: with an earlier",
        "result in the way.",
        "*Two*: with another process that made the same in the same cache.", "",
        "| command | trials | SIGKILL | SIGTERM | SIGINT | under way | earlier | two | failed |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for kind in WORKS:
        lines.append(_row(kind, [one for one in done if one.kind == kind]))
    lines += [_row("total", done), ""]
    failed = [one for one in done if one.problems]
    lines += [f"- {one.kind}, seed {one.seed}, {one.signal} at {one.moment}: {one.problems[0]}"
              for one in failed[:LISTED]]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, trials: Sequence[Trial]) -> str:
    signals = collections.Counter(one.signal for one in trials)
    columns = ("killed", "earlier", "two", "problems")
    numbers = [len(trials), *(signals[one] for one in ("SIGKILL", "SIGTERM", "SIGINT")),
               *(sum(bool(getattr(one, what)) for one in trials) for what in columns)]
    return f"| {name} | " + " | ".join(f"{number:,}" for number in numbers) + " |"
