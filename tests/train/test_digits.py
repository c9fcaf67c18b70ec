"""The real training, from 4,000 digits to the RTL; and the trained files that ship."""

import hashlib
import pathlib
import time

import click.testing
import numpy as np
import pytest

import accel
from accel import golden, models
from accel.cli import main
from accel.frontend import load
from accel.frontend.onnx import quantize
from accel.graph import ports
from accel.train import session
from accel.train.data import load as load_data

HERE = pathlib.Path(models.__file__).parent


def right(graph, images, labels):
    """Share of images whose class an int8 network gets right."""
    (answers,) = ports.outputs(graph, golden.run(graph, ports.quantise(graph, images)))
    return float((answers.argmax(axis=1) == labels).mean())


@pytest.mark.campaign
@pytest.mark.parametrize("name, least, seconds", [("lenet5", 0.98, 180), ("shallow", 0.97, 180)])
def test_training_quantising_and_running_on_the_rtl(tmp_path, name, least, seconds):
    began = time.perf_counter()
    done = click.testing.CliRunner().invoke(main, ["train", name, "--out", str(tmp_path)])
    taken = time.perf_counter() - began
    assert done.exit_code == 0, done.output
    assert taken < seconds
    files = session.Files(tmp_path, name)
    with np.load(files.calibration) as file:
        quantize.quantize(files.model, tmp_path / "int8.onnx", file["images"])
    with np.load(files.held_back) as file:
        images, labels = file["images"], file["labels"]
    network = models.NETWORKS[name].build()
    learnt = session.train(name, folder=tmp_path, resume=True)[0]  # nothing left to do
    accuracy = learnt.history[-1]["held_back_accuracy"]
    assert network.parameter_count == learnt.network.parameter_count
    assert accuracy >= least
    result = accel.run(tmp_path / "int8.onnx", images, labels=labels)
    assert result.report["total"]["mismatches"] == 0
    assert abs(result.report["accuracy"]["correct"] / 1000 - accuracy) <= 0.005


@pytest.mark.parametrize("name, least", [("lenet5", 0.98), ("shallow", 0.97)])
def test_the_shipped_files_keep_their_accuracy(name, least):
    network = models.NETWORKS[name].build()
    _, held_back = load_data(models.DIGITS, network).split(1000)
    graph = load(models.BUILTIN[name].network)
    assert right(graph, held_back.images, held_back.labels) >= least
    with np.load(models.BUILTIN[name].inputs) as file:  # the first 64 of these
        assert np.array_equal(file["images"], held_back.images[:64])
        assert np.array_equal(file["labels"], held_back.labels[:64])


def test_the_shipped_files_have_the_hashes_of_the_list():
    listed = {}
    for line in (HERE / "SOURCES.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and len(cells[2]) == 64:
            listed[cells[1]] = cells[2]
    found = {
        str(path.relative_to(HERE)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in HERE.glob("*/*")
        if path.suffix in (".onnx", ".npz", ".tflite")
    }
    assert found == listed
