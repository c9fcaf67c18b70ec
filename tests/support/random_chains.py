"""Random chains of layers whose tensors may stay on the chip."""

import dataclasses

import numpy as np

from accel.graph.ir import Graph, Port
from tests.support.networks import Builder

#: Layers of a chain.
DEPTHS = 2, 6
#: A kernel's height and width, and the widest stride.
KERNELS, STRIDE = (1, 7), 3
#: Multiplications of a layer, so that thousands of chains take minutes.
MOST = 400_000


def random_chain(rng: np.random.Generator) -> Graph:
    """A chain of 2 to 6 layers: convolutions and windows by turns, additions of earlier tensors."""
    low, high = DEPTHS
    depth = int(rng.integers(low, high + 1))
    net = Builder(rng, tuple(int(rng.integers(1, most)) for most in (25, 25, 21)))
    before, turn = [net.last], rng.random() < 0.85
    while len(net.nodes) < depth:
        left, draw = depth - len(net.nodes), rng.random()
        if left >= 4 and draw < 0.25:
            _inverted(net, rng)
        elif same := _same(net, before) if draw < 0.33 else []:
            net.add(same[int(rng.integers(len(same)))])
        elif turn:
            _conv(net, rng)
        else:
            _window(net, rng)
        turn = turn != (rng.random() < 0.93)
        before.append(net.last)
    return net.graph()


def first(graph: Graph, layers: int) -> Graph:
    """So many layers of a chain."""
    nodes = graph.nodes[:layers]
    names = {graph.inputs[0].tensor} | {node.output for node in nodes}
    tensors = {name: one for name, one in graph.tensors.items() if name in names}
    last = tensors[nodes[-1].output]
    port = Port(last.name, last.name, last.shape, "HWC", "int8")
    return dataclasses.replace(graph, tensors=tensors, nodes=nodes, outputs=(port,))


def _same(net: Builder, before: list) -> list:
    """Earlier tensors that can be added to the last one."""
    return [one for one in before if one.shape == net.last.shape and one.name != net.last.name]


def _inverted(net: Builder, rng: np.random.Generator) -> None:
    """An inverted block around a shortcut: pointwise, depthwise, pointwise, addition."""
    begin = net.last
    side = int(rng.choice([1, 3, 5, 7]))
    net.conv(int(rng.integers(1, 37))).depthwise((side, side), padding=(side // 2,) * 4)
    net.conv(begin.shape[2]).add(begin)


def _conv(net: Builder, rng: np.random.Generator) -> None:
    """A convolution, pointwise or of any small kernel."""
    outputs = int(rng.integers(1, 37))
    if rng.random() < 0.7:
        net.conv(outputs)
        return
    kernel, stride, padding = _reach(net, rng, even=rng.random() < 0.5)
    work = net.last.size * outputs * kernel[0] * kernel[1]
    net.conv(max(1, outputs * min(MOST, work) // work), kernel, stride, padding)


def _window(net: Builder, rng: np.random.Generator) -> None:
    """A depthwise convolution or a pool; mostly one that every row is in some window of."""
    kernel, stride, padding = _reach(net, rng, even=rng.random() < 0.3)
    if rng.random() < 0.85:
        top, left, bottom, right = padding
        stride = min(stride[0], kernel[0]), stride[1]
        bottom = -(net.last.shape[0] + top - kernel[0]) % stride[0]
        padding = top, left, bottom, right
    draw = rng.random()
    if draw < 0.8:
        net.depthwise(kernel, stride, padding)
    else:
        net.pool("max" if draw < 0.9 else "avg", kernel, stride, padding)


def _reach(net: Builder, rng: np.random.Generator, even: bool) -> tuple[tuple, tuple, tuple]:
    """Kernel, stride and padding that fit the last tensor; ``even``: strides of 1, size kept."""
    low, high = KERNELS
    kernel = tuple(min(int(rng.integers(low, high + 1)), size) for size in net.last.shape[:2])
    if even:
        kernel = tuple(side - 1 + side % 2 for side in kernel)
        return kernel, (1, 1), tuple(side // 2 for side in (*kernel, *kernel))
    stride = tuple(int(rng.integers(1, STRIDE + 1)) for _ in kernel)
    return kernel, stride, tuple(int(rng.integers(0, side)) for side in (*kernel, *kernel))
