"""Runs a campaign: see the package."""

import argparse
import pathlib

import tests.coverage
from tests.coverage import campaign, report


def main() -> int:
    """Run it; the exit code is 1 unless every branch and toggle was reached."""
    about = tests.coverage.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=about)
    parser.add_argument("--layers", type=int, default=150)
    parser.add_argument("--chains", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    covered = campaign.run(asked.layers, asked.chains, asked.seed)
    command = (f"python -m tests.coverage --layers {asked.layers} --chains {asked.chains} "
               f"--seed {asked.seed}")  # fmt: skip
    text = report.render(covered, command)
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    return int(min(report.shares(covered).values()) < 1)


if __name__ == "__main__":
    raise SystemExit(main())
