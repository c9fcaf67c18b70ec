"""int8 pools: maxima, and sums that are requantised by each window's number of elements."""

import numpy as np

from accel.golden import kernels
from accel.golden.integer import pair, requantise_rows
from accel.golden.threads import spread
from accel.graph.ir import AveragePool, MaxPool, Tensor


def max_pool(node: MaxPool, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Maximum of each window, clamped."""
    out = np.empty((len(images), *target.shape), np.int8)
    options = pair(node.kernel), pair(node.stride), pair(node.padding)
    spread(
        lambda first, last: kernels.max_pool(images[first:last], *options, out[first:last]),
        len(images), out.size * options[0][0] * options[0][1],
    )  # fmt: skip
    if (node.lo, node.hi) != (-128, 127):
        np.clip(out, node.lo, node.hi, out=out)
    return out


def average_pool(node: AveragePool, source: Tensor, target: Tensor, images) -> np.ndarray:
    """Sum of each window, requantised by the entry of its number of elements, clamped."""
    out = np.empty((len(images), *target.shape), np.int8)
    options = int(node.in_zero), pair(node.kernel), pair(node.stride), pair(node.padding)
    fixed = int(node.rounding), int(node.zero_point), int(node.lo), int(node.hi)

    def part(first, last):
        own = out[first:last]
        sums, counts = np.empty(own.shape, np.int32), np.empty(own.shape[1:3], np.int32)
        kernels.window_sums(images[first:last], *options, sums, counts)
        for n in range(last - first):
            _requantise(node.table, counts, sums[n], fixed, own[n])

    spread(part, len(images), out.size * options[1][0] * options[1][1])
    return out


def _requantise(table, counts, sums, fixed, out) -> None:
    """Write one image's results; ``counts`` are [out_h, out_w], the others have channels too."""
    for count in np.unique(counts):
        own = counts == count
        rows = sums[own]
        made = np.empty(rows.shape, np.int8)
        multiplier, shift = (np.full(rows.shape, value, np.int64) for value in table[int(count)])
        requantise_rows(rows, multiplier, shift, *fixed, made)
        out[own] = made
