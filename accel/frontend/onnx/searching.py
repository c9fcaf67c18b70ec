"""Ways through a network's nodes: what leads to a value, and orders to compute in."""

import graphlib
import heapq

import onnx

from accel.frontend.onnx.nodes import NodeView

#: Operators that give as many results as they find.
_FINDING = frozenset({"NonMaxSuppression", "NonZero", "Compress", "Unique"})


def finding(name: str, nodes: list[NodeView], maker, constant) -> NodeView | None:
    """An operator whose results vary in number, if what leads to a value has one.

    Args:
        name: of the value.
        nodes: the network's.
        maker: number of the node that makes a value, by the value's name.
        constant: names of values that are the same for all images.
    """
    stack, seen = [name], set()
    while stack:
        source = stack.pop()
        if source in seen or source in constant or source not in maker:
            continue
        seen.add(source)
        node = nodes[maker[source]]
        if node.op in _FINDING:
            return node
        stack += sources(node.proto)
    return None


def in_order(nodes: list) -> list:
    """Nodes behind what they read, else as they are."""
    maker = {name: at for at, node in enumerate(nodes) for name in node.outputs}
    graph = {at: {maker[name] for name in node.inputs if name in maker}
             for at, node in enumerate(nodes)}
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    ready, order = list(sorter.get_ready()), []
    heapq.heapify(ready)
    while ready:
        at = heapq.heappop(ready)
        order.append(nodes[at])
        sorter.done(at)
        for behind in sorter.get_ready():
            heapq.heappush(ready, behind)
    return order


def sources(node: onnx.NodeProto) -> set[str]:
    """What a node reads, its subgraphs included."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names |= sources(inner)
    return names - {""}
