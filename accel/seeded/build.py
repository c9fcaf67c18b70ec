"""From a definition's layers to an int8 graph, layer by layer."""

import math
from collections.abc import Callable

import numpy as np

from accel import network as layers
from accel.graph.ir import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Graph,
    LocalResponse,
    MaxPool,
    Node,
    Port,
    Reshape,
    Table,
    Tensor,
)
from accel.graph.shapes import pool_counts
from accel.network import Network, NetworkError
from accel.seeded import values
from accel.seeded.spread import Spread, both_sides, largest, rectified

#: Functions of one value.
_FUNCTIONS = {
    layers.Sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    layers.Tanh: np.tanh,
    layers.ReLU: lambda x: np.maximum(x, 0),
}
#: What they make of values of mean 0 and deviation 1.
_SPREADS = {
    layers.Sigmoid: Spread(0.5, 0.21, 1 / 256, -128),
    layers.Tanh: Spread(0.0, 0.63, 1 / 128, 0),
    layers.ReLU: rectified(),
}
_POOLS = layers.MaxPool | layers.AveragePool | layers.GlobalAveragePool


def build(network: Network, seed: int) -> Graph:
    """Return ``network`` as an int8 graph with random weights; the same seed, the same ones.

    Dropout is gone, batch normalisation and ReLUs are in the layers before them, as behind a
    training.

    Raises:
        accel.network.NetworkError: naming a layer that has no int8 form here.
    """
    return _Builder(network, seed).graph()


