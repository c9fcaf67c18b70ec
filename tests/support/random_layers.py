"""Random one-layer and conv+pool networks, for holding the RTL against the golden model."""

import numpy as np

from accel.graph.ir import AveragePool, Conv, Graph, MaxPool, Port, Requant, Tensor
from accel.isa import Rounding
from accel.quant import quantize_multiplier

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


def _requant(rng, channels: int, depth: int) -> Requant:
    """Scales that spread sums of ``depth`` products over the int8 range, a few beyond it."""
    scales = 2.0 ** rng.uniform(-2, 1.5, channels) / (np.sqrt(depth) * 90)
    pairs = [quantize_multiplier(float(scale)) for scale in scales]
    low, high = (-128, 127) if rng.random() < 0.5 else sorted(rng.integers(-128, 128, 2).tolist())
    return Requant(
        np.array([multiplier for multiplier, _ in pairs], np.int32),
        np.array([shift for _, shift in pairs], np.int8),
        int(rng.integers(-128, 128)),
        low,
        high,
        Rounding(int(rng.integers(3))),
    )


def _conv(rng, source: Tensor) -> tuple[Conv, Tensor] | None:
    """A random convolution of ``source``, or None where its shape has no room for it."""
    height, width, channels = source.shape
    kernel = (_pick(rng, KERNELS), _pick(rng, KERNELS))
    stride = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    dilation = (1, 1)
    if rng.random() < 0.15:
        dilation = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    spans = _span(kernel[0], dilation[0]), _span(kernel[1], dilation[1])
    padding = tuple(int(rng.integers(0, spans[side % 2])) for side in range(4))
    if rng.random() < 0.3:
        padding = (0, 0, 0, 0)
    rows = _out(height, padding[0], padding[2], spans[0], stride[0])
    cols = _out(width, padding[1], padding[3], spans[1], stride[1])
    groups, depth, outputs = 1, channels, _pick(rng, CHANNELS)
    draw = rng.random()
    if draw < 0.1:
        groups, depth, outputs = channels, 1, channels * int(rng.integers(1, 3))
    elif draw < 0.25:
        divisors = [count for count in range(2, channels + 1) if channels % count == 0] or [1]
        groups = _pick(rng, divisors)
        depth, outputs = channels // groups, groups * int(rng.integers(1, 6))
    work = rows * cols * outputs * depth * kernel[0] * kernel[1]
    if rows < 1 or cols < 1 or work > MAX_MACS:
        return None
    weights = rng.integers(-127, 128, (outputs, *kernel, depth)).astype(np.int8)
    bias = rng.integers(-5000, 5000, outputs).astype(np.int32)
    requant = _requant(rng, outputs, kernel[0] * kernel[1] * depth * 5400)
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
    if rng.random() < 0.5:
        node = MaxPool("pool", source.name, "pool_out", kernel, stride, padding)
        return node, Tensor("pool_out", shape, source.scale, source.zero_point)
    ratio, zero = 2.0 ** rng.uniform(-1, 1), int(rng.integers(-128, 128))
    table = {
        tall * wide: quantize_multiplier(ratio / (tall * wide))
        for tall in range(1, kernel[0] + 1)
        for wide in range(1, kernel[1] + 1)
    }
    node = AveragePool(
        "pool", source.name, "pool_out", kernel, stride, padding, table, zero,
        Rounding(int(rng.integers(1, 3))),
    )  # fmt: skip
    return node, Tensor("pool_out", shape, 1.0, zero)


def random_graph(rng: np.random.Generator) -> Graph:
    """One random layer: convolution, fully connected, pool, or a convolution with its pool."""
    while True:
        shape = (_pick(rng, SIZES), _pick(rng, SIZES), _pick(rng, CHANNELS))
        if rng.random() < 0.1:
            shape = (1, 1, int(rng.integers(1, 600)))
        source = Tensor("input", shape, 1.0, int(rng.integers(-128, 128)))
        tensors, nodes = [source], []
        draw = rng.random()
        makers = [_conv] if draw < 0.5 else [_pool] if draw < 0.7 else [_conv, _pool]
        for make in makers:
            made = make(rng, tensors[-1])
            if made is None:
                break
            nodes.append(made[0])
            tensors.append(made[1])
        else:
            ends = Port("in", source.name, shape, "HWC", "int8"), Port(
                "out", tensors[-1].name, tensors[-1].shape, "HWC", "int8"
            )
            return Graph(
                "random", {one.name: one for one in tensors}, tuple(nodes), ends[:1], ends[1:]
            )


def describe(graph: Graph) -> str:
    """One line that tells a layer apart, for failure messages."""
    parts = [f"input {graph.tensors[graph.inputs[0].tensor].shape}"]
    for node in graph.nodes:
        kernel = node.weights.shape if isinstance(node, Conv) else node.kernel
        extra = f" dilation {node.dilation} groups {node.groups}" if isinstance(node, Conv) else ""
        parts.append(
            f"{node.op} {kernel} stride {node.stride} padding {node.padding}{extra} "
            f"-> {graph.tensors[node.output].shape}"
        )
    return "; ".join(parts)
