"""Operators on quantised tensors: QLinear* of ONNX and the com.microsoft forms.

Their scales and zero points are inputs, so the graph's node can be added at once.
"""

import dataclasses

import numpy as np

from accel.frontend.notes import EXACT, HALVES, OWN, STEP, runs
from accel.frontend.onnx import functions, layers, perchannel, pixels, weighted
from accel.frontend.onnx.build import Builder, requantised
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.quant import dequantise_constant
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Function,
    Pending,
    flat,
    memory_shape,
    order_of,
)


def _source(builder: Builder, node: NodeView, number: int) -> Activation:
    """Return the activation at inputs (value, scale, zero point) from ``number`` on."""
    value = builder.activation(node, number, quantised=True)
    scale = builder.scale(node, number + 1)
    zero_point, dtype = builder.zero_point(node, number + 2, np.dtype(value.dtype))
    builder.check_same(node, value, zero_point, dtype)
    return dataclasses.replace(value, scale=scale)


def _two(builder: Builder, node: NodeView) -> list[Activation]:
    """The activations at inputs 0 and 3."""
    return pixels.together(builder, node, _source(builder, node, 0), _source(builder, node, 3))


def _emit(builder: Builder, node: NodeView, pending: Pending, number: int) -> Activation:
    """Add the node; output scale and zero point are inputs ``number`` and ``number`` + 1."""
    scale = builder.scale(node, number)
    zero_point, dtype = builder.zero_point(node, number + 1, np.dtype(pending.source.dtype))
    node.require(dtype == pending.source.dtype, "input and output must be of one type",
                 f"{pending.source.dtype} and {dtype}")
    return builder.emit(pending, node.proto.output[0], scale, zero_point, dtype, node)


def _bias(builder: Builder, node: NodeView, number: int):
    bias = builder.constant(node, number)
    node.require(bias is None or bias.dtype == np.int32, "bias must be int32",
                 None if bias is None else bias.dtype)
    return bias


def _image(builder: Builder, node: NodeView) -> Activation:
    """Return the first input, which com.microsoft's channels_last has pixel by pixel, as CHW."""
    source = _source(builder, node, 0)
    if not node.integer("channels_last", 0):
        return source
    node.require(len(source.shape) == 3, "input must be an image [1, H, W, C]", [1, *source.shape])
    shape = (source.shape[2], *source.shape[:2])
    node.require(memory_shape(shape, order_of(shape)) == source.tensor.shape
                 and source.order == flat(source.shape),
                 "the image must lie in memory pixel by pixel (channels_last)",
                 f"{list(source.tensor.shape)} for {[1, *source.shape]}")
    return dataclasses.replace(source, shape=shape, order=order_of(shape))


def _emit_image(builder: Builder, node: NodeView, pending: Pending, number: int) -> Activation:
    """:func:`_emit`; with channels_last the result is seen pixel by pixel, as it lies."""
    result = _emit(builder, node, pending, number)
    if not node.integer("channels_last", 0):
        return result
    channels, height, width = result.shape
    shape = height, width, channels
    return dataclasses.replace(result, shape=shape, order=flat(shape))


@runs("array", EXACT, "stored weights with any zero point; groups, dilations, one or two "
      "dimensions")
def qlinear_conv(builder: Builder, node: NodeView) -> Activation:
    """QLinearConv(x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias)."""
    weights = dequantise_constant(builder, node, 3, 4, 5, axis=0)
    sums = weighted.convolution(node, _image(builder, node), weights, _bias(builder, node, 8))
    return _emit_image(builder, node, sums, 6)


@runs("array", EXACT, "of a vector, or of all pixels; stored weights with any zero point")
def qlinear_matmul(builder: Builder, node: NodeView) -> Activation:
    """QLinearMatMul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)."""
    weights = dequantise_constant(builder, node, 3, 4, 5, axis=1)
    source = pixels.seen(builder, node, _source(builder, node, 0))
    sums = weighted.fully_connected(node, source, weights, None, 1)
    return _emit(builder, node, sums, 6)


