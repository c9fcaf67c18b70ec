"""Layers with weights: from input, weights and bias to pending sums, whatever form they came in."""

import dataclasses

import numpy as np

from accel.frontend.onnx import pixels
from accel.frontend.onnx.layers import check_image
from accel.frontend.onnx.nodes import NodeView, image_shape, window
from accel.frontend.onnx.values import (
    Activation,
    QuantConstant,
    Sums,
    Window,
    flat,
    order_of,
    permutation,
)


def integers(node: NodeView, constant: QuantConstant) -> np.ndarray:
    """Weights without zero point as int16; asymmetric ones may need 9 bits (see Sums)."""
    integers = constant.integers
    low, high = int(integers.min(initial=0)), int(integers.max(initial=0))
    node.require(low >= -255 and high <= 255, "weights must be int8 or uint8", f"{low} to {high}")
    return integers.astype(np.int16, copy=False)


def units(node: NodeView, source: Activation, constant: QuantConstant, axis: int,
           alpha: float = 1.0) -> np.ndarray:
    """What one of a sum stands for, per output channel, in float32 as ONNX Runtime computes it."""
    scales = _channel_scales(node, constant, axis).astype(np.float32)
    with np.errstate(over="ignore", under="ignore"):
        unit = np.float32(alpha) * np.float32(source.scale) * scales
    node.require((np.isfinite(unit) & (unit > 0)).all(),
                 "input scale times weight scale must be a float32", unit[~(unit > 0)][:1])
    return unit


def _channel_scales(node: NodeView, constant: QuantConstant, axis: int) -> np.ndarray:
    """Return one scale per output channel, which is dimension ``axis`` of the weights."""
    count = constant.integers.shape[axis]
    if constant.scale.size == 1:
        return np.repeat(constant.scale, count)
    node.require(constant.axis % constant.integers.ndim == axis and constant.scale.size == count,
                 f"weight scales must be one, or {count} along axis {axis}",
                 f"{constant.scale.size} along axis {constant.axis}")
    return constant.scale


def bias_integers(node: NodeView, bias, unit: np.ndarray) -> np.ndarray:
    """Express a bias in multiples of ``unit``.

    Args:
        node: for errors.
        bias: None, int32 integers that count units already, a float array, or a QuantConstant.
        unit: float32 [Cout], input scale times weight scale.
    """
    if bias is None:
        return np.zeros(len(unit), np.int64)
    size = bias.integers.size if isinstance(bias, QuantConstant) else bias.size
    node.require(size in (1, len(unit)), f"bias must have {len(unit)} elements", size)
    if isinstance(bias, QuantConstant):
        if _counts_units(bias, unit):
            return np.broadcast_to(bias.integers.astype(np.int64).ravel(), unit.shape)
        bias = bias.real
    elif bias.dtype.kind == "i":
        return np.broadcast_to(bias.astype(np.int64).ravel(), unit.shape)
    node.require(bias.dtype.kind == "f" and np.isfinite(bias).all(),
                 "bias must be finite floats or int32", bias.dtype)
    with np.errstate(over="ignore"):  # in float32, as ONNX Runtime quantises a float bias
        whole = np.rint(np.broadcast_to(bias.ravel(), unit.shape).astype(np.float32) / unit)
    beyond = whole[~((whole >= -(1 << 31)) & (whole < 1 << 31))]
    node.require(beyond.size == 0, "bias must be from -2147483648 to 2147483647 in multiples of "
                 "input scale times weight scale", *beyond[:1] if beyond.size else (0,))
    return whole.astype(np.int64)


def roundings(bias, unit: np.ndarray) -> int:
    """1 if :func:`bias_integers` rounds real numbers, else 0."""
    if isinstance(bias, QuantConstant):
        bias = 0 if _counts_units(bias, unit) else bias.real
    return int(bias is not None and np.asarray(bias).dtype.kind == "f" and np.any(bias))


def _counts_units(bias: QuantConstant, unit: np.ndarray) -> bool:
    return np.allclose(np.broadcast_to(bias.scale, unit.shape), unit, rtol=1e-5, atol=0)


def convolution(node: NodeView, source: Activation, weights: QuantConstant, bias) -> Sums:
    """Conv and QLinearConv: weights [Cout, Cin/groups, kh, kw]."""
    channels, _, _ = image_shape(node, source.shape)
    shape = weights.integers.shape
    node.require(len(shape) == 4 and weights.integers.size > 0,
                 "weights must have shape [Cout, Cin/group, kh, kw]", list(shape))
    groups = node.integer("group", 1)
    node.require(groups >= 1 and channels % groups == 0 and shape[0] % groups == 0,
                 f"group must divide {channels} input and {shape[0]} output channels", groups)
    node.require(shape[1] * groups == channels,
                 f"weights must have {channels // groups} input channels", shape[1])
    kernel = node.integers("kernel_shape", 2, shape[2:], 1)
    node.require(kernel == shape[2:], f"kernel_shape must be the weights' {list(shape[2:])}",
                 list(kernel))
    check_image(node, source)
    view, (height, width) = window(node, source.shape, kernel)
    unit = units(node, source, weights, 0)
    out = (shape[0], height, width)
    view, values = _begin_on_image(node, view, integers(node, weights))
    return Sums(
        node.name, source, out, order_of(out), op="conv2d", weights=values.transpose(0, 2, 3, 1),
        bias=bias_integers(node, bias, unit), rounded=roundings(bias, unit), unit=unit,
        window=view, groups=groups,
    )


