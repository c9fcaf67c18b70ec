"""Runs a campaign, or one fault again: see the package."""

import argparse
import json
import os
import pathlib

import tests.faults
from tests.faults import campaign, report


def main() -> int:
    """Run it; the exit code is 1 if a fault hangs the machine."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults",
                                     description=tests.faults.__doc__.splitlines()[0])  # fmt: skip
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--cost", nargs="+", type=pathlib.Path, metavar="DIR", default=[],
                        help="what accel fpga --no-place --out DIR wrote; of a machine without "
                             "protection first")  # fmt: skip
    parser.add_argument("--guarded", action="store_true", help="with --one: with parity")
    parser.add_argument("--one", nargs=4, metavar=("ELEMENT", "WORD", "BIT", "CYCLE"))
    asked = parser.parse_args()
    if asked.one:
        faulty = campaign.machine(asked.guarded)
        names = [one.name for one in faulty.elements]
        word, bit, cycle = map(int, asked.one[1:])
        ended = faulty.run(campaign.Fault(names.index(asked.one[0]), word, bit, cycle))
        print(ended)
        return int(ended.outcome == "hang")
    plain, guarded = (
        campaign.run(asked.count, asked.seed, asked.jobs, on) for on in (False, True)
    )  # fmt: skip
    command = f"python -m tests.faults --count {asked.count} --seed {asked.seed}"
    costs = [json.loads((one / "report.json").read_text(encoding="utf-8")) for one in asked.cost]
    text = report.render(plain, guarded, command, costs)
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    return int(any(one.outcome("hang") for one in (plain, guarded)))


if __name__ == "__main__":
    raise SystemExit(main())
