"""Multiply-accumulates of a network's own definition, per image."""

from accel.graph.ir import NO_MACS, Conv, Graph, Node, Tensor


def node_macs(node: Node, tensors: dict[str, Tensor]) -> int:
    """MACs of one node for one image, counting those on padding; what only moves bytes has none."""
    if not isinstance(node, Conv) or node.op in NO_MACS:
        return 0
    height, width, _ = tensors[node.output].shape
    return height * width * node.weights.size


def graph_macs(graph: Graph) -> int:
    """MACs of a whole network for one image."""
    return sum(node_macs(node, graph.tensors) for node in graph.nodes)
