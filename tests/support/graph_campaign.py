"""Random networks of all operators: golden model against the oracle, RTL against the golden model.

    python -m tests.support.graph_campaign --graphs 300 --seed 1 [--formats onnx,tflite]
        [--stages oracle,4x4,8x8,16x16,odd] [--folder DIR] [--report reports/graph_campaign.md]

Stage ``oracle`` holds the golden model against ONNX Runtime's exact session and LiteRT's reference
kernels; the others run the RTL twice, under random stalls and with a random memory, compare every
byte of every layer with the golden model and every counter with the cycle model; ``odd`` on
machines of odd shapes, some with least buffers (tests/support/machines.py).  What was found
is kept in the folder, so that an interrupted campaign goes on; a network that fails is written
there, cut down to the first steps with which it fails, with its input.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import shutil
import tempfile
import time
import warnings

import numpy as np

from accel.compiler import CompileError
from accel.params import Params
from tests.support.machines import ALL
from tests.support.machines import MACHINES as SMALL
from tests.support.random_graphs.check import DRAW, Found, against_oracle, on_the_rtl

#: By stage: machines, of which networks take turns; the last one takes what the others refuse.
MACHINES = {
    "4x4": (SMALL[0], SMALL[3]),
    "8x8": (SMALL[1], Params(rows=8, cols=8)),
    "16x16": (Params(rows=16, cols=16),),
    "odd": (*ALL[len(SMALL) :], Params(rows=8, cols=8)),
}
STAGES = ("oracle", *MACHINES)


@dataclasses.dataclass(frozen=True)
class Job:
    """One network in one stage."""

    format: str
    seed: int
    number: int
    stage: str

    @property
    def title(self) -> str:
        """What it is called in files."""
        return f"{self.format}-{self.seed}-{self.number}-{self.stage}"


def check(job: Job, case, folder: pathlib.Path, engine: str = "auto") -> Found:
    """What becomes of a network; errors are faults, too."""
    try:
        with warnings.catch_warnings(action="error"):
            if job.stage == "oracle":
                return against_oracle(case, folder)
            rng = np.random.default_rng([5, job.seed, job.number])
            machines = MACHINES[job.stage]
            for params in machines[job.number % len(machines):]:
                try:
                    return on_the_rtl(case, params, rng, folder, engine)
                except CompileError:  # the machine is too small
                    if params is machines[-1]:
                        raise
    except Exception as error:
        text = " ".join(str(error).split()).replace(f"{folder}/", "")
        return Found([f"{type(error).__name__}: {text}"])
    raise AssertionError(job)


def run(job: Job) -> dict:
    """Draw and check a network; of one that fails also the fewest of its steps that do."""
    draw = DRAW[job.format]
    with tempfile.TemporaryDirectory() as folder:
        case = draw(job.seed, job.number)
        found, fewest = check(job, case, pathlib.Path(folder)), None
        if found.wrong:
            fewest = next(
                (most for most in range(1, len(case.steps) + 1)
                 if check(job, draw(job.seed, job.number, most), pathlib.Path(folder)).wrong), None)
    return dataclasses.asdict(found) | {"steps": case.steps, "fewest": fewest}


def save(job: Job, row: dict, folder: pathlib.Path) -> None:
    """Write a network that fails, its input, and what is wrong."""
    target = folder / job.title
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    case = DRAW[job.format](job.seed, job.number, *filter(None, [row["fewest"]]))
    (target / f"model.{case.format}").write_bytes(case.content)
    np.savez(target / "input.npz", **case.given)
    text = [f"seed {job.seed} number {job.number}: {row['steps']}", *row["wrong"]]
    (target / "fault.txt").write_text("\n".join(text) + "\n", encoding="utf-8")


class Results:
    """What was found, a line for each network and stage, in a file."""

    def __init__(self, path: pathlib.Path):
        self._path, self.rows = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text().splitlines() if path.exists() else []:
            row = json.loads(line)
            self.rows[row["title"]] = row

    def put(self, job: Job, row: dict) -> None:
        """Keep a row."""
        row = {"title": job.title} | row
        self.rows[job.title] = row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def page(jobs: list[Job], rows: dict, command: str) -> str:
    """The report."""
    lines = [
        "# Random networks of all operators", "",
        f"`{command}`, {time.strftime('%Y-%m-%d')}. Networks of up to a dozen random steps, "
        "batch 1 to 3. *oracle*: golden model against ONNX Runtime's exact session (ONNX), "
        "LiteRT's reference kernels (TFLite); other stages: RTL under random stalls, then with a "
        "random memory, against golden model and cycle model (*odd*: buffers at their least, odd "
        "shapes).", "",
        "| format | stage | networks | elements compared | networks that differ | cycles |",
        "|---|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    groups = collections.defaultdict(list)
    for job in jobs:
        groups[job.format, job.stage].append(rows[job.title])
    for (kind, stage), found in groups.items():
        total = {key: sum(row[key] for row in found) for key in ("exact", "cycles")}
        failed = sum(bool(row["wrong"]) for row in found)
        lines.append(f"| {kind} | {stage} | {len(found)} | {total['exact']:,} | {failed} "
                     f"| {total['cycles']:,} |")
    near, host, steps = collections.defaultdict(lambda: [0, 0]), collections.Counter(), {}
    for (kind, stage), found in groups.items():
        for row in found if stage == "oracle" else ():
            for name, (off, size) in row["near"].items():
                near[name][0], near[name][1] = near[name][0] + off, near[name][1] + size
            host.update(row["host"])
            steps.setdefault(kind, collections.Counter()).update(row["steps"])
    if near:
        lines += ["", "Of ONNX operators that no claim calls exact, given the same bytes; none by "
                  "more than one step:", "", "| operator | bytes | a step off |", "|---|---:|---:|"]
        lines += [f"| {name} | {size:,} | {off:,} ({off / max(1, size):.3%}) |"
                  for name, (off, size) in sorted(near.items())]
    for kind, counts in steps.items():
        lines += ["", f"Steps of {kind} networks: " + ", ".join(
            f"{count} {name}" for name, count in counts.most_common()) + "."]
    if host:
        lines += ["", "On the host: " + ", ".join(
            f"{count} {name}" for name, count in host.most_common(20)) + "."]
    failed = [(job, rows[job.title]) for job in jobs if rows[job.title]["wrong"]]
    lines += ["", *(f"- {job.title}: {row['wrong'][0]}" for job, row in failed)]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Run what is not kept already, print each fault and a line of progress, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--formats", default="onnx,tflite")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/graph_campaign"))
    parser.add_argument("--again", action="store_true", help="also what failed before")
    parser.add_argument("--report", type=pathlib.Path)
    given = parser.parse_args()
    jobs = [Job(kind, given.seed, number, stage) for stage in given.stages.split(",")
            for kind in given.formats.split(",")
            for number in range(given.first, given.first + given.graphs)]
    results, began = Results(given.folder / "results.jsonl"), time.perf_counter()
    print(f"seed {given.seed}, {len(jobs)} networks and stages", flush=True)
    for count, job in enumerate(jobs, 1):
        row = results.rows.get(job.title)
        if row is None or given.again and row["wrong"]:
            row = run(job)
            results.put(job, row)
            if row["wrong"]:
                save(job, row, given.folder)
                print(f"\n{job.title}: {row['wrong'][0]} {row['steps']}", flush=True)
        if count % 20 == 0 or count == len(jobs):
            failed = sum(bool(results.rows[one.title]["wrong"]) for one in jobs[:count])
            print(f"{count} of {len(jobs)} ({job.title}), {failed} failed, "
                  f"{time.perf_counter() - began:.0f} s", flush=True)
    if given.report:
        command = (f"python -m tests.support.graph_campaign --graphs {given.graphs} --seed "
                   f"{given.seed} --formats {given.formats} --stages {given.stages}")
        given.report.write_text(page(jobs, results.rows, command), encoding="utf-8")
    raise SystemExit(any(results.rows[job.title]["wrong"] for job in jobs))


if __name__ == "__main__":
    main()
