"""Runs a campaign: see the package."""

import argparse
import os
import pathlib
import sys
import time

import tests.software_mutation
from tests.software_mutation import warm
from tests.software_mutation.rooms import ROOT

#: The share of mutants, equivalent ones left out, that must be killed.
WANTED = 0.90


def main() -> int:
    """Run it; the exit code is 1 if too few were killed, and 3 if mutants are left to try."""
    about = tests.software_mutation.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.software_mutation", description=about)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop some time after these")
    parser.add_argument("--again", action="store_true", help="try those that lived once more")
    parser.add_argument("--enough", type=float, default=4,
                        help="seconds of tests that a mutant must outlive")  # fmt: skip
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    until = time.monotonic() + asked.seconds
    os.chdir(ROOT)  # sources are named from there
    warm.imports()
    try:
        from tests.software_mutation import campaign, draw, touch, verdicts
    except ImportError as error:
        print(f"needs what pip install '.[mutation]' brings: {error}", file=sys.stderr)
        return 2
    path = draw.session(asked.count, asked.seed)
    touched = touch.refresh(lambda text: print(text, flush=True))
    done = campaign.run(path, touched, until, asked.again, asked.enough,
                        lambda text: print(text, flush=True))  # fmt: skip
    from tests.software_mutation import report  # imports what mutants change: not before

    known = verdicts.Verdicts()
    judged = campaign.judged(path, known)
    command = f"python -m tests.software_mutation --count {asked.count} --seed {asked.seed}"
    left = campaign.drawn(path) - len(judged)
    text = report.render(judged, left, len(touched.seconds), asked.enough, command)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    print(report.table(judged))
    if not done:
        return 3
    counted = [one for one in judged if not one.why]
    return int(sum(one.killed for one in counted) < WANTED * len(counted))


if __name__ == "__main__":
    raise SystemExit(main())
