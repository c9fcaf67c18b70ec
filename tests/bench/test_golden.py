"""The benchmark measures what it says; how fast it is, is no test's business."""

import json
import time

import click.testing
import numpy as np
import pytest
import rich.console

from accel.bench import clock, golden, whole
from accel.bench.resnet18 import ResNet18
from accel.bench.shapes import RESNET18, Shape
from accel.cli import main
from accel.golden.tile import instructions
from accel.report import bench_table

SMALL = Shape(8, 6, 5, 3, 2)


def test_resnet18_shapes_have_its_macs():
    # 1,814,073,344 in all (He et al. 2015 say 1.8e9), 512 * 1000 of them in the dense layer.
    assert sum(shape.macs * count for shape, count in RESNET18.items()) == 1_814_073_344 - 512_000


def test_resnet18_runs_and_its_classes_differ():
    network = ResNet18(seed=2)
    images = np.random.default_rng(1).integers(-128, 128, (1, 224, 224, 3), np.int8)
    scores = network(images)
    assert (scores.shape, scores.dtype) == ((1, 1, 1, 1000), np.int8)
    assert network.macs == 1_814_073_344
    assert len(np.unique(scores)) > 50
    np.testing.assert_array_equal(scores, ResNet18(seed=2)(images))


@pytest.mark.parametrize("bench", [golden.int8_conv, golden.float_conv])
def test_a_layer_agrees_with_onnx_runtime(bench):
    row = bench(SMALL, 1, 3)
    assert row["what"] == "6x6x8 3x3 /2 to 5"
    assert row["ratio"] == pytest.approx(row["ours"] / row["ort"])
    assert row["met"] == (row["ratio"] <= row["target"])


@pytest.mark.parametrize("threads", [1, 2])
def test_measure_takes_turns(threads):
    calls = []
    repeats, block = clock.BLOCK + 1, 1 + clock.BLOCK
    times = clock.measure(
        repeats, lambda: calls.append("a"), lambda: calls.append("b"), threads=threads
    )
    assert calls == ["a", "b"] + (["a"] * block + ["b"] * block) * 2
    assert len(times) == 2 and min(times) >= 0


def test_one_threads_clock_is_its_own():
    """What others do, or sleep, does not count for it; on the wall it does."""
    alone, wall = (clock.measure(1, lambda: time.sleep(0.01), threads=n)[0] for n in (1, 2))
    assert alone < 0.01 <= wall


@pytest.mark.parametrize("bench", [lambda: golden.loops(1), lambda: golden.resnet18(1, 1)])
def test_other_figures_have_a_target(bench):
    row = bench()
    assert row["ours"] > 0 and isinstance(row["met"], bool)


def test_the_command_prints_the_table_and_writes_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(golden, "RESNET18", {SMALL: 1})
    monkeypatch.setattr(whole, "NETWORKS", ("mobilenet",))
    start = golden.second_start() | {"met": False}
    monkeypatch.setattr(golden, "second_start", lambda: start)
    done = click.testing.CliRunner().invoke(
        main, ["bench", "golden", "--threads", "1", "--repeats", "1", "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    for text in ("int8 convolution", "int8 network", "seven loops", "second start", "missed"):
        assert text in done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report) == {
        "schema", "date", "machine", "versions", "threads", "repeats", "kernels", "figures"
    }  # fmt: skip
    assert report["threads"] == 1
    page = (tmp_path / "report.md").read_text()
    assert "`accel bench golden --threads 1 --repeats 1` on" in page
    lines = [line for line in page.splitlines() if "6x6x8 3x3 /2 to 5" in line]
    assert [line.count(" | ") for line in lines] == [6, 6]
    assert {"cpu", "cores"} == set(report["machine"])
    assert f"Golden model {instructions()}. ONNX Runtime exact by" in page
    assert "## mobilenet, float image to scores" in page and "| depthwise convolution | " in page
    assert [row["kind"] for row in report["figures"]] == [
        "int8 convolution", "float convolution", "int8 network", "ResNet-18 int8", "seven loops",
        "second start",
    ]  # fmt: skip


def test_a_difference_is_one_line(tmp_path, monkeypatch):
    """A yardstick that computes something else, as ONNX Runtime did on processors without VNNI."""
    monkeypatch.setattr(golden, "RESNET18", {SMALL: 1})
    right = golden.yardstick.qlinear_conv

    def wrong(*arguments):
        run = right(*arguments)
        return lambda: run() + np.uint8(2)

    monkeypatch.setattr(golden.yardstick, "qlinear_conv", wrong)
    done = click.testing.CliRunner().invoke(
        main, ["bench", "golden", "--repeats", "1", "--out", str(tmp_path)]
    )
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith("Error: 6x6x8 3x3 /2 to 5: differs from QLinearConv"), line
    assert not list(tmp_path.iterdir())


def test_the_table_tells_what_is_met():
    row = {"kind": "int8 convolution", "what": "a layer", "unit": "ms", "ours": 3.0, "ort": 2.0,
           "ratio": 1.5, "target": 1.0, "met": False}  # fmt: skip
    report = {"machine": {"cpu": "a CPU", "cores": 2}, "threads": 1, "repeats": 3, "figures": [row]}
    console = rich.console.Console(width=120)
    with console.capture() as captured:
        console.print(bench_table.render(report))
    (line,) = (each for each in captured.get().splitlines() if "a layer" in each)
    assert line.split()[-8:] == ["3", "ms", "2", "ms", "1.5", "<=", "1", "no"]
