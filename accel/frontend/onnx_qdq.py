"""Float operators between DequantizeLinear and QuantizeLinear (the QDQ form).

A handler takes the builder and a node and returns what the node's first output stands for.  An
operator's result stays pending until the QuantizeLinear behind it says how it is quantised.
"""

import dataclasses
import math

import numpy as np

from accel.frontend import onnx_layers as layers
from accel.frontend.onnx_build import SAME_SCALE, Builder, identity_sums
from accel.frontend.onnx_nodes import NodeView, new_shape
from accel.frontend.onnx_values import (
    Activation,
    Constant,
    Input,
    Mean,
    Pending,
    QuantConstant,
    Same,
    Sums,
    settled,
)

#: TensorProto's numbers of the types a QuantizeLinear may ask for without a zero point.
_OUTPUT_DTYPES = {0: np.uint8, 2: np.uint8, 3: np.int8}


def quantize_linear(builder: Builder, node: NodeView):
    """QuantizeLinear: gives a pending value its output quantisation."""
    value = builder.value(node, 0)
    if isinstance(value, Constant):
        return _quantise_constant(builder, node, value.array)
    wanted = node.integer("output_dtype", 0)
    node.require(wanted in _OUTPUT_DTYPES, "output_dtype must be int8 or uint8", wanted)
    scale = builder.scale(node, 1)
    zero_point, dtype = builder.zero_point(node, 2, _OUTPUT_DTYPES[wanted])
    name = node.proto.output[0]
    if isinstance(value, Input):
        return builder.quantise_input(value, name, scale, zero_point, dtype)
    if isinstance(value, Pending):
        return builder.emit(value, name, scale, zero_point, dtype, node)
    value = builder.activation(node, 0, quantised=False)
    if value.zero_point == zero_point and math.isclose(value.scale, scale, rel_tol=SAME_SCALE):
        return dataclasses.replace(value, dtype=dtype)
    return builder.emit(identity_sums(node, value), name, scale, zero_point, dtype, node)


def _quantise_constant(builder: Builder, node: NodeView, array: np.ndarray) -> Constant:
    """Quantise float weights that are stored in float with a QuantizeLinear behind them."""
    node.require(array.dtype.kind == "f" and np.isfinite(array).all(),
                 "a quantised constant must be finite floats", array.dtype)
    scale = builder.scales(node, 1)
    zero = builder.constant(node, 2)
    zero = np.zeros(1, np.uint8) if zero is None else zero
    node.require(zero.dtype in (np.int8, np.uint8), "zero point must be int8 or uint8", zero.dtype)
    axis = node.integer("axis", 1)
    scale = _along(node, scale.astype(np.float32), axis, array.shape)
    zeros = _along(node, zero.astype(np.float32).ravel(), axis, array.shape)
    limits = np.iinfo(zero.dtype)
    values = np.rint(array.astype(np.float32) / scale) + zeros
    return Constant(np.clip(values, limits.min, limits.max).astype(zero.dtype))


def _along(node: NodeView, values: np.ndarray, axis: int, shape) -> np.ndarray:
    """Shape per-channel values so that they broadcast along ``axis`` of ``shape``."""
    if values.size == 1:
        return values.reshape(())
    node.require(-len(shape) <= axis < len(shape) and values.size == shape[axis],
                 f"scale and zero point must be one, or one per element of axis {axis} of "
                 f"{list(shape)}", values.size)
    return values.reshape([-1 if i == axis % len(shape) else 1 for i in range(len(shape))])


def dequantise_constant(builder: Builder, node: NodeView, data: int, scale: int, zero: int,
                        axis: int) -> QuantConstant:
    """Return a stored int8, uint8 or int32 tensor with its scale, zero point subtracted.

    ``data``, ``scale`` and ``zero`` number the node's inputs.
    """
    array = builder.constant(node, data)
    name = node.proto.input[data]
    node.require(array is not None and array.dtype in (np.int8, np.uint8, np.int32),
                 f"{name!r} must be int8, uint8 or int32 (quantise the model)",
                 "missing" if array is None else array.dtype)
    scales = builder.scales(node, scale)
    zeros = builder.constant(node, zero)
    zeros = np.zeros(1, array.dtype) if zeros is None else zeros
    node.require(zeros.dtype == array.dtype, f"zero point of {name!r} must be {array.dtype}",
                 zeros.dtype)
    if scales.size > 1:
        _along(node, scales, axis, array.shape)
    integers = array.astype(np.int64) - _along(
        node, zeros.astype(np.int64).ravel(), axis, array.shape
    )
    return QuantConstant(integers, scales, axis)


