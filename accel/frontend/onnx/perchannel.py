"""Numbers of their own for every channel: factors, shifts, batch normalisation, PRelu's slopes.

Behind a layer that is not quantised yet they become part of it (behind.py).  Elsewhere
all are 1x1 depthwise convolutions: of an image [C, H, W] by constants [C, 1, 1], of a flat value
[n] by [n].  Factors that a file has as bytes are the weights, and ONNX Runtime's QLinearMul is met
byte for byte.  Float ones become the requantisation's own factors of each channel: the result is
that of the float operator between DequantizeLinear and QuantizeLinear within one step.
"""

import numpy as np

from accel.frontend.notes import STEP, runs
from accel.frontend.onnx import behind, pixels, weighted
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.quant import dequantise_constant
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Extremes,
    Products,
    QuantConstant,
    Sums,
    Window,
)

#: The weight of a channel with a float factor; shifts are resolved to that part of an input step.
_WEIGHT = 64


def arithmetic(builder: Builder, node: NodeView) -> Sums | Extremes | None:
    """An operator on an activation and constants, one per channel; None if it is not that."""
    if node.op not in ("Mul", "Div", "Sub", "Max", "Min") or len(node.proto.input) != 2:
        return None
    values = [builder.value(node, number) for number in (0, 1)]
    known = [isinstance(value, (Constant, QuantConstant)) for value in values]
    if known.count(True) != 1:
        return None
    at = known.index(True)
    constant = values[at]
    real = constant.real if isinstance(constant, QuantConstant) else constant.array
    waits = behind.takes(values[1 - at]) and node.op not in ("Max", "Min")
    if real.size == 1 and not waits:
        return None
    node.require(real.dtype.kind == "f" and np.isfinite(real).all(), "constants must be finite "
                 "floats", real.dtype)
    if waits:
        real = behind.per_channel(node, values[1 - at], real)
        return behind.scaled(node, values[1 - at], *_affine(node, real, at))
    source = builder.activation(node, 1 - at, quantised=False)
    if node.op == "Mul" and isinstance(constant, QuantConstant) and constant.scale.size == 1:
        return product(node, source, constant)
    real = per_channel(node, source, real).astype(np.float64)
    if node.op in ("Max", "Min"):
        shift = affine(node, source, np.zeros_like(real), real)
        return _extremes(node, source, shift, node.op == "Max")
    return affine(node, source, *_affine(node, real, at))


def _affine(node: NodeView, real: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray]:
    """What Mul, Sub or Div by constants, which are operand ``at``, multiplies by and adds."""
    real = real.astype(np.float64)
    one, none = np.ones_like(real), np.zeros_like(real)
    if node.op == "Mul":
        return real, none
    if node.op == "Sub":
        return (one, -real) if at else (-one, real)
    node.require(at == 1 and real.all(), "divisors must be constants and not be 0",
                 "0" if at else "computed")
    return 1 / real, none


def per_channel(node: NodeView, source: Activation, values: np.ndarray) -> np.ndarray:
    """Constants in the order in which the channels lie in memory."""
    return weighted.channel_constants(source, node, values)


def product(node: NodeView, source: Activation, constant: QuantConstant) -> Sums:
    """An activation by constants of a byte each: they are the weights."""
    weights = per_channel(node, source, constant.integers)
    with np.errstate(over="ignore", under="ignore"):
        unit = np.float32(source.scale) * constant.scale.astype(np.float32)
    node.require(np.isfinite(unit).all() and (unit > 0).all(),
                 "input scale times constants' scale must be a float32", unit[:1])
    weights = weights.astype(np.int16)
    return _sums(node, source, weights, np.zeros(len(weights), np.int64),
                 np.repeat(unit, len(weights)),
                 products=Products(float(constant.scale[0]), weights))


def affine(node: NodeView, source: Activation, factor: np.ndarray, shift: np.ndarray) -> Sums:
    """``source`` * ``factor`` + ``shift``, float64 [channels], in memory's order."""
    count = len(factor)
    same = _sums(node, source, np.full(count, _WEIGHT, np.int16), np.zeros(count, np.int64),
                 np.full(count, np.float32(source.scale) / np.float32(_WEIGHT)))
    return behind.scaled(node, same, factor, shift)


def _sums(node: NodeView, source: Activation, weights, bias, unit, **options) -> Sums:
    return Sums(node.name, source, source.shape, source.order, op="conv2d",
                weights=weights.reshape(-1, 1, 1, 1), bias=bias, unit=unit, window=Window((1, 1)),
                groups=len(weights), laid=pixels.kept(source), **options)


@runs("array", STEP, "stored statistics")
def batch_normalization(builder: Builder, node: NodeView) -> Sums:
    """BatchNormalization that does not learn: a factor and a shift per channel."""
    node.require(not node.integer("training_mode", 0) and len(node.proto.output) == 1,
                 "a batch normalisation must not learn", "in training mode")
    given = builder.value(node, 0)
    waits = behind.takes(given)
    source = given if waits else builder.activation(node, 0, quantised=False)
    put = behind.per_channel if waits else per_channel
    values = []
    for number in range(1, 5):
        value = builder.value(node, number)
        node.require(isinstance(value, (Constant, QuantConstant)),
                     f"input {node.proto.input[number]!r} must be a constant", "computed")
        array = value.real if isinstance(value, QuantConstant) else value.array
        shape = (source.shape[0], *(1 for _ in source.shape[1:]))
        node.require(array.shape == shape[:1], f"statistics must have shape {list(shape[:1])}",
                     list(array.shape))
        values.append(put(node, source, array.reshape(shape)).astype(np.float64))
    scale, shift, mean, variance = values
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + node.number("epsilon", 1e-5))
        shift = shift - mean * factor
    node.require(np.isfinite([factor, shift]).all(), "statistics must be finite and variances "
                 "positive", "NaN or infinite factors")
    return (behind.scaled if waits else affine)(node, source, factor, shift)


def prelu(builder: Builder, node: NodeView) -> Extremes | None:
    """PRelu with a slope per channel: where none is above 1, the larger of x and slope * x."""
    slope = builder.value(node, 1)
    if not isinstance(slope, (Constant, QuantConstant)):
        return None
    real = slope.real if isinstance(slope, QuantConstant) else slope.array
    if real.size == 1:
        return None
    source = builder.activation(node, 0, quantised=False)
    real = per_channel(node, source, real).astype(np.float64)
    node.require(np.isfinite(real).all() and (real <= 1).all(), "slopes must be at most 1",
                 real[~(real <= 1)][:1])
    return _extremes(node, source, affine(node, source, real, np.zeros_like(real)), True)


def _extremes(node: NodeView, source: Activation, other: Sums, largest: bool) -> Extremes:
    return Extremes(node.name, source, source.shape, source.order, sources=(source, other),
                    largest=largest)


def qlinear_product(builder: Builder, node: NodeView, source: Activation, at: int) -> Sums:
    """com.microsoft QLinearMul of an activation and constant inputs ``at`` to ``at`` + 2."""
    constant = dequantise_constant(builder, node, at, at + 1, at + 2, axis=0)
    if constant.integers.size == 1:
        ones = np.ones((source.shape[0], *(1 for _ in source.shape[1:])), np.int16)
        integers = ones * constant.integers.ravel()
        constant = QuantConstant(integers, constant.scale, constant.axis)
    node.require(constant.scale.size == 1, "the constant must have one scale", constant.scale.size)
    return product(node, source, constant)


HANDLERS = {"BatchNormalization": batch_normalization}
