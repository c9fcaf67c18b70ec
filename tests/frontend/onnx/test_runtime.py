"""Single operators, imported and computed by the golden model, against ONNX Runtime live."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from accel import frontend, golden
from accel.frontend import ModelError
from accel.frontend.onnx import add
from accel.graph import ports
from accel.graph.ir import (
    Add,
    AveragePool,
    Concat,
    Conv,
    External,
    LocalResponse,
    Pad,
    Softmax,
    Sub,
    Table,
)
from accel.isa import Rounding
from accel.onnx_session import session
from tests.support.onnx_models import Model

TYPES = {np.int8: TensorProto.INT8, np.uint8: TensorProto.UINT8}
FORMS = ["qdq", "qoperator"]


def both(model: Model, folder, *inputs):
    """The imported graph, and the outputs of the golden model and of ONNX Runtime."""
    graph = frontend.load(model.save(folder))
    names = [value.name for value in model.inputs]
    tensors = golden.run(graph, ports.read_inputs(graph, dict(zip(names, inputs, strict=True))))
    [actual] = ports.outputs(graph, tensors)
    runtime = session(model.proto())
    [expected] = runtime.run(None, dict(zip(names, inputs, strict=True)))
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    return graph, actual, expected


def share(actual, expected) -> float:
    """Part of the bytes that differ; never by more than one step."""
    assert np.abs(actual.astype(int) - expected.astype(int)).max() <= 1
    return float((actual != expected).mean())


def integers(random, shape, dtype=np.int8):
    return random.integers(0, 256, shape).astype(np.uint8).view(dtype)


def start(shape, dtype=np.int8, scale=0.03, zero=-7):
    """A model with an integer input, and its parameters' names."""
    model = Model(list(shape), elem_type=TYPES[dtype])
    return model, ["x", *model.params("x", scale, zero + (128 if dtype == np.uint8 else 0), dtype)]


def finish(model: Model, value, y, dtype, form):
    """A QuantizeLinear, in the QDQ form, and the output."""
    if form == "qdq":
        model.node("QuantizeLinear", [value, *y], "y")
    return model.output("y", TYPES[dtype])


def log_uniform(random, low, high, count=None):
    return np.float32(10.0 ** random.uniform(low, high, count))


