"""One function per layer kind: int8 images in, int8 images out."""

import numpy as np

from accel.golden import kernels
from accel.golden.integer import conv, pair, requantise_rows
from accel.golden.threads import spread
from accel.graph.ir import AveragePool, Conv, MaxPool, Reshape, Tensor


def _requantise(sums, multiplier, shift, rounding, zero_point, lo=-128, hi=127) -> np.ndarray:
    """Requantise [..., channels]; multiplier and shift broadcast to [rows, channels]."""
    rows = sums.reshape(-1, sums.shape[-1])
    out = np.empty(rows.shape, np.int8)
    requantise_rows(
        rows,
        np.broadcast_to(multiplier.astype(np.int64), rows.shape),
        np.broadcast_to(shift.astype(np.int64), rows.shape),
        int(rounding), int(zero_point), int(lo), int(hi), out,
    )
    return out.reshape(sums.shape)


def max_pool(node: MaxPool, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Maximum pooling."""
    out = np.empty((len(images), *target.shape), np.int8)
    options = pair(node.kernel), pair(node.stride), pair(node.padding)
    spread(
        lambda first, last: kernels.max_pool(images[first:last], *options, out[first:last]),
        len(images), out.size * options[0][0] * options[0][1],
    )  # fmt: skip
    return out


def average_pool(node: AveragePool, source: Tensor, target: Tensor, images) -> np.ndarray:
    """Average pooling: sums, requantised by the entry of each window's number of elements."""
    sums = np.empty((len(images), *target.shape), np.int32)
    counts = np.empty(target.shape[:2], np.int32)
    kernels.window_sums(
        images, int(source.zero_point),
        pair(node.kernel), pair(node.stride), pair(node.padding), sums, counts,
    )
    entries = np.array([node.table[int(count)] for count in counts.ravel()], np.int64)
    entries = np.tile(entries, (len(images), 1))  # one row per image and window
    return _requantise(sums, entries[:, :1], entries[:, 1:], node.rounding, node.zero_point)


def reshape(node: Reshape, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """The same bytes under another shape."""
    return images.reshape(-1, *target.shape)


LAYERS = {Conv: conv, MaxPool: max_pool, AveragePool: average_pool, Reshape: reshape}
