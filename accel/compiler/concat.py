"""Concatenation by placement: its inputs are written side by side and nothing moves.

A tensor that goes into a concatenation lies inside the concatenation's memory, at the channel where
its part begins; its pixels are then as far apart as those of the whole.  Concatenations of
concatenations nest.  Some tensors cannot lie there: network inputs, tensors that are seen in two
shapes or belong to another concatenation already.  These are copied first.
"""

import dataclasses

from accel.graph.ir import Concat, Graph, MaxPool, Reshape


@dataclasses.dataclass(frozen=True)
class Seat:
    """Where a tensor lies: ``offset`` bytes into ``root``, pixels ``pitch`` bytes apart."""

    root: str
    offset: int
    pitch: int


def with_copies(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The graph with a copy of each concatenated tensor that cannot lie in its place.

    Returns also what is copied, by the copy's name.
    """
    fixed = {port.tensor for port in graph.inputs}
    for node in graph.nodes:
        if isinstance(node, Reshape):
            fixed |= {node.input, node.output}
    tensors, nodes, copies = dict(graph.tensors), [], {}
    for node in graph.nodes:
        if not isinstance(node, Concat):
            nodes.append(node)
            continue
        inputs = []
        for number, name in enumerate(node.inputs):
            if name in fixed:
                copy = f"{node.name}:copy{number}"
                tensors[copy] = dataclasses.replace(tensors[name], name=copy)
                # A window of one pixel: copies on either unit of the machine.
                nodes.append(MaxPool(copy, name, copy, (1, 1), (1, 1), op="copy"))
                copies[copy] = name
                name = copy
            fixed.add(name)
            inputs.append(name)
        nodes.append(dataclasses.replace(node, inputs=tuple(inputs)))
    return dataclasses.replace(graph, tensors=tensors, nodes=tuple(nodes)), copies


def seats(graph: Graph) -> dict[str, Seat]:
    """Where every tensor lies, relative to the roots; a root's offset is 0."""
    found = {}
    inside = {}
    for node in graph.nodes:
        if isinstance(node, Concat):
            channel = 0
            for name in node.inputs:
                inside[name] = node.output, channel
                channel += graph.tensors[name].shape[2]

    def seat(name: str) -> Seat:
        if name not in found:
            if name in inside:
                whole, channel = inside[name]
                outer = seat(whole)
                found[name] = Seat(outer.root, outer.offset + channel, outer.pitch)
            else:
                found[name] = Seat(name, 0, graph.tensors[name].shape[2])
        return found[name]

    for name in graph.tensors:
        seat(name)
    return found
