"""Exported networks against ONNX Runtime, and their quantised forms in the importer."""

import numpy as np
import onnx
import pytest

from accel import frontend, golden, models, onnx_session
from accel.frontend import ModelError
from accel.frontend.onnx import quantize
from accel.graph import ports
from accel.network import (
    LRN,
    Add,
    AveragePool,
    BatchNorm,
    Concat,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    LeakyReLU,
    MaxPool,
    Network,
    NetworkError,
    ReLU,
    Sigmoid,
    Tanh,
)
from accel.network.export import to_bytes, to_model
from tests.support.onnx_oracle import Steps


def everything():
    """Every kind of layer that can be exported."""
    net = Network("everything", (3, 9, 8))
    net.add(Conv2d(4, 3, stride=2, padding=(1, 0, 2, 1), bias=False))
    stem = net.chain(BatchNorm(), ReLU())
    net.add(Conv2d(4, 3, padding=2, dilation=2, groups=2), stem)
    norm = net.add(BatchNorm(), stem)  # behind a ReLU: stays
    net.add(Add(), norm, "conv2")
    net.chain(LRN(3), LeakyReLU(0.2), MaxPool(2, 1, ceil=True), Dropout())
    one = net.nodes[-1].name
    two = net.add(AveragePool(3, 1, padding=1), one)
    net.add(Concat(), one, two)
    net.chain(Tanh(), GlobalAveragePool(), Flatten(), Dense(6), Sigmoid(), Dense(2, bias=False))
    return net


def runtime(model, images):
    session = onnx_session.session(model)
    (name,) = (one.name for one in session.get_inputs())
    return np.concatenate([session.run(None, {name: image[None]})[0] for image in images])


@pytest.mark.parametrize("build", [everything, *(
    models.NETWORKS[name].build for name in ("notes", "lenet5", "shallow", "convnetjs_cifar10")
)])  # fmt: skip
def test_onnxruntime_computes_the_same(build):
    net = build()
    net.initialise(4)
    rng = np.random.default_rng(6)
    images = rng.standard_normal((3, *net.input_shape)).astype(np.float32)
    net.forward(images, rng=rng)  # other statistics than 0 and 1
    model = to_bytes(net)
    np.testing.assert_allclose(runtime(model, images), net.forward(images), rtol=1e-4, atol=1e-5)
    assert model == to_bytes(net)


def test_the_file_has_a_batch_of_one_and_no_training_layers():
    net = everything()
    net.initialise(1)
    model = to_model(net)
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 9, 8]
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BatchNormalization") == 1
    assert "Dropout" not in kinds


def test_weights_must_exist():
    with pytest.raises(NetworkError, match="has no parameters yet"):
        to_model(everything())


def small():
    net = Network("small", (1, 8, 8))
    net.chain(Conv2d(4, 3, bias=False), BatchNorm(), ReLU(), MaxPool(2), Flatten(), Dense(3))
    net.initialise(2)
    return net


