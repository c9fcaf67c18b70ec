import json
import pathlib

import numpy as np
import pytest

import accel
from accel import models, runner
from accel.graph.ports import InputError
from accel.opening import open_network
from accel.sim.engine import MachineError, Memory
from tests.support.machines import MACHINES

#: Machine layers of mnist and their multiplications for one image, derived by hand:
#: outputs * kernel area * input channels.
MNIST_MACS = [28 * 28 * 8 * 25 * 1, 14 * 14 * 16 * 25 * 8, 10 * 256]
#: Too small for most layers as a whole; other tests build it, too.
PARAMS = MACHINES[1]


@pytest.fixture(scope="module")
def digits():
    with np.load(models.BUILTIN["mnist"].inputs) as file:
        return file["images"]


@pytest.fixture(scope="module")
def mnist(digits):
    return accel.run("mnist", batch=16, limit=16)


def test_mnist_agrees_with_golden_everywhere(mnist, digits):
    assert mnist.report["total"]["mismatches"] == 0
    outputs = accel.golden_run("mnist", digits[:16])
    assert [one.dtype for one in outputs] == [np.float32]
    assert outputs[0].shape == (16, 10)
    np.testing.assert_array_equal(mnist.outputs[0], outputs[0])


def test_macs_are_the_notes_and_the_machine_counted_them(mnist):
    layers = [layer for layer in mnist.report["layers"] if layer["where"] == "array"]
    assert [layer["macs"] for layer in layers] == [16 * macs for macs in MNIST_MACS]
    # Layers overlap, so only the sum of what the machine counted is each layer's own.
    assert sum(layer["array_macs"] for layer in layers) == 16 * sum(MNIST_MACS)


def test_every_cycle_is_accounted_for(mnist):
    total = mnist.report["total"]
    assert total["busy"] + sum(total["idle"].values()) == total["cycles"]
    for layer in mnist.report["layers"]:
        if layer["where"] == "array":
            assert layer["busy"] + sum(layer["idle"].values()) == layer["cycles"]
            assert layer["utilisation"] == layer["macs"] / (256 * layer["cycles"])


def test_array_cycles_stay_close_to_the_ideal(mnist):
    # ceil(K/16) tiles of each layer's pixels, the batch being the pixels of the last layer.
    ideal = 16 * (2 * 784 + 13 * 196) + 16 * 16
    assert ideal <= mnist.report["total"]["cycles"] <= 1.15 * ideal


def test_report_has_the_fixed_schema(mnist):
    report = mnist.report
    assert report["schema"] == 1
    assert report["network"] == "mnist"
    assert report["images"] == 16
    assert report["array"] == {"rows": 16, "cols": 16}
    assert report["memory"] == {"bytes_per_cycle": 16, "latency_cycles": 32}
    keys = {"name", "op", "output_shape", "macs", "cycles", "utilisation", "bound", "bytes_read",
            "bytes_written", "mismatches", "where"}  # fmt: skip
    assert all(keys <= layer.keys() for layer in report["layers"])
    assert {"macs", "cycles", "utilisation", "mismatches"} <= report["total"].keys()
    assert {"seconds", "build_seconds", "cycles_per_second"} == report["simulation"].keys()
    json.dumps(report)


def test_accuracy_on_the_shipped_digits(mnist):
    assert mnist.report["accuracy"]["correct"] >= 15


def test_a_last_smaller_batch(digits):
    result = accel.run("mnist", digits[:5], batch=2, params=PARAMS)
    assert result.report["images"] == 5
    assert result.report["total"]["mismatches"] == 0
    assert result.outputs[0].shape == (5, 10)


@pytest.mark.parametrize(
    "inputs, text",
    [
        (np.zeros((2, 1, 28, 28), np.uint8), "input 'Input3' must have dtype float32, not uint8"),
        (np.zeros((2, 28, 28), np.float32), r"shape \(N, 1, 28, 28\), not \(2, 28, 28\)"),
        (np.zeros((0, 1, 28, 28), np.float32), "at least one image, not 0"),
        (np.full((1, 1, 28, 28), np.nan, np.float32), "must be finite"),
    ],
)
def test_wrong_inputs(inputs, text):
    with pytest.raises(InputError, match=text):
        accel.run("mnist", inputs, params=PARAMS)


@pytest.mark.parametrize(
    "labels, text",
    [
        (np.zeros((2, 10), int), r": shape \(2,\), not \(2, 10\)"),
        (7, r": shape \(2,\), not \(\)"),
        ([7], r": shape \(2,\), not \(1,\)"),
        ([7, 2, 1, 0, 4], r": shape \(2,\), not \(5,\)"),
        (["7", "2"], ", not <U1"),
        ([7.0, 2.0], ", not float64"),
    ],
)
@pytest.mark.parametrize("limit", [None, 1])
def test_wrong_labels_are_refused_before_anything_is_simulated(
    digits, monkeypatch, labels, text, limit
):
    monkeypatch.setattr(runner, "get_engine", None)
    with pytest.raises(InputError, match=f"labels must be one integer per image{text}"):
        accel.run("mnist", digits[:2], labels=labels, limit=limit)


def test_labels_of_images_beyond_the_limit(digits):
    right = accel.golden_run("mnist", digits[:3])[0].argmax(axis=1)
    for labels, correct in ((right, 1), (right + 100, 0)):
        report = accel.run("mnist", digits[:3], labels=labels, limit=1, params=PARAMS).report
        assert report["accuracy"] == {"correct": correct, "images": 1}


def test_labels_of_a_network_that_says_yes_or_no():
    images = np.random.default_rng(1).random((4, 1, 6, 6), np.float32)
    yes = accel.golden_run("notes", images)[0][:, 0] >= 0.5
    labels = np.where(yes, 0.75, 0.25)
    labels[0] = 1 - labels[0]
    report = accel.run(open_network("notes"), images, labels=labels, params=PARAMS).report
    assert report["accuracy"] == {"correct": 3, "images": 4}
    with pytest.raises(InputError, match="labels must be one number per image, not <U3"):
        accel.run(open_network("notes"), images, labels=["yes"] * 4, params=PARAMS)


@pytest.mark.parametrize("option", ["batch", "limit"])
def test_counts_below_one(option):
    with pytest.raises(InputError, match=f"{option} must be at least 1, not 0"):
        accel.run("mnist", **{option: 0})


def test_a_path_needs_inputs():
    with pytest.raises(InputError, match="no inputs of its own: give some with --input F.npz"):
        accel.run(pathlib.Path(models.BUILTIN["mnist"].network))


@pytest.mark.parametrize(
    "memory, text",
    [
        (Memory(fail_read=0), "AXI_READ"),
        (Memory(dead=True), "TIMEOUT"),
    ],
)
def test_memory_errors_end_in_one_clear_error(digits, memory, text):
    with pytest.raises(MachineError, match=f"the machine stopped with {text}"):
        accel.run("mnist", digits[:1], params=PARAMS, memory=memory)