def dequantize_linear(builder: Builder, node: NodeView):
    """DequantizeLinear: from here on the tensor is seen as float."""
    value = builder.value(node, 0)
    if isinstance(value, Constant):
        return dequantise_constant(builder, node, 0, 1, 2, node.integer("axis", 1))
    if not (isinstance(value, Activation) and value.dtype != "float32"):
        raise node.error(f"input {node.proto.input[0]!r} must be int8 or uint8, not float")
    scale = builder.scale(node, 1)
    zero_point, dtype = builder.zero_point(node, 2, np.dtype(value.dtype))
    builder.check_same(node, value, zero_point, dtype)
    return dataclasses.replace(value, scale=scale, dtype="float32")


def _weights(builder: Builder, node: NodeView, number: int) -> QuantConstant:
    value = builder.value(node, number)
    if isinstance(value, Constant):
        raise node.error(
            f"weights {node.proto.input[number]!r} are {value.array.dtype} without "
            "DequantizeLinear: quantise the model first"
        )
    node.require(isinstance(value, QuantConstant),
                 f"weights {node.proto.input[number]!r} must be constant", "computed")
    return value


def _bias(builder: Builder, node: NodeView, number: int):
    if not builder.has(node, number):
        return None
    value = builder.value(node, number)
    if isinstance(value, QuantConstant):
        return value
    node.require(isinstance(value, Constant) and value.array.dtype.kind == "f",
                 f"bias {node.proto.input[number]!r} must be a float or dequantised constant",
                 type(value).__name__.lower())
    return value.array


def conv(builder: Builder, node: NodeView) -> Sums:
    """Conv."""
    source = builder.activation(node, 0, quantised=False)
    return layers.convolution(node, source, _weights(builder, node, 1), _bias(builder, node, 2))


def gemm(builder: Builder, node: NodeView) -> Sums:
    """Gemm: alpha * A * B + beta * C."""
    node.require(node.integer("transA", 0) == 0, "transA must be 0", 1)
    beta, bias = node.number("beta", 1.0), _bias(builder, node, 2)
    if bias is not None and beta != 1.0:
        bias = (bias.real if isinstance(bias, QuantConstant) else bias) * beta
    source = builder.activation(node, 0, quantised=False)
    return layers.fully_connected(
        node, source, _weights(builder, node, 1), bias, 0 if node.integer("transB", 0) else 1,
        node.number("alpha", 1.0),
    )


def matmul(builder: Builder, node: NodeView) -> Sums:
    """MatMul of an activation and stored weights."""
    source = builder.activation(node, 0, quantised=False)
    return layers.fully_connected(node, source, _weights(builder, node, 1), None, 1)


def add(builder: Builder, node: NodeView) -> Sums:
    """Add of a constant: a bias that its layer did not take."""
    values = [builder.value(node, number) for number in (0, 1)]
    known = [isinstance(value, (Constant, QuantConstant)) for value in values]
    node.require(known.count(True) == 1, "Add must add a constant to an activation",
                 "two constants" if all(known) else "two activations")
    number = known.index(False)
    constant = values[1 - number]
    real = constant.real if isinstance(constant, QuantConstant) else constant.array
    node.require(real.dtype.kind == "f" and np.isfinite(real).all(),
                 "addend must be finite floats", real.dtype)
    value = values[number]
    if isinstance(value, Sums) and math.isinf(value.lo) and math.isinf(value.hi):
        return _add_bias(node, value, constant, real)
    source = builder.activation(node, number, quantised=False)
    return identity_sums(node, source, layers.add_constant(source, node, real))


def _add_bias(node: NodeView, value: Sums, constant, real: np.ndarray) -> Sums:
    """Add to sums that are not quantised yet."""
    channels = len(value.unit)
    # [C] behind a matrix product, [C, 1, 1] behind a convolution, or one number.
    wanted = (channels, *(1 for _ in value.shape[1:]))
    shape = real.shape[1:] if real.ndim == 1 + len(wanted) and real.shape[0] == 1 else real.shape
    node.require(shape == wanted or real.size == 1, f"addend must have shape {list(wanted)}",
                 list(real.shape))
    bias = constant if isinstance(constant, QuantConstant) else real
    return dataclasses.replace(
        value, bias=value.bias + layers.bias_integers(node, bias, value.unit)
    )


def relu(builder: Builder, node: NodeView):
    """Relu: a lower bound of 0."""
    return _clamp(builder, node, 0.0, math.inf)


def clip(builder: Builder, node: NodeView):
    """Clip: bounds from attributes (before opset 11) or constant inputs."""
    bounds = []
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


