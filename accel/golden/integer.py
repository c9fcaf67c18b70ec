"""int8 convolution, exact for every int32 sum, as bytes: how golden inference runs its layers.

Activations become unsigned bytes by adding 128, which processors multiply with signed weights at
best speed; the constant that this and the zero point add to every sum,

    sum of w * (u - 128 - zero) = sum of w * u - (128 + zero) * sum of w,

goes into the bias.  Processors with VNNI or AVX2 compute tiles (accel.golden.byte_tiles) and, where
there is one filter a channel, vectors of channels (accel.golden.depthwise); the others compute by
loops (accel.golden.byte_dots).  All are exact, so they are equal.
"""

import numpy as np

from accel.compiled import compiled
from accel.golden import byte_dots, byte_tiles, depthwise
from accel.golden.dots import VECTOR
from accel.golden.frames import pair
from accel.golden.prepared import Prepared
from accel.golden.threads import spread
from accel.graph.ir import Conv, Tensor

__all__ = ["conv", "fold_bias", "pair"]

#: How layers are computed: one of byte_tiles.ABLE, or None for loops.
WAY = byte_tiles.ABLE[0] if byte_tiles.ABLE else None


@compiled
def fold_bias(w, bias, zero, folded, first, last):
    """Write bias - (128 + zero) * sum of w for filters ``first`` to ``last`` - 1."""
    for o in range(first, last):
        total = np.int32(0)
        for k in range(w.shape[1]):
            total = np.int32(total + np.int32(w[o, k]))
        folded[o] = bias[o] - (128 + zero) * total


def _prepare(node: Conv, source: Tensor, dtype):
    """Return the module that computes a layer by WAY ``dtype``, and the layer as it prepares it."""
    rows = np.ascontiguousarray(node.weights).reshape(len(node.weights), -1)
    bias, folded = node.bias.astype(np.int32), np.empty(len(rows), np.int32)
    zero = int(source.zero_point)
    spread(
        lambda first, last: fold_bias(rows, bias, zero, folded, first, last),
        len(rows), rows.size // VECTOR,
    )  # fmt: skip
    if dtype is None:
        return byte_dots, byte_dots.prepare(node, source, folded)
    if depthwise.fits(node):
        return depthwise, depthwise.prepare(node, source, folded)
    return byte_tiles, byte_tiles.prepare(node, source, folded, dtype)


def _arrays(node: Conv):
    return node.weights, node.bias, node.requant.multiplier, node.requant.shift


_prepared = Prepared(_prepare, _arrays)


def conv(node: Conv, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Convolution or fully connected layer, with requantisation and clamp."""
    way, layer = _prepared.get(node, source, WAY)
    return way.run(layer, images, target.shape[:2]).reshape(len(images), *target.shape)
