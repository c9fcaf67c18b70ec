"""Products a few units from a tie: only their lowest bits say to which side they are rounded."""

import math

import numpy as np

from accel.isa import FLOATS, Rounding
from accel.params import Params
from tests.mutation.directed import averaged, requantised
from tests.support.program_writer import Written

#: Parameter records of a rounding of integers, and of floats, whose sums have any size.
RECORDS, FLOAT_RECORDS = 24, 100
#: Bits of a float32's significand; of a sum that is rounded to them first.
SIGNIFICAND, LONGEST = 24, 28


def ties(params: Params) -> list[tuple[str, Written]]:
    """Programs for each rounding, with their names: sums, and averages."""
    found = []
    for rounding in Rounding:
        if rounding in FLOATS:
            sums = requantised(params, rounding, 6, near_a_float_tie, FLOAT_RECORDS)
        else:
            sums = requantised(params, rounding, 6, near_a_tie, RECORDS)
            single = requantised(params, rounding, 8, beside_a_tie, RECORDS)
            found.append((f"beside ties {rounding.name}", single))
        averages = averaged(params, rounding, 7, average_near_a_tie)
        found += [(f"ties {rounding.name}", sums), (f"average ties {rounding.name}", averages)]
    return found


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


def beside_a_tie(rng, count: int, rounding: Rounding):
    """Products that are -2**30 and a single bit more: only that says that they are no tie."""
    multiplier = (1 << 30) - (1 << rng.integers(30, size=count))
    return np.full(count, -1), multiplier, np.zeros(count, np.int64)


def near_a_float_tie(rng, count: int, rounding: Rounding):
    """The same of float32's multiplication: sums of any size."""
    sizes = [int(rng.integers(1 << bits, 2 << bits)) for bits in rng.integers(LONGEST, size=count)]
    factors = [_float_factor(rng, size) for size in sizes]
    x = [size * int(rng.choice([-1, 1])) for size in sizes]
    return np.array(x), *(np.array(one) for one in zip(*factors, strict=True))


def average_near_a_tie(rng, rounding: Rounding, size: int) -> dict[str, int]:
    """A factor that brings a sum of this size to n + 1/2, or a little less or more."""
    if rounding in FLOATS:
        multiplier, shift = _float_factor(rng, size)
    else:
        whole = int(rng.integers(min(100, (size + 1) // 2)))
        multiplier, shift = ((2 * whole + 1) << 30) // size + int(rng.integers(2)), 0
    return {"multiplier": min(multiplier, (1 << 31) - 1), "shift": shift}


def _float_factor(rng, size: int) -> tuple[int, int]:
    """A float32 that brings ``size`` to n + 1/2, or a unit of its own less or more."""
    fraction, shift = math.frexp((int(rng.integers(100)) + 0.5) / size)
    least, most = 1 << SIGNIFICAND - 1, (1 << SIGNIFICAND) - 1
    significand = round(fraction * (1 << SIGNIFICAND)) + int(rng.integers(-1, 2))
    return min(max(significand, least), most) << 31 - SIGNIFICAND, shift
