"""Multiply-accumulates of a file's operators, for those that the host computes."""

import math
from collections.abc import Sequence

from accel.frontend.tflite.records import Operator, Record

#: What multiplies by weights: which input has these, and what of their shape each output sums over.
_LAYERS = {
    "CONV_2D": (1, slice(1, None)), "CONV_3D": (1, slice(0, 4)),
    "DEPTHWISE_CONV_2D": (1, slice(1, 3)), "FULLY_CONNECTED": (1, slice(1, None)),
}  # fmt: skip


def macs(operator: Operator, tensors: Sequence[Record]) -> int:
    """Multiply-accumulates of an operator for one image; 0 for all that is no layer of them."""
    shapes = [tensors[index].shape if index >= 0 else () for index in operator.inputs]
    made = math.prod(tensors[operator.outputs[0]].shape)
    if operator.op in _LAYERS and len(shapes) > 1:
        at, summed = _LAYERS[operator.op]
        return made * math.prod(shapes[at][summed])
    if operator.op == "TRANSPOSE_CONV" and len(shapes) > 2:
        return math.prod(shapes[2]) * math.prod(shapes[1][:3])
    if operator.op == "BATCH_MATMUL" and shapes and shapes[0]:
        return made * shapes[0][-2 if operator.options.get("AdjX") else -1]
    return 0