def _clamp(builder: Builder, node: NodeView, lo: float, hi: float):
    """Tighten a pending value's bounds."""
    value = builder.value(node, 0)
    if not isinstance(value, Pending) or settled(value):
        source = builder.activation(node, 0, quantised=False)
        least, most = (source.scale * (q - source.zero_point) for q in (-128, 127))
        if lo <= least and most <= hi:
            return source
        value = dataclasses.replace(identity_sums(node, source), clamps=True)
    return _clamp_origin(node, value, lo, hi)


def _clamp_origin(node: NodeView, value, lo: float, hi: float) -> Pending:
    """Tighten the bounds of the layer before all poolings and reshapes."""
    if isinstance(value, Input):
        raise node.error("an activation function must follow a quantised layer, not a float input")
    if isinstance(value, Same):
        return dataclasses.replace(value, source=_clamp_origin(node, value.source, lo, hi))
    lo, hi = min(max(value.lo, lo), hi), max(min(value.hi, hi), lo)
    return dataclasses.replace(value, lo=lo, hi=hi)


def max_pool(builder: Builder, node: NodeView) -> Same:
    """MaxPool on dequantised or quantised values."""
    return _same(builder, node, lambda source: layers.max_pool(node, source))


def _same(builder: Builder, node: NodeView, build):
    """Apply an operator that keeps the quantisation, and so exists in both forms."""
    value = builder.value(node, 0)
    if isinstance(value, Activation) and value.dtype != "float32":
        pending = build(value)
        return builder.emit(pending, node.proto.output[0], value.scale, value.zero_point,
                            value.dtype, node)
    if isinstance(value, (Input, Pending)):
        return build(value)
    return build(builder.activation(node, 0, quantised=False))


def average_pool(builder: Builder, node: NodeView) -> Mean:
    """AveragePool."""
    return layers.average_pool(node, builder.activation(node, 0, quantised=False))


def global_average_pool(builder: Builder, node: NodeView) -> Mean:
    """GlobalAveragePool."""
    return layers.global_average_pool(node, builder.activation(node, 0, quantised=False))


def reshape(builder: Builder, node: NodeView):
    """Reshape, Flatten, Squeeze and Unsqueeze, also of constants and of a float input."""
    def constants(number):
        return builder.constant(node, number)

    value = builder.value(node, 0)
    if isinstance(value, Input):
        return dataclasses.replace(value, shape=new_shape(node, value.shape, constants))
    if isinstance(value, (Constant, QuantConstant)):
        return _reshape_constant(node, value, constants)
    return _same(builder, node, lambda source: layers.reshape(node, source, constants))


def _reshape_constant(node: NodeView, value, constants):
    """Reshape stored numbers (weights)."""
    array = value.array if isinstance(value, Constant) else value.integers
    node.require(node.op == "Reshape", "a constant may be reshaped by Reshape only", node.op)
    target = constants(1)
    node.require(target is not None, "shape must be given", None)
    try:
        array = array.reshape([int(size) for size in target.ravel()])
    except ValueError as error:
        raise node.error(f"shape must hold the constant's elements: {error}") from None
    if isinstance(value, Constant):
        return Constant(array)
    node.require(value.scale.size == 1, "a reshaped constant must have one scale",
                 value.scale.size)
    return dataclasses.replace(value, integers=array)


def transpose(builder: Builder, node: NodeView):
    """Transpose of stored weights; activations cannot be transposed."""
    value = builder.value(node, 0)
    node.require(isinstance(value, (Constant, QuantConstant)),
                 "Transpose must be of a constant", "of an activation")
    array = value.array if isinstance(value, Constant) else value.integers
    order = node.attributes.get("perm", list(range(array.ndim))[::-1])
    node.require(sorted(order) == list(range(array.ndim)),
                 f"perm must order {array.ndim} dimensions", order)
    if isinstance(value, Constant):
        return Constant(array.transpose(order))
    axis = 0 if value.scale.size == 1 else order.index(value.axis % array.ndim)
    return dataclasses.replace(value, integers=array.transpose(order), axis=axis)


def identity(builder: Builder, node: NodeView):
    """Identity and (in inference) Dropout."""
    return builder.value(node, 0)


HANDLERS = {
    "QuantizeLinear": quantize_linear, "DequantizeLinear": dequantize_linear,
    "Conv": conv, "Gemm": gemm, "MatMul": matmul, "Add": add, "Relu": relu, "Clip": clip,
    "MaxPool": max_pool, "AveragePool": average_pool, "GlobalAveragePool": global_average_pool,
    "Reshape": reshape, "Flatten": reshape, "Squeeze": reshape, "Unsqueeze": reshape,
    "Transpose": transpose, "Identity": identity, "Dropout": identity,
}
