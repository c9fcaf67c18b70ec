"""Gemm's addend as the vector that ONNX Runtime's quantiser takes it for.

A row [1, N] or a single number is as good to ONNX, but with a scale per channel the quantiser
reads its elements one by one.
"""

import numpy as np
from onnx import NodeProto

from accel.frontend.onnx.rewriting import Rewriting, attribute


def rewrite(graph: Rewriting, node: NodeProto) -> list[NodeProto] | None:
    """Write a Gemm's constant addend as a vector; None where it is one or is no bias."""
    if node.op_type != "Gemm" or node.domain or len(node.input) < 3:
        return None
    weights, bias = (graph.constant(name) for name in node.input[1:3])
    if weights is None or bias is None:
        return None
    outputs = weights.shape[0 if attribute(node, "transB", 0) else 1]
    if bias.shape == (outputs,) or bias.size not in (1, outputs) or bias.ndim > 2:
        return None
    if bias.size > 1 and bias.shape[-1] != outputs:  # a column: of the rows, not of the outputs
        return None
    vector = np.broadcast_to(bias.ravel(), outputs)
    node.input[2] = graph.store(node.input[2], vector)
    return [node]
