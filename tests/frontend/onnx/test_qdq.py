"""QDQ models against onnx's own reference evaluator: equal within one step of the output."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from accel import frontend, golden
from accel.frontend.onnx.known import QuantConstant
from accel.graph import ports
from accel.isa import Rounding
from tests.support import graphs
from tests.support.onnx_models import Model, qdq_conv


def compare(model: Model, folder, seed=0, spread=1.0, limit=1):
    """Import a model, run both, return the graph and all tensors."""
    graph = frontend.load(model.save(folder))
    (port,) = graph.inputs
    rng = np.random.default_rng(seed)
    if port.dtype == "float32":
        inputs = rng.normal(0, spread, (1, *port.shape)).astype(np.float32)
    else:
        inputs = rng.integers(0, 256, (1, *port.shape)).astype(np.uint8).view(port.dtype)
    tensors = golden.run(graph, ports.read_inputs(graph, inputs))
    expected = ReferenceEvaluator(model.proto()).run(None, {port.name: inputs})
    for out, value, wanted in zip(graph.outputs, ports.outputs(graph, tensors), expected,
                                  strict=True):
        assert (value.shape, value.dtype) == (wanted.shape, wanted.dtype)
        step = graph.tensors[out.tensor].scale if value.dtype == np.float32 else 1
        difference = np.abs(value.astype(float) - wanted.astype(float)).max() / step
        assert difference < limit + 0.01
        assert len(np.unique(wanted)) > 1
    return graph, tensors


CONVS = {
    "plain": {},
    "uint8": {"dtype": np.uint8},
    "uint8_weights": {"weight_dtype": np.uint8},
    "one_scale": {"per_channel": False},
    "pads": {"pads": [1, 2, 0, 3]},
    "strides": {"strides": [2, 3], "pads": [1, 1, 1, 1]},
    "dilations": {"dilations": [2, 3]},
    "groups": {"shape": (1, 6, 5, 5), "channels": 4, "groups": 2},
    "depthwise": {"shape": (1, 4, 5, 5), "channels": 4, "groups": 4},
    "same_upper": {"auto_pad": "SAME_UPPER", "kernel": (2, 4), "strides": [2, 1]},
    "same_lower": {"auto_pad": "SAME_LOWER", "kernel": (2, 4), "strides": [1, 2]},
    "valid": {"auto_pad": "VALID"},
    "symbolic_batch": {"shape": ("N", 3, 8, 7)},
    "relu": {"relu": ("Relu",)},
}


@pytest.mark.parametrize("name", CONVS)
def test_conv(name, tmp_path):
    options = {"pads": [1, 1, 1, 1]} if name == "plain" else CONVS[name]
    model = qdq_conv(np.random.default_rng(5), **options)
    graph, tensors = compare(model, tmp_path)
    (node,) = graph.nodes
    assert (node.name, node.op, node.output) == ("c_node", "conv2d", "y_q")
    assert node.requant.rounding is Rounding.FLOAT
    assert graph.inputs[0].layout == "CHW"


def test_relu_is_the_clamp(tmp_path):
    model = qdq_conv(np.random.default_rng(5), relu=("Relu",))
    node = frontend.load(model.save(tmp_path)).nodes[0]
    assert (node.requant.lo, node.requant.hi) == (node.requant.zero_point, 127)


@pytest.mark.parametrize("opset", [9, 19])
def test_clip_is_the_clamp(opset, tmp_path):
    model = qdq_conv(np.random.default_rng(5))
    clip = next(n for n in model.nodes if n.op_type == "QuantizeLinear" and n.output[0] == "y_q")
    at = model.nodes.index(clip)
    later, model.nodes = model.nodes[at:], model.nodes[:at]
    if opset == 9:
        model.node("Clip", ["c"], "r", min=-1.0, max=2.0)
        for node in (*model.nodes, *later):  # per-channel quantisation came with opset 13
            kept = [a for a in node.attribute if a.name != "axis"]
            del node.attribute[:]
            node.attribute.extend(kept)
        model.opset = 10
        model.initializers = [
            t for t in qdq_conv(np.random.default_rng(5), per_channel=False).initializers
            if not t.name.startswith("b_")
        ]
        model.nodes = [n for n in model.nodes if n.output[0] != "b"]
        next(n for n in model.nodes if n.op_type == "Conv").input.remove("b")
    else:
        low = model.const("low", -1.0, np.float32)
        high = model.const("high", 2.0, np.float32)
        model.node("Clip", ["c", low, high], "r")
    model.nodes += later
    clip.input[0] = "r"
    node = frontend.load(model.save(tmp_path)).nodes[0]
    zero = node.requant.zero_point
    assert (node.requant.lo, node.requant.hi) == (zero - 20, zero + 40)


def head(shape=(1, 4, 9, 8), dtype=np.int8, scale=0.03, zero_point=4):
    model = Model(list(shape))
    return model, model.quantise("x", scale, zero_point, dtype)


@pytest.mark.parametrize(
    "options",
    [
        {"strides": [2, 2]},
        {"strides": [2, 3], "pads": [1, 0, 1, 1]},
        {"strides": [2, 2], "ceil_mode": 1},
        {"strides": [3, 3], "ceil_mode": 1, "pads": [1, 1, 1, 1]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ],
)
def test_max_pool(options, tmp_path):
    model, source = head()
    model.node("MaxPool", [source], "p", kernel_shape=[3, 2], **options)
    model.output(model.quantise("p", 0.03, 4))
    graph, _ = compare(model, tmp_path, limit=0)
    (node,) = graph.nodes
    assert (node.op, node.output) == ("max_pool", "p_q")


@pytest.mark.parametrize(
    "options",
    [
        {"strides": [2, 2]},
        {"strides": [1, 2], "pads": [1, 0, 1, 1]},
        {"strides": [1, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1},
        {"strides": [2, 3], "ceil_mode": 1},
    ],
)
def test_average_pool(options, tmp_path):
    model, source = head()
    model.node("AveragePool", [source], "p", kernel_shape=[3, 2], **options)
    model.output(model.quantise("p", 0.02, -7))
    graph, _ = compare(model, tmp_path)
    assert graph.nodes[0].op == "average_pool"


def test_global_average_pool_flatten_gemm(tmp_path):
    rng = np.random.default_rng(2)
    model, source = head()
    model.node("GlobalAveragePool", [source], "p")
    model.node("Flatten", [model.quantise("p", 0.004, 0)], "f")
    weights = model.weights("w", rng.integers(-127, 128, (5, 4)), rng.uniform(0.01, 0.02, 5))
    bias = model.const("b", rng.normal(0, 0.1, 5), np.float32)  # float biases are quantised
    model.node("Gemm", [model.quantise("f", 0.004, 0), weights, bias], "g", transB=1)
    model.output(model.quantise("g", 0.01, 0))
    graph, _ = compare(model, tmp_path, limit=2)
    assert [node.op for node in graph.nodes] == ["average_pool", "reshape", "fully_connected"]


@pytest.mark.parametrize("op", ["Flatten", "Reshape"])
@pytest.mark.parametrize("form", ["gemm", "gemm_transposed", "matmul_add"])
def test_fully_connected_behind_an_image(op, form, tmp_path):
    """The weights' rows follow the elements from CHW to HWC order."""
    rng = np.random.default_rng(3)
    model, source = head((1, 3, 4, 5))
    shape = [] if op == "Flatten" else [model.const("shape", [0, -1], np.int64)]
    flat = model.node(op, [source, *shape], "f")
    integers = rng.integers(-127, 128, (60, 7))
    if form == "gemm_transposed":
        weights = model.weights("w", integers.T, rng.uniform(0.01, 0.02, 7), axis=0)
    else:
        weights = model.weights("w", integers, rng.uniform(0.01, 0.02, 7), axis=1)
    bias = model.const("b", rng.normal(size=7), np.float32)
    if form == "matmul_add":
        model.node("Add", [bias, model.node("MatMul", [flat, weights], "m")], "g")
    else:
        model.node("Gemm", [flat, weights, bias], "g", transB=int(form == "gemm_transposed"),
                   alpha=0.5, beta=2.0)
    model.node("Relu", ["g"], "r")
    model.output(model.quantise("r", 0.1, -20))
    graph, _ = compare(model, tmp_path)
    assert graph.nodes[-1].op == "fully_connected"
    assert graph.nodes[-1].weights.shape == (7, 1, 1, 60)


