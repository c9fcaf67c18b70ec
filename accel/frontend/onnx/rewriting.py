"""Going through a float model's nodes and writing some of them differently."""

import collections

import numpy as np
import onnx
from onnx import numpy_helper


class Rewriting:
    """A model's graph as rules need it: who makes and who uses a value, its shape, constants.

    Attributes:
        inputs, outputs: names of the network's.
        shapes: dimensions by value, 0 for unknown ones; missing where nothing was inferred.
        maker: the node that computes a value, as it is by then.
    """

    def __init__(self, model: onnx.ModelProto):
        graph = model.graph
        self._graph = graph
        self.inputs = {value.name for value in graph.input}
        self.outputs = {value.name for value in graph.output}
        self.shapes = {
            value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
            for value in (*graph.input, *graph.value_info, *graph.output)
            if value.type.tensor_type.HasField("shape")
        }
        self.maker: dict[str, onnx.NodeProto] = {}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._uses = collections.Counter(
            name for node in graph.node for name in all_inputs(node)
        )
        self._taken = {*self._stored, *self.inputs, *self._uses}
        self._taken.update(name for node in graph.node for name in (*node.output, node.name))

    def constant(self, name: str) -> np.ndarray | None:
        """A stored tensor, or None for what is computed."""
        return numpy_helper.to_array(self._stored[name]) if name in self._stored else None

    def alone(self, name: str) -> bool:
        """Whether a value has a single use: a rule's own new values have."""
        return self._uses[name] <= 1 and name not in self.outputs

    def store(self, name: str, array: np.ndarray) -> str:
        """Add a constant; return its name."""
        name = self.unused(name)
        self._stored[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def unused(self, name: str) -> str:
        """A name like this that nothing has."""
        found, number = name, 0
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def apply(self, rules) -> None:
        """Replace every node by what the first rule that knows it returns.

        A rule takes this and a node, and returns nodes, or None if it is not for the node.
        """
        made = []
        for old in self._graph.node:
            node = onnx.NodeProto.FromString(old.SerializeToString())
            found = (rule(self, node) for rule in rules)
            new = next((nodes for nodes in found if nodes is not None), [node])
            self.maker.update((name, one) for one in new for name in one.output)
            made += new
        used = set(self.outputs)
        for node in reversed(made):
            if used.intersection(node.output):
                used.update(all_inputs(node))
        made = [node for node in made if used.intersection(node.output)]
        stored = [tensor for name, tensor in self._stored.items() if name in used]
        stored = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in stored]
        del self._graph.node[:], self._graph.initializer[:], self._graph.value_info[:]
        self._graph.node.extend(made)
        self._graph.initializer.extend(stored)


def all_inputs(node: onnx.NodeProto):
    """What a node reads, its subgraphs included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from all_inputs(inner)


def attribute(node: onnx.NodeProto, name: str, default):
    """An attribute's value."""
    found = (item for item in node.attribute if item.name == name)
    item = next(found, None)
    return default if item is None else onnx.helper.get_attribute_value(item)
