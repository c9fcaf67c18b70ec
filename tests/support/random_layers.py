"""Random one-layer and conv+pool networks, for holding the RTL against the golden model."""

import numpy as np

from accel.graph.ir import (
    Add,
    AveragePool,
    Conv,
    Extreme,
    Graph,
    Max,
    MaxPool,
    Min,
    Mul,
    Port,
    Requant,
    Sub,
    Tensor,
)
from accel.isa import FLOATS, Rounding
from accel.quant import float_multiplier, quantize_multiplier

#: 1, odd, prime and power-of-two sizes.
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 19, 23, 28, 32)
CHANNELS = (1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 24, 32, 33)
KERNELS = (1, 1, 2, 3, 3, 4, 5, 7, 9, 11)
#: Largest layer in multiplications, so that thousands of layers take minutes.
MAX_MACS = 400_000


def _pick(rng, values):
    return int(values[rng.integers(len(values))])


def _span(kernel: int, dilation: int) -> int:
    return dilation * (kernel - 1) + 1


def _out(size: int, before: int, after: int, span: int, stride: int) -> int:
    return (size + before + after - span) // stride + 1


def _clamp(rng) -> tuple[int, int]:
    if rng.random() < 0.5:
        return -128, 127
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    return low, high


def _factor(rounding: Rounding):
    """The function that writes a factor as a multiplier and shift."""
    return float_multiplier if rounding in FLOATS else quantize_multiplier


def _requant(rng, channels: int, spread: float) -> Requant:
    """Scales that spread sums of about +-``spread`` over the int8 range, a few beyond it."""
    rounding = Rounding(int(rng.integers(len(Rounding))))
    scales = 2.0 ** rng.uniform(-2, 1.5, channels) / spread
    pairs = [_factor(rounding)(float(scale)) for scale in scales]
    return Requant(
        np.array([multiplier for multiplier, _ in pairs], np.int32),
        np.array([shift for _, shift in pairs], np.int8),
        int(rng.integers(-128, 128)),
        *_clamp(rng),
        rounding,
    )


def _conv(rng, source: Tensor, depthwise: bool = False) -> tuple[Conv, Tensor] | None:
    """A random convolution of ``source``, or None where its shape has no room for it."""
    height, width, channels = source.shape
    kernel = (_pick(rng, KERNELS), _pick(rng, KERNELS))
    stride = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    dilation = (1, 1)
    if rng.random() < 0.15 and not depthwise:
        dilation = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    spans = _span(kernel[0], dilation[0]), _span(kernel[1], dilation[1])
    padding = tuple(int(rng.integers(0, spans[side % 2])) for side in range(4))
    if rng.random() < 0.3:
        padding = (0, 0, 0, 0)
    rows = _out(height, padding[0], padding[2], spans[0], stride[0])
    cols = _out(width, padding[1], padding[3], spans[1], stride[1])
    groups, depth, outputs = 1, channels, _pick(rng, CHANNELS)
    draw = rng.random()
    if draw < 0.1 or depthwise:
        most = 1 if depthwise else 2
        groups, depth, outputs = channels, 1, channels * int(rng.integers(1, most + 1))
    elif draw < 0.25:
        divisors = [count for count in range(2, channels + 1) if channels % count == 0] or [1]
        groups = _pick(rng, divisors)
        depth, outputs = channels // groups, groups * int(rng.integers(1, 6))
    work = rows * cols * outputs * depth * kernel[0] * kernel[1]
    if rows < 1 or cols < 1 or work > MAX_MACS:
        return None
    weights = rng.integers(-127, 128, (outputs, *kernel, depth)).astype(np.int8)
    bias = rng.integers(-5000, 5000, outputs).astype(np.int32)
    requant = _requant(rng, outputs, 90 * np.sqrt(kernel[0] * kernel[1] * depth * 5400))
    flat = source.shape[:2] == (1, 1) and kernel == (1, 1) and groups == 1
    op = "fully_connected" if flat else "conv2d"
    node = Conv(
        "conv", op, source.name, "conv_out", weights, bias, requant, stride, padding, dilation,
        groups,
    )  # fmt: skip
    return node, Tensor("conv_out", (rows, cols, outputs), 1.0, requant.zero_point)


def _pool(rng, source: Tensor) -> tuple[MaxPool | AveragePool, Tensor] | None:
    """A random pooling of ``source``, or None where its shape has no room for it."""
    height, width, channels = source.shape
    kernel = (_pick(rng, KERNELS), _pick(rng, KERNELS))
    if rng.random() < 0.1:
        kernel = (height, width)
    stride = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    padding = (0, 0, 0, 0)
    if rng.random() < 0.5:
        padding = tuple(int(rng.integers(0, kernel[side % 2])) for side in range(4))
    rows = _out(height, padding[0], padding[2], kernel[0], stride[0])
    cols = _out(width, padding[1], padding[3], kernel[1], stride[1])
    if rows < 1 or cols < 1 or rows * cols * channels * kernel[0] * kernel[1] > MAX_MACS:
        return None
    shape = (rows, cols, channels)
    # A pool behind a convolution runs in the array's pooling unit, which clamps no averages.
    clamp = _clamp(rng) if source.name == "input" else (-128, 127)
    if rng.random() < 0.5:
        node = MaxPool("pool", source.name, "pool_out", kernel, stride, padding, *clamp)
        return node, Tensor("pool_out", shape, source.scale, source.zero_point)
    ratio, zero = 2.0 ** rng.uniform(-1, 1), int(rng.integers(-128, 128))
    rounding = Rounding(int(rng.integers(1, len(Rounding))))
    table = {
        tall * wide: _factor(rounding)(ratio / (tall * wide))
        for tall in range(1, kernel[0] + 1)
        for wide in range(1, kernel[1] + 1)
    }
    node = AveragePool(
        "pool", source.name, "pool_out", kernel, stride, padding, table,
        source.zero_point, zero, rounding, *clamp,
    )  # fmt: skip
    return node, Tensor("pool_out", shape, 1.0, zero)


