"""How commands end: one line, and an exit code that means one thing."""

import json
import os
import pathlib
import re
import subprocess
import sys

import click.testing
import numpy as np
import pytest

from accel import runner
from accel.cli import exits, main
from accel.report import folder
from accel.sim.engine import MachineError, SimulationError

ROOT = pathlib.Path(__file__).parents[2]
NOTES = ("run", "notes", "--array", "4x4", "--limit", 2)


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


def errors(done):
    """The lines that begin with "Error": what a command wrote to standard error."""
    return [line for line in done.output.splitlines() if line.startswith("Error: ")]


def raising(error):
    def function(*_, **__):
        raise error

    return function


def behind(error, cause):
    """An error that another one was made into."""
    error.__cause__ = cause
    return error


@pytest.fixture
def reported(tmp_path, monkeypatch):
    """Where tracebacks go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


@pytest.mark.parametrize(
    "error, code, text",
    [
        (KeyError("relu27"), 3, "internal error at test_exits.py, line "),
        (RuntimeError("two\nlines"), 3, "RuntimeError: two lines"),
        (MemoryError("10 GiB"), 3, "not enough memory: 10 GiB"),
        (OSError(28, "No space left on device"), 3, "No space left on device; free some space"),
        (SimulationError("no compiler"), 3, "no compiler"),
        (MachineError("the machine stopped with TIMEOUT"), 1, "stopped with TIMEOUT"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (behind(ImportError("initialization failed"), KeyboardInterrupt()), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
@pytest.mark.parametrize("command", ["run", "estimate"])
def test_every_error_is_one_line_and_one_code(monkeypatch, reported, command, error, code, text):
    monkeypatch.setattr("accel.runner.run", raising(error))
    monkeypatch.setattr("accel.estimate.estimate", raising(error))
    done = call(command, "mnist")
    assert done.exit_code == code
    (line,) = done.output.splitlines()
    assert line.startswith("Error: ") and text in line
    kept = list(reported.iterdir())
    if "internal error" in line:
        assert str(kept[0]) in line
        assert kept[0].read_text().rstrip().endswith(f"{type(error).__name__}: {error}")
    assert len(kept) == ("internal error" in line)


def test_a_reader_who_has_seen_enough():
    """Neither a traceback nor the code of a difference: what a shell calls SIGPIPE."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "accel.cli", "models"], stdout=write, stderr=subprocess.PIPE,
        text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_byte_that_differs_is_1(tmp_path, monkeypatch):
    run = runner.golden.run

    def wrong(graph, images):
        tensors = run(graph, images)
        tensors["max_pool1"][0, 0, 0, 0] ^= 1
        return tensors

    monkeypatch.setattr(runner.golden, "run", wrong)
    done = call(*NOTES, "--out", tmp_path)
    assert done.exit_code == 1
    assert errors(done) == ["Error: 1 bytes differ from golden"]
    assert json.loads((tmp_path / "report.json").read_text())["total"]["mismatches"] == 1


#: Places behind the simulation; what is left of the report there.
BEHIND = {
    "accel.runner.golden.run": {"golden model"},
    "accel.runner.summary.summarise": {"report"},
    "accel.runner.recording.engines": {"cycle model"},
}


@pytest.mark.parametrize("place", BEHIND)
def test_nothing_computed_is_lost_to_an_error_behind_it(tmp_path, monkeypatch, reported, place):
    whole = runner.run("notes", array=(4, 4), limit=2)
    monkeypatch.setattr(place, raising(KeyError("relu27")))
    done = call(*NOTES, "--engines", "--out", tmp_path / "out")
    assert done.exit_code == 3
    (line,) = errors(done)
    assert "KeyError: 'relu27'" in line and str(tmp_path / "out") in line
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["failed"] == dict.fromkeys(BEHIND[place], "KeyError: 'relu27'")
    assert report["total"]["cycles"] == whole.report["total"]["cycles"]
    if place != "accel.runner.recording.engines":
        assert report["total"]["mismatches"] is None
    with np.load(tmp_path / "out" / "outputs.npz") as file:
        np.testing.assert_array_equal(file["output0"], whole.outputs[0])


@pytest.mark.parametrize("error, code", [(MachineError("it stopped"), 1),
                                         (SimulationError("the library is gone"), 3),
                                         (ValueError("a step on the host"), 3)])  # fmt: skip
def test_batches_before_the_one_that_fails_are_kept(tmp_path, monkeypatch, error, code, reported):
    run_batch, calls = runner.run_batch, []

    def second_fails(*arguments):
        calls.append(arguments)
        return raising(error)() if len(calls) == 2 else run_batch(*arguments)

    monkeypatch.setattr(runner, "run_batch", second_fails)
    done = call(*NOTES, "--out", tmp_path / "out")
    assert done.exit_code == code
    (line,) = errors(done)
    assert str(error) in line
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["images"], report["total"]["mismatches"]) == (1, 0)
    assert set(report["failed"]) == {"simulation"}


@pytest.mark.parametrize("command", [NOTES, ("estimate", "notes", "--array", "4x4")], ids="re")
def test_a_picture_that_fails(tmp_path, monkeypatch, reported, command):
    monkeypatch.setitem(folder.PARTS, "roofline.png", raising(ValueError("no roof")))
    done = call(*command, "--out", tmp_path / "out")
    assert done.exit_code == 3
    (line,) = errors(done)
    assert "roofline.png: cannot be drawn: internal error" in line
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.json", "utilisation.png", "timeline.png", "trace.json", "index.html"}
    assert "total" in done.output  # the table


def test_a_report_that_does_not_fit_where_it_was_asked_for(tmp_path, monkeypatch, reported):
    write_json = folder.files.write_json

    def full(report, path):
        if path.parent == tmp_path / "out":
            raise OSError(28, "No space left on device", str(path))
        write_json(report, path)

    monkeypatch.setattr(folder.files, "write_json", full)
    done = call(*NOTES, "--out", tmp_path / "out")
    assert done.exit_code == 3
    (line,) = errors(done)
    place = pathlib.Path(re.search(r"it is in (\S+)", line)[1])
    assert json.loads((place / "report.json").read_text())["total"]["mismatches"] == 0


@pytest.mark.parametrize("command", ["run", "estimate"])
def test_where_results_go_is_looked_at_first(tmp_path, monkeypatch, command):
    monkeypatch.setattr("accel.runner.run", None)
    monkeypatch.setattr("accel.estimate.estimate", None)
    (tmp_path / "file").write_text("")
    done = call(command, "mnist", "--out", tmp_path / "file" / "deeper")
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert "deeper: cannot write the report" in line


def test_the_codes_are_what_the_documentation_says():
    told = " ".join(exits.__doc__.split())
    assert (exits.DIFFERS, exits.USAGE, exits.FAILED) == (1, 2, 3)
    assert "1 a compared byte differs, or the simulated machine itself reported an error" in told
    assert "the exit code is 0 only if every byte agrees, 1 if one differs or the machine" in (
        " ".join(call("run", "--help").output.split())
    )
