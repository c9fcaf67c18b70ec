"""Residual add of int8 tensors, in integers (He et al. 2015)."""

import numba
import numpy as np

from accel.golden.integer import requantise_rows
from accel.golden.threads import spread
from accel.graph.ir import Requant


@numba.njit(cache=True, nogil=True)
def add_rows(a, b, zeros, scales, multiplier, shift, fixed, y, first, last):
    """Write rows ``first`` to ``last`` - 1; arrays are [rows, channels]."""
    sums = np.empty((1, a.shape[1]), np.int32)
    for row in range(first, last):
        for i in range(a.shape[1]):
            sums[0, i] = (a[row, i] - zeros[0]) * scales[0] + (b[row, i] - zeros[1]) * scales[1]
        requantise_rows(
            sums, multiplier, shift, fixed[0], fixed[1], fixed[2], fixed[3], y[row : row + 1]
        )


def add(a, b, zeros, scales, need: Requant) -> np.ndarray:
    """Requantised sum of (a - zero) * scale and (b - zero) * scale.

    Args:
        a: int8 of any shape, as is ``b``.
        b: see ``a``.
        zeros: the two zero points.
        scales: two whole numbers in the proportion of the two tensors' scales.
        need: requantisation to the result, one multiplier and shift for each channel.

    Returns:
        int8, the shape of ``a``.
    """
    y = np.empty(a.shape, np.int8)
    one, other, out = (each.reshape(-1, a.shape[-1]) for each in (a, b, y))
    multiplier, shift = need.multiplier.astype(np.int64)[None], need.shift.astype(np.int64)[None]
    fixed = int(need.rounding), int(need.zero_point), int(need.lo), int(need.hi)
    spread(
        lambda first, last: add_rows(
            one, other, zeros, scales, multiplier, shift, fixed, out, first, last
        ),
        len(one), a.size,
    )  # fmt: skip
    return y
