"""ConvInteger and MatMulInteger: int32 sums, which a Cast and a Mul behind them scale."""

import dataclasses

import numpy as np

from accel.frontend.notes import EXACT, HALVES, likewise, runs
from accel.frontend.onnx import behind, chains, pixels, weighted
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.quant import along
from accel.frontend.onnx.values import Constant, QuantConstant, Sums


def _operands(builder: Builder, node: NodeView, axis: int):
    """Input and weights of ConvInteger or MatMulInteger, both in steps of 1 for now."""
    value = builder.activation(node, 0, quantised=True)
    zero_point, dtype = builder.zero_point(node, 2, np.dtype(value.dtype))
    builder.check_same(node, value, zero_point, dtype)
    weights = builder.constant(node, 1)
    node.require(weights is not None and weights.dtype in (np.int8, np.uint8),
                 "weights must be an int8 or uint8 constant",
                 "missing" if weights is None else weights.dtype)
    zeros = builder.constant(node, 3)
    zeros = np.zeros(1, weights.dtype) if zeros is None else zeros
    integers = weights.astype(np.int16) - along(
        node, zeros.astype(np.int16).ravel(), axis, weights.shape
    )
    return dataclasses.replace(value, scale=1.0), QuantConstant(integers, np.ones(1), axis)


@runs("array", HALVES, "stored weights, and a Cast, a Mul and a QuantizeLinear behind it")
def conv_integer(builder: Builder, node: NodeView) -> Sums:
    """ConvInteger(x, w, x_zero, w_zero): int32 sums, to be scaled by a Mul."""
    source, weights = _operands(builder, node, 0)
    return dataclasses.replace(weighted.convolution(node, source, weights, None), scaled=False)


@runs("array", HALVES, "of a vector, or of all pixels; stored weights, and a Cast, a Mul and a "
      "QuantizeLinear behind it")
def matmul_integer(builder: Builder, node: NodeView) -> Sums:
    """MatMulInteger(a, b, a_zero, b_zero): int32 sums, to be scaled by a Mul."""
    source, weights = _operands(builder, node, 1)
    source = pixels.seen(builder, node, source)
    sums = weighted.fully_connected(node, source, weights, None, 1)
    return dataclasses.replace(sums, scaled=False)


@runs("border", EXACT, "of the int32 sums of ConvInteger and MatMulInteger")
def cast(builder: Builder, node: NodeView) -> Sums:
    """Cast of int32 sums to float."""
    value = builder.value(node, 0)
    node.require(isinstance(value, Sums) and not value.scaled and node.integer("to", 0) == 1,
                 "only int32 sums may be cast, to float", type(value).__name__.lower())
    return value


@runs("border", EXACT, "of the int32 sums of ConvInteger and MatMulInteger", of=("Mul",))
@likewise(chains.combine)
def mul(builder: Builder, node: NodeView):
    """Mul of int32 sums, behind a Cast, and their scale: one number or one per channel.

    Any other Mul is a function of bytes.
    """
    values = [builder.value(node, number) for number in (0, 1)]
    if not any(isinstance(value, Sums) and not value.scaled for value in values):
        return chains.combine(builder, node)
    known = [isinstance(value, Constant) for value in values]
    node.require(known.count(True) == 1, "Mul must be of the int32 sums of a ConvInteger or "
                 "MatMulInteger and of a constant",
                 " and ".join(type(value).__name__.lower() for value in values))
    sums, scale = values[known.index(False)], values[known.index(True)].array
    node.require(isinstance(sums, Sums) and not sums.scaled,
                 "Mul must scale the sums of a ConvInteger or MatMulInteger",
                 type(sums).__name__.lower())
    node.require(scale.dtype.kind == "f" and np.isfinite(scale).all() and (scale > 0).all(),
                 "scale must be positive floats", scale.dtype)
    unit = sums.unit * behind.per_channel(node, sums, scale).astype(np.float32)
    return dataclasses.replace(sums, unit=unit, scaled=True,
                               near="scales are applied one after the other, in float32")


#: Those that read quantised values, as the QLinear operators do.
HANDLERS = {"ConvInteger": conv_integer, "MatMulInteger": matmul_integer}
SCALING = {"Cast": cast, "Mul": mul}