def test_add_and_relu_behind_a_quantisation(tmp_path):
    """Each step keeps its own tensor: a 1x1 identity convolution does what is left."""
    rng = np.random.default_rng(4)
    model, source = head((1, 3, 4, 5))
    bias = model.weights("b", rng.integers(-127, 128, (3, 1, 1)), 0.01)
    added = model.quantise(model.node("Add", [source, bias], "a"), 0.03, 10)
    model.output(model.quantise(model.node("Relu", [added], "r"), 0.015, -128))
    graph, tensors = compare(model, tmp_path, limit=2)
    assert {"a_q", "r_q"} <= tensors.keys()


def test_pool_and_activation_before_the_quantisation(tmp_path):
    model = qdq_conv(np.random.default_rng(5))
    last = model.nodes[-2:]
    model.nodes = model.nodes[:-2]
    model.node("MaxPool", ["c"], "p", kernel_shape=[2, 2])
    model.node("Relu", ["p"], "r")
    last[0].input[0] = "r"
    model.nodes += last
    graph, _ = compare(model, tmp_path)
    assert [node.op for node in graph.nodes] == ["conv2d", "max_pool"]
    assert graph.nodes[0].requant.lo == graph.nodes[0].requant.zero_point


def test_float_weights_behind_a_quantise_node(tmp_path):
    rng = np.random.default_rng(6)
    model, source = head((1, 2, 5, 5))
    float_weights = model.const("wf", rng.normal(size=(3, 2, 3, 3)), np.float32)
    weights = model.quantise(float_weights, 0.02, 0, name="w")
    model.node("Conv", [source, weights], "c")
    model.output(model.quantise("c", 0.1, 0))
    compare(model, tmp_path)