@pytest.mark.parametrize("operator", ["QLinearConv", "QGemm", "QLinearMatMul"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_requantisation(operator, per_channel, tmp_path):
    """Over random scales; with factors that are one last place off, some bytes would differ."""
    random = np.random.default_rng(1)
    columns, rows, depth = 64, 4096, 8
    for _ in range(12):
        alpha = random.uniform(0.3, 3) if operator == "QGemm" else 1.0
        x_scale, y_scale = log_uniform(random, -4, 1, 2)
        spread = log_uniform(random, -3.6, -3, columns if per_channel else 1)
        w_scale = np.float32(y_scale / x_scale / alpha * spread)
        integers_w = random.integers(-127, 128, (depth, columns))
        image = operator == "QLinearConv"
        model, x = start((1, depth, rows, 1) if image else ("N", depth), np.int8, x_scale,
                         int(random.integers(-128, 128)))  # fmt: skip
        w = [model.const("w", integers_w.T[:, :, None, None] if image else integers_w, np.int8),
             *model.params("w", w_scale if per_channel else w_scale[0],
                           np.zeros(columns) if per_channel else 0)]  # fmt: skip
        y = model.params("y", y_scale, int(random.integers(-128, 128)))
        bias = [model.const("b", random.integers(-20000, 20000, columns), np.int32)]
        if operator == "QLinearConv":
            model.node(operator, [*x, *w, *y, *bias], "y")
        elif operator == "QGemm":
            model.node(operator, [*x, *w, *bias, *y], "y", domain="com.microsoft", alpha=alpha)
        else:
            model.node(operator, [*x, *w, *y], "y")
        shape = (1, depth, rows, 1) if image else (rows, depth)
        graph, actual, expected = both(model.output("y", TensorProto.INT8), tmp_path,
                                       integers(random, shape))
        np.testing.assert_array_equal(actual, expected)
        assert graph.nodes[0].requant.rounding is Rounding.FLOAT
        assert len(np.unique(expected)) > 20


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layer", ["Conv", "Gemm"])
def test_float_bias(dtype, layer, tmp_path):
    """A float bias near to halves of its scale becomes the integers of ONNX Runtime."""
    random = np.random.default_rng(2)
    channels = 128
    x_scale, w_scale = log_uniform(random, -3, 0), log_uniform(random, -3, -1, channels)
    shape = (1, 1, 5, 5) if layer == "Conv" else (1, 6)
    model = Model(list(shape))
    zero = 128 if dtype == np.uint8 else 0
    source = model.quantise("x", x_scale, zero, dtype)
    bias = (random.integers(-300, 300, channels) + 0.5) * (x_scale * w_scale)
    integers_w = random.integers(-127, 128, (channels, 1, 3, 3) if layer == "Conv" else
                                 (channels, 6))  # fmt: skip
    inputs = [source, model.weights("w", integers_w, w_scale), model.const("b", bias, np.float32)]
    model.node(layer, inputs, "c", **({"transB": 1} if layer == "Gemm" else {}))
    y_scale = float(x_scale * w_scale.mean() * 2)
    model.output(model.quantise("c", y_scale, zero, dtype))
    given = random.normal(0, 0.02 * x_scale, shape).astype(np.float32)
    _, actual, expected = both(model, tmp_path, given)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("zero", [0, 60, 254])
def test_asymmetric_weights(form, zero, tmp_path):
    """uint8 weights whose zero point is not 128 need 9 bits: the input is read 2 or 3 times."""
    random = np.random.default_rng(3)
    stored = random.integers(0, 256, (4, 3, 3, 3))
    stored.flat[:2] = 0, 255
    model, x = start((1, 3, 9, 8), np.uint8)  # ONNX Runtime has no int8 input beside such weights
    y = model.params("y", 0.5, 131, np.uint8)
    if form == "qoperator":
        w = [model.const("w", stored, np.uint8), *model.params("w", 0.02, zero, np.uint8)]
        model.node("QLinearConv", [*x, *w, *y], "y", pads=[1, 1, 1, 1])
    else:
        model.node("DequantizeLinear", x, "xd")
        model.node("Conv", ["xd", model.weights("w", stored, 0.02, zero, np.uint8)], "c",
                   pads=[1, 1, 1, 1])  # fmt: skip
    given = integers(random, (1, 3, 9, 8), np.uint8)
    graph, actual, expected = both(finish(model, "c", y, np.uint8, form), tmp_path, given)
    assert share(actual, expected) == 0
    assert [type(node) for node in graph.nodes] == [Concat, Conv]
    assert len(graph.nodes[0].inputs) == (3 if zero == 0 else 2)


def addition(form, dtype, scales, zeros, shape=(1, 65536)):
    """x + z of two integer inputs."""
    centre = 128 if dtype == np.uint8 else 0
    model, x = start(shape, dtype, scales[0], zeros[0])
    model.inputs.append(helper.make_tensor_value_info("z", TYPES[dtype], shape))
    z = ["z", *model.params("z", scales[1], zeros[1] + centre, dtype)]
    y = model.params("y", scales[2], zeros[2] + centre, dtype)
    if form == "qoperator":
        model.node("QLinearAdd", [*x, *z, *y], "y", domain="com.microsoft")
    else:
        model.node("Add", [model.node("DequantizeLinear", x, "xd"),
                           model.node("DequantizeLinear", z, "zd")], "s")  # fmt: skip
    return finish(model, "s", y, dtype, form)


def pairs(dtype):
    """All pairs of bytes."""
    values = np.arange(256, dtype=np.uint8)
    one, other = np.meshgrid(values, values)
    return one.reshape(1, -1).view(dtype), other.reshape(1, -1).view(dtype)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", TYPES)
def test_add(form, dtype, tmp_path):
    """All pairs of bytes over random scales: at most two bytes of a million differ, by one."""
    random = np.random.default_rng(4)
    differing = []
    for _ in range(30):
        scales, zeros = log_uniform(random, -2.5, -1, 3), random.integers(-128, 128, 3).tolist()
        graph, actual, expected = both(addition(form, dtype, scales, zeros), tmp_path,
                                       *pairs(dtype))
        assert [type(node) for node in graph.nodes] == [Add]
        differing.append(share(actual, expected))
    print(f"{form} {dtype.__name__}: {np.mean(differing):.1e} of the bytes, "
          f"{np.count_nonzero(differing)} of {len(differing)} layers differ")
    assert np.mean(differing) < 2e-6


@pytest.mark.parametrize("dtype", TYPES)
def test_the_expression_of_an_addition_is_onnx_runtimes(dtype, tmp_path):
    """Also where halves are frequent, because the scales are short decimals."""
    random = np.random.default_rng(5)
    centre = 128 if dtype == np.uint8 else 0
    for _ in range(20):
        scales = np.float32(random.integers(1, 30, 3) / 100)
        zeros = random.integers(-128, 128, 3).tolist()
        model = addition("qoperator", dtype, scales, zeros)
        one, other = pairs(dtype)
        [wanted] = session(model.proto()).run(None, {"x": one, "z": other})
        table = add.runtime_bytes(scales, zeros, centre) + centre
        limits = np.iinfo(dtype)
        actual = np.clip(table, limits.min, limits.max)[
            one.astype(int) - limits.min, other.astype(int) - limits.min
        ]
        np.testing.assert_array_equal(actual, wanted)


@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0, 2.0])
def test_add_with_exact_halves(ratio, tmp_path):
    """Powers of two: the zero point, even or odd, is added before the rounding."""
    for zero in (-4, 5):
        scales = np.float32([ratio * 0.04, 0.04, 0.04])
        _, actual, expected = both(addition("qoperator", np.int8, scales, (3, -8, zero)), tmp_path,
                                   *pairs(np.int8))
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("zero", [-4, 5])
def test_a_difference_with_exact_halves(zero, tmp_path):
    """The zero point is added behind the rounding: halves go to the even number, whatever it is."""
    model = addition("qdq", np.int8, (0.25, 0.25, 0.5), (3, -8, zero))
    [add_node] = [node for node in model.nodes if node.op_type == "Add"]
    add_node.op_type = "Sub"
    _, actual, expected = both(model, tmp_path, *pairs(np.int8))
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("scales, zeros", [
    ((0.008, 0.0173, 0.0314), (-82, -86, 109)),  # with one bit less behind the point
    ((0.072, 0.169, 0.26), (-54, 112, -128)),  # with an offset
    ((0.11, 0.307, 0.294), (104, 56, -118)),  # with an offset of 2 less than the search has found
])  # fmt: skip
def test_add_where_the_nearest_factors_are_a_byte_off(scales, zeros, tmp_path):
    graph, actual, expected = both(addition("qoperator", np.uint8, scales, zeros), tmp_path,
                                   *pairs(np.uint8))
    np.testing.assert_array_equal(actual, expected)
    assert [type(node) for node in graph.nodes] == [Add]


def test_a_difference_has_factors_for_most_pairs_of_bytes(tmp_path):
    """ONNX Runtime computes it in float; some of the nearest factors' bytes are a step off."""
    model = addition("qdq", np.int8, (0.03, 0.49, 0.44), (29, 0, -121))
    model.nodes[-2].op_type = "Sub"
    graph, actual, expected = both(model, tmp_path, *pairs(np.int8))
    assert [type(node) for node in graph.nodes] == [Sub]
    assert share(actual, expected) < 0.01


