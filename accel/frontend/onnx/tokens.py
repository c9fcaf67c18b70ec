"""Fully connected layers on every pixel of an image in HWC order, as the 1x1 convolutions they are.

ConvNeXt and others compute so behind a LayerNorm.  Where the batch is known, ONNX Runtime has made
a MatMul and its addend a Gemm on a list of pixels by then, with a Reshape before and behind.
"""

import numpy as np
from onnx import NodeProto, helper

from accel.frontend.onnx.nodes import TO_CHW, TO_HWC
from accel.frontend.onnx.rewriting import Rewriting, attribute


def rewrite(graph: Rewriting, node: NodeProto) -> list[NodeProto] | None:
    """Write a MatMul, or Reshape, Gemm, Reshape (at the second), as a convolution; or None."""
    if node.op_type == "MatMul" and not node.domain:
        weights = graph.constant(node.input[1])
        return None if weights is None else _layer(graph, node, node, node, weights, None)
    gemm = _before(graph, node, "Reshape", "Gemm")
    flat = gemm and _before(graph, gemm, "Gemm", "Reshape")
    if not flat:
        return None
    weights = graph.constant(gemm.input[1])
    given = len(gemm.input) > 2 and gemm.input[2] != ""
    bias = graph.constant(gemm.input[2]) if given else None
    plain = attribute(gemm, "alpha", 1.0) == 1 and attribute(gemm, "beta", 1.0) == 1
    if weights is None or attribute(gemm, "transA", 0) or not plain or given != (bias is not None):
        return None
    weights = weights.T if attribute(gemm, "transB", 0) else weights
    return _layer(graph, flat, gemm, node, weights, bias)


def _layer(graph: Rewriting, first, main, last, weights, bias) -> list[NodeProto] | None:
    """The convolution from what ``first`` reads to what ``last`` gives, if they are images."""
    given, made = (graph.shapes.get(name, ()) for name in (first.input[0], last.output[0]))
    # An open batch is 0.
    pixels = len(given) == len(made) == 4 and min(given[1:]) > 0 and given[:3] == made[:3]
    if not pixels or weights.shape != (given[3], made[3]):
        return None
    if bias is not None and bias.size not in (1, made[3]):
        return None
    image, result = (graph.unused(f"{main.name}_{part}") for part in ("image", "result"))
    constants = [graph.store(f"{main.name}_weights", weights.T[:, :, None, None])]
    if bias is not None:
        vector = np.broadcast_to(bias.ravel(), made[3])
        constants.append(graph.store(f"{main.name}_bias", vector))
    return [
        helper.make_node("Transpose", first.input[:1], [image], perm=TO_CHW,
                         name=graph.unused(f"{main.name}_in")),
        helper.make_node("Conv", [image, *constants], [result], name=main.name,
                         kernel_shape=[1, 1]),
        helper.make_node("Transpose", [result], last.output[:1], perm=TO_HWC,
                         name=graph.unused(f"{main.name}_out")),
    ]  # fmt: skip


def _before(graph: Rewriting, node: NodeProto, op: str, before: str) -> NodeProto | None:
    """What makes a node's first input for it alone, if both are such operators."""
    if node.op_type != op or node.domain or not graph.alone(node.input[0]):
        return None
    maker = graph.maker.get(node.input[0])
    return maker if maker is not None and maker.op_type == before else None
