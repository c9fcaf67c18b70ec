"""QuantizeLinear and DequantizeLinear: the borders between integers and float."""

import dataclasses

import numpy as np

from accel.frontend.notes import EXACT, runs
from accel.frontend.onnx import shuffles
from accel.frontend.onnx.build import Builder, same_quantisation
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Input,
    Passing,
    Pending,
    QuantConstant,
    is_quantised,
)

#: Types of stored weights for which ONNX Runtime has no integer layers.
_NARROW = ("int4", "uint4", "int2", "uint2")
#: TensorProto's numbers of the types a QuantizeLinear may ask for without a zero point.
_OUTPUT_DTYPES = {0: np.uint8, 2: np.uint8, 3: np.int8}


@runs("border", EXACT, "one stored scale for the whole tensor, int8 or uint8; of a float input on "
      "the host")
def quantize_linear(builder: Builder, node: NodeView):
    """QuantizeLinear: gives a pending value its output quantisation."""
    _check_form(builder, node, 1)
    value = builder.value(node, 0)
    if isinstance(value, Constant):
        return _quantise_constant(builder, node, value.array)
    scale = builder.scale(node, 1)
    wanted = node.integer("output_dtype", 0)
    node.require(wanted in _OUTPUT_DTYPES, "output_dtype must be int8 or uint8", wanted)
    zero_point, dtype = builder.zero_point(node, 2, _OUTPUT_DTYPES[wanted])
    name = node.proto.output[0]
    if isinstance(value, Passing):
        return shuffles.quantised(builder, node, value, (scale, zero_point, dtype))
    if not isinstance(value, (Input, Pending)):
        value = builder.activation(node, 0, quantised=False)
        if same_quantisation(value, scale, zero_point):
            return dataclasses.replace(value, dtype=dtype, centred=dtype == "uint8")
    return builder.quantise(value, name, scale, zero_point, dtype, node)


def _quantise_constant(builder: Builder, node: NodeView, array: np.ndarray) -> Constant:
    """Quantise float weights that are stored in float with a QuantizeLinear behind them."""
    node.require(array.dtype.kind == "f" and np.isfinite(array).all(),
                 "a quantised constant must be finite floats", array.dtype)
    scale = builder.scales(node, 1)
    zero = builder.constant(node, 2)
    zero = np.zeros(1, np.uint8) if zero is None else zero
    node.require(zero.dtype in (np.int8, np.uint8), "zero point must be int8 or uint8", zero.dtype)
    axis = node.integer("axis", 1)
    scale = along(node, scale.astype(np.float32), axis, array.shape)
    zeros = along(node, zero.astype(np.float32).ravel(), axis, array.shape)
    limits = np.iinfo(zero.dtype)
    values = np.rint(array.astype(np.float32) / scale) + zeros
    return Constant(np.clip(values, limits.min, limits.max).astype(zero.dtype))


def along(node: NodeView, values: np.ndarray, axis: int, shape) -> np.ndarray:
    """Shape per-channel values so that they broadcast along ``axis`` of ``shape``."""
    if values.size == 1:
        return values.reshape(())
    node.require(-len(shape) <= axis < len(shape) and values.size == shape[axis],
                 f"scale and zero point must be one, or one per element of axis {axis} of "
                 f"{list(shape)}", values.size)
    return values.reshape([-1 if i == axis % len(shape) else 1 for i in range(len(shape))])


def dequantise_constant(builder: Builder, node: NodeView, data: int, scale: int, zero: int,
                        axis: int) -> QuantConstant:
    """Return a stored tensor of int8, uint8, int32 or fewer bits, its zero point subtracted.

    ``data``, ``scale`` and ``zero`` number the node's inputs.
    """
    _check_form(builder, node, scale)
    array = builder.constant(node, data)
    name = node.proto.input[data]
    narrow = array is not None and array.dtype.name in _NARROW
    node.require(narrow or array is not None and array.dtype in (np.int8, np.uint8, np.int32),
                 f"{name!r} must be int8, uint8, int32, or of 4 or 2 bits (quantise the model)",
                 "missing" if array is None else array.dtype)
    scales = builder.scales(node, scale)
    zeros = builder.constant(node, zero)
    zeros = np.zeros(1, array.dtype) if zeros is None else zeros
    node.require(zeros.dtype == array.dtype, f"zero point of {name!r} must be {array.dtype}",
                 zeros.dtype)
    if narrow:
        array, zeros = array.astype(np.int16), zeros.astype(np.int16)
    if scales.size > 1:
        along(node, scales, axis, array.shape)
    kind = np.int64 if array.dtype == np.int32 else np.int16  # both hold any difference
    integers = array.astype(kind) - along(node, zeros.astype(kind).ravel(), axis, array.shape)
    return QuantConstant(integers, scales, axis, narrow)


def _check_form(builder: Builder, node: NodeView, scale: int) -> None:
    """Refuse a scale for each block of a channel, and, to be exact, one that is not float32.

    Both are of operator sets 19 and 21; behind a scale of float16 all is computed in that.
    """
    stored = builder.constant(node, scale)
    if builder.exact and stored is not None and stored.dtype != np.float32:
        raise node.error(f"to be exact it is not the machine's: its scale is {stored.dtype}")
    node.require(node.integer("block_size", 0) == 0, "block_size must be 0: one scale for all, or "
                 "for each channel", node.attributes.get("block_size"))


@runs("border", EXACT, "one stored scale; of weights also one per channel")
def dequantize_linear(builder: Builder, node: NodeView):
    """DequantizeLinear: from here on the tensor is seen as float."""
    value = builder.value(node, 0)
    if isinstance(value, Constant):
        return dequantise_constant(builder, node, 0, 1, 2, node.integer("axis", 1))
    if isinstance(value, Passing):
        return dataclasses.replace(value, source=_dequantised(builder, node, value.source))
    return _dequantised(builder, node, value)


def _dequantised(builder: Builder, node: NodeView, value) -> Activation:
    if not is_quantised(value):
        raise node.error(f"input {node.proto.input[0]!r} must be int8 or uint8, not float")
    _check_form(builder, node, 1)
    scale = builder.scale(node, 1)
    zero_point, dtype = builder.zero_point(node, 2, np.dtype(value.dtype))
    builder.check_same(node, value, zero_point, dtype)
    return dataclasses.replace(value, scale=scale, dtype="float32", centred=dtype == "uint8")


HANDLERS = {"QuantizeLinear": quantize_linear, "DequantizeLinear": dequantize_linear}
