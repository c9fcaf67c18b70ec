"""Runs a campaign: see the package."""

import argparse
import os
import pathlib
import sys

import tests.mutation
from tests.mutation import campaign, netlist, report

#: The share of mutants that must be noticed, but for those that are proved equivalent.
WANTED = 0.95


def main() -> int:
    """Run it; the exit code is 1 if some are left, or too few were noticed of those not
    proved equivalent."""
    about = tests.mutation.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=about)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path,
                        help="verdicts, to go on where the last run with this file ended")
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="begin no mutant after this time")
    parser.add_argument("--prove", action="store_true",
                        help="try to prove equivalent what nothing noticed (with --results)")
    asked = parser.parse_args()
    if not netlist.available():
        print("needs Yosys with its pass mutate: apt-get install yosys", file=sys.stderr)
        return 2
    judge, judged = campaign.run(
        asked.count, asked.seed, asked.jobs, asked.results, 60 * asked.minutes
    )
    if asked.prove and asked.results:
        campaign.prove(asked.count, asked.seed, asked.results, 60 * asked.minutes)
        judge, judged = campaign.run(asked.count, asked.seed, 1, asked.results, 0)
    command = f"python -m tests.mutation --count {asked.count} --seed {asked.seed}"
    text = report.render(judge, judged, command)
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    begun = any(one.left for one in judged)
    return int(begun or len(judged) < len(judge.mutants) or report.score(judged) < WANTED)


if __name__ == "__main__":
    raise SystemExit(main())
