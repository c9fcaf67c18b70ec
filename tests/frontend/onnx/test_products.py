"""Products of two tensors, as ONNX Runtime's integer kernel multiplies: byte for byte."""

import functools

import numpy as np
import pytest
from onnx import TensorProto

from accel import frontend, golden, onnx_session
from accel.frontend import ModelError
from accel.frontend.onnx import add, mul
from accel.graph import ports
from accel.isa import FLOATS, Rounding
from accel.quant import requantise
from tests.support.onnx_models import Model

SHAPES = {"alike": [1, 8, 16, 16], "gate": [1, 8, 1, 1]}


def build(dtype, form, shape, scales, zeros, swapped=False):
    rng = np.random.default_rng(abs(sum(zeros)) + shape[2])
    kind = TensorProto.INT8 if dtype == np.int8 else TensorProto.UINT8
    model = Model([1, 8, 16, 16], opset=17, elem_type=kind)
    model.inputs += Model(shape, elem_type=kind, name="g").inputs
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max + 1
    given = {"x": rng.integers(low, high, [1, 8, 16, 16]).astype(dtype),
             "g": rng.integers(low, high, shape).astype(dtype)}
    names = [model.params(name, scale, zero, dtype)
             for name, scale, zero in zip("xgy", scales, zeros, strict=True)]
    order = ("g", "x") if swapped else ("x", "g")
    if form == "qoperator":
        ends = {"x": names[0], "g": names[1]}
        model.node("QLinearMul", [order[0], *ends[order[0]], order[1], *ends[order[1]], *names[2]],
                   "y", domain="com.microsoft")
    else:
        for name, ends in zip("xg", names, strict=False):
            model.node("DequantizeLinear", [name, *ends], f"{name}_real")
        model.node("Mul", [f"{name}_real" for name in order], "m")
        model.node("QuantizeLinear", ["m", *names[2]], "y")
    return model.output("y", kind), given


#: Ratios of scales with their zero points of int8 bytes; those of the last one make many halves.
NUMBERS = [
    ((0.02, 0.01, 0.005), (0, 3, 7)), ((0.5, 0.25, 0.125), (-123, 100, 127)),
    ((0.03, 1 / 255, 0.011), (100, -128, -128)), ((0.001, 0.002, 3.0), (5, -9, -77)),
    ((1.0, 1.0, 64.0), (-128, 17, 6)),
]  # fmt: skip


def both(dtype, form, shape, scales, zeros, swapped, folder):
    """Our bytes, and ONNX Runtime's."""
    zeros = [zero + 128 * (dtype == np.uint8) for zero in zeros]
    model, given = build(dtype, form, SHAPES[shape], scales, zeros, swapped)
    path = model.save(folder)
    graph = frontend.load(path, strict=True)
    assert [node.op for node in graph.nodes] == ["mul"]
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    return actual, onnx_session.session(path).run(None, given)[0]


@pytest.mark.parametrize("form", ["qdq", "qoperator"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8], ids=["int8", "uint8"])
@pytest.mark.parametrize("swapped", [False, True])
def test_all_bytes_are_onnx_runtimes(form, shape, dtype, swapped, tmp_path):
    for scales, zeros in NUMBERS:
        np.testing.assert_array_equal(*both(dtype, form, shape, scales, zeros, swapped, tmp_path))


def test_a_gate_of_an_image_whose_sides_have_no_bit_in_common(tmp_path):
    """The product lies as the image does, not as the gate."""
    model = Model([1, 3, 4, 2], opset=17)
    one = model.quantise("x", 0.02, 3)
    gate = model.quantise(model.node("GlobalMaxPool", [one], "g"), 0.02, 3)
    made = model.quantise(model.node("Mul", [one, gate], "m"), 0.01, -7)
    path = model.output(made).save(tmp_path)
    graph = frontend.load(path, strict=True)
    given = np.random.default_rng(3).normal(0, 1, (2, 3, 4, 2)).astype(np.float32)
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    session = onnx_session.session(path)
    expected = [session.run(None, {"x": image[None]})[0] for image in given]
    np.testing.assert_array_equal(actual, np.concatenate(expected))