def _begin_on_image(node: NodeView, view: Window, weights: np.ndarray):
    """Put zeros before weights whose first window begins inside the image: it then begins on it."""
    skipped = [max(0, -before) for before in view.padding[:2]]
    if not any(skipped):
        return view, weights
    kernel = tuple(k + s for k, s in zip(view.kernel, skipped, strict=True))
    node.require(view.dilation == (1, 1), "dilations must be 1 where the windows begin inside the "
                 "image (auto_pad, strides larger than the kernel)", list(view.dilation))
    weights = np.pad(weights, ((0, 0), (0, 0), (skipped[0], 0), (skipped[1], 0)))
    padding = tuple(max(0, pad) for pad in view.padding)
    return dataclasses.replace(view, kernel=kernel, padding=padding), weights


def fully_connected(node: NodeView, source: Activation, weights: QuantConstant, bias,
                    out_axis: int, alpha: float = 1.0) -> Sums:
    """Gemm, MatMul and their quantised forms; ``out_axis`` numbers the weights' output dimension.

    The weights' rows are put into the order in which a vector lies in memory; several pixels have
    their channels in order (pixels.seen).
    """
    shape = weights.integers.shape
    node.require(len(shape) == 2 and weights.integers.size > 0, "weights must be a matrix",
                 list(shape))
    *before, length = source.shape
    node.require(shape[1 - out_axis] == length,
                 f"weights must have {length} rows as the input has elements, or channels",
                 shape[1 - out_axis])
    node.require(alpha > 0, "alpha must be positive", alpha)
    matrix = integers(node, weights)
    matrix = matrix if out_axis == 0 else matrix.T
    matrix = matrix if before else matrix[:, permutation(source.order)]
    unit = units(node, source, weights, out_axis, alpha)
    out = *before, len(matrix)
    return Sums(
        node.name, source, out, flat(out), op="fully_connected",
        laid=(*source.tensor.shape[:2], len(matrix)) if before else None,
        weights=matrix[:, None, None, :],
        bias=bias_integers(node, bias, unit), rounded=roundings(bias, unit), unit=unit,
        window=Window((1, 1)),
    )


def identity_sums(node: NodeView, source: Activation, real: np.ndarray) -> Sums:
    """A 1x1 depthwise convolution that passes channels on and adds a constant to each.

    Its weight is 64, so that the constant is resolved to 1/64 of the input's scale.
    """
    channels = source.tensor.shape[2]
    unit = np.full(channels, np.float32(source.scale) / np.float32(64))
    weights = np.full((channels, 1, 1, 1), 64, np.int8)
    return Sums(node.name, source, source.shape, source.order, op="conv2d", weights=weights,
                bias=bias_integers(node, real, unit), rounded=roundings(real, unit), unit=unit,
                window=Window((1, 1)),
                groups=channels, laid=pixels.kept(source),
                near="a constant per channel is added in float32")


def add_constant(source: Activation, node: NodeView, real: np.ndarray) -> Sums:
    """Add constants, one per channel: of an image [C, 1, 1], of a flat value [n]."""
    return identity_sums(node, source, channel_constants(source, node, real))


def channel_constants(source: Activation, node: NodeView, real: np.ndarray) -> np.ndarray:
    """Constants, one per channel, in the order in which the channels lie in memory."""
    if pixels.are_pixels(source):
        shape, wanted = pixels.of_channels(source, real), source.shape[-1:]
        node.require(shape == wanted, f"constants must be one number, or {wanted[0]}, one for each "
                     "channel", list(real.shape))
        return real.ravel()
    channels = source.shape[0]
    wanted = (channels, *(1 for _ in source.shape[1:]))
    shape = real.shape[1:] if real.ndim == 1 + len(wanted) and real.shape[0] == 1 else real.shape
    node.require(shape == wanted and source.tensor.size // source.tensor.shape[2]
                 == source.tensor.size // channels,
                 f"constants must be one number, or one per channel: {list(wanted)}",
                 list(real.shape))
    columns = real.ravel()
    if len(source.shape) == 1:
        columns = columns[permutation(source.order)]
    return columns