def test_an_addition_whose_scales_are_far_apart_is_the_hosts(tmp_path):
    """ONNX Runtime's own float32 sums are too coarse there."""
    for larger, machine in ((100.0, True), (250.0, True), (300.0, False), (681574.4, False)):
        model = addition("qdq", np.int8, (larger, 34.7537, 1.0), (33, -55, 122))
        graph, actual, expected = both(model, tmp_path, *pairs(np.int8))
        assert any(isinstance(node, Add) for node in graph.nodes) == machine, larger
        assert share(actual, expected) < 0.01


def test_add_then_relu(tmp_path):
    shape = [1, 3, 4, 5]
    model, x = start(shape, scale=0.0313)
    model.inputs.append(helper.make_tensor_value_info("z", TensorProto.INT8, shape))
    z = ["z", *model.params("z", 0.0517, 9)]
    model.node("Add", [model.node("DequantizeLinear", x, "xd"),
                       model.node("DequantizeLinear", z, "zd")], "s")  # fmt: skip
    finish(model, model.node("Relu", ["s"], "r"), model.params("y", 0.0611, -20), np.int8, "qdq")
    random = np.random.default_rng(6)
    graph, actual, expected = both(model, tmp_path, *(integers(random, shape) for _ in "xz"))
    assert (graph.nodes[0].requant.lo, share(actual, expected)) == (-20, 0)


def average(form, dtype, scale, zero, kernel, y_scale, y_zero, **options):
    centre = 128 if dtype == np.uint8 else 0
    model, x = start((1, 64, 16, 16), dtype, scale, zero)
    y = model.params("y", y_scale, y_zero + centre, dtype)
    if form == "qoperator":
        model.node("QLinearAveragePool", [*x, *y], "y", domain="com.microsoft",
                   kernel_shape=kernel, **options)
    else:
        model.node("AveragePool", [model.node("DequantizeLinear", x, "xd")], "s",
                   kernel_shape=kernel, **options)
    return finish(model, "s", y, dtype, form)


WINDOWS = {
    "2x2": {"kernel": [2, 2], "strides": [2, 2]},
    "3x3": {"kernel": [3, 3], "pads": [1, 1, 1, 1]},
    "3x2": {"kernel": [3, 2], "pads": [1, 0, 1, 1], "strides": [1, 2]},
    "padded": {"kernel": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    "8x8": {"kernel": [8, 8], "strides": [8, 8]},
    "beyond": {"kernel": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2], "count_include_pad": 1,
               "ceil_mode": 1},
}
#: The largest part of the bytes that may differ where input and output have the same
#: quantisation: exact halves, which ONNX Runtime's float32 sums miss now and then.
HALVES = {"2x2": 0.04, "3x3": 0.03, "3x2": 0.07, "padded": 0.01, "8x8": 0.01,
          "beyond": 0.01}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("window", WINDOWS)
def test_average_pool(form, window, tmp_path):
    random = np.random.default_rng(7)
    results = {"random": [], "equal": []}
    for number in range(16):
        dtype = list(TYPES)[number % 2]
        scale, zero = log_uniform(random, -3, 0), int(random.integers(-128, 128))
        for kind in results:
            y_scale, y_zero = (scale, zero) if kind == "equal" else (
                scale * random.uniform(0.3, 1.2), int(random.integers(-128, 128)))
            model = average(form, dtype, scale, zero, y_scale=y_scale, y_zero=y_zero,
                            **WINDOWS[window])
            given = integers(random, (1, 64, 16, 16), dtype)
            graph, actual, expected = both(model, tmp_path, given)
            assert [type(node) for node in graph.nodes] == [AveragePool]
            results[kind].append(share(actual, expected))
    print(f"{form} {window}: differing {np.mean(results['random']):.1e}, with the same "
          f"quantisation on both sides {np.mean(results['equal']):.1e}")
    assert np.mean(results["random"]) < 1e-4
    assert np.mean(results["equal"]) < HALVES[window]


FLOATING = {
    "halves": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "beyond": {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1},
}


@pytest.mark.parametrize("behind", ["Flatten", "Relu"])
@pytest.mark.parametrize("window", FLOATING)
def test_average_pool_in_float(window, behind, tmp_path):
    """Something before the QuantizeLinear: another divisor beyond the padding, other halves."""
    random, off = np.random.default_rng(22), []
    for _ in range(8):
        scale = log_uniform(random, -3, 0)
        model, x = start((1, 16, 12, 12), scale=scale, zero=-7)
        value = model.node("AveragePool", [model.node("DequantizeLinear", x, "xd")], "p",
                           **FLOATING[window])  # fmt: skip
        finish(model, model.node(behind, [value], "b"), model.params("y", scale, -7), np.int8,
               "qdq")
        _, actual, expected = both(model, tmp_path, integers(random, (1, 16, 12, 12)))
        off.append(share(actual, expected))
    assert np.mean(off) < 0.08  # all halves, a fifth of the bytes, would be 0.2


def test_a_softmax_that_is_left_its_axis(tmp_path):
    """Softmax begins at dimension 1 then, before opset 13; com.microsoft's is over the last one."""
    model, x = start((1, 12, 1, 1), scale=0.15)
    model.node("QLinearSoftmax", [*x, *model.params("y", 1 / 256, -128)], "y",
               domain="com.microsoft", opset=11)
    model.output("y", TensorProto.INT8)
    given = integers(np.random.default_rng(23), (1, 12, 1, 1))
    [answer] = session(model.proto()).run(None, {"x": given})
    assert (answer == 127).all()  # each is alone
    with pytest.raises(ModelError, match="a softmax must be over the channels, not axis 3"):
        frontend.load(model.save(tmp_path), strict=True)


