"""A last, smaller batch: its program fuses layers differently, so its stored tensors differ."""

import numpy as np
import pytest

import accel
from accel.compiler import compile_graph
from accel.estimate import estimate
from accel.opening import open_network
from accel.params import Params
from tests.support.graphs import random_images
from tests.support.machines import MACHINES
from tests.support.networks import random_network, random_window_network
from tests.support.shared import need

SMALL = MACHINES[1]
#: Random networks that a batch of three and one of one fuse differently.
DIFFERENT = [(random_network, 34), (random_network, 40), (random_network, 52),
             (random_window_network, 6)]  # fmt: skip
ONLY_RUN = ("mismatches", "seconds")


def forms(graph, params, batch):
    """A program's layers by what tells them apart."""
    layers = compile_graph(graph, params, batch, data=False).layers
    return {(layer.nodes, layer.output) for layer in layers}


def consistent(report, images):
    """Everything adds up over batches of different programs."""
    rows = [row for row in report["layers"] if row["where"] != "host"]
    total = report["total"]
    assert report["images"] == images
    assert len({row["name"] for row in rows}) == len(rows)
    for name in ("macs", "cycles", "busy", "window_busy"):
        assert sum(row[name] for row in rows) == total[name]
    for unit, name in (("array", "busy"), ("window", "window_busy")):
        assert sum(row["busy_cycles"] for row in rows if row["where"] == unit) == total[name]
    return rows


@pytest.mark.parametrize("make, seed", DIFFERENT)
def test_programs_that_fuse_differently(make, seed):
    rng = np.random.default_rng(seed)
    graph = make(rng)
    assert forms(graph, SMALL, 3) != forms(graph, SMALL, 1)
    images = random_images(rng, graph.tensors[graph.inputs[0].tensor].shape, 4)
    result = accel.run(graph, images, params=SMALL, batch=3)
    rows = consistent(result.report, 4)
    assert result.report["total"]["mismatches"] == 0
    (expected,) = accel.golden_run(graph, images)
    np.testing.assert_array_equal(result.outputs[0], expected)
    assert any(row["name"].endswith(" (batch 1)") for row in rows)
    predicted = estimate(graph, params=SMALL, batch=3, images=4)
    for mine, theirs in zip(predicted["layers"], result.report["layers"], strict=True):
        assert all(mine[name] == theirs[name] for name in theirs if name not in ONLY_RUN)


@pytest.mark.parametrize("make, seed", DIFFERENT[1:3])
@pytest.mark.parametrize("batch", [3, 1])
def test_a_byte_that_differs_in_a_tensor_of_one_program_is_found(make, seed, batch, monkeypatch):
    rng = np.random.default_rng(seed)
    graph = make(rng)
    first, other = forms(graph, SMALL, batch), forms(graph, SMALL, 4 - batch)
    layers = compile_graph(graph, SMALL, batch, data=False).layers
    stored = {layer.output for layer in layers if not layer.near} & graph.tensors.keys()
    ((_, output),) = [form for form in first - other if form[1] in stored][:1]
    images = random_images(rng, graph.tensors[graph.inputs[0].tensor].shape, 4)
    run = accel.runner.golden.run

    def wrong(*arguments):
        tensors = run(*arguments)
        tensors[output][0 if batch == 3 else -1].flat[0] ^= 1
        return tensors

    monkeypatch.setattr(accel.runner.golden, "run", wrong)
    report = accel.run(graph, images, params=SMALL, batch=3).report
    assert report["total"]["mismatches"] == 1
    (row,) = [row for row in report["layers"] if row["mismatches"]]
    assert row["name"].endswith(" (batch 1)") == (batch == 1)


@pytest.mark.campaign
def test_mobilenet():
    """The network of MLPerf Tiny's visual wake words; its last pooling is fused for one image."""
    graph = open_network("mobilenet")
    assert forms(graph, Params(), 2) != forms(graph, Params(), 1)
    consistent(estimate("mobilenet", batch=2, images=3), 3)
    report = accel.run("mobilenet", batch=2, limit=3).report
    consistent(report, 3)
    assert report["total"]["mismatches"] == 0


@pytest.mark.parametrize("name", ["last_batch-a.tflite", "last_batch-b.onnx"])
def test_a_users_files(name):
    path = need("cases", name)
    with np.load(path.with_suffix(".npz")) as file:
        (given,) = [file[key] for key in file.files if key.startswith("input|")]
        (exact,) = [file[key] for key in file.files if key.startswith("exact|")]
    images = np.concatenate([given, given[::-1], given])[:3]
    result = accel.run(path, images, params=SMALL, batch=2)
    consistent(result.report, 3)
    assert result.report["total"]["mismatches"] == 0
    # Averages of ONNX Runtime's are floats: at most a step apart.
    step = 0 if exact.dtype == np.int8 else np.diff(np.unique(exact)).min() * 1.01
    wanted = np.concatenate([exact, exact[::-1], exact])[:3]
    assert np.abs(result.outputs[0].astype(float) - wanted.astype(float)).max() <= step
