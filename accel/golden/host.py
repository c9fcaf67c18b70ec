"""Layers that run on the host in float32, on dequantised values.

NumPy's exp, power and order of summation are not another library's, so results may differ from an
oracle's by some units in the last place of a float32: after quantisation seldom, and by one step.
"""

import numpy as np

from accel.golden import loss, normalise
from accel.graph.ir import LocalResponse, Softmax, Tensor
from accel.graph.ports import to_float, to_int8


def _give(values: np.ndarray, target: Tensor) -> np.ndarray:
    if target.dtype == "float32":
        return values
    return to_int8(values, target.scale, target.zero_point)


def softmax(node: Softmax, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Softmax over the channels."""
    return _give(loss.softmax(to_float(images, source.scale, source.zero_point)), target)


def local_response(node: LocalResponse, source: Tensor, target: Tensor, images) -> np.ndarray:
    """Local response normalisation over neighbouring channels."""
    planes = to_float(images, source.scale, source.zero_point).transpose(0, 3, 1, 2)
    result = normalise.lrn(
        planes, int(node.size), alpha=node.alpha, beta=node.beta, bias=node.bias
    )
    return np.ascontiguousarray(_give(result.transpose(0, 2, 3, 1), target))