def test_a_softmax_in_so_small_steps_that_sums_leave_float32(tmp_path):
    model, x = start((1, 6, 1, 1), scale=0.15)
    model.node("QLinearSoftmax", [*x, *model.params("y", 1e-4, -128)], "y",
               domain="com.microsoft", opset=13, axis=1)
    model.output("y", TensorProto.INT8)
    _, actual, expected = both(model, tmp_path, integers(np.random.default_rng(3), (1, 6, 1, 1)))
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("kinds", [(np.int8, np.uint8), (np.uint8, np.int8)])
def test_a_softmax_quantised_to_the_other_type(kinds, tmp_path):
    """ONNX Runtime computes it in float; the host does."""
    before, after = kinds
    model, x = start((1, 8, 7, 9), before, scale=0.02)
    soft = model.node("Softmax", [model.node("DequantizeLinear", x, "xd")], "s", axis=1)
    y = model.params("y", 0.0021, np.iinfo(after).min, after)
    _, actual, expected = both(finish(model, soft, y, after, "qdq"), tmp_path,
                               integers(np.random.default_rng(4), (1, 8, 7, 9), before))
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("windows", [
    {"pads": [0, 0, 1, 1]}, {"pads": [1, 1, 0, 0]}, {"pads": [1, 0, 2, 1]},
    {"auto_pad": "SAME_UPPER"}, {"auto_pad": "VALID"}, {"pads": [0, 1, 1, 0], "ceil_mode": 1},
])  # fmt: skip
def test_a_float_average_that_counts_its_padding(windows, tmp_path):
    """Behind it stands a Flatten, so that ONNX Runtime computes it in float."""
    model, x = start((1, 2, 7, 6), scale=0.1)
    made = model.node("AveragePool", [model.node("DequantizeLinear", x, "xd")], "p",
                      kernel_shape=[3, 3], strides=[2, 3], count_include_pad=1, **windows)
    model = finish(model, model.node("Flatten", [made], "f"), model.params("y", 0.1, 5), np.int8,
                   "qdq")
    graph, actual, expected = both(model, tmp_path, integers(np.random.default_rng(5),
                                                             (1, 2, 7, 6)))
    assert not windows.get("pads") or windows.get("ceil_mode") or any(
        isinstance(node, AveragePool) for node in graph.nodes)
    assert share(actual, expected) < 0.1


@pytest.mark.parametrize("units, taken", [
    (2**30, True), (2**31 - 2**12, True), (-(2**31) + 2**12, True), (2**31, False),
    (-(2**31) - 2**8, False), (-(2**30) - 2**7, True),
])  # fmt: skip
def test_a_float_bias_in_32_bits(units, taken, tmp_path):
    """It counts products of the scales; here they are 1."""
    model, x = start((1, 2, 3, 4), scale=1, zero=0)
    real = model.node("DequantizeLinear", x, "xd")
    weights = model.weights("w", np.array([[1, 2]]).reshape(1, 2, 1, 1), np.ones(1, np.float32))
    bias = model.const("b", [units], np.float32)
    made = model.node("Conv", [real, weights, bias], "c")
    path = finish(model, made, model.params("y", 2**25, 3), np.int8, "qdq").save(tmp_path)
    if taken:
        [node] = frontend.load(path, strict=True).nodes
        assert node.bias.tolist() == [units]
    else:
        with pytest.raises(ModelError, match="bias must be from -2147483648 to 2147483647 in mult"):
            frontend.load(path, strict=True)


def test_biases_that_leave_32_bits_together(tmp_path):
    model, x = start((1, 2, 3, 4), scale=1, zero=0)
    real = model.node("DequantizeLinear", x, "xd")
    weights = model.weights("w", np.array([[1, 2]]).reshape(1, 2, 1, 1), np.ones(1, np.float32))
    bias = [model.const(name, np.full(shape, -(2**30) - 2**10), np.float32)
            for name, shape in (("b", 1), ("more", (1, 1)), ("most", (1, 1, 1)))]
    made = model.node("Conv", [real, weights, bias[0]], "c")
    for number, name in enumerate(bias[1:]):
        made = model.node("Add", [made, name], f"s{number}")
    path = finish(model, made, model.params("y", 2**25, 3), np.int8, "qdq").save(tmp_path)
    with pytest.raises(ModelError, match="bias must be from -2147483648 to .*, not -3221228544"):
        frontend.load(path, strict=True)


@pytest.mark.parametrize("shape", [(1, 8, 7, 9), (1, 6)])
@pytest.mark.parametrize("opset", [11, 13, 19])
def test_a_softmax_without_an_axis(shape, opset, tmp_path):
    """Over all dimensions but the batch before opset 13, over the last one since."""
    model, x = start(shape, np.uint8, scale=0.02)
    model.opset = opset
    soft = model.node("Softmax", [model.node("DequantizeLinear", x, "xd")], "s")
    y = model.params("y", 1 / 256, 0, np.uint8)
    _, actual, expected = both(finish(model, soft, y, np.uint8, "qdq"), tmp_path,
                               integers(np.random.default_rng(4), shape, np.uint8))
    assert share(actual, expected) <= (0.01 if len(shape) == 2 else 0)