@pytest.mark.parametrize("zero", [6, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_exact_halves_go_where_they_are_even_with_the_zero_point(zero, shape, tmp_path):
    scales, zeros = (1.0, 1.0, 64.0), (-128, 17, zero)
    actual, expected = both(np.int8, "qoperator", shape, scales, zeros, False, tmp_path)
    np.testing.assert_array_equal(actual, expected)


def every_pair(scales, zeros, centre):
    """Of all products of two bytes: what ONNX Runtime makes of them, and a requantisation."""
    differences = [np.arange(-128, 128) - zero for zero in zeros[:2]]
    products = np.unique(np.multiply.outer(*differences))
    factor = np.float32(scales[0]) * np.float32(scales[1]) / np.float32(scales[2])
    wanted = mul.runtime_bytes(products, factor, zeros[2], centre) + zeros[2]
    need = mul.requant(scales, zeros, centre, -128, 127, add.Effort())
    given = requantise(products.astype(np.int32), need.multiplier, need.shift, need.rounding,
                       need.zero_point)  # fmt: skip
    return given.ravel(), wanted, need


def test_a_factor_between_float32s_where_one_is_needed():
    """Zero points that round a product a second time, as they do in about 1 of 28 layers."""
    roundings = []
    for numbers in (
        ((0.00371203082613647, 0.022389637306332588, 0.011470304802060127), (104, 14, 107), 0),
        ((0.06263373047113419, 0.2423611879348755, 2.006471633911133), (-72, -26, 93), 128),
        ((0.0039025668520480394, 0.01894647628068924, 0.00849432684481144), (82, 49, -25), 128),
        ((0.009141137823462486, 0.014083076268434525, 0.016076551750302315), (-88, -77, -63), 0),
    ):
        given, wanted, need = every_pair(*numbers)
        np.testing.assert_array_equal(given, wanted)
        roundings.append(need.rounding)
    assert Rounding.SINGLE in roundings and {*roundings} & {*FLOATS}


def test_where_no_factor_helps_the_nearest_is_left():
    """Two products are taken to halves, which no float32 does to both."""
    scales = 0.026534529403, 0.0029369997792, 1.2063755989
    given, wanted, need = every_pair(scales, (58, 46, 104), 128)
    assert need.rounding == Rounding.FLOAT
    assert np.abs(given.astype(int) - wanted).sum() == 2


def test_other_shapes_are_refused(tmp_path):
    model, _ = build(np.int8, "qdq", [1, 1, 16, 16], (0.1, 0.1, 0.1), (0, 0, 0))
    with pytest.raises(ModelError, match=r"same shape, or one be a pixel .* not \[1, 8, 16, 16\]"):
        frontend.load(model.save(tmp_path), strict=True)


def test_many_products_leave_an_addition_its_trials(tmp_path):
    """A file's products and its additions each have their own time to find factors."""
    scales = 0.02989690750837326, 0.031172486022114754, 0.06928928196430206
    zeros = -85, -18, -44
    runtime = functools.partial(add.runtime_bytes, centre=0)
    tried, untried = (add.factors(scales, zeros, runtime, effort)
                      for effort in (add.Effort(), add.Effort(0)))  # fmt: skip
    assert tried != untried
    model = Model([1, 4, 4, 4], opset=17, elem_type=TensorProto.INT8)
    value, ends = "x", model.params("x", scales[1], zeros[1])
    last = model.params("p", scales[0], zeros[0])
    for number in range(200):
        value = model.node("QLinearMul", [value, *ends, "x", "x_scale", "x_zero", *last],
                           f"p{number}", domain="com.microsoft")  # fmt: skip
        ends = last
    sums = model.params("y", scales[2], zeros[2])
    model.node("QLinearAdd", [value, *last, "x", "x_scale", "x_zero", *sums], "y",
               domain="com.microsoft")  # fmt: skip
    graph = frontend.load(model.output("y", TensorProto.INT8).save(tmp_path), strict=True)
    assert [node.op for node in graph.nodes].count("mul") > 100
    last = graph.nodes[-1]
    assert (last.operands, last.offset) == (tried.operands, tried.offset)
