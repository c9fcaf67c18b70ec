"""``accel estimate``: the same figures as a run, without one."""

import json

import pytest
from click.testing import CliRunner

from accel import runner
from accel.cli import main
from accel.estimate import estimate
from accel.graph.ports import InputError
from tests.support.machines import MACHINES

#: Figures of a row that only a run has.
ONLY_RUN = ("mismatches", "seconds")


def _without(row: dict, names=ONLY_RUN) -> dict:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("batch, images", [(1, 1), (2, 3)])
def test_the_report_is_that_of_a_run(batch, images):
    ran = runner.run("lenet5", params=MACHINES[1], batch=batch, limit=images).report
    predicted = estimate("lenet5", params=MACHINES[1], batch=batch, images=images)
    assert predicted["engine"] == "model"
    assert [_without(row) for row in predicted["layers"]] == [
        _without(row) for row in ran["layers"]
    ]
    total = ("mismatches", "host_seconds")
    assert _without(predicted["total"], total) == _without(ran["total"], total)
    for name in ("schema", "network", "images", "batch", "array", "memory"):
        assert predicted[name] == ran[name]
    assert predicted.keys() == ran.keys() - {"accuracy"}


def test_the_command(tmp_path):
    result = CliRunner().invoke(
        main, ["estimate", "mnist", "--array", "8x8", "--batch", "2", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert "engine model" in result.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["engine"] == "model"
    assert report["images"] == 2
    assert report["total"]["mismatches"] is None
    total = next(line for line in result.output.splitlines() if "total" in line)
    assert total.split()[-1] == "-"
    assert (tmp_path / "utilisation.png").exists()


def test_a_network_that_is_not_there():
    result = CliRunner().invoke(main, ["estimate", "nowhere.onnx"])
    assert result.exit_code == 2
    assert "nowhere.onnx" in result.output


@pytest.mark.parametrize("name, values", [("batch", {"batch": 0}), ("images", {"images": 0})])
def test_numbers_of_images(name, values):
    with pytest.raises(InputError, match=f"{name} must be at least 1, not 0"):
        estimate("mnist", **values)