def _same(rng, source: Tensor) -> tuple[Conv, Tensor]:
    """A convolution that keeps the shape: a residual block's inner layer."""
    channels = source.shape[2]
    kernel, groups = (1, 1), 1
    if rng.random() < 0.5:
        kernel, groups = (3, 3), channels
    padding = (kernel[0] // 2,) * 4
    depth = channels // groups
    node = Conv(
        "conv", "conv2d", source.name, "conv_out",
        rng.integers(-127, 128, (channels, *kernel, depth)).astype(np.int8),
        rng.integers(-5000, 5000, channels).astype(np.int32),
        _requant(rng, channels, 90 * np.sqrt(kernel[0] * kernel[1] * depth * 5400)),
        padding=padding, groups=groups,
    )  # fmt: skip
    return node, Tensor("conv_out", source.shape, 1.0, node.requant.zero_point)


def _pair(rng, one: Tensor, other: Tensor) -> tuple[Add | Mul | Extreme, Tensor]:
    """A random element-wise operator; sums' operands have factors as LiteRT's: up to a half."""
    kinds = [Add, Sub, Mul] + [Max, Min] * (one.zero_point == other.zero_point)
    kind, names = kinds[int(rng.integers(len(kinds)))], (one.name, other.name)
    if issubclass(kind, Extreme):
        node, zero = kind("pair", names, "pair_out", *_clamp(rng)), one.zero_point
    elif kind is Mul:
        need = _requant(rng, 1, 1 << 13)
        node, zero = Mul("pair", names, "pair_out", need), need.zero_point
    else:
        operands = tuple(quantize_multiplier(2.0 ** rng.uniform(-6, -1)) for _ in range(2))
        need = _requant(rng, 1, 1 << 20)
        offset = int(rng.integers(-128, 128)) if rng.random() < 0.5 else 0
        node = kind("pair", names, "pair_out", operands, need, offset=offset)
        zero = need.zero_point
    return node, Tensor("pair_out", one.shape, 1.0, zero)


def _layers(rng, source: Tensor) -> list | None:
    """The layers of a random graph with their outputs; None where a shape has no room for them.

    A convolution, depthwise, fully connected or not; a pool; a convolution and its pool; or an
    element-wise operator, on an input and itself or what a layer made of it.
    """
    draw = rng.random()
    if draw < 0.15:
        return [_pair(rng, source, source)]
    if draw < 0.3:
        inner = _same(rng, source)
        pair = (source, inner[1]) if rng.random() < 0.5 else (inner[1], source)
        return [inner, _pair(rng, *pair)]
    if draw < 0.45:
        made = [_conv(rng, source, depthwise=True)]
    elif draw < 0.65:
        made = [_pool(rng, source)]
    else:
        made = [_conv(rng, source)]
        if draw > 0.85 and made[0]:
            made.append(_pool(rng, made[0][1]))
    return None if None in made else made


def random_graph(rng: np.random.Generator) -> Graph:
    """One or two random layers."""
    while True:
        shape = (_pick(rng, SIZES), _pick(rng, SIZES), _pick(rng, CHANNELS))
        if rng.random() < 0.1:
            shape = (1, 1, int(rng.integers(1, 600)))
        source = Tensor("input", shape, 1.0, int(rng.integers(-128, 128)))
        made = _layers(rng, source)
        if made:
            tensors = [source, *(tensor for _, tensor in made)]
            ends = [
                Port(name, tensor.name, tensor.shape, "HWC", "int8")
                for name, tensor in (("in", source), ("out", tensors[-1]))
            ]
            return Graph(
                "random", {one.name: one for one in tensors}, tuple(node for node, _ in made),
                tuple(ends[:1]), tuple(ends[1:]),
            )  # fmt: skip


def needs_window(graph: Graph) -> bool:
    """Whether only a machine with a window unit can run it."""
    return any(
        isinstance(node, Add | Mul | Extreme)
        or isinstance(node, AveragePool) and (node.lo, node.hi) != (-128, 127)
        for node in graph.nodes
    )


def describe(graph: Graph) -> str:
    """One line that tells a layer apart, for failure messages."""
    parts = [f"input {graph.tensors[graph.inputs[0].tensor].shape}"]
    for node in graph.nodes:
        if isinstance(node, Add | Mul | Extreme):
            parts.append(f"{node.op} {node.inputs}")
            continue
        kernel = node.weights.shape if isinstance(node, Conv) else node.kernel
        extra = f" dilation {node.dilation} groups {node.groups}" if isinstance(node, Conv) else ""
        parts.append(
            f"{node.op} {kernel} stride {node.stride} padding {node.padding}{extra} "
            f"-> {graph.tensors[node.output].shape}"
        )
    return "; ".join(parts)