def _hwc(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """A shape as the graph has it."""
    return (*shape[1:], shape[0]) if len(shape) == 3 else (1, 1, shape[0])


class _Builder:
    """Makes the graph of a network."""

    def __init__(self, network: Network, seed: int):
        self._network, self._random = network, np.random.default_rng(seed)
        self._nodes: list[Node] = []
        self._tensors: dict[str, Tensor] = {}
        self._spreads: dict[str, Spread] = {}
        #: The tensor that holds what a layer of the network computes.
        self._names: dict[str, str] = {}
        self._put(Network.INPUT, network.input_shape, both_sides())
        self._readers: dict[str, list[layers.Node]] = {}
        for node in network.nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)

    def graph(self) -> Graph:
        """All nodes, with float32 images in and float32 scores out."""
        for node in self._network.nodes:
            if node.name not in self._names:
                self._add(node)
        network, last = self._network, self._names[self._network.nodes[-1].name]
        return Graph(
            network.name, self._tensors, tuple(self._nodes),
            (self._port(Network.INPUT, Network.INPUT, network.input_shape),),
            (self._port("output", last, network.output_shape),),
        )  # fmt: skip

    @staticmethod
    def _port(name: str, tensor: str, shape) -> Port:
        return Port(name, tensor, shape, "CHW" if len(shape) == 3 else "N", "float32")

    def _put(self, name: str, shape, spread: Spread) -> None:
        """Add a tensor, which holds what the layer of its name computes."""
        self._tensors[name] = Tensor(name, _hwc(shape), spread.scale, spread.zero_point)
        self._spreads[name] = spread
        self._names[name] = name

    def _sources(self, node: layers.Node) -> tuple[Tensor, ...]:
        return tuple(self._tensors[self._names[name]] for name in node.inputs)

    def _add(self, node: layers.Node) -> None:
        for kinds, method in _METHODS:
            if isinstance(node.layer, kinds):
                method(self, node)
                return
        raise NetworkError(f"{self._network.name}: layer {node.name!r}: {node.layer.op} has no "
                           "int8 form here")  # fmt: skip

    def _ends(self, node: layers.Node, *kinds) -> tuple[str, bool]:
        """The name of the last of the layers behind ``node`` that go into it, at most one of each
        of ``kinds``, and whether it is a ReLU."""
        chain = [node]
        for kind in kinds:
            behind = self._readers.get(chain[-1].name, [])
            if len(behind) == 1 and isinstance(behind[0].layer, kind):
                chain.append(behind[0])
        self._names |= {part.name: chain[-1].name for part in chain}
        return chain[-1].name, isinstance(chain[-1].layer, layers.ReLU)

    def _same(
        self, node: layers.Node, make: Callable[[str, str, str], Node], count: int = 1
    ) -> None:
        """A node that keeps its input's quantisation; the largest of ``count`` values remain."""
        (source,) = self._sources(node)
        self._put(node.name, node.shape, largest(self._spreads[source.name], count))
        self._nodes.append(make(node.name, source.name, node.name))

    def _weighted(self, node: layers.Node) -> None:
        (source,), layer = self._sources(node), node.layer
        dense = isinstance(layer, layers.Dense)
        shape = node.parameter_shapes["weights"]
        outputs, inputs, *kernel = (*shape, 1, 1) if dense else shape
        given = values.weights(self._random, (outputs, *kernel, inputs))
        output, is_rectified = self._ends(node, layers.BatchNorm, layers.ReLU)
        spread = rectified() if is_rectified else both_sides()
        self._put(output, node.shape, spread)
        bias, requant = values.convolution(
            self._random, given, self._spreads[source.name], spread
        )
        options = {}
        if not dense:
            view = layer.window(node.shapes[0])
            options = {"stride": view.stride, "padding": view.padding, "dilation": view.dilation,
                       "groups": layer.groups}  # fmt: skip
        op = "fully_connected" if dense else "conv2d"
        self._nodes.append(
            Conv(node.name, op, source.name, output, given, bias, requant, **options)
        )

    def _sum(self, node: layers.Node) -> None:
        sources = self._sources(node)
        one, other = (self._spreads[source.name] for source in sources)
        output, is_rectified = self._ends(node, layers.ReLU)
        deviation, mean = math.hypot(one.deviation, other.deviation), one.mean + other.mean
        spread = (rectified if is_rectified else both_sides)(deviation, mean)
        self._put(output, node.shape, spread)
        names = sources[0].name, sources[1].name
        self._nodes.append(Add(node.name, names, output, *values.addition(one, other, spread)))

    def _pool(self, node: layers.Node) -> None:
        (source,), layer = self._sources(node), node.layer
        if isinstance(layer, layers.GlobalAveragePool):
            kernel = stride = source.shape[:2]
            padding = (0, 0, 0, 0)
        else:
            view = layer.window(node.shapes[0])
            kernel, stride = view.kernel, view.stride
            # With ``ceil`` the last windows end behind the padding.
            behind = [
                max(view.padding[n + 2],
                    (view.out[n] - 1) * stride[n] + kernel[n] - source.shape[n] - view.padding[n])
                for n in (0, 1)
            ]  # fmt: skip
            padding = (*view.padding[:2], *behind)

        def make(name: str, given: str, output: str) -> Node:
            pool = MaxPool(name, given, output, kernel, stride, padding)
            if isinstance(layer, layers.MaxPool):
                return pool
            table = values.averages(pool_counts(pool, source, self._tensors[output]))
            zero = source.zero_point
            return AveragePool(name, given, output, kernel, stride, padding, table, zero, zero)

        self._same(node, make, math.prod(kernel) if isinstance(layer, layers.MaxPool) else 1)

    def _function(self, node: layers.Node) -> None:
        (source,), kind = self._sources(node), type(node.layer)
        spread = _SPREADS[kind]
        self._put(node.name, node.shape, spread)
        table = values.table(_FUNCTIONS[kind], self._spreads[source.name], spread)
        self._nodes.append(Table(node.name, source.name, node.name, table, node.layer.op))

    def _response(self, node: layers.Node) -> None:
        (source,), layer = self._sources(node), node.layer
        given, by = self._spreads[source.name], layer.options["bias"] ** -layer.options["beta"]
        spread = Spread(given.mean * by, given.deviation * by, given.scale * by, given.zero_point)
        self._put(node.name, node.shape, spread)
        self._nodes.append(
            LocalResponse(node.name, source.name, node.name, layer.size, **layer.options)
        )

    def _concat(self, node: layers.Node) -> None:
        sources = self._sources(node)
        self._put(node.name, node.shape, self._spreads[sources[0].name])
        self._nodes.append(Concat(node.name, tuple(one.name for one in sources), node.name))

    def _flatten(self, node: layers.Node) -> None:
        self._same(node, Reshape)

    def _dropout(self, node: layers.Node) -> None:
        self._names[node.name] = self._names[node.inputs[0]]


_METHODS = (
    (layers.Conv2d | layers.Dense, _Builder._weighted),
    (layers.Add, _Builder._sum),
    (_POOLS, _Builder._pool),
    (tuple(_FUNCTIONS), _Builder._function),
    (layers.LRN, _Builder._response),
    (layers.Concat, _Builder._concat),
    (layers.Flatten, _Builder._flatten),
    (layers.Dropout, _Builder._dropout),
)
