"""Copies of tensors that cannot be where an assembly, or another shape, wants them.

A tensor has one place only: network inputs, slices (they lie in what they are cut from), tensors
that are seen in two shapes or belong to another assembly already are copied into an assembly; a
slice is copied before it is seen in another shape, since its rows have gaps between them.
"""

import dataclasses

from accel.compiler.seats import Joins
from accel.graph.ir import Graph, MaxPool, Reshape, Slice


def with_copies(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The graph with a copy of each tensor that cannot lie in its place.

    Returns also what is copied, by the copy's name.
    """
    fixed, cut = {port.tensor for port in graph.inputs}, set()
    for node in graph.nodes:
        if isinstance(node, Reshape):
            fixed |= {node.input, node.output}
        elif isinstance(node, Slice):
            fixed.add(node.output)
            cut.add(node.output)
    tensors, nodes, copies = dict(graph.tensors), [], {}

    def copied(node, number: int, name: str) -> str:
        copy = f"{node.name}:copy{number}"
        tensors[copy] = dataclasses.replace(tensors[name], name=copy)
        # A window of one pixel: copies on either unit of the machine.
        nodes.append(MaxPool(copy, name, copy, (1, 1), (1, 1), op="copy"))
        copies[copy] = name
        return copy

    for node in graph.nodes:
        if isinstance(node, Joins):
            inputs = []
            for number, name in enumerate(node.inputs):
                if name in fixed:
                    name = copied(node, number, name)
                fixed.add(name)
                inputs.append(name)
            node = dataclasses.replace(node, inputs=tuple(inputs))
        elif isinstance(node, Reshape) and node.input in cut:
            node = dataclasses.replace(node, input=copied(node, 0, node.input))
        nodes.append(node)
    return dataclasses.replace(graph, tensors=tensors, nodes=tuple(nodes)), copies
