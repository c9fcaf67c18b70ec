"""Means and maxima over a whole image, as the poolings that they are.

PyTorch's new exporter writes global average pooling as ReduceMean, which ONNX Runtime's quantiser
leaves in float.
"""

from onnx import NodeProto, helper

from accel.frontend.onnx.rewriting import Rewriting, attribute

_POOLINGS = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}


def rewrite(graph: Rewriting, node: NodeProto) -> list[NodeProto] | None:
    """Write a reduction over all pixels as a pooling; None if it is none."""
    shape = graph.shapes.get(node.input[0]) if node.input else None
    if node.op_type not in _POOLINGS or node.domain or shape is None or len(shape) < 3:
        return None
    axes = attribute(node, "axes", None)
    if len(node.input) > 1 and node.input[1]:
        axes = graph.constant(node.input[1])
    if axes is None or {int(axis) % len(shape) for axis in axes} != set(range(2, len(shape))):
        return None
    pooling = helper.make_node(_POOLINGS[node.op_type], node.input[:1], node.output,
                               name=node.name)
    if attribute(node, "keepdims", 1):
        return [pooling]
    pooling.output[0] = graph.unused(f"{node.output[0]}_pooled")
    flat = helper.make_node("Flatten", pooling.output, node.output,
                            name=graph.unused(f"{node.name}_flat"))
    return [pooling, flat]
