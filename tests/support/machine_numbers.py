"""The machine's arithmetic for the program interpreter: exact Python integers, one by one."""

import numpy as np

from accel.isa import FLOATS, Rounding


class MachineError(Exception):
    """A program breaks a rule of the machine."""


def require(condition, text: str) -> None:
    """Raise MachineError unless ``condition``."""
    if not condition:
        raise MachineError(text)


def scaled(value: int, multiplier: int, shift: int, rounding: Rounding) -> int:
    """value * multiplier * 2**(shift - 31), rounded to an integer."""
    require(-(1 << 31) <= value < 1 << 31, "a sum left int32")
    require(0 <= multiplier < 1 << 31, "multiplier out of range")
    if rounding in FLOATS:
        require(multiplier % 128 == 0, "a float32 factor has 24 bits")
        factor = np.float32(multiplier * 2.0 ** (shift - 31))
        real = float(np.float32(value) * factor)
        below = int(np.floor(real))
        if real - below != 0.5:
            return below + (real - below > 0.5)
        return below + ((below & 1) == (rounding == Rounding.FLOAT))
    if shift < 0 and rounding == Rounding.DOUBLE:
        high = (value * multiplier + (1 << 30)) >> 31
        mask = (1 << -shift) - 1
        threshold = (mask >> 1) + (high < 0)
        return (high >> -shift) + ((high & mask) > threshold)
    if shift >= 0:
        require(-(1 << 31) <= value << shift < 1 << 31, "left shift leaves int32")
    product = value * multiplier
    y = product + (1 << 30 - shift)
    if rounding == Rounding.AWAY and product < 0:
        y -= 1
    return y >> 31 - shift


def requantise(x, multiplier, shift, rounding: Rounding, zero: int, lo: int, hi: int):
    """Arrays of exact Python integers through the requantiser; int8."""
    result = np.empty(x.shape, np.int64)
    for index in np.ndindex(x.shape):
        m, s = int(multiplier[index[-1]]), int(shift[index[-1]])
        result[index] = max(lo, min(hi, scaled(int(x[index]), m, s, rounding) + zero))
    return result.astype(np.int8)
