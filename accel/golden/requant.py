"""Requantisation in vectors: what accel.quant.requantise_rows does, several times as fast.

Every rounding of accel.quant is a right shift of the 64-bit product with something added before it
("once"), or two of them ("twice", where negative values may take one less):

    once:   (product + half) >> right
    twice:  first = (product + early) >> before
            (first + half + (less if first < 0 else 0)) >> right

What is added and shifted depends on the channel alone, so it is computed beforehand; the rest is
the same few instructions for all channels.  tests/golden/test_requant.py holds them to be equal.
"""

from typing import NamedTuple

import numba
import numpy as np

from accel import quant
from accel.graph.ir import Requant
from accel.isa import Rounding

#: The one definition of requantisation, compiled.
requantise_rows = numba.njit(cache=True, nogil=True)(quant.requantise_rows)

#: How a Recipe is followed.
DEFINED, ONCE, TWICE = 0, 1, 2


class Recipe(NamedTuple):
    """Requantisation, ready for compiled code.

    Attributes:
        way: ONCE, TWICE, or DEFINED for a rounding that only requantise_rows knows.
        fixed: requantise_rows' rounding, zero point, lo and hi.
        factors: int64 [2, channels]: multiplier and shift.
        steps: int64 [5, channels]: early, before, half, less and right.
    """

    way: int
    fixed: tuple[int, int, int, int]
    factors: np.ndarray
    steps: np.ndarray


def recipe(need: Requant, places=slice(None)) -> Recipe:
    """Compute a Recipe for the channels ``need[places]``."""
    fixed = int(need.rounding), int(need.zero_point), int(need.lo), int(need.hi)
    factors = np.stack([need.multiplier, need.shift]).astype(np.int64)[:, places]
    right = 31 - factors[1]
    steps = np.zeros((5, len(right)), np.int64)
    early, before, half, less, last = steps
    way = {Rounding.SINGLE: ONCE, Rounding.AWAY: TWICE, Rounding.DOUBLE: TWICE}.get(
        need.rounding, DEFINED
    )
    if need.rounding == Rounding.DOUBLE:
        two = factors[1] < 0  # a left shift leaves nothing to round twice
        early[two], before[two], less[two] = 1 << 30, 31, -1
        right = np.where(two, -factors[1], right)
    elif need.rounding == Rounding.AWAY:
        less[:] = -1
    half[:], last[:] = 1 << (right - 1), right
    return Recipe(way, fixed, factors, steps)


@numba.njit(cache=True, nogil=True)
def _once(factors, steps, fixed, first, sums, rows, out):
    zero = fixed[1]
    lo, hi = fixed[2] - zero, fixed[3] - zero
    multiplier, half, right = factors[0, first:], steps[2, first:], steps[4, first:]
    for row in range(rows):
        for i in range(out.shape[1]):
            value = np.int64(sums[row, i]) * np.int64(np.int32(multiplier[i]))
            value = (value + half[i]) >> right[i]
            out[row, i] = np.int32(max(lo, min(hi, value))) + np.int32(zero)


@numba.njit(cache=True, nogil=True)
def _twice(factors, steps, fixed, first, sums, rows, out):
    zero = fixed[1]
    lo, hi = fixed[2] - zero, fixed[3] - zero
    multiplier, early, before = factors[0, first:], steps[0, first:], steps[1, first:]
    half, less, right = steps[2, first:], steps[3, first:], steps[4, first:]
    for row in range(rows):
        for i in range(out.shape[1]):
            value = np.int64(sums[row, i]) * np.int64(np.int32(multiplier[i]))
            value = (value + early[i]) >> before[i]
            value = (value + half[i] + (value >> 63 & less[i])) >> right[i]
            out[row, i] = np.int32(max(lo, min(hi, value))) + np.int32(zero)


@numba.njit(cache=True, nogil=True)
def follow(recipe, first, sums, rows, out):
    """Requantise the first ``rows`` rows of int32 sums to int8 [rows, n].

    The columns are the recipe's channels ``first`` to ``first`` + n - 1.
    """
    way, fixed, factors, steps = recipe
    if way == ONCE:
        _once(factors, steps, fixed, first, sums, rows, out)
    elif way == TWICE:
        _twice(factors, steps, fixed, first, sums, rows, out)
    else:
        own = slice(first, first + out.shape[1])
        for i in range(rows):  # one row at a time: all arrays are whole, so it runs in vectors
            requantise_rows(
                sums[i : i + 1, : out.shape[1]], factors[:1, own], factors[1:, own],
                fixed[0], fixed[1], fixed[2], fixed[3], out[i : i + 1],
            )  # fmt: skip
