"""The benchmark of networks measures what it says."""

import copy
import json

import click.testing
import pytest

import accel
from accel.bench import networks
from accel.cli import main
from accel.estimate import estimate
from accel.report import networks_table

CASE = networks.Case(
    "shallow", {networks.WHOLE: 0.01, networks.CONVOLUTIONS: 1.0}, array=4, bus=16, batch=2,
    seconds=1e6,
)


@pytest.fixture(scope="module")
def row():
    return networks.measure(CASE)


def test_a_case_is_run_and_predicted(row):
    assert row["case"] == "shallow-4x4-bus16-b2"
    assert (row["mismatches"], row["counters_differing"]) == (0, 0)
    assert row["counters"] > 20
    assert row["utilisation"] == row["macs"] / (16 * row["cycles"])
    whole, convolutions, seconds = row["targets"]
    assert whole["met"] and seconds["met"] and not convolutions["met"]
    assert convolutions["value"] < 1


def test_a_wrong_prediction_is_counted():
    report = accel.run("shallow", limit=1, array=(4, 4)).report
    predicted = copy.deepcopy(estimate("shallow", array=(4, 4)))
    assert networks.differing(report, predicted) == 0
    layer = next(one for one in predicted["layers"] if one["where"] == "array")
    layer["idle"]["memory"] += 1
    layer["cycles"] += 1
    assert networks.differing(report, predicted) == 2


def test_the_page_names_what_was_missed(row):
    report = {"machine": {"cpu": "x", "cores": 2}, "date": "d", "peak_mb": 1, "figures": [row]}
    page = networks_table.markdown(report, "accel bench networks")
    assert "< 100%, missed" in page and "0 of" in page
    assert "- 4x4 array, 128 KiB of input buffer, 1024 accumulator rows, a window unit of" in page
    assert row["params"]["bus_bytes"] == 16 and row["memory"]["latency_cycles"] == 32
    assert all(peer[3] in page for peer in networks_table.PEERS)


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "CASES", (CASE,))
    call = ["bench", "networks", "shallow", "--out", str(tmp_path)]
    done = click.testing.CliRunner().invoke(main, call)
    assert done.exit_code == 0, done.output
    assert "2 targets met, 1 missed" in done.output
    (figure,) = json.loads((tmp_path / "report.json").read_text())["figures"]
    assert figure["case"] == "shallow-4x4-bus16-b2"
    assert (tmp_path / "report.md").read_text().startswith("# Whole networks")


def test_a_case_of_another_bus_has_it_in_its_name():
    case = networks.Case("kws", {}, array=8, bus=4, batch=3)
    assert (case.name, case.params.bus_bytes, case.params.cols) == ("kws-8x8-bus4-b3", 4, 8)
    assert len({one.name for one in networks.CASES}) == len(networks.CASES)


def test_the_page_says_what_staying_on_the_chip_changes(row):
    """kws keeps tensors on the chip, the shallow network has none to keep."""
    kept = networks.measure(networks.Case("kws", {}, array=4, bus=16))
    assert kept["without_fusion"]["cycles"] > kept["cycles"]
    assert kept["without_fusion"]["bytes"] > kept["bytes"]
    assert row["without_fusion"] == {"cycles": row["cycles"], "bytes": row["bytes"]}
    report = {"machine": {"cpu": "x", "cores": 2}, "date": "d", "peak_mb": 1,
              "figures": [kept, row]}  # fmt: skip
    _, _, table = networks_table.markdown(report, "").partition("With every tensor in memory (")
    assert f"| kws-4x4-bus16 | {kept['without_fusion']['cycles']:,} | {kept['cycles']:,} |" in table
    assert "shallow-4x4-b2" not in table


def test_an_unknown_case():
    done = click.testing.CliRunner().invoke(main, ["bench", "networks", "lenet9"])
    assert done.exit_code == 2 and "no case begins with lenet9" in done.output
