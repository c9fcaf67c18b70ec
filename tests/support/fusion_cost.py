"""What results that stay on the chip cost: compile and simulation time, and logic.

    python -m tests.support.fusion_cost BEFORE [--rounds 5] [--area LABEL=REPORT ...]
        [--report reports/fusion.md]

BEFORE is a checkout of an earlier commit (``git worktree add --detach BEFORE 944060f``).  The two
compile and simulate the same networks in turns, each in a process of its own; what counts is
processor time, the least of all rounds.  REPORT is a report.json of ``accel fpga --no-place --out
DIR``, made in a checkout.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from accel.bench.header import header

ROOT = pathlib.Path(__file__).parents[2]
#: Networks, and images in a batch.
CASES = (("resnet18", 1), ("resnet50", 1), ("googlenet", 1), ("mobilenet_v2", 1), ("resnet8", 8),
         ("kws", 8), ("mobilenet", 8))  # fmt: skip
#: What is run in a checkout: prints, by case, processor seconds to compile and to simulate, cycles.
PROBE = """
import json, sys, time
from accel.compiler import compile_graph
from accel.opening import open_network
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory

engine, params, found = get_engine("verilator"), Params(), {}
engine.build(params)
for name, batch in json.loads(sys.argv[1]):
    graph = open_network(name)
    compiled = []
    for _ in range(6):  # the first one compiles functions, too
        began = time.process_time()
        program = compile_graph(graph, params, batch)
        compiled.append(time.process_time() - began)
    cycles, began = 0, time.process_time()
    space = program.image.copy()
    for step in program.steps:
        if step.commands:
            outcome = engine.run(space, step.start, step.commands, Memory(), 100_000_000)
            cycles += outcome.counters["cycles"]
    found[name] = min(compiled), time.process_time() - began, cycles
print(json.dumps(found))
"""


def measured(tree: pathlib.Path) -> dict:
    """What PROBE prints in a checkout."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(CASES)], cwd=tree, check=True, text=True,
        stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(tree)},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def best(rounds: list[dict]) -> dict:
    """Of each case the least seconds, and the cycles."""
    return {name: [min(one[name][n] for one in rounds) for n in range(3)] for name in rounds[0]}


def times(before: dict, after: dict) -> list[str]:
    """The table of times."""
    lines = ["| network, images | compile: before | now | ratio | simulate: before | now | ratio | "
             "cycles: before | now | a second: ratio |", "|---|" + "---:|" * 9]  # fmt: skip
    for name, batch in CASES:
        (c0, s0, n0), (c1, s1, n1) = before[name], after[name]
        lines.append(
            f"| {name}, {batch} | {c0:.3f} s | {c1:.3f} s | {c1 / c0:.2f} | {s0:.2f} s | {s1:.2f} s"
            f" | {s1 / s0:.2f} | {n0:,} | {n1:,} | {n1 / s1 / (n0 / s0):.2f} |"
        )
    return lines


def area(reports: list[str]) -> list[str]:
    """The table of what synthesis found."""
    lines = ["| 8x8 machine `small` | LUT | flip-flops | DSP | block RAM |",
             "|---|---:|---:|---:|---:|"]  # fmt: skip
    for label, _, path in (one.partition("=") for one in reports):
        found = json.loads(pathlib.Path(path).read_text())
        counts = (f"{found[name]['used']:,}" for name in ("lut", "ff", "dsp", "block_ram"))
        lines.append(f"| {label} | {' | '.join(counts)} |")
    return lines


def commit(tree: pathlib.Path) -> str:
    """A checkout's commit."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=tree, check=True, text=True,
                          stdout=subprocess.PIPE)  # fmt: skip
    return done.stdout.strip()


def page(trees, rounds: int, found: tuple[list, list], reports: list[str]) -> str:
    """The report; without rounds only the logic's part."""
    machine = header()["machine"]
    lines = ["# What results that stay on the chip cost", ""]
    if rounds:
        lines += [
            f"`python -m tests.support.fusion_cost BEFORE --rounds {rounds}`, "
            f"{time.strftime('%Y-%m-%d')}, {machine['cpu']}; before: {commit(trees[0])}, now: "
            f"{commit(trees[1])}. 16x16, 16 bytes a cycle; in turns, the least processor time of "
            "all rounds. Where fewer cycles are simulated, each has more to do.", "",
            *times(*map(best, found)), "",
        ]  # fmt: skip
    if reports:
        lines += [
            "Logic, by `accel fpga --machine small --no-place --out DIR` in a checkout of each "
            "commit (Yosys 0.23 for an ECP5: all of the machine, synthesised and not placed; what "
            "the mapper happens to find differs by some per cent from commit to commit):", "",
            *area(reports), "",
        ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--area", nargs="*", default=())
    parser.add_argument("--report", type=pathlib.Path)
    given = parser.parse_args()
    trees, found = (given.before.resolve(), ROOT), ([], [])
    for number in range(given.rounds):
        for tree, kept in zip(trees, found, strict=True):
            kept.append(measured(tree))
        print(f"{number + 1} of {given.rounds}", flush=True)
    text = page(trees, given.rounds, found, given.area)
    print(text)
    if given.report:
        given.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
