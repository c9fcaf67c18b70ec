"""What post-processing must compute, in Python's unbounded integers and numpy's float32."""

import numpy as np

from accel.isa import FLOATS, Rounding


def half_away(numerator: int, bits: int) -> int:
    """numerator / 2**bits, halves away from zero."""
    magnitude = (abs(numerator) + (1 << bits >> 1)) >> bits
    return -magnitude if numerator < 0 else magnitude


def requantise(x, multiplier, shift, rounding, zero, lo, hi):
    """The definition, with unbounded integers, or in float32 where it is float32's."""
    if rounding in FLOATS:
        factor = np.float32(multiplier * 2.0 ** (shift - 31))
        assert factor == multiplier * 2.0 ** (shift - 31), "the factor is not a float32"
        real = float(np.float32(x) * factor)
        value = round(real)
        if rounding == Rounding.FLOAT_ODD and abs(real - value) == 0.5:
            value += 1 if real > value else -1
        return min(max(value + zero, lo), hi)
    product = (x << max(shift, 0)) * multiplier
    right = max(-shift, 0)
    if rounding == Rounding.DOUBLE:
        value = half_away((product + (1 << 30)) >> 31, right)
    elif rounding == Rounding.SINGLE:
        value = (product + (1 << 30 + right)) >> 31 + right
    else:
        value = half_away(product, 31 + right)
    return min(max(value + zero, lo), hi)
