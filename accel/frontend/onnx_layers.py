"""From a layer's parts (input, weights, bias) to its pending sums, whatever form it came in."""

import numpy as np

from accel.frontend.onnx_nodes import (
    NodeView,
    average_divisors,
    image_shape,
    new_shape,
    pool_window,
    window,
)
from accel.frontend.onnx_values import (
    Activation,
    Mean,
    QuantConstant,
    Same,
    Sums,
    Window,
    order_of,
    permutation,
)


def _int8(node: NodeView, constant: QuantConstant) -> np.ndarray:
    """Weights as int8 without zero point."""
    integers = constant.integers
    low, high = int(integers.min(initial=0)), int(integers.max(initial=0))
    node.require(low >= -128 and high <= 127,
                 "weights minus their zero point must fit int8 (quantise them symmetrically)",
                 f"{low} to {high}")
    return integers.astype(np.int8)


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
        unit: float64 [Cout], input scale times weight scale.
    """
    if bias is None:
        return np.zeros(len(unit), np.int64)
    size = bias.integers.size if isinstance(bias, QuantConstant) else bias.size
    node.require(size in (1, len(unit)), f"bias must have {len(unit)} elements", size)
    if isinstance(bias, QuantConstant):
        scale = np.broadcast_to(bias.scale, unit.shape)
        if np.allclose(scale, unit, rtol=1e-5, atol=0):
            return np.broadcast_to(bias.integers.ravel(), unit.shape)
        bias = bias.real
    elif bias.dtype.kind == "i":
        return np.broadcast_to(bias.astype(np.int64).ravel(), unit.shape)
    node.require(bias.dtype.kind == "f" and np.isfinite(bias).all(),
                 "bias must be finite floats or int32", bias.dtype)
    whole = np.rint(np.broadcast_to(bias.astype(np.float64).ravel(), unit.shape) / unit)
    node.require((abs(whole) < 1 << 31).all(), "bias must fit int32 in multiples of its scale",
                 abs(whole).max())
    return whole.astype(np.int64)


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
    unit = source.scale * _channel_scales(node, weights, 0)
    out = (shape[0], height, width)
    return Sums(
        node.name, source, out, order_of(out), op="conv2d",
        weights=np.ascontiguousarray(_int8(node, weights).transpose(0, 2, 3, 1)),
        bias=bias_integers(node, bias, unit), unit=unit, window=view, groups=groups,
    )


def fully_connected(node: NodeView, source: Activation, weights: QuantConstant, bias,
                    out_axis: int, alpha: float = 1.0) -> Sums:
    """Gemm, MatMul and their quantised forms; ``out_axis`` numbers the weights' output dimension.

    The weights' rows are put into the order in which the input lies in memory.
    """
    shape = weights.integers.shape
    node.require(len(shape) == 2 and weights.integers.size > 0, "weights must be a matrix",
                 list(shape))
    node.require(len(source.shape) == 1, "input must be flat [1, n]", [1, *source.shape])
    node.require(shape[1 - out_axis] == source.shape[0],
                 f"weights must have {source.shape[0]} rows as the input has elements",
                 shape[1 - out_axis])
    node.require(alpha > 0, "alpha must be positive", alpha)
    matrix = _int8(node, weights)
    matrix = (matrix if out_axis == 0 else matrix.T)[:, permutation(source.order)]
    unit = source.scale * alpha * _channel_scales(node, weights, out_axis)
    out = (matrix.shape[0],)
    return Sums(
        node.name, source, out, order_of(out), op="fully_connected",
        weights=np.ascontiguousarray(matrix)[:, None, None, :],
        bias=bias_integers(node, bias, unit), unit=unit, window=Window((1, 1)),
    )


def max_pool(node: NodeView, source) -> Same:
    """MaxPool of either form; the source may be pending or a float input itself."""
    node.require(len([name for name in node.proto.output if name]) == 1,
                 "a MaxPool must have one output", list(node.proto.output))
    check_image(node, source)
    view, out = pool_window(node, source.shape)
    shape = (source.shape[0], *out)
    return Same(node.name, source, shape, order_of(shape), window=view,
                via=node.proto.input[0])


def average_pool(node: NodeView, source: Activation) -> Mean:
    """AveragePool of either form."""
    check_image(node, source)
    view, out = pool_window(node, source.shape)
    shape = (source.shape[0], *out)
    return Mean(node.name, source, shape, order_of(shape), window=view,
                divisors=average_divisors(node, source.shape, view, out))


def global_average_pool(node: NodeView, source: Activation) -> Mean:
    """GlobalAveragePool of either form: one window as large as the image."""
    channels, height, width = image_shape(node, source.shape)
    check_image(node, source)
    shape, count = (channels, 1, 1), height * width
    return Mean(node.name, source, shape, order_of(shape), window=Window((height, width)),
                divisors={count: count})


def reshape(node: NodeView, source, constants) -> Same:
    """Reshape, Flatten, Squeeze and Unsqueeze of either form; the source may be pending."""
    return Same(node.name, source, new_shape(node, source.shape, constants), source.order,
                via=node.proto.input[0])


def check_image(node: NodeView, source) -> None:
    """Refuse an image whose elements a Reshape left in an order that is not an image's."""
    image_shape(node, source.shape)
    node.require(order_of(source.shape) == source.order,
                 "a Reshape must not mix channels with pixels before this node",
                 f"a reshape of {source.order[0]} x {source.order[1]} to {list(source.shape)}")


def add_constant(source: Activation, node: NodeView, real: np.ndarray) -> np.ndarray:
    """Return a constant addend, one per channel in memory order; it must not vary in an image."""
    if real.size == 1:
        return np.repeat(real.ravel(), source.tensor.shape[2])
    try:
        full = np.broadcast_to(real, (1, *source.shape))[0]
    except ValueError:
        raise node.error(
            f"addend must broadcast to {[1, *source.shape]}, not {list(real.shape)}"
        ) from None
    columns = full.ravel()[permutation(source.order)].reshape(-1, source.tensor.shape[2])
    node.require((columns == columns[0]).all(), "addend must be one number per channel",
                 list(real.shape))
    return columns[0]
