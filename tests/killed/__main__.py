"""Runs trials and writes the page: see the package."""

import argparse
import dataclasses
import json
import pathlib
import tempfile

import tests.killed
from accel.report.files import write_text
from tests.killed.campaign import Campaign, Trial
from tests.killed.report import render
from tests.killed.works import WORKS

KEPT = pathlib.Path("build/killed")


def main() -> int:
    """Run them; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.killed",
                                     description=tests.killed.__doc__.splitlines()[0])  # fmt: skip
    parser.add_argument("--count", type=int, default=100, help="trials, over all kinds")
    parser.add_argument("--seed", type=int, default=1, help="the first; each trial has the next")
    parser.add_argument("--only", nargs="+", choices=WORKS, metavar="KIND", default=list(WORKS))
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    journal = KEPT / "trials.jsonl"
    done = [Trial(**json.loads(line)) for line in _lines(journal)]
    known = {(one.kind, one.seed) for one in done}
    work = pathlib.Path(tempfile.mkdtemp(dir=KEPT, prefix="work-"))
    campaign = Campaign(work, KEPT / "home")
    for number in range(asked.count):
        kind, seed = asked.only[number % len(asked.only)], asked.seed + number // len(asked.only)
        if (kind, seed) in known:
            continue
        trial = campaign.run(kind, seed)
        done.append(trial)
        with journal.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(trial)) + "\n")
        for problem in trial.problems:
            print(f"{kind}, seed {seed}, {trial.signal} at {trial.moment}: {problem}", flush=True)
    if not any(work.iterdir()):  # it keeps the folders of trials that failed
        work.rmdir()
    text = render(done)
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    return int(any(one.problems for one in done))


def _lines(journal: pathlib.Path) -> list[str]:
    """What earlier calls found; a last line that was cut off is none."""
    text = journal.read_text() if journal.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(whole, journal)
    return whole.splitlines()


if __name__ == "__main__":
    raise SystemExit(main())
