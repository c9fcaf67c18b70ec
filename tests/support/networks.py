"""Build small networks, layer by layer, for tests."""

import dataclasses

import numpy as np

from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Graph,
    Max,
    MaxPool,
    Min,
    Mul,
    Pad,
    Place,
    Port,
    Requant,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)
from accel.graph.shapes import node_shape
from accel.isa import Rounding


class Builder:
    """Appends layers to a chain; every parameter not given is random.

    Parameters:
        rng: source of weights and quantisation.
        shape: of the network's input.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int, int]):
        self.rng, self.nodes, self.tensors = rng, [], {}
        self.last = self._tensor("input", shape)

    def _tensor(self, name: str, shape, zero=None) -> Tensor:
        if zero is None:
            zero = int(self.rng.integers(-128, 128))
        self.tensors[name] = Tensor(name, tuple(int(n) for n in shape), 1.0, zero)
        return self.tensors[name]

    def _names(self, kind: str) -> tuple[str, str]:
        name = f"{kind}{len(self.nodes)}"
        return name, f"{name}_out"

    def conv(self, outputs, kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1),
             groups=1, op="conv2d", zero=None) -> "Builder":
        height, width, channels = self.last.shape
        top, left, bottom, right = padding
        oh = (height + top + bottom - (kernel[0] - 1) * dilation[0] - 1) // stride[0] + 1
        ow = (width + left + right - (kernel[1] - 1) * dilation[1] - 1) // stride[1] + 1
        name, out = self._names("conv")
        zero = int(self.rng.integers(-128, 128)) if zero is None else zero
        lo, hi = sorted(int(n) for n in self.rng.integers(-128, 128, 2))
        depth = kernel[0] * kernel[1] * channels // groups
        # A factor that spreads the sums over the int8 range.
        shift = 1 - int(np.ceil(np.log2(75 * 75 * max(1, depth) ** 0.5 / 64)))
        self.nodes.append(Conv(
            name, op, self.last.name, out,
            self.rng.integers(-128, 128, (outputs, *kernel, channels // groups)).astype(np.int8),
            self.rng.integers(-(1 << 12), 1 << 12, outputs).astype(np.int32),
            Requant(
                self.rng.integers(1 << 30, 1 << 31, outputs).astype(np.int32),
                self.rng.integers(shift - 1, shift + 1, outputs).astype(np.int8),
                zero, min(lo, -20), max(hi, 20), Rounding(int(self.rng.integers(3))),
            ),
            tuple(stride), tuple(padding), tuple(dilation), groups,
        ))
        self.last = self._tensor(out, (oh, ow, outputs), zero)
        return self

    def pool(self, kind, kernel, stride, padding=(0, 0, 0, 0), ceil=False) -> "Builder":
        shape, before = self.last.shape, (padding[0], padding[1])
        after = (padding[2], padding[3])
        size = []
        for n in range(2):
            room = shape[n] + before[n] + after[n] - kernel[n]
            count = (-(-room // stride[n]) if ceil else room // stride[n]) + 1
            while (count - 1) * stride[n] - before[n] >= shape[n]:
                count -= 1
            size.append(count)
        name, out = self._names(kind)
        if kind == "max":
            node = MaxPool(name, self.last.name, out, kernel, stride, padding)
            zero = self.last.zero_point
        else:
            table = {
                n: (int(self.rng.integers(1 << 30, 1 << 31)), -int(np.ceil(np.log2(n))))
                for n in range(1, kernel[0] * kernel[1] + 1)
            }
            zero = int(self.rng.integers(-128, 128))
            node = AveragePool(name, self.last.name, out, kernel, stride, padding, table,
                               self.last.zero_point, zero, Rounding(int(self.rng.integers(3))))
        self.nodes.append(node)
        self.last = self._tensor(out, (*size, shape[2]), zero)
        return self

    def depthwise(self, kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1)) -> "Builder":
        channels = self.last.shape[2]
        return self.conv(channels, kernel, stride, padding, groups=channels)

    def add(self, other: Tensor, kind=Add) -> "Builder":
        """The sum, or difference, of the last tensor and another of its shape, or of a pixel."""
        name, out = self._names("add")
        zero, operands = int(self.rng.integers(-128, 128)), []
        lo, hi = sorted(int(n) for n in self.rng.integers(-128, 128, 2))
        for _ in range(2):
            operands.append((int(self.rng.integers(1 << 30, 1 << 31)), -int(self.rng.integers(3))))
        # The scaled operands are up to 2**28; a factor around 2**-20 brings them back.
        need = Requant(
            np.array([self.rng.integers(1 << 23, 1 << 24) << 7], np.int32),
            np.array([-20 + self.rng.integers(2)], np.int8),
            zero, min(lo, -20), max(hi, 20), Rounding(int(self.rng.integers(len(Rounding)))),
        )
        self.nodes.append(
            kind(name, (self.last.name, other.name), out, tuple(operands), need,
                 offset=int(self.rng.integers(-128, 128)))
        )
        self._paired(other, out, zero)
        return self

    def mul(self, other: Tensor) -> "Builder":
        """The product of the last tensor and another of its shape, or of a pixel."""
        name, out = self._names("mul")
        zero = int(self.rng.integers(-128, 128))
        lo, hi = sorted(int(n) for n in self.rng.integers(-128, 128, 2))
        need = Requant(
            np.array([self.rng.integers(1 << 23, 1 << 24) << 7], np.int32),
            np.array([-6 - self.rng.integers(3)], np.int8),
            zero, min(lo, -20), max(hi, 20), Rounding(int(self.rng.integers(len(Rounding)))),
        )
        self.nodes.append(Mul(name, (self.last.name, other.name), out, need))
        self._paired(other, out, zero)
        return self

    def extreme(self, other: Tensor, kind=Max) -> "Builder":
        """The larger or smaller bytes of the last tensor, made alike, and another one."""
        if self.last.zero_point != other.zero_point:
            self.table(other.zero_point)
        name, out = self._names(kind.op)
        lo, hi = sorted(int(n) for n in self.rng.integers(-128, 128, 2))
        self.nodes.append(kind(name, (self.last.name, other.name), out, min(lo, -20), max(hi, 20)))
        self._paired(other, out, other.zero_point)
        return self

    def _paired(self, other: Tensor, out: str, zero: int) -> None:
        """Make the output of the node that was added, of the last tensor and another one."""
        shape = node_shape(self.nodes[-1], self.last, other)
        self.last = self._tensor(out, shape, zero)

    def concat(self, *parts: Tensor) -> "Builder":
        """Tensors of one height, width and quantisation behind each other."""
        name, out = self._names("concat")
        self.nodes.append(Concat(name, tuple(part.name for part in parts), out))
        shape = (*parts[0].shape[:2], sum(part.shape[2] for part in parts))
        self.last = self._tensor(out, shape, parts[0].zero_point)
        return self

    def slice(self, start, shape, step=(1, 1)) -> "Builder":
        """A part of the last tensor."""
        name, out = self._names("slice")
        place, shape = Place(tuple(map(int, start)), tuple(map(int, step))), tuple(map(int, shape))
        self.nodes.append(Slice(name, self.last.name, out, place, shape))
        self.last = self._tensor(out, shape, self.last.zero_point)
        return self

    def assemble(self, places, *parts: Tensor) -> "Builder":
        """Tensors of one quantisation, each at its place."""
        name, out = self._names("assemble")
        node = Assemble(name, tuple(part.name for part in parts), out, tuple(places))
        self.nodes.append(node)
        self.last = self._tensor(out, node_shape(node, *parts), parts[0].zero_point)
        return self

    def table(self, zero=None, fill=None) -> "Builder":
        """A random function of each byte, or the number ``fill`` for all."""
        name, out = self._names("table")
        values = self.rng.integers(-128, 128, 256).astype(np.int8)
        values = values if fill is None else np.full(256, fill, np.int8)
        self.nodes.append(Table(name, self.last.name, out, values))
        self.last = self._tensor(out, self.last.shape, zero)
        return self

    def pad(self, top, left, bottom, right) -> "Builder":
        name, out = self._names("pad")
        self.nodes.append(Pad(name, self.last.name, out, (top, left, bottom, right)))
        height, width, channels = self.last.shape
        shape = (height + top + bottom, width + left + right, channels)
        self.last = self._tensor(out, shape, self.last.zero_point)
        return self

    def softmax(self) -> "Builder":
        """On the host, in integers."""
        name, out = self._names("softmax")
        self.nodes.append(Softmax(name, self.last.name, out, "integer", 1 << 30, 23))
        self.last = self._tensor(out, self.last.shape, -128)
        self.tensors[out] = self.last = dataclasses.replace(self.last, scale=1 / 256)
        return self

    def flatten(self) -> "Builder":
        name, out = self._names("flatten")
        self.nodes.append(Reshape(name, self.last.name, out))
        self.last = self._tensor(out, (1, 1, self.last.size), self.last.zero_point)
        return self

    def graph(self) -> Graph:
        def port(tensor):
            return (Port(tensor.name, tensor.name, tensor.shape, "HWC", "int8"),)

        first = next(iter(self.tensors.values()))
        return Graph("test", dict(self.tensors), tuple(self.nodes), port(first), port(self.last))


def mnist(rng: np.random.Generator) -> Graph:
    """A network with the layers of mnist-8."""
    net = Builder(rng, (28, 28, 1))
    net.conv(8, (5, 5), padding=(2, 2, 2, 2)).pool("max", (2, 2), (2, 2))
    net.conv(16, (5, 5), padding=(2, 2, 2, 2)).pool("max", (3, 3), (3, 3))
    return net.flatten().conv(10, op="fully_connected").graph()


def _random_pool(net: Builder, rng, most: int, pad: int) -> None:
    height, width, _ = net.last.shape
    kernel = tuple(int(rng.integers(1, min(size, most) + 1)) for size in (height, width))
    if rng.random() < 0.2:
        kernel = (height, width)
    padding = (0, 0, 0, 0)
    if rng.random() < 0.5:
        padding = tuple(int(rng.integers(0, min(k - 1, pad) + 1)) for k in kernel * 2)
    stride = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    kind = ("max", "average")[int(rng.integers(2))]
    net.pool(kind, kernel, stride, padding, ceil=bool(rng.random() < 0.5))


def _random_conv(net: Builder, rng) -> None:
    height, width, channels = net.last.shape
    dilation = (1, 1)
    if rng.random() < 0.3:
        dilation = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    most = 11 if rng.random() < 0.5 else 3
    kernel = (int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1)))
    if rng.random() < 0.1:
        kernel, dilation = (height, width), (1, 1)
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [0, 0, 0, 0]
    if rng.random() < 0.7:
        padding = [int(rng.integers(0, max(2, n))) for n in extent * 2]
    for n, size in enumerate((height, width)):
        padding[n + 2] = max(padding[n + 2], extent[n] - size - padding[n])
    stride = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    groups, outputs = 1, int(rng.integers(1, 21))
    if rng.random() < 0.2:
        groups, outputs = channels, channels * int(rng.integers(1, 3))
    elif rng.random() < 0.2:
        groups = int(rng.choice([n for n in range(1, channels + 1) if channels % n == 0]))
        outputs = groups * int(rng.integers(1, 7))
    net.conv(outputs, kernel, stride, padding, dilation, groups)


def random_network(rng: np.random.Generator) -> Graph:
    """One to three random layers, some of them with a pooling behind."""
    channels = int(rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 33]))
    net = Builder(rng, (int(rng.integers(1, 21)), int(rng.integers(1, 21)), channels))
    for _ in range(int(rng.integers(1, 4))):
        draw = rng.random()
        if draw < 0.15:
            if net.last.shape[:2] != (1, 1):
                net.flatten()
            net.conv(int(rng.integers(1, 21)), op="fully_connected")
        elif draw < 0.3:
            _random_pool(net, rng, most=9, pad=3)
        else:
            _random_conv(net, rng)
            if rng.random() < 0.4:
                _random_pool(net, rng, most=5, pad=2)
    return net.graph()


def random_window_network(rng: np.random.Generator) -> Graph:
    """Two to five random layers that mostly are the window unit's, among some convolutions."""
    channels = int(rng.choice([1, 2, 3, 4, 5, 8, 9, 12, 16, 17, 32]))
    net = Builder(rng, (int(rng.integers(1, 17)), int(rng.integers(1, 17)), channels))
    before = []
    for _ in range(int(rng.integers(2, 6))):
        same = [one for one in before if one.shape == net.last.shape]
        before.append(net.last)
        draw = rng.random()
        if draw < 0.3:
            kernel = tuple(int(n) for n in rng.integers(1, 6, 2))
            stride = tuple(int(n) for n in rng.integers(1, 4, 2))
            before_, after = rng.integers(0, kernel), rng.integers(0, kernel)
            room = [
                size + int(a + b) >= k
                for size, a, b, k in zip(net.last.shape[:2], before_, after, kernel, strict=True)
            ]
            if all(room):
                net.depthwise(kernel, stride, tuple(int(n) for n in (*before_, *after)))
        elif draw < 0.5:
            _random_pool(net, rng, most=5, pad=2)
        elif draw < 0.7:
            other = same[int(rng.integers(len(same)))] if same else net.last
            random_pair(net, rng, other)
        else:
            kernel = (1, 1) if rng.random() < 0.7 else (3, 3)
            pad = (kernel[0] // 2,) * 4
            net.conv(int(rng.choice([net.last.shape[2], rng.integers(1, 21)])), kernel,
                     padding=pad)
    return net.graph()


def random_pair(net: Builder, rng: np.random.Generator, other: Tensor) -> None:
    """An operator on the last tensor and another one, or a pixel that is made of it."""
    if rng.random() < 0.4:
        first = net.last
        other = net.pool("max", first.shape[:2], (1, 1)).conv(first.shape[2]).last
        net.last = first
    if rng.random() < 0.5:
        net.last, other = other, net.last
    kind = (Add, Sub, Mul, Max, Min)[int(rng.integers(5))]
    if kind is Mul:
        net.mul(other)
    elif issubclass(kind, Add):
        net.add(other, kind)
    else:
        net.extreme(other, kind)


def mobile(rng: np.random.Generator, size: int, channels: int, blocks: int) -> Graph:
    """A small MobileNet: depthwise and pointwise convolutions, strides, an average, a vector."""
    net = Builder(rng, (size, size, 3)).conv(channels, (3, 3), (2, 2), (0, 0, 1, 1))
    for number in range(blocks):
        stride = 1 + number % 2
        net.depthwise(stride=(stride, stride)).conv(net.last.shape[2] * stride)
    return net.pool("average", net.last.shape[:2], (1, 1)).conv(5, op="fully_connected").graph()


def residual(rng: np.random.Generator, size: int, channels: int) -> Graph:
    """A small ResNet: additions of equal shapes and behind a strided shortcut, and an average."""
    pad = (1, 1, 1, 1)
    net = Builder(rng, (size, size, 3)).conv(channels, (3, 3), padding=pad)
    first = net.last
    net.conv(channels, (3, 3), padding=pad).conv(channels, (3, 3), padding=pad).add(first)
    second = net.last
    net.conv(2 * channels, (3, 3), (2, 2), pad).conv(2 * channels, (3, 3), padding=pad)
    inner = net.last
    net.last = second
    net.conv(2 * channels, (1, 1), (2, 2)).add(inner)
    return net.pool("average", net.last.shape[:2], (1, 1)).conv(7, op="fully_connected").graph()


def inception(rng: np.random.Generator, size: int, widths: tuple[int, ...]) -> Graph:
    """Two inception modules: 1x1, 3x3 and 5x5 convolutions and a pool, concatenated."""
    net = Builder(rng, (size, size, 3)).conv(widths[0], (3, 3), padding=(1, 1, 1, 1))
    for _ in range(2):
        stem, zero = net.last, int(rng.integers(-128, 128))
        parts = []
        for width, kernel in zip(widths, (1, 3, 5), strict=False):
            net.last = stem
            edge = kernel // 2
            net.conv(width, (kernel, kernel), padding=(edge,) * 4, zero=zero)
            parts.append(net.last)
        net.last = stem
        net.pool("max", (3, 3), (1, 1), (1, 1, 1, 1)).conv(widths[-1], zero=zero)
        net.concat(*parts, net.last)
    return net.graph()


def macs(graph: Graph) -> int:
    """Multiplications of one image."""
    return sum(
        graph.tensors[node.output].size * node.weights[0].size
        for node in graph.nodes
        if isinstance(node, Conv)
    )
