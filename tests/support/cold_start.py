"""``python -m tests.support.cold_start``: how long a new user waits, stage by stage.

Clones the checkout's commit (and, to compare, ``--before COMMIT``), installs each into a fresh
environment by README's command, and runs ``accel run mnist`` with empty caches, then again, then
with ``--array 8x8`` and empty caches.  Nothing else should run on the machine.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

from accel.bench.header import header

ROOT = pathlib.Path(__file__).parents[2]
#: Runs the command line in a process whose progress is noted: (stage, wall seconds, processor
#: seconds, children's included), each stage until the next begins.
CHILD = """
import contextlib, json, os, sys, time
began = time.perf_counter()
from accel.cli import main
command = sys.modules["accel.cli.run"]

notes = [("start", began, 0.0)]
def used():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
def tell(stage, share):
    if stage != notes[-1][0]:
        notes.append((stage, time.perf_counter(), used()))
@contextlib.contextmanager
def bar(label):
    tell(label, 0)
    yield tell
    tell("report and plots", 0)
command.progress_bar = bar
try:
    main(sys.argv[2:])
finally:
    notes.append(("end", time.perf_counter(), used()))
    stages = [
        (one[0], after[1] - one[1], after[2] - one[2])
        for one, after in zip(notes, notes[1:])
    ]
    open(sys.argv[1], "w").write(json.dumps(stages))
"""


def timed(command: list[str], **options) -> float:
    """Wall seconds of a command that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.perf_counter() - began


class Newcomer:
    """A clone of ``commit`` in ``folder``, with caches of its own."""

    def __init__(self, commit: str, folder: pathlib.Path):
        self.folder = folder
        self.clone = timed(["git", "clone", "-q", str(ROOT), str(folder)])
        subprocess.run(["git", "checkout", "-q", commit], cwd=folder, check=True)
        self.python = folder / ".venv" / "bin" / "python"

    def install(self) -> float:
        """README's first two commands, in seconds."""
        venv = timed([sys.executable, "-m", "venv", ".venv"], cwd=self.folder)
        return venv + timed([str(self.python), "-m", "pip", "install", "-q", "-e", "."],
                            cwd=self.folder)  # fmt: skip

    def run(self, caches: str, *arguments: str) -> tuple[float, list]:
        """Wall seconds of ``accel run mnist`` and its stages; empty caches if they are new."""
        folder, notes = self.folder / caches, self.folder / "stages.json"
        environment = {
            **os.environ, "XDG_CACHE_HOME": str(folder / "cache"),
            "MPLCONFIGDIR": str(folder / "plots"), "NUMBA_CACHE_DIR": str(folder / "numba"),
        }  # fmt: skip
        command = [str(self.python), "-c", CHILD, str(notes), "run", "mnist", *arguments]
        # Without stderr's terminal the progress would be lines.
        wall = timed(command, cwd=self.folder, env=environment, stderr=subprocess.DEVNULL)
        return wall, json.loads(notes.read_text())


def measure(commit: str, folder: pathlib.Path) -> dict:
    """All of one commit."""
    newcomer = Newcomer(commit, folder)
    installed = newcomer.install()
    first, stages = newcomer.run("one")
    second, again = newcomer.run("one")
    small, _ = newcomer.run("two", "--array", "8x8")
    return {
        "commit": commit, "installed": installed, "first": first, "stages": stages,
        "second": second, "again": again, "8x8": small,
    }  # fmt: skip


def page(found: list[dict], command: str) -> str:
    """The report."""
    names = ["before", "after"][-len(found):]
    computer = header()["machine"]
    columns = [f"{name}, {one['commit'][:7]}" for name, one in zip(names, found, strict=True)]
    lines = [
        "# The first run", "",
        f"`{command}`, {time.strftime('%Y-%m-%d')}, on {computer['cpu']}, {computer['cores']} "
        f"cores, Python {platform.python_version()}. Seconds of wall time in a fresh clone and a "
        "fresh environment; `accel run mnist` is 64 digits on the default machine (16x16, 16 bytes "
        "a cycle, 32 cycles latency). pip's own cache is as the user's.", "",
        "| | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(found),
    ]  # fmt: skip
    for title, value in (
        ("`python -m venv`, `pip install -e .`", lambda one: one["installed"]),
        ("first `accel run mnist`, empty caches", lambda one: one["first"]),
        ("from the clone to its table", lambda one: one["installed"] + one["first"]),
        ("second `accel run mnist`", lambda one: one["second"]),
        ("first `accel run mnist --array 8x8`, empty caches", lambda one: one["8x8"]),
    ):
        lines.append(f"| {title} | " + " | ".join(f"{value(one):.1f}" for one in found) + " |")
    for name, one in zip(names, found, strict=True):
        for title, stages in (("first", one["stages"]), ("second", one["again"])):
            lines += ["", f"## {name.capitalize()}: the {title} run's stages", "",
                      "| stage | wall seconds | processor seconds |", "|---|---|---|"]  # fmt: skip
            lines += [f"| {stage} | {wall:.1f} | {used:.1f} |" for stage, wall, used in stages]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", help="A commit to compare with.")
    parser.add_argument("--report", type=pathlib.Path, default=pathlib.Path("build/cold_start.md"))
    given = parser.parse_args()
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    commits = [given.before, head] if given.before else [head]
    with tempfile.TemporaryDirectory() as folder:
        found = [measure(one, pathlib.Path(folder) / f"clone{n}") for n, one in enumerate(commits)]
    command = "python -m tests.support.cold_start" + (
        f" --before {given.before}" if given.before else ""
    )
    text = page(found, command)
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