def test_an_input_that_an_operator_on_integers_reads_first(tmp_path):
    """ConvInteger knows no scale; the DequantizeLinear behind it does."""
    random = np.random.default_rng(6)
    model, x = start((1, 3, 4, 5), np.uint8, scale=0.05)
    w = model.const("w", random.integers(-99, 99, (2, 3, 1, 1)), np.int8)
    model.node("ConvInteger", ["x", w, x[2]], "i")
    model.node("Cast", ["i"], "f", to=TensorProto.FLOAT)
    made = model.node("Mul", ["f", model.const("m", 0.001, np.float32)], "m_out")
    model.node("QuantizeLinear", [made, *model.params("z", 0.2, 120, np.uint8)], "z")
    real = model.node("DequantizeLinear", x, "xd")
    pool = model.node("MaxPool", [real], "p", kernel_shape=[2, 2])
    model.node("QuantizeLinear", [pool, *x[1:]], "y")
    model.output("z", TensorProto.UINT8).output("y", TensorProto.UINT8)
    given = integers(random, (1, 3, 4, 5), np.uint8)
    graph = frontend.load(model.save(tmp_path))
    actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    for ours, theirs in zip(actual, session(model.proto()).run(None, {"x": given}), strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= (ours is actual[0])


def test_a_softmax_whose_quotients_lie_nearly_between_two_steps(tmp_path):
    """ONNX Runtime divides in float64; in float32 two of these would be a step off."""
    random = np.random.default_rng(132)
    channels = int(random.integers(2, 9))
    model, x = start((1, channels, 1, 3000), scale=float(np.float32(2 ** random.uniform(-9, -2))))
    model.node("QLinearSoftmax", [*x, *model.params("y", 1 / 256.5, -128)], "y",
               domain="com.microsoft", opset=13, axis=1)
    model.output("y", TensorProto.INT8)
    given = (random.integers(0, 256, (1, channels, 1, 3000)) - 128).astype(np.int8)
    _, actual, expected = both(model, tmp_path, given)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", TYPES)
def test_global_average_pool(form, dtype, tmp_path):
    random = np.random.default_rng(8)
    for number in range(25):
        height, width = random.integers(1, 9, 2).tolist()
        shape = (1, 512, height, width)
        scale, zero = log_uniform(random, -3, 0), int(random.integers(-128, 128))
        model, x = start(shape, dtype, scale, zero)
        y_scale = scale if number % 3 == 0 else scale * random.uniform(0.2, 1.5)
        y = model.params("y", y_scale, int(random.integers(0, 128)), dtype)
        if form == "qoperator":
            model.node("QLinearGlobalAveragePool", [*x, *y], "y", domain="com.microsoft")
        else:
            model.node("GlobalAveragePool", [model.node("DequantizeLinear", x, "xd")], "s")
        _, actual, expected = both(finish(model, "s", y, dtype, form), tmp_path,
                                   integers(random, shape, dtype))
        assert share(actual, expected) == 0


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce_mean(opset, keepdims, tmp_path):
    model, x = start((1, 8, 5, 6))
    model.opset = opset
    source, options = [model.node("DequantizeLinear", x, "xd")], {}
    if opset < 18:
        options["axes"] = [2, 3]
    else:
        source.append(model.const("axes", [-1, -2], np.int64))
    model.node("ReduceMean", source, "s", keepdims=keepdims, **options)
    finish(model, "s", model.params("y", 0.011, 4), np.int8, "qdq")
    graph, actual, expected = both(model, tmp_path,
                                   integers(np.random.default_rng(9), (1, 8, 5, 6)))
    assert (share(actual, expected), type(graph.nodes[0])) == (0, AveragePool)


FUNCTIONS = {
    "Sigmoid": {}, "Tanh": {}, "LeakyRelu": {"alpha": 0.07}, "HardSigmoid": {"alpha": 0.3},
    "HardSwish": {}, "Relu": {},
}  # fmt: skip


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions(function, dtype, tmp_path):
    """A table of all 256 bytes, over random scales."""
    random = np.random.default_rng(10)
    given = np.arange(256, dtype=np.uint8).reshape(1, 256).view(dtype)
    for _ in range(20):
        scale, zero = log_uniform(random, -2.5, 0), int(random.integers(-128, 128))
        for form in FORMS if function in ("Sigmoid", "LeakyRelu") else FORMS[:1]:
            model, x = start((1, 256), dtype, scale, zero)
            y_scale = 1 / 256 if "igmoid" in function else log_uniform(random, -2.5, 0)
            y = model.params("y", y_scale, int(random.integers(0, 128)), dtype)
            if form == "qoperator":
                model.node(f"QLinear{function}", [*x, *y], "y", domain="com.microsoft",
                           **FUNCTIONS[function])
            else:
                model.node(function, [model.node("DequantizeLinear", x, "xd")], "s",
                           **FUNCTIONS[function])
            graph, actual, expected = both(finish(model, "s", y, dtype, form), tmp_path, given)
            np.testing.assert_array_equal(actual, expected)
            assert all(isinstance(node, Table) for node in graph.nodes)


def test_the_least_byte_as_a_factor(tmp_path):
    """ONNX Runtime's integer product, which is not always what the float operator gives."""
    model, x = start((1, 256), scale=0.005, zero=28)
    real, factor = model.node("DequantizeLinear", x, "xd"), model.weights("c", -128, 0.025)
    finish(model, model.node("Mul", [real, factor], "m"), model.params("y", 0.64, 29), np.int8,
           "qdq")  # fmt: skip
    graph, actual, expected = both(model, tmp_path, np.arange(-128, 128, dtype=np.int8)[None])
    assert [type(node) for node in graph.nodes] == [Table]
    np.testing.assert_array_equal(actual, expected)


def test_functions_of_functions_are_one_table(tmp_path):
    model, x = start((1, 256))
    value = model.node("DequantizeLinear", x, "xd")
    for number, function in enumerate(("Tanh", "LeakyRelu", "Sigmoid", "Relu")):
        value = model.node(function, [value], f"f{number}")
    finish(model, value, model.params("y", 0.004, -100), np.int8, "qdq")
    given = np.arange(256, dtype=np.uint8).reshape(1, 256).view(np.int8)
    graph, actual, expected = both(model, tmp_path, given)
    np.testing.assert_array_equal(actual, expected)
    assert [type(node) for node in graph.nodes] == [Table]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", TYPES)
def test_concat(form, dtype, tmp_path):
    """One input has the output's quantisation, the others are looked up in tables."""
    random = np.random.default_rng(11)
    centre = 128 if dtype == np.uint8 else 0
    model, _ = start((1, 3, 4, 5), dtype)
    sources = []
    for name, channels, scale, zero in (("x", 3, 0.03, -7), ("b", 2, 0.05, 4), ("c", 4, 0.02, 0)):
        params = [f"{name}_scale", f"{name}_zero"]
        if name != "x":
            model.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype],
                                                              (1, channels, 4, 5)))
            params = model.params(name, scale, zero + centre, dtype)
        sources.append([name, *params])
    y = model.params("y", 0.05, 4 + centre, dtype)
    if form == "qoperator":
        model.node("QLinearConcat", [*y, *sum(sources, [])], "y", domain="com.microsoft", axis=1)
    else:
        parts = [model.node("DequantizeLinear", source, f"{source[0]}d") for source in sources]
        model.node("Concat", parts, "s", axis=-3)
    given = [integers(random, (1, n, 4, 5), dtype) for n in (3, 2, 4)]
    graph, actual, expected = both(finish(model, "s", y, dtype, form), tmp_path, *given)
    np.testing.assert_array_equal(actual, expected)
    assert [type(node) for node in graph.nodes] == [Table, Table, Concat]


