"""From a layer's parts (input, weights, bias) to its pending sums, whatever form it came in."""

import numpy as np

from accel.frontend.onnx.nodes import (
    LIMIT,
    TO_CHW,
    TO_HWC,
    NodeView,
    average_divisors,
    image_shape,
    new_shape,
    pool_window,
    window,
)
from accel.frontend.onnx.values import (
    Activation,
    Hosted,
    Joined,
    Mean,
    Order,
    QuantConstant,
    Same,
    Shape,
    Sums,
    Total,
    Window,
    flat,
    order_of,
    permutation,
)
from accel.graph.ir import LocalResponse, Softmax


def _weights(node: NodeView, constant: QuantConstant, groups: int = 1) -> np.ndarray:
    """Weights without zero point as int16; asymmetric ones may need 9 bits (see Sums)."""
    integers = constant.integers
    low, high = int(integers.min(initial=0)), int(integers.max(initial=0))
    node.require(groups == 1 or (low >= -128 and high <= 127),
                 "weights minus their zero point must fit int8 in a grouped convolution "
                 "(quantise them symmetrically)", f"{low} to {high}")
    node.require(low >= -255 and high <= 255, "weights must be int8 or uint8", f"{low} to {high}")
    return integers.astype(np.int16, copy=False)


def _units(node: NodeView, source: Activation, constant: QuantConstant, axis: int,
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
        scale = np.broadcast_to(bias.scale, unit.shape)
        if np.allclose(scale, unit, rtol=1e-5, atol=0):
            return np.broadcast_to(bias.integers.astype(np.int64).ravel(), unit.shape)
        bias = bias.real
    elif bias.dtype.kind == "i":
        return np.broadcast_to(bias.astype(np.int64).ravel(), unit.shape)
    node.require(bias.dtype.kind == "f" and np.isfinite(bias).all(),
                 "bias must be finite floats or int32", bias.dtype)
    with np.errstate(over="ignore"):  # in float32, as ONNX Runtime quantises a float bias
        whole = np.rint(np.broadcast_to(bias.ravel(), unit.shape).astype(np.float32) / unit)
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
    unit = _units(node, source, weights, 0)
    out = (shape[0], height, width)
    return Sums(
        node.name, source, out, order_of(out), op="conv2d",
        weights=_weights(node, weights, groups).transpose(0, 2, 3, 1),
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
    matrix = _weights(node, weights)
    matrix = (matrix if out_axis == 0 else matrix.T)[:, permutation(source.order)]
    unit = _units(node, source, weights, out_axis, alpha)
    out = (matrix.shape[0],)
    return Sums(
        node.name, source, out, order_of(out), op="fully_connected",
        weights=matrix[:, None, None, :],
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
                divisors={count: count}, whole=True)


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


def identity_sums(node: NodeView, source: Activation, real: np.ndarray) -> Sums:
    """A 1x1 depthwise convolution that passes channels on and adds a constant to each.

    Its weight is 64, so that the constant is resolved to 1/64 of the input's scale.
    """
    channels = source.tensor.shape[2]
    unit = np.full(channels, np.float32(source.scale) / np.float32(64))
    weights = np.full((channels, 1, 1, 1), 64, np.int8)
    return Sums(node.name, source, source.shape, source.order, op="conv2d", weights=weights,
                bias=bias_integers(node, real, unit), unit=unit, window=Window((1, 1)),
                groups=channels)


def add_constant(source: Activation, node: NodeView, real: np.ndarray) -> Sums:
    """Add constants, one per channel: of an image [C, 1, 1], of a flat value [n]."""
    channels = source.shape[0]
    wanted = (channels, *(1 for _ in source.shape[1:]))
    shape = real.shape[1:] if real.ndim == 1 + len(wanted) and real.shape[0] == 1 else real.shape
    node.require(shape == wanted and source.tensor.size // source.tensor.shape[2]
                 == source.tensor.size // channels,
                 f"addend must be one number, or one per channel: {list(wanted)}",
                 list(real.shape))
    columns = real.ravel()
    if len(source.shape) == 1:
        columns = columns[permutation(source.order)]
    return identity_sums(node, source, columns)


def total(node: NodeView, one: Activation, other: Activation) -> Total:
    """Sum of two activations."""
    for what in ("shape", "order"):
        mine, theirs = getattr(one, what), getattr(other, what)
        node.require(mine == theirs and one.tensor.shape == other.tensor.shape,
                     "both inputs must have the same shape (no broadcasting)",
                     f"{[1, *one.shape]} and {[1, *other.shape]}")
    return Total(node.name, one, one.shape, one.order, other=other,
                 centred=one.centred and other.centred)


def concat(node: NodeView, sources) -> Joined:
    """Activations (or functions of them) behind each other along the channels."""
    first = sources[0]
    rank = 1 + len(first.shape)
    axis = node.integer("axis", 1)
    node.require(axis in (1, 1 - rank), "axis must be 1, the channels", axis)
    for source in sources:
        node.require(source.shape[1:] == first.shape[1:], "inputs must agree but for channels",
                     f"{[1, *first.shape]} and {[1, *source.shape]}")
        if len(source.shape) == 1:
            node.require(source.order == flat(source.shape),
                         "a flattened image must not be concatenated", source.order)
        else:
            check_image(node, source)
    shape = (sum(source.shape[0] for source in sources), *first.shape[1:])
    return Joined(node.name, first, shape, order_of(shape), sources=tuple(sources))


def softmax(node: NodeView, source: Activation, axis: int, joint: bool) -> Hosted:
    """Softmax over the channels; ``joint`` takes all dimensions from the axis on as one."""
    rank = 1 + len(source.shape)
    axis += rank if axis < 0 else 0
    single = rank == 2 or source.shape[1:] == (1, 1)
    if rank == 4:
        check_image(node, source)
    node.require(axis == 1 and rank in (2, 4) and (single or not joint),
                 "a softmax must be over the channels", f"axis {axis} of {[1, *source.shape]}")
    return Hosted(node.name, source, source.shape, source.order, kind=Softmax)


def local_response(node: NodeView, source: Activation) -> Hosted:
    """LRN of an image."""
    check_image(node, source)
    options = {
        "size": node.integer("size", 0), "alpha": node.number("alpha", 1e-4),
        "beta": node.number("beta", 0.75), "bias": node.number("bias", 1.0),
    }  # fmt: skip
    node.require(options["size"] % 2 == 1 and options["size"] <= 1 << 16,
                 "size must be odd and positive", options["size"])
    return Hosted(node.name, source, source.shape, source.order, kind=LocalResponse,
                  options=options)


def pad(node: NodeView, source, amounts) -> Same:
    """Pad of rows and columns; ``amounts`` has all dimensions' beginnings, then their ends."""
    rank = 1 + len(source.shape)
    node.require(len(amounts) == 2 * rank and all(0 <= v <= LIMIT for v in amounts),
                 f"pads must be {2 * rank} integers from 0 to {LIMIT}", list(amounts)[:8])
    node.require(rank == 4 and not any(amounts[n] for n in (0, 1, 4, 5)),
                 "only rows and columns of an image [1, C, H, W] may be padded",
                 f"{list(amounts)} of {[1, *source.shape]}")
    check_image(node, source)
    top, left, bottom, right = amounts[2], amounts[3], amounts[6], amounts[7]
    channels, height, width = source.shape
    shape = (channels, top + height + bottom, left + width + right)
    return Same(node.name, source, shape, order_of(shape), pads=(top, left, bottom, right),
                via=node.proto.input[0])


def transposed(node: NodeView, source) -> tuple[Shape, Order]:
    """Shape and order of a transposed activation, whose bytes stay where they are."""
    full, order = (1, *source.shape), node.permutation(1 + len(source.shape))
    shape = tuple(full[n] for n in order)[1:]
    moved = [n for n in order if full[n] != 1]
    if order[0] == 0 and moved == sorted(moved):
        return shape, source.order
    if order == TO_CHW and source.order == flat(source.shape):
        return shape, order_of(shape)
    node.require(order == TO_HWC and source.order == order_of(source.shape),
                 "an activation must be transposed between NCHW and NHWC only",
                 f"{[1, *source.shape]} by {list(order)}")
    return shape, flat(shape)