def test_rescaling_between_quantisations(tmp_path):
    model, source = head((1, 2, 3, 3))
    again = model.quantise(source, 0.05, -9, name="again")
    same = model.quantise(again, 0.05, -9, name="same")  # an identity
    model.output(same)
    graph, _ = compare(model, tmp_path)
    assert [node.output for node in graph.nodes] == ["again_q"]


def test_integer_input_and_output(tmp_path):
    model = Model([1, 2, 4, 4], elem_type=TensorProto.UINT8)
    params = model.params("x", 0.05, 100, np.uint8)
    model.node("DequantizeLinear", ["x", *params], "x_dq")
    weights = model.weights("w", np.arange(-9, 9).reshape(1, 2, 3, 3) * 7, 0.01)
    model.node("Conv", ["x_dq", weights], "c")
    model.node("QuantizeLinear", ["c", *model.params("y", 0.1, 120, np.uint8)], "y")
    model.output("y", TensorProto.UINT8)
    graph, _ = compare(model, tmp_path)
    assert (graph.inputs[0].dtype, graph.outputs[0].dtype) == ("uint8", "uint8")
    assert graph.tensors["x"].zero_point == -28


def test_flat_output_of_an_image_keeps_the_users_order(tmp_path):
    model, source = head((1, 3, 2, 4))
    model.output(model.node("Flatten", [source], "f"))
    compare(model, tmp_path, limit=0)


def test_input_reshaped_before_its_first_layer(tmp_path):
    """The tensor of a (1, 4, 5, 1) input lies as the (1, 1, 4, 5) image behind a Reshape."""
    model, source = head((1, 4, 5, 1))
    shape = model.const("shape", [-1, 1, 4, 5], np.int64)
    model.node("Reshape", [source, shape], "image")
    weights = model.weights("w", np.arange(-4, 5).reshape(1, 1, 3, 3) * 9, 0.01)
    model.node("Conv", ["image", weights], "c")
    model.output(model.quantise("c", 0.05, 0))
    graph, _ = compare(model, tmp_path)
    assert graph.tensors[graph.inputs[0].tensor].shape == (4, 5, 1)
    assert graph.inputs[0].shape == (4, 5, 1)