@runs("array", EXACT, "of a vector, or of all pixels; stored weights with any zero point; transA 0")
def qgemm(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QGemm(a, a_scale, a_zero, b, b_scale, b_zero, bias, y_scale, y_zero)."""
    node.require(node.integer("transA", 0) == 0, "transA must be 0", 1)
    out_axis = 0 if node.integer("transB", 0) else 1
    weights = dequantise_constant(builder, node, 3, 4, 5, axis=out_axis)
    sums = weighted.fully_connected(
        node, pixels.seen(builder, node, _source(builder, node, 0)), weights,
        _bias(builder, node, 6), out_axis,
        node.number("alpha", 1.0),
    )
    node.require(builder.has(node, 7), "output must be quantised (y_scale)", "float")
    return _emit(builder, node, sums, 7)


@runs("window", STEP, "two tensors of one shape, or an image and a pixel [C, 1, 1]")
@runs("array", STEP, "a constant for each channel")
@runs("table", EXACT, "one number")
def qlinear_add(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearAdd(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero).

    One of the two may be a constant: a bias.
    """
    known = [isinstance(builder.value(node, number), Constant) for number in (0, 3)]
    node.require(not all(known), "QLinearAdd must add something to an activation", "two constants")
    if not any(known):
        both = layers.total(node, *_two(builder, node))
        return _emit(builder, node, both, 6)
    at = 3 if known[1] else 0
    constant = dequantise_constant(builder, node, at, at + 1, at + 2, axis=0).real
    source = _source(builder, node, 3 - at)
    if constant.size == 1:
        addend = np.float32(constant.ravel()[0])
        return _emit(builder, node, _function(node, source, lambda x: x + addend), 6)
    return _emit(builder, node, weighted.add_constant(source, node, constant), 6)


@runs("window", HALVES, "two tensors of one shape, or an image and a pixel [C, 1, 1]")
@runs("array", HALVES, "one number, or a constant for each channel")
def qlinear_mul(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearMul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)."""
    known = [isinstance(builder.value(node, number), Constant) for number in (0, 3)]
    node.require(not all(known), "QLinearMul must have an activation", "two constants")
    if any(known):
        at = 3 if known[1] else 0
        source = _source(builder, node, 3 - at)
        return _emit(builder, node, perchannel.qlinear_product(builder, node, source, at), 6)
    both = layers.product(node, *_two(builder, node))
    return _emit(builder, node, both, 6)


@runs("addresses", EXACT, "any axis but the batch; a part of another scale by a table")
def qlinear_concat(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearConcat(y_scale, y_zero, then x, x_scale, x_zero for each input)."""
    count = len(node.proto.input)
    node.require(count >= 5 and count % 3 == 2, "inputs must be 2, and 3 for each part", count)
    sources = [_source(builder, node, number) for number in range(2, count, 3)]
    return _emit(builder, node, layers.concat(node, sources), 0)


def _function(node: NodeView, source: Activation, function) -> Function:
    value = requantised(node, source)
    with np.errstate(over="ignore", under="ignore"):
        real = function(value.real)
    name = {"QLinearSigmoid": "sigmoid", "QLinearLeakyRelu": "leaky_relu"}.get(node.op, "add")
    return dataclasses.replace(value, real=real, op=name)


@runs("table", EXACT)
def qlinear_sigmoid(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearSigmoid(x, x_scale, x_zero, y_scale, y_zero)."""
    value = _function(node, _source(builder, node, 0), functions.sigmoid)
    return _emit(builder, node, value, 3)


@runs("table", EXACT)
def qlinear_leaky_relu(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearLeakyRelu(x, x_scale, x_zero, y_scale, y_zero)."""
    alpha = node.number("alpha", 0.01)
    value = _function(node, _source(builder, node, 0),
                      lambda x: functions.leaky_relu(x, alpha))
    return _emit(builder, node, value, 3)


@runs("host", OWN, "over the channels an exact twin, else ONNX Runtime")
def qlinear_softmax(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearSoftmax(x, x_scale, x_zero, y_scale, y_zero)."""
    joint = node.integer("opset", 13) < 13
    axis = node.integer("axis", -1)
    return _emit(builder, node, layers.softmax(node, _source(builder, node, 0), axis, joint), 3)


@runs("window", STEP, "windows of one size have one divisor")
def qlinear_average_pool(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearAveragePool(x, x_scale, x_zero, y_scale, y_zero)."""
    return _emit_image(builder, node, layers.average_pool(node, _image(builder, node)), 3)


@runs("window", STEP)
def qlinear_global_average_pool(builder: Builder, node: NodeView) -> Activation:
    """com.microsoft QLinearGlobalAveragePool(x, x_scale, x_zero, y_scale, y_zero)."""
    return _emit_image(builder, node, layers.global_average_pool(node, _image(builder, node)), 3)


HANDLERS = {
    "QLinearConv": qlinear_conv, "QLinearMatMul": qlinear_matmul, "QGemm": qgemm,
    "QLinearAdd": qlinear_add, "QLinearMul": qlinear_mul,
    "QLinearAveragePool": qlinear_average_pool,
    "QLinearGlobalAveragePool": qlinear_global_average_pool, "QLinearConcat": qlinear_concat,
    "QLinearSigmoid": qlinear_sigmoid, "QLinearLeakyRelu": qlinear_leaky_relu,
    "QLinearSoftmax": qlinear_softmax,
}
