"""Softmax of int8 with a table of exponentials in float32: ONNX Runtime's QLinearSoftmax.

The table holds e**(scale * difference), raised as far as the sum of all of them allows.  The sum
runs in float32 over the channels in their order, and the quotient, in float64, becomes a whole
number of steps of 1 / floor(1 / output scale).
"""

import math

import numpy as np

from accel.graph.ir import Softmax, Tensor

#: Powers of e between the largest possible sum and what a float32 holds.
RESERVE = 5


def exponentials(scale: float, channels: int) -> np.ndarray:
    """float32 [256]: the raised exponential of a difference of -255 .. 0 bytes, at + 255."""
    largest = np.float32(np.finfo(np.float32).max) / np.float32(channels)
    raised = max(0.0, float(np.log(largest)) - RESERVE) / scale
    return np.exp((np.arange(-255, 1) + raised) * scale).astype(np.float32)


def softmax(node: Softmax, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, int8 in and out."""
    scale = float(np.float32(source.scale))
    values = images.astype(np.int64)
    powers = exponentials(scale, source.shape[2])[
        255 + values - values.max(-1, keepdims=True)
    ]
    sums = np.cumsum(powers, axis=-1, dtype=np.float32)[..., -1:]  # one after the other
    steps = np.float32(math.floor(np.float32(1) / np.float32(target.scale)))
    result = np.rint(powers.astype(np.float64) * steps / sums) + target.zero_point
    return np.clip(result, -128, 127).astype(np.int8)