@pytest.mark.parametrize("form", FORMS)
def test_pad(form, tmp_path):
    random = np.random.default_rng(12)
    model, x = start((1, 2, 4, 5))
    pads = model.const("pads", [0, 0, 1, 2, 0, 0, 3, 0], np.int64)
    y = model.params("y", 0.03, -7)
    if form == "qoperator":
        model.node("Pad", ["x", pads, "x_zero"], "p")
        model.node("DequantizeLinear", ["p", *x[1:]], "s")
        model.node("QuantizeLinear", ["s", *y], "y")
    else:
        model.node("Pad", [model.node("DequantizeLinear", x, "xd"), pads], "s")
    graph, actual, expected = both(finish(model, "s", y, np.int8, form), tmp_path,
                                   integers(random, (1, 2, 4, 5)))
    np.testing.assert_array_equal(actual, expected)
    assert [type(node) for node in graph.nodes] == [Pad]


@pytest.mark.parametrize("opset, attributes", [(12, {"axis": 1}), (12, {}), (13, {})])
def test_softmax_in_float(opset, attributes, tmp_path):
    """Behind the last DequantizeLinear: the host's, equal but for last places of float32."""
    random = np.random.default_rng(13)
    model, x = start((1, 12), scale=0.15)
    model.opset = opset
    model.node("Softmax", [model.node("DequantizeLinear", x, "xd")], "y", **attributes)
    graph, actual, expected = both(model.output("y"), tmp_path, integers(random, (1, 12)))
    np.testing.assert_allclose(actual, expected, rtol=1e-6)
    assert graph.tensors["y"].dtype == "float32"
    assert [type(node) for node in graph.nodes] == [Softmax]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("form", FORMS)
def test_softmax_quantised_again(form, dtype, tmp_path):
    random = np.random.default_rng(14)
    lowest = int(np.iinfo(dtype).min)
    for y_scale in (1 / 256, 1 / 255, 0.01, *log_uniform(random, -3, 0, 7)):
        channels = int(random.integers(2, 50))
        model, x = start(("N", channels), dtype, scale=log_uniform(random, -2.5, 0))
        y = model.params("y", y_scale, lowest, dtype)
        if form == "qoperator":
            model.node("QLinearSoftmax", [*x, *y], "y", domain="com.microsoft", axis=1, opset=13)
        else:
            model.node("Softmax", [model.node("DequantizeLinear", x, "xd")], "s", axis=-1)
        graph, actual, expected = both(finish(model, "s", y, dtype, form), tmp_path,
                                       integers(random, (60, channels), dtype))
        np.testing.assert_array_equal(actual, expected)
        assert graph.nodes[-1].arithmetic == "table"


def test_local_response(tmp_path):
    random = np.random.default_rng(15)
    model, x = start((1, 16, 6, 6), scale=0.2)
    options = {"size": 5, "alpha": 0.01, "beta": 0.75, "bias": 1.5}
    model.node("LRN", [model.node("DequantizeLinear", x, "xd")], "s", **options)
    finish(model, "s", model.params("y", 0.1, 3), np.int8, "qdq")
    graph, actual, expected = both(model, tmp_path, integers(random, (1, 16, 6, 6)))
    assert share(actual, expected) == 0
    [node] = graph.nodes
    assert isinstance(node, LocalResponse)
    assert {name: round(getattr(node, name), 6) for name in options} == options


def test_integer_sums_scaled_behind(tmp_path):
    """ConvInteger, Cast, Mul, Add, QuantizeLinear: ONNX Runtime adds the bias in float."""
    random = np.random.default_rng(16)
    model, _ = start((1, 3, 7, 6), np.uint8)
    w = model.const("w", random.integers(0, 256, (4, 3, 3, 3)), np.uint8)
    model.node("ConvInteger", ["x", w, "x_zero", model.const("wz", 128, np.uint8)], "i")
    model.node("Cast", ["i"], "f", to=TensorProto.FLOAT)
    scale = model.const("s", random.uniform(1e-4, 2e-4, (4, 1, 1)), np.float32)
    model.node("Mul", ["f", scale], "m")
    model.node("Add", ["m", model.const("b", random.normal(size=(4, 1, 1)), np.float32)], "a")
    finish(model, "a", model.params("y", 0.1, 128, np.uint8), np.uint8, "qdq")
    graph, actual, expected = both(model, tmp_path, integers(random, (1, 3, 7, 6), np.uint8))
    assert share(actual, expected) < 0.05
    assert [type(node) for node in graph.nodes] == [Conv]


