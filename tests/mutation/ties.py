"""Products a few units from a tie: only their lowest bits say to which side they are rounded."""

import numpy as np

from accel.isa import FLOATS, Rounding
from accel.params import Params
from tests.mutation.directed import requantised
from tests.support.program_writer import Written

#: Parameter records of a rounding.
RECORDS = 24


def ties(params: Params) -> list[tuple[str, Written]]:
    """A program for each rounding of integers, with its name."""
    return [(f"ties {rounding.name}", requantised(params, rounding, 6, near_a_tie, RECORDS))
            for rounding in Rounding if rounding not in FLOATS]  # fmt: skip


def near_a_tie(rng, count: int, rounding: Rounding):
    """Sums, multipliers and shifts whose products are (n + 1/2) * 2**31, or a little less or more.

    With a shift of 0, or to the right, where half the magnitude is n * 2**(31 - shift).
    """
    x, multiplier, shift = (np.zeros(count, np.int64) for _ in range(3))
    for lane in range(count):
        right = int(rng.choice([0, 0, 0, 1, 3]))
        size, whole = int(rng.integers(129, 1 << 8 + right)), int(rng.integers(60))
        product = (2 * whole + 1) << 30 + right
        most = (1 << 31) - 1
        multiplier[lane] = min(product // size + int(rng.integers(2)), most)
        x[lane], shift[lane] = size * int(rng.choice([-1, 1])), -right
    return x, multiplier, shift
