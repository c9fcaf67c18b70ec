"""The frozen network representation between an importer and the compiler.

All activations are int8 in [height, width, channel] order; the batch is not part of a shape (a
program is compiled for a batch).  Requantisation is already integer: an importer turns scales into
(multiplier, shift) pairs with accel.quant, so the golden model and the machine are given the same
integers and nothing else.

    tensors    what all nodes are made of
    layers     nodes that compute bytes
    movements  nodes that put bytes elsewhere
    hosted     nodes of the host, and a network's inputs and outputs
    here       the network; all names of the others are here, too
"""

import dataclasses

from accel.graph.hosted import External, HostNode, LocalResponse, Port, Softmax
from accel.graph.layers import (
    NO_MACS,
    Add,
    AveragePool,
    Conv,
    Extreme,
    Max,
    MaxPool,
    Min,
    Mul,
    Sub,
    Table,
)
from accel.graph.movements import Assemble, Concat, Pad, Place, Reshape, Slice
from accel.graph.tensors import GraphError, OneInput, OneOutput, Requant, Tensor

__all__ = [
    "NO_MACS", "Add", "Assemble", "AveragePool", "Concat", "Conv", "External", "Extreme", "Graph",
    "GraphError", "HostNode", "LocalResponse", "Max", "MaxPool", "Min", "Mul", "Node", "OneInput",
    "OneOutput", "Pad", "Place", "Port", "Requant", "Reshape", "Slice", "Softmax", "Sub", "Table",
    "Tensor",
]  # fmt: skip

Node = (
    Conv | MaxPool | AveragePool | Add | Sub | Mul | Max | Min | Concat | Slice | Assemble | Table
    | Pad | Reshape | Softmax | LocalResponse | External
)


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network: tensors by name, nodes in an order that computes inputs before their users.

    >>> import accel
    >>> graph = accel.open_network("mnist")
    >>> graph.name, graph.nodes[0].op, graph.tensors[graph.nodes[0].output].shape
    ('mnist', 'conv2d', (28, 28, 8))
    """

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