def test_matmul_integer(tmp_path):
    random = np.random.default_rng(17)
    model, _ = start(("N", 20), np.uint8)
    w = model.const("w", random.integers(-127, 128, (20, 6)), np.int8)
    model.node("MatMulInteger", ["x", w, "x_zero"], "i")
    model.node("Cast", ["i"], "f", to=TensorProto.FLOAT)
    model.node("Mul", [model.const("s", 2e-4, np.float32), "f"], "m")
    finish(model, "m", model.params("y", 0.05, 128, np.uint8), np.uint8, "qdq")
    _, actual, expected = both(model, tmp_path, integers(random, (50, 20), np.uint8))
    assert share(actual, expected) < 0.01


@pytest.mark.parametrize("first", ["QuantizeLinear", "Transpose"])
def test_images_given_pixel_by_pixel(first, tmp_path):
    """A Transpose behind the input or its quantisation moves nothing: the port is HWC."""
    random = np.random.default_rng(18)
    model = Model(["N", 5, 3, 3])  # 5 x 3 pixels of 3 channels, to be told from planes
    value, perm = "x", {"perm": [0, 3, 1, 2]}
    if first == "Transpose":
        value = model.node("Transpose", [value], "t", **perm)
    value = model.quantise(value, 0.02, 5)
    if first != "Transpose":
        value = model.node("Transpose", [value], "t", **perm)
    weights = model.weights("w", random.integers(-127, 128, (4, 3, 2, 2)), 0.01)
    value = model.quantise(model.node("Conv", [value, weights], "c"), 0.05, 3)
    value = model.node("Transpose", [value], "back", perm=[0, 2, 3, 1])
    model.output(model.quantise(value, 0.05, 3))
    given = random.normal(0, 1, (2, 5, 3, 3)).astype(np.float32)
    graph, actual, expected = both(model, tmp_path, given)
    np.testing.assert_array_equal(actual, expected)
    assert [type(node) for node in graph.nodes] == [Conv]
    assert (graph.inputs[0].layout, graph.outputs[0].layout) == ("HWC", "HWC")


def test_a_line_that_a_transposed_convolution_makes_as_long_as_told(tmp_path):
    model, x = start((1, 3, 6))
    w = model.weights("w", np.random.default_rng(9).integers(-127, 128, (3, 4, 3)), 0.01)
    model.node("DequantizeLinear", x, "xd")
    model.node("ConvTranspose", ["xd", w], "t", strides=[2], output_shape=[12])
    model = finish(model, "t", model.params("y", 0.05, 3), np.int8, "qdq")
    graph, actual, expected = both(model, tmp_path, integers(np.random.default_rng(10), (1, 3, 6)))
    assert share(actual, expected) < 0.02 and actual.shape == (1, 4, 12)
    assert not any(isinstance(node, External) for node in graph.nodes)


@pytest.mark.parametrize("perm", [None, [0, 2, 3, 1]])
def test_flattened_behind_a_transpose(perm, tmp_path):
    """Pixel by pixel as it lies, or channel by channel: the weights' rows follow."""
    random = np.random.default_rng(19)
    model = Model([1, 4, 3, 5])
    value = model.quantise("x", 0.02, 5)
    if perm:
        value = model.node("Transpose", [value], "t", perm=perm)
    value = model.node("Flatten", [value], "f")
    weights = model.weights("w", random.integers(-127, 128, (60, 7)), 0.01)
    model.output(model.quantise(model.node("MatMul", [value, weights], "m"), 0.05, 3))
    _, actual, expected = both(model, tmp_path, random.normal(size=(1, 4, 3, 5)).astype(np.float32))
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("shape, order", [
    ((1, 3, 4, 5), (0, 1, 2, 3)), ((1, 3, 1, 5), (0, 2, 1, 3)),
])  # fmt: skip
def test_a_transpose_that_leaves_every_element_where_it_is(shape, order, tmp_path):
    model, x = start(shape)
    turned = model.node("Transpose", [model.node("DequantizeLinear", x, "xd")], "t", perm=order)
    finish(model, turned, model.params("y", 0.03, -7), np.int8, "qdq")
    given = integers(np.random.default_rng(1), shape)
    graph, actual, expected = both(model, tmp_path, given)
    assert not any(isinstance(node, External) for node in graph.nodes)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("mode, sizes", [
    ("pytorch_half_pixel", (2, 1)), ("half_pixel", (2, 1)), ("align_corners", (1, 4)),
])  # fmt: skip
def test_few_nearest_pixels(mode, sizes, tmp_path):
    """Of a single one, these ways to find its place differ."""
    model, x = start((1, 3, 4, 4))
    real = model.node("DequantizeLinear", x, "xd")
    sizes = model.const("sizes", [1, 3, *sizes], np.int64)
    made = model.node("Resize", [real, "", "", sizes], "r", coordinate_transformation_mode=mode)
    finish(model, made, model.params("y", 0.03, -7), np.int8, "qdq")
    given = integers(np.random.default_rng(1), (1, 3, 4, 4))
    graph, actual, expected = both(model, tmp_path, given)
    assert not any(isinstance(node, External) for node in graph.nodes)
    np.testing.assert_array_equal(actual, expected)