def test_input_whose_sizes_agree_with_memorys_by_chance(tmp_path):
    """(1, 9, 8, 9) becomes (1, 9, 9, 8), which lies in memory as 9 rows of 8 pixels of 9."""
    model, source = head((1, 9, 8, 9))
    shape = model.const("shape", [-1, 9, 9, 8], np.int64)
    model.node("Reshape", [source, shape], "image")
    weights = model.weights("w", np.random.default_rng(2).integers(-9, 9, (2, 9, 3, 3)), 0.01)
    model.node("Conv", ["image", weights], "c")
    model.output(model.quantise("c", 0.05, 0))
    compare(model, tmp_path)


@pytest.mark.parametrize("quantised", [False, True])
def test_softmax_of_a_flattened_image(quantised, tmp_path):
    """It adds up in another order than the bytes have in memory: the host's."""
    model, source = head((1, 3, 4, 5))
    flat = model.node("Flatten", [model.quantise(model.node("Relu", [source], "r"), 0.02, 3)], "f")
    soft = model.node("Softmax", [flat], "s", axis=1)
    model.output(model.quantise(soft, 1 / 256, -128) if quantised else soft)
    compare(model, tmp_path, limit=0)


def test_softmax_is_over_the_last_dimension(tmp_path):
    """From operator set 13 on, where no axis is given."""
    model, source = head((1, 3, 4, 5))
    model.output(model.quantise(model.node("Softmax", [source], "s"), 1 / 256, -128))
    compare(model, tmp_path, limit=0)


def test_a_large_float_bias_is_exact(tmp_path):
    """Of 3 * 2**29 products of the scales, which a float32 holds."""
    model, source = head((1, 2, 4, 4), scale=2.0**-5, zero_point=0)
    weights = model.weights("w", np.ones((2, 2, 1, 1)), 2.0**-6)
    bias = model.const("b", [3 * 2.0**18, -3 * 2.0**18], np.float32)
    model.node("Conv", [source, weights, bias], "c")
    model.output(model.quantise("c", 2.0**13, 0))
    graph, _ = compare(model, tmp_path, limit=0)
    assert graph.nodes[0].bias.tolist() == [3 << 29, -3 << 29]


def test_initializers_listed_as_inputs(tmp_path):
    """As format version 3 wanted; reading ahead at the reshape must not make one an input."""
    model = Model([1, 1, 12], elem_type=TensorProto.INT8)
    shape = model.const("shape", [1, 1, 3, 4], np.int64)
    image = model.node("Reshape", ["x", shape], "image")
    model.inputs.append(helper.make_tensor_value_info("shape", TensorProto.INT64, [4]))
    model.node("DequantizeLinear", [image, *model.params("x", 0.1, 3)], "dq")
    weights = model.weights("w", np.arange(-4, 5).reshape(1, 1, 3, 3) * 9, 0.01)
    model.node("Conv", ["dq", weights], "c")
    model.output(model.quantise("c", 0.05, 0))
    graph, _ = compare(model, tmp_path)
    assert [port.name for port in graph.inputs] == ["x"]


def test_unsorted_nodes(tmp_path):
    model = qdq_conv(np.random.default_rng(5))
    model.nodes.reverse()
    assert [node.op for node in frontend.load(model.save(tmp_path)).nodes] == ["conv2d"]


def test_golden_equals_naive_on_an_imported_model(tmp_path):
    from tests.support import naive

    model = qdq_conv(np.random.default_rng(5), shape=(1, 2, 5, 4), channels=3)
    graph = frontend.load(model.save(tmp_path))
    images = {"x_q": graphs.random_images(np.random.default_rng(0), (5, 4, 2))}
    expected, actual = naive.run(graph, images), golden.run(graph, images)
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name])


def test_real_values_of_a_constant_with_a_scale_per_slice():
    constant = QuantConstant(np.int16([[1, 2], [3, 4]]), np.array([0.5, 2.0]), 1)
    np.testing.assert_array_equal(constant.real, [[0.5, 4.0], [1.5, 8.0]])
