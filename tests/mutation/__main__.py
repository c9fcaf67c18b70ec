"""Runs a campaign: see the package."""

import argparse
import os
import pathlib
import sys

import tests.mutation
from tests.mutation import campaign, netlist, report

#: The share of mutants that must be noticed.
WANTED = 0.95


def main() -> int:
    """Run it; the exit code is 1 if too few were noticed."""
    about = tests.mutation.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=about)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    if not netlist.available():
        print("needs Yosys with its pass mutate: apt-get install yosys", file=sys.stderr)
        return 2
    judge, judged = campaign.run(asked.count, asked.seed, asked.jobs)
    command = f"python -m tests.mutation --count {asked.count} --seed {asked.seed}"
    text = report.render(judge, judged, command)
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    return int(sum(one.noticed_by is not None for one in judged) < WANTED * len(judged))


if __name__ == "__main__":
    raise SystemExit(main())
