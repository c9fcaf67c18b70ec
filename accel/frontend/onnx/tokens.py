"""Fully connected layers on every pixel of an image in HWC order, as the 1x1 convolutions they are.

ConvNeXt and others compute so behind a LayerNorm; ONNX Runtime has made a MatMul and its addend a
Gemm on a list of pixels by then, with a Reshape before and behind.
"""

import numpy as np
from onnx import NodeProto, helper

from accel.frontend.onnx.rewriting import Rewriting, attribute


def rewrite(graph: Rewriting, node: NodeProto) -> list[NodeProto] | None:
    """Write Reshape, Gemm, Reshape as a convolution, at the second Reshape; None for others."""
    gemm = _before(graph, node, "Reshape", "Gemm")
    flat = gemm and _before(graph, gemm, "Gemm", "Reshape")
    if not flat:
        return None
    given, made = (graph.shapes.get(name, ()) for name in (flat.input[0], node.output[0]))
    weights = graph.constant(gemm.input[1])
    bias = graph.constant(gemm.input[2]) if len(gemm.input) > 2 else None
    plain = attribute(gemm, "alpha", 1.0) == 1 and attribute(gemm, "beta", 1.0) == 1
    if weights is None or attribute(gemm, "transA", 0) or not plain or len(gemm.input) != 2 + (
            bias is not None):
        return None
    weights = weights if attribute(gemm, "transB", 0) else weights.T
    outputs, inputs = weights.shape
    pixels = len(given) == len(made) == 4 and min(given) > 0 and given[:3] == made[:3]
    if not pixels or (given[3], made[3]) != (inputs, outputs):
        return None
    if bias is not None and bias.size not in (1, outputs):
        return None
    image, result = (graph.unused(f"{gemm.name}_{part}") for part in ("image", "result"))
    constants = [graph.store(f"{gemm.name}_weights", weights[:, :, None, None])]
    if bias is not None:
        vector = np.broadcast_to(bias.ravel(), outputs)
        constants.append(graph.store(f"{gemm.name}_bias", vector))
    return [
        helper.make_node("Transpose", flat.input[:1], [image], name=f"{gemm.name}_in",
                         perm=[0, 3, 1, 2]),
        helper.make_node("Conv", [image, *constants], [result], name=gemm.name,
                         kernel_shape=[1, 1]),
        helper.make_node("Transpose", [result], node.output, name=f"{gemm.name}_out",
                         perm=[0, 2, 3, 1]),
    ]  # fmt: skip


def _before(graph: Rewriting, node: NodeProto, op: str, before: str) -> NodeProto | None:
    """What makes a node's first input for it alone, if both are such operators."""
    if node.op_type != op or node.domain or not graph.alone(node.input[0]):
        return None
    maker = graph.maker.get(node.input[0])
    return maker if maker is not None and maker.op_type == before else None
