"""An exported network: its parts, places and constants, and what each layer is in C++."""

import dataclasses
import itertools

from accel.graph.ir import Graph, Node, Tensor
from accel.graph.macs import node_macs
from accel.hls.constants import Constants, constants
from accel.hls.names import comment, identifier, unique
from accel.hls.plan import Plan, plan
from accel.hls.shapes import Shape, shape
from accel.hls.split import Part, on_host, split

#: Constants beside the layers' structs, and members that any of these may have.
_TAKEN = ("Rounding", "input_bytes", "output_bytes", "memory_bytes", "weight_bytes",
          "parameter_words", "output", "weights", "parameters", "rounding")


@dataclasses.dataclass(frozen=True)
class Layer:
    """A node of the exported part: its row in every table.

    ``name`` is its C++ identifier, ``shape`` what the C++ says of it; ``source`` and ``target``
    are its first input and its output.
    """

    node: Node
    name: str
    shape: Shape
    source: Tensor
    target: Tensor
    macs: int

    @property
    def title(self) -> str:
        """Its name, operation and shapes, for a comment."""
        about = f", {self.shape.about}" if self.shape.about else ""
        macs = f", {self.macs:,} MACs" if self.macs else ""
        return (f"{self.name}: {comment(self.node.op)} {size(self.source)} -> "
                f"{size(self.target)}{about}{macs}")


@dataclasses.dataclass(frozen=True)
class Network:
    """All that the files are written from."""

    part: Part
    plan: Plan
    constants: Constants
    layers: tuple[Layer, ...]

    @property
    def name(self) -> str:
        """The network's name as an identifier."""
        return identifier(self.part.graph.name)

    @property
    def segments(self) -> list[list[tuple[int, Layer]]]:
        """Layers with their numbers, from 1, in the parts that are synthesised: without a host one,
        else those before, between and behind the host's layers."""
        groups = itertools.groupby(enumerate(self.layers, 1), lambda one: on_host(one[1].node))
        return [list(layers) for hosted, layers in groups if not hosted]

    @property
    def tops(self) -> list[str]:
        """Names of the functions for synthesis, one for each segment."""
        if not self.part.hosted:
            return [f"{self.name}_top"]
        return [f"{self.name}_top_{number}" for number in range(1, len(self.segments) + 1)]

    @property
    def whole(self) -> str:
        """The name of the function that computes an image."""
        return f"{self.name}_run" if self.part.hosted else self.tops[0]

    @property
    def macs(self) -> int:
        """MACs of an image."""
        return sum(layer.macs for layer in self.layers)


def describe(graph: Graph) -> Network:
    """Plan the export of a network.

    Raises:
        GraphError: see accel.hls.split.
    """
    part = split(graph)
    return Network(part, plan(part), constants(part), _layers(part))


def _layers(part: Part) -> tuple[Layer, ...]:
    tensors = part.graph.tensors
    shapes = [shape(part, node) for node in part.nodes]
    # A struct cannot have a member of its own name.
    members = {name for one in shapes for group in one.groups for name in group}
    texts = {node.name: f"{node.op}_{number}" for number, node in enumerate(part.nodes, 1)}
    names = unique(texts, {*_TAKEN, *members})
    return tuple(
        Layer(node, names[node.name], one, tensors[node.inputs[0]], tensors[node.output],
              node_macs(node, tensors))
        for node, one in zip(part.nodes, shapes, strict=True)
    )  # fmt: skip


def size(tensor: Tensor) -> str:
    """A tensor's shape as text: height x width x channels."""
    return "x".join(map(str, tensor.shape))


def meaning(tensor: Tensor) -> str:
    """A tensor's shape and what its bytes q stand for."""
    offset = f"- {tensor.zero_point}" if tensor.zero_point >= 0 else f"+ {-tensor.zero_point}"
    return f"{size(tensor)}, real value {tensor.scale:.9g} * (q {offset})"
