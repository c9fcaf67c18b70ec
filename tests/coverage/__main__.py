"""Runs a campaign: see the package."""

import argparse
import pathlib
import time

import tests.coverage
from tests.coverage import campaign, report


def main() -> int:
    """Run it; the exit code is 1 unless all was reached or waived, rightly and not too much."""
    about = tests.coverage.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=about)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--chains", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    began = time.process_time()
    covered = campaign.run(asked.layers, asked.chains, asked.seed)
    command = (f"python -m tests.coverage --layers {asked.layers} --chains {asked.chains} "
               f"--seed {asked.seed}")  # fmt: skip
    waived = report.judge(covered)
    text = report.render(covered, command, waived)
    print(text)
    print("".join(f"waivers: {line}\n" for line in waived.wrong), end="")
    print(f"{time.process_time() - began:.0f} s of one core")
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    whole = min(report.shares(covered, waived).values()) == 1
    few = report.waiver_share(covered, waived) < report.MOST_WAIVED
    return int(not (whole and few and not waived.wrong))


if __name__ == "__main__":
    raise SystemExit(main())