@pytest.fixture
def float_file(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(to_bytes(small()))
    return path


IMAGES = np.random.default_rng(8).random((20, 1, 8, 8), np.float32)


@pytest.mark.parametrize("form", ["qdq", "qoperator"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_quantised_files_run_in_the_golden_model(float_file, tmp_path, form, per_channel):
    target = tmp_path / "int8.onnx"
    quantize.quantize(float_file, target, IMAGES, per_channel=per_channel, form=form)
    graph = frontend.load(target)
    tensors = golden.run(graph, ports.quantise(graph, IMAGES))
    (answers,) = ports.outputs(graph, tensors)
    wanted = small().forward(IMAGES)
    assert np.abs(answers - wanted).max() < 0.05 * np.abs(wanted).max()
    kinds = {node.op_type for node in onnx.load(target).graph.node}
    assert ("QLinearConv" in kinds) == (form == "qoperator")
    again = tmp_path / "again.onnx"
    quantize.quantize(float_file, again, IMAGES, per_channel=per_channel, form=form)
    assert again.read_bytes() == target.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.onnx", "int8.onnx", "small.onnx"
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["qdq", "qoperator"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_reduced_range_is_weights_of_seven_bits(float_file, tmp_path, form, per_channel):
    most = {}
    for reduce_range in (False, True):
        target = tmp_path / f"{reduce_range}.onnx"
        quantize.quantize(float_file, target, IMAGES, per_channel=per_channel, form=form,
                               reduce_range=reduce_range)  # fmt: skip
        graph = frontend.load(target)
        layers = [node for node in graph.nodes if hasattr(node, "weights")]
        most[reduce_range] = [int(np.abs(node.weights.astype(int)).max()) for node in layers]
        (answers,) = ports.outputs(graph, golden.run(graph, ports.quantise(graph, IMAGES)))
        wanted = small().forward(IMAGES)
        assert np.abs(answers - wanted).max() < 0.05 * np.abs(wanted).max()
    assert most[False] == [127, 127]
    assert most[True] == [64, 64]


@pytest.mark.parametrize(
    "images, words",
    [
        (IMAGES.astype(np.float64), r"must be float32 \(N, 1, 8, 8\), not float64"),
        (IMAGES[:, 0], r"not float32 \(20, 8, 8\)"),
        (IMAGES[:0], r"not float32 \(0, 1, 8, 8\)"),
        (IMAGES * np.float32(np.nan), "finite"),
    ],
)
def test_calibration_images_that_do_not_fit(float_file, tmp_path, images, words):
    with pytest.raises(ModelError, match=words):
        quantize.quantize(float_file, tmp_path / "out.onnx", images)
    assert not (tmp_path / "out.onnx").exists()


def test_files_that_cannot_be_quantised(float_file, tmp_path):
    target = tmp_path / "out.onnx"
    with pytest.raises(ModelError, match=r"gone\.onnx: cannot be read"):
        quantize.quantize(tmp_path / "gone.onnx", target, IMAGES)
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"text\.onnx: not a valid ONNX model"):
        quantize.quantize(tmp_path / "text.onnx", target, IMAGES)
    quantize.quantize(float_file, target, IMAGES)
    with pytest.raises(ModelError, match="not quantised already"):
        quantize.quantize(target, tmp_path / "twice.onnx", IMAGES)


def test_a_fixed_batch_becomes_one_image(tmp_path):
    """In two dimensions of weights nothing repeats the batch; calibration takes single images."""
    model = to_model(small())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(model, tmp_path / "four.onnx")
    quantize.quantize(tmp_path / "four.onnx", tmp_path / "out.onnx", IMAGES)
    assert len(frontend.load(tmp_path / "out.onnx").nodes) > 2


@pytest.mark.parametrize("layers", [
    [BatchNorm(), Conv2d(2, 3)], [Conv2d(2, 3), ReLU(), BatchNorm()],
])  # fmt: skip
def test_batch_normalisation_that_follows_no_convolution(layers, tmp_path):
    net = Network("norm", (1, 8, 8))
    net.chain(*layers)
    net.initialise(1)
    (tmp_path / "norm.onnx").write_bytes(to_bytes(net))
    quantize.quantize(tmp_path / "norm.onnx", tmp_path / "out.onnx", IMAGES)
    graph = frontend.load(tmp_path / "out.onnx", strict=True)
    assert [node.op for node in graph.nodes] == ["conv2d"] * 2


def quantised(name, folder, form, per_channel):
    """A built-in network with random weights, as the importer takes it from `accel quantize`."""
    net = models.NETWORKS[name].build()
    net.initialise(0)
    (folder / "float.onnx").write_bytes(to_bytes(net))
    images = np.random.default_rng(1).standard_normal((2, *net.input_shape)).astype(np.float32)
    target = folder / "int8.onnx"
    quantize.quantize(folder / "float.onnx", target, images, per_channel=per_channel,
                           form=form)
    return target, images


@pytest.mark.parametrize("name, form, kinds", [
    ("resnet18", "qdq", {"conv2d", "add", "max_pool", "average_pool"}),
    ("googlenet", "qoperator", {"conv2d", "concat", "requantise", "lrn", "max_pool"}),
])  # fmt: skip
def test_large_networks(name, form, kinds, tmp_path):
    target, _ = quantised(name, tmp_path, form, per_channel=True)
    graph = frontend.load(target)
    assert kinds <= {node.op for node in graph.nodes}
    assert graph.tensors[graph.inputs[0].tensor].shape == (224, 224, 3)


@pytest.mark.campaign
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("form", ["qdq", "qoperator"])
@pytest.mark.parametrize("name", models.NETWORKS)
def test_every_layer_of_every_network(name, form, per_channel, tmp_path):
    """Byte for byte what ONNX Runtime gives, given the same input."""
    target, images = quantised(name, tmp_path, form, per_channel)
    graph = frontend.load(target)
    steps = Steps(target, graph)
    values = golden.run(graph, ports.read_inputs(graph, images[:1]))
    for step in steps.steps:
        np.testing.assert_array_equal(
            steps.golden(step, values), steps.runtime(step, values), err_msg=step.output
        )
