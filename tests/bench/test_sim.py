"""The simulators' benchmark measures what it says; how fast they are, is no test's business."""

import json

import click.testing
import numpy as np
import pytest
import rich.console

from accel.bench import sim
from accel.cli import main
from accel.cyclemodel import predict
from accel.params import Params
from accel.report import sim_table
from accel.sim.cache import cache_directory


@pytest.mark.parametrize("size", [8, 16, 32])
def test_the_work_keeps_the_array_busy(size):
    params = Params(rows=size, cols=size)
    program = sim.Work(params, sim.WORK).program
    (step,) = program.steps
    counters, _ = predict(params, program.image, step.start, step.commands)
    assert counters["busy"] > 0.95 * counters["cycles"]


@pytest.mark.campaign
def test_the_command_prints_the_table_and_writes_the_report(tmp_path, monkeypatch):
    # Builds from the tests' cache, and little to do.
    run = sim.run
    monkeypatch.setattr(sim, "run", lambda *options: run(*options, cache=cache_directory()))
    monkeypatch.setattr(sim, "WORK", sim.PYSIM_WORK)
    done = click.testing.CliRunner().invoke(
        main, ["bench", "sim", "--array", "4x4", "--repeats", "1", "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    for text in ("4x4", "bare array", "targets met", "report in"):
        assert text in done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert {"schema", "date", "machine", "versions", "repeats", "figures"} == set(report)
    (row,) = report["figures"]
    assert row["array"] == {"rows": 4, "cols": 4}
    assert row["of_bare"] == pytest.approx(row["full"] / row["bare"])
    assert row["of_pysim"] == pytest.approx(row["full"] / row["pysim"])
    assert 0 < row["busy"] <= 1
    assert row["stages"]["emit Verilog"] == row["emit_seconds"]
    page = (tmp_path / "report.md").read_text()
    assert "`accel bench sim --array 4x4 --repeats 1` on" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.md"]


def test_wrong_sums_of_the_array_are_noticed(monkeypatch):
    class Wrong(sim.BareArray):
        def expected(self, cycles):
            return super().expected(cycles) + np.int32(1)

    monkeypatch.setattr(sim, "BareArray", Wrong)
    with pytest.raises(AssertionError, match="4x4: the bare array's sums are wrong"):
        sim.run([(4, 4)], 1, cache=cache_directory())


def test_an_array_that_cannot_be_built_is_one_line():
    done = click.testing.CliRunner().invoke(main, ["bench", "sim", "--array", "5x4"])
    assert done.exit_code == 2
    assert "array 5x4: rows must be a power of two" in done.output


def test_the_table_tells_what_is_met():
    row = {
        "array": {"rows": 16, "cols": 16}, "busy": 0.998, "full": 300e3, "bare": 1e6, "pysim": 100,
        "of_bare": 0.3, "of_bare_target": 0.4, "of_bare_met": False, "of_pysim": 3000.0,
        "of_pysim_target": 200.0, "of_pysim_met": True, "emit_seconds": 9.0, "build_seconds": 30.0,
        "build_target": 45.0, "build_met": True,
    }  # fmt: skip
    report = {"machine": {"cpu": "a CPU", "cores": 2}, "repeats": 3, "figures": [row]}
    console = rich.console.Console(width=160)
    with console.capture() as captured:
        console.print(sim_table.render(report))
    (line,) = (each for each in captured.get().splitlines() if "16x16" in each)
    assert " ".join(line.split()) == (
        "16x16 300,000 99.8% 1,000,000 0.30 (>= 0.4) 100 3,000 (>= 200) 9.0 s 30.0 s (< 45) no"
    )
