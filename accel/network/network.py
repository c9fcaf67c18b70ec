"""A network: layers joined to a directed graph, computed forwards and backwards."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from accel.network.layer import Layer, NetworkError, Shape


@dataclasses.dataclass(frozen=True)
class Node:
    """A layer at its place: ``inputs`` name the nodes (or the input) whose outputs it takes."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    shape: Shape

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes of the trained arrays by name."""
        return self.layer.parameter_shapes(*self.shapes)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(shape)) for shape in self.parameter_shapes.values())

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return self.layer.macs(*self.shapes)


class Network:
    """Layers in the order in which they are computed; the last one's output is the network's.

    Args:
        name: for reports and files.
        input_shape: (channels, height, width) of one image.
        summary: one line on what it is.
    """

    #: The name under which layers take the images.
    INPUT = "input"

    def __init__(self, name: str, input_shape: Shape, summary: str = ""):
        if not input_shape or not all(isinstance(n, int) and n >= 1 for n in input_shape):
            raise NetworkError(f"input shape must be positive integers, not {input_shape}")
        self.name, self.input_shape, self.summary = name, tuple(input_shape), summary
        self.nodes: list[Node] = []
        self._shapes = {self.INPUT: self.input_shape}

    def add(self, layer: Layer, *inputs: str, name: str | None = None) -> str:
        """Append a layer and return its name.

        Args:
            layer: it may stand at one place only, as it holds its parameters.
            inputs: names of what it takes; by default the layer before.
            name: by default the layer's kind and its number in the network.

        Raises:
            NetworkError: unknown input, name taken, or inputs that the layer cannot take.
        """
        name = name or f"{layer.op}{1 + sum(node.layer.op == layer.op for node in self.nodes)}"
        inputs = inputs or (self.nodes[-1].name if self.nodes else self.INPUT,)
        if name in self._shapes:
            raise NetworkError(f"{self.name}: layer name {name!r} must be new")
        if any(node.layer is layer for node in self.nodes):
            raise NetworkError(f"{self.name}: layer {name!r} stands in the network already")
        for given in inputs:
            if given not in self._shapes:
                raise NetworkError(f"{self.name}: layer {name!r}: there is no input {given!r}")
        shapes = tuple(self._shapes[given] for given in inputs)
        try:
            shape = layer.output_shape(*shapes)
        except ValueError as error:
            raise NetworkError(f"{self.name}: layer {name!r}: {error}") from error
        self.nodes.append(Node(name, layer, inputs, shapes, shape))
        self._shapes[name] = shape
        return name

    def chain(self, *layers: Layer) -> str:
        """Append layers one behind the other and return the last one's name."""
        for layer in layers:
            self.add(layer)
        return self.nodes[-1].name

    def shape_of(self, name: str) -> Shape:
        """Shape of a layer's output, or of ``Network.INPUT``."""
        return self._shapes[name]

    @property
    def output_shape(self) -> Shape:
        """Shape of the network's output."""
        return self.nodes[-1].shape

    @property
    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(node.parameters for node in self.nodes)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image: convolutions and dense layers."""
        return sum(node.macs for node in self.nodes)

    def initialise(self, seed: int, dtype=np.float32) -> None:
        """Make all parameters; the same seed gives the same ones."""
        rng = np.random.default_rng(seed)
        for node in self.nodes:
            node.layer.initialise(rng, *node.shapes, dtype=dtype)

    def parameters(self) -> dict[str, np.ndarray]:
        """Trained arrays as "layer.parameter"; the arrays are the layers' own."""
        return dict(self._arrays("parameters"))

    def gradients(self) -> dict[str, np.ndarray]:
        """Gradients by the parameters' names, after :meth:`backward`."""
        return dict(self._arrays("gradients"))

    def state(self) -> dict[str, np.ndarray]:
        """Running statistics, as "layer.name"; the arrays are the layers' own."""
        return dict(self._arrays("state"))

    def _arrays(self, kind: str) -> Iterator[tuple[str, np.ndarray]]:
        for node in self.nodes:
            for name, array in getattr(node.layer, kind).items():
                yield f"{node.name}.{name}", array

    def forward(self, images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Compute the output for images [batch, ...]; ``rng`` is given in training only.

        Raises:
            NetworkError: images of another shape.
        """
        if images.shape[1:] != self.input_shape:
            wanted = ", ".join(map(str, ("N", *self.input_shape)))
            raise NetworkError(f"{self.name}: images must be ({wanted}), not {images.shape}")
        uses = {name: 0 for name in self._shapes}
        for node in self.nodes:
            for given in node.inputs:
                uses[given] += 1
        values = {self.INPUT: images}
        for node in self.nodes:
            inputs = [values[given] for given in node.inputs]
            values[node.name] = node.layer.forward(*inputs, rng=rng)
            for given in node.inputs:  # free what nobody needs any more
                uses[given] -= 1
                if not uses[given]:
                    values.pop(given, None)
        return values[self.nodes[-1].name]

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Gradient of the images from the output's; the layers keep their parameters' gradients.

        A value that several layers read gets the sum of their gradients.
        """
        owed = {self.nodes[-1].name: dy}
        for node in reversed(self.nodes):
            if node.name not in owed:
                raise NetworkError(f"{self.name}: nothing reads the output of {node.name!r}")
            gradients = node.layer.backward(owed.pop(node.name))
            for given, dx in zip(node.inputs, gradients, strict=True):
                owed[given] = owed[given] + dx if given in owed else dx
        return owed[self.INPUT]
