"""QOperator models: ONNX's forms against its reference evaluator, com.microsoft's against NumPy."""

import numpy as np
import pytest
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from accel import frontend, golden
from accel.graph import ports
from tests.support.onnx_models import Model

TYPES = {np.int8: TensorProto.INT8, np.uint8: TensorProto.UINT8}
X_SCALE, Y_SCALE = 0.03, 0.05


def zeros(dtype):
    """Input and output zero points."""
    return (-7, 12) if dtype == np.int8 else (121, 140)


def start(shape, dtype) -> tuple[Model, list[str], list[str]]:
    """A model with an integer input, and the names of its input's and output's parameters."""
    model = Model(list(shape), elem_type=TYPES[dtype])
    x_zero, y_zero = zeros(dtype)
    x = ["x", *model.params("x", X_SCALE, x_zero, dtype)]
    return model, x, model.params("y", Y_SCALE, y_zero, dtype)


def run(model: Model, folder, dtype, images=None):
    """Import, run on random images; return graph, images and output."""
    model.output("y", TYPES[dtype])
    graph = frontend.load(model.save(folder))
    (port,) = graph.inputs
    if images is None:
        shape = (1, *port.shape)
        images = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8).view(dtype)
    tensors = golden.run(graph, ports.read_inputs(graph, images))
    (output,) = ports.outputs(graph, tensors)
    assert output.dtype == dtype
    return graph, images, output


def close(output, expected):
    assert output.shape == expected.shape
    assert np.abs(output.astype(int) - expected.astype(int)).max() <= 1
    assert len(np.unique(expected)) > 1


def quantised(real, dtype):
    """Real values as the model's output type."""
    limits = np.iinfo(dtype)
    return np.clip(np.rint(real / Y_SCALE) + zeros(dtype)[1], limits.min, limits.max)


def real_input(images, dtype):
    return (images.astype(np.float64) - zeros(dtype)[0]) * X_SCALE


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    "options", [{"pads": [1, 2, 0, 1]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}]
)
def test_qlinear_conv(dtype, bias, options, tmp_path):
    rng = np.random.default_rng(2)
    model, x, y = start((1, 3, 7, 6), dtype)
    weights = [model.const("w", rng.integers(-127, 128, (4, 3, 3, 2)), np.int8),
               *model.params("w", rng.uniform(0.005, 0.02, 4), np.zeros(4), np.int8)]
    extra = [model.const("b", rng.integers(-5000, 5000, 4), np.int32)] if bias else []
    model.node("QLinearConv", [*x, *weights, *y, *extra], "y", **options)
    graph, images, output = run(model, tmp_path, dtype)
    (expected,) = ReferenceEvaluator(model.proto()).run(None, {"x": images})
    close(output, expected)
    assert [(node.name, node.op, node.output) for node in graph.nodes] == [
        ("y_node", "conv2d", "y")]


@pytest.mark.parametrize("dtype", TYPES)
def test_qlinear_matmul(dtype, tmp_path):
    rng = np.random.default_rng(3)
    model, x, y = start((1, 30), dtype)
    weights = [model.const("w", rng.integers(-127, 128, (30, 5)), np.int8),
               *model.params("w", 0.01, 0)]
    model.node("QLinearMatMul", [*x, *weights, *y], "y")
    graph, images, output = run(model, tmp_path, dtype)
    (expected,) = ReferenceEvaluator(model.proto()).run(None, {"x": images})
    close(output, expected)
    assert graph.nodes[0].op == "fully_connected"


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("transposed", [0, 1])
def test_qgemm_behind_a_reshape(dtype, transposed, tmp_path):
    rng = np.random.default_rng(4)
    model, x, y = start((1, 3, 2, 5), dtype)
    flat = model.node("Reshape", ["x", model.const("shape", [1, -1], np.int64)], "f")
    integers, scale = rng.integers(-127, 128, (30, 4)), rng.uniform(0.001, 0.003, 4)
    stored = integers.T if transposed else integers
    weights = [model.const("w", stored, np.int8), *model.params("w", scale, np.zeros(4))]
    bias = rng.integers(-3000, 3000, (1, 4))
    model.node("QGemm", [flat, *x[1:], *weights, model.const("b", bias, np.int32), *y], "y",
               domain="com.microsoft", transB=transposed, alpha=1.5)
    _, images, output = run(model, tmp_path, dtype)
    unit = X_SCALE * scale * 1.5
    sums = (images.reshape(1, 30).astype(int) - zeros(dtype)[0]) @ integers + bias
    close(output, quantised(sums * unit, dtype))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("swapped", [False, True])
def test_qlinear_add_of_a_constant(dtype, swapped, tmp_path):
    rng = np.random.default_rng(5)
    model, x, y = start((1, 6), dtype)
    bias = rng.integers(-100, 100, 6)
    zero = 0 if dtype == np.int8 else 128
    constant = [model.const("b", bias + zero, dtype), *model.params("b", 0.02, zero, dtype)]
    pair = [*constant, *x] if swapped else [*x, *constant]
    model.node("QLinearAdd", [*pair, *y], "y", domain="com.microsoft")
    _, images, output = run(model, tmp_path, dtype)
    close(output, quantised(real_input(images, dtype) + bias * 0.02, dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_qlinear_average_pool(dtype, tmp_path):
    model, x, y = start((1, 3, 6, 6), dtype)
    model.node("QLinearAveragePool", [*x, *y], "y", domain="com.microsoft",
               kernel_shape=[2, 3], strides=[2, 3])
    _, images, output = run(model, tmp_path, dtype)
    mean = real_input(images, dtype).reshape(1, 3, 3, 2, 2, 3).mean((3, 5))
    close(output, quantised(mean, dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_qlinear_global_average_pool(dtype, tmp_path):
    model, x, y = start((1, 9, 3, 5), dtype)
    model.node("QLinearGlobalAveragePool", [*x, *y], "y", domain="com.microsoft")
    _, images, output = run(model, tmp_path, dtype)
    close(output, quantised(real_input(images, dtype).mean((2, 3), keepdims=True), dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_max_pool_on_integers(dtype, tmp_path):
    model, _, _ = start((1, 3, 6, 4), dtype)
    model.node("MaxPool", ["x"], "y", kernel_shape=[2, 2], strides=[2, 2])
    _, images, output = run(model, tmp_path, dtype)
    np.testing.assert_array_equal(output, images.reshape(1, 3, 3, 2, 2, 2).max((3, 5)))


def test_asymmetric_weights_that_fit_are_taken(tmp_path):
    """A weight zero point is no matter as long as the difference fits int8."""
    rng = np.random.default_rng(7)
    model, x, y = start((1, 8), np.int8)
    weights = [model.const("w", rng.integers(30, 250, (8, 3)), np.uint8),
               *model.params("w", 0.01, 140, np.uint8)]
    model.node("QLinearMatMul", [*x, *weights, *y], "y")
    _, images, output = run(model, tmp_path, np.int8)
    (expected,) = ReferenceEvaluator(model.proto()).run(None, {"x": images})
    close(output, expected)
