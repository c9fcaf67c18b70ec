"""Activation functions: clamps, which a layer takes along, and tables of the 256 bytes.

A handler takes the builder and a node and returns what the node's output stands for.
"""

import dataclasses
import math

import numpy as np

from accel.frontend.notes import EXACT, STEP, runs
from accel.frontend.onnx import functions
from accel.frontend.onnx.build import Builder, real_values, requantised
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.values import (
    Activation,
    Assembled,
    Constant,
    Function,
    Hosted,
    Input,
    Joined,
    Pending,
    QuantConstant,
    Same,
    is_quantised,
    settled,
)


@runs("bounds", EXACT, "the zero point is the least byte, as quantisers write it")
@runs("bounds", STEP, "another zero point: ONNX Runtime computes that layer in float")
def relu(builder: Builder, node: NodeView):
    """Relu: a lower bound of 0."""
    return _clamp(builder, node, 0.0, math.inf)


@runs("bounds", EXACT, "stored bounds, which are those of the bytes, as quantisers write it")
@runs("bounds", STEP, "other stored bounds: ONNX Runtime computes that layer in float")
@runs("bounds", EXACT, "of bytes, behind the QuantizeLinear")
def clip(builder: Builder, node: NodeView):
    """Clip: bounds from attributes (before opset 11) or constant inputs."""
    value, bounds = builder.value(node, 0), []
    if is_quantised(value) or isinstance(value, Constant) and value.array.dtype.kind in "iu":
        return _clip_integers(builder, node, value)
    for number, name, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        bound = default
        if builder.has(node, number):
            value = builder.value(node, number)
            node.require(isinstance(value, (Constant, QuantConstant)),
                         f"{name} must be a constant", "computed")
            array = value.real if isinstance(value, QuantConstant) else value.array
            node.require(array.size == 1 and array.dtype.kind == "f",
                         f"{name} must be one float", f"{array.dtype} {list(array.shape)}")
            bound = float(array.ravel()[0])
        elif name in node.attributes:
            bound = node.attributes[name]
            node.require(isinstance(bound, float), f"{name} must be a float", repr(bound))
        bounds.append(bound)
    node.require(bounds[0] <= bounds[1], "min must be at most max", bounds)
    return _clamp(builder, node, *bounds)


def _clip_integers(builder: Builder, node: NodeView, value: Activation | Constant):
    """Clip of bytes, as Brevitas has it for types of fewer than 8 bits, or of stored integers."""
    node.require(builder.opset >= 12, "Clip of integers must be of operator set 12 or later",
                 builder.opset)
    dtype = np.dtype(value.dtype) if isinstance(value, Activation) else value.array.dtype
    limits, bounds = np.iinfo(dtype), []
    for number, name, default in ((1, "min", limits.min), (2, "max", limits.max)):
        bound = builder.constant(node, number)
        if bound is not None:
            node.require(bound.size == 1 and bound.dtype == dtype,
                         f"{name} must be one {dtype}", f"{bound.dtype} {list(bound.shape)}")
            default = int(bound.ravel()[0])
        bounds.append(default)
    node.require(bounds[0] <= bounds[1], "min must be at most max", bounds)
    if isinstance(value, Constant):
        return Constant(value.array.clip(*bounds))
    lo, hi = (bound - limits.min for bound in bounds)
    if (lo, hi) == (0, 255):
        return value
    real = real_values(value)
    clamped = dataclasses.replace(requantised(node, value), real=real.clip(real[lo], real[hi]),
                                  op="clip")  # fmt: skip
    return builder.emit(clamped, node.proto.output[0], value.scale, value.zero_point, value.dtype,
                        node)


def _clamp(builder: Builder, node: NodeView, lo: float, hi: float):
    """Tighten a pending value's bounds."""
    value = builder.value(node, 0)
    if not isinstance(value, Pending) or settled(value):
        source = builder.activation(node, 0, quantised=False)
        value = dataclasses.replace(requantised(node, source), op=node.op.lower(), clamps=True)
        if lo <= value.real.min() and value.real.max() <= hi:
            return source
    return _clamp_origin(node, value, lo, hi)


def _clamp_origin(node: NodeView, value, lo: float, hi: float) -> Pending:
    """Tighten the bounds of the layer before all poolings and reshapes."""
    if isinstance(value, Input):
        raise node.error("an activation function must follow a quantised layer, not a float input")
    if isinstance(value, Activation):
        return _clamp_origin(node, requantised(node, value), lo, hi)
    if isinstance(value, Same):
        node.require(value.pads is None or lo <= 0 <= hi, "a clamp behind a Pad must keep zero",
                     (lo, hi))
        return dataclasses.replace(value, source=_clamp_origin(node, value.source, lo, hi))
    if isinstance(value, Joined):
        sources = tuple(_clamp_origin(node, source, lo, hi) for source in value.sources)
        return dataclasses.replace(value, sources=sources)
    if isinstance(value, Assembled):
        parts = tuple(_clamp_origin(node, part, lo, hi) for part in value.parts)
        return dataclasses.replace(value, parts=parts)
    if isinstance(value, Function):
        with np.errstate(over="ignore"):
            return dataclasses.replace(value, real=np.clip(value.real, *np.float32((lo, hi))))
    node.require(not isinstance(value, Hosted), "a clamp must not follow a host layer", node.op)
    lo, hi = min(max(value.lo, lo), hi), max(min(value.hi, hi), lo)
    return dataclasses.replace(value, lo=lo, hi=hi)


def apply(builder: Builder, node: NodeView, number: int, function) -> Function:
    """Apply a function of each element to an activation, or to a function of one."""
    value = builder.value(node, number)
    if not isinstance(value, Function):
        value = requantised(node, builder.activation(node, number, quantised=False))
    name = "".join("_" * (n > 0 and c.isupper()) + c.lower() for n, c in enumerate(node.op))
    with np.errstate(over="ignore", under="ignore"):
        real = function(value.real)
    return dataclasses.replace(value, name=node.name, real=real, op=name, clamps=False)


@runs("table", EXACT)
def sigmoid(builder: Builder, node: NodeView) -> Function:
    """Sigmoid."""
    return apply(builder, node, 0, functions.sigmoid)


@runs("table", EXACT)
def tanh(builder: Builder, node: NodeView) -> Function:
    """Tanh."""
    return apply(builder, node, 0, functions.tanh)


@runs("table", EXACT)
def leaky_relu(builder: Builder, node: NodeView) -> Function:
    """LeakyRelu."""
    alpha = node.number("alpha", 0.01)
    return apply(builder, node, 0, lambda x: functions.leaky_relu(x, alpha))


@runs("table", EXACT)
def hard_sigmoid(builder: Builder, node: NodeView) -> Function:
    """HardSigmoid."""
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    return apply(builder, node, 0, lambda x: functions.hard_sigmoid(x, alpha, beta))


@runs("table", EXACT)
def hard_swish(builder: Builder, node: NodeView) -> Function:
    """HardSwish."""
    return apply(builder, node, 0, functions.hard_swish)


HANDLERS = {
    "Relu": relu, "Clip": clip, "Sigmoid": sigmoid, "Tanh": tanh, "LeakyRelu": leaky_relu,
    "HardSigmoid": hard_sigmoid, "HardSwish": hard_swish,
}  # fmt: skip
