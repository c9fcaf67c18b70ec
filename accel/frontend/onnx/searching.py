"""Ways through a network's nodes: what leads to a value."""

import onnx

from accel.frontend.onnx.nodes import NodeView

#: Operators that give as many results as they find.
FINDING = frozenset({"NonMaxSuppression", "NonZero", "Compress", "Unique"})


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
        if node.op in FINDING:
            return node
        stack += sources(node.proto)
    return None


def sources(node: onnx.NodeProto) -> set[str]:
    """What a node reads, its subgraphs included."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names |= sources(inner)
    return names - {""}