def test_a_line_resized_without_antialias(tmp_path):
    """The attribute is there, and 0: it is not mistaken for axes."""
    model, x = start((1, 3, 7))
    model.opset = 18
    line = model.node("MaxPool", [model.node("DequantizeLinear", x, "xd")], "m", kernel_shape=[2])
    inputs = [line, "", model.const("s", [1, 1, 2], np.float32)]
    made = model.node("Resize", inputs, "r", antialias=0, nearest_mode="floor",
                      coordinate_transformation_mode="asymmetric")  # fmt: skip
    finish(model, made, model.params("y", 0.03, -7), np.int8, "qdq")
    given = integers(np.random.default_rng(1), (1, 3, 7))
    graph, actual, expected = both(model, tmp_path, given)
    assert not any(isinstance(node, External) for node in graph.nodes)
    np.testing.assert_array_equal(actual, expected)


def conv_of_opset(opset, domain=""):
    """A small network of what every version from 10 on has."""
    random = np.random.default_rng(20)
    model, x = start((1, 3, 6, 6))
    model.opset = opset
    w = [model.const("w", random.integers(-127, 128, (4, 3, 3, 3)), np.int8),
         *model.params("w", 0.01, 0)]  # fmt: skip
    y = model.params("y", 0.1, 3)
    model.node("QLinearConv", [*x, *w, *y], "c", domain=domain, auto_pad="SAME_UPPER")
    model.node("DequantizeLinear", ["c", *y], "cd", domain=domain)
    model.node("MaxPool", ["cd"], "p", domain=domain, kernel_shape=[2, 2], strides=[2, 2])
    model.node("Flatten", ["p"], "f", domain=domain)
    model.node("QuantizeLinear", ["f", *y], "y", domain=domain)
    return model.output("y", TensorProto.INT8)


@pytest.mark.parametrize("opset", range(10, onnx.defs.onnx_opset_version() + 1))
def test_operator_sets(opset, tmp_path):
    graph = frontend.load(conv_of_opset(opset).save(tmp_path))
    given = integers(np.random.default_rng(21), (1, 3, 6, 6))
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    runtime = session(conv_of_opset(min(opset, 21)).proto())  # its newest is older
    np.testing.assert_array_equal(actual, runtime.run(None, {"x": given})[0])


@pytest.mark.parametrize("in_nodes", [False, True])
def test_the_default_domain_by_its_name(in_nodes, tmp_path):
    """`ai.onnx` and the empty name are the same domain, in a file's versions and in its nodes."""
    model = conv_of_opset(19, "ai.onnx" if in_nodes else "").proto()
    model.opset_import[0].domain = "ai.onnx"
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    graph = frontend.load(tmp_path / "model.onnx")
    plain = frontend.load(conv_of_opset(19).save(tmp_path, "plain.onnx"))
    given = integers(np.random.default_rng(21), (1, 3, 6, 6))
    [one], [other] = (
        ports.outputs(each, golden.run(each, ports.read_inputs(each, given)))
        for each in (graph, plain)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind, dtype, text", [
    ("computed", None, "weights 'wd' must be constant, not computed"),
    ("stored", np.int16, "'w' must be int8, uint8, int32, or of 4 or 2 bits .*, not int16"),
])  # fmt: skip
def test_weights_are_stored_bytes(kind, dtype, text, tmp_path):
    model, x = start((1, 2, 3, 4))
    model.opset = 21  # which knows int16
    if kind == "computed":
        model.inputs.append(helper.make_tensor_value_info("v", TensorProto.INT8, [1, 2, 1, 1]))
        name, dtype = "v", np.int8
    else:
        name = model.const("w", np.ones((1, 2, 1, 1)), dtype)
    weights = model.node("DequantizeLinear", [name, *model.params("u", 0.1, 0, dtype)], "wd")
    made = model.node("Conv", [model.node("DequantizeLinear", x, "xd"), weights], "c")
    path = finish(model, made, model.params("y", 0.2, 3), np.int8, "qdq").save(tmp_path)
    with pytest.raises(ModelError, match=text):
        frontend.load(path, strict=True)


@pytest.mark.parametrize("scales, zeros", [
    ((0.03, 0.49, 0.44), (29, 0, -121)), ((0.25, 0.25, 0.5), (3, -8, 5)),
])  # fmt: skip
def test_the_expression_of_a_difference_is_onnx_runtimes(scales, zeros):
    model = addition("qdq", np.int8, scales, zeros)
    model.nodes[-2].op_type = "Sub"
    one, other = pairs(np.int8)
    [wanted] = session(model.proto()).run(None, {"x": one, "z": other})
    table = np.clip(add.difference_bytes(scales, zeros), -128, 127)
    np.testing.assert_array_equal(table[one.astype(int) + 128, other.astype(int) + 128], wanted)


def test_a_line_padded_by_an_attribute(tmp_path):
    """As before opset 11."""
    model, x = start((1, 3, 7))
    model.opset = 10
    line = model.node("MaxPool", [model.node("DequantizeLinear", x, "xd")], "m", kernel_shape=[2])
    made = model.node("Pad", [line], "p", pads=[0, 0, 2, 0, 0, 3])
    finish(model, made, model.params("y", 0.03, -7), np.int8, "qdq")
    given = integers(np.random.default_rng(1), (1, 3, 7))
    graph, actual, expected = both(model, tmp_path, given)
    assert not any(isinstance(node, External) for node in graph.nodes)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
def test_a_pooling_with_gaps_padded_as_if_it_had_none(mode, tmp_path):
    model, x = start((1, 2, 6, 7))
    made = model.node("MaxPool", [model.node("DequantizeLinear", x, "xd")], "m", auto_pad=mode,
                      kernel_shape=[2, 2], dilations=[2, 2])  # fmt: skip
    finish(model, made, model.params("y", 0.03, -7), np.int8, "qdq")
    given = integers(np.random.default_rng(1), (1, 2, 6, 7))
    _, actual, expected = both(model, tmp_path, given)
    np.testing.assert_array_equal(actual, expected)
