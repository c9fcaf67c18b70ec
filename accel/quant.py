"""Integer requantisation, defined once: how an int32 sum becomes an int8.

A real factor is written as ``multiplier * 2**(shift - 31)`` with a 31-bit multiplier, as LiteRT
(TensorFlow Lite) does, so that requantising takes one 32 x 32 bit product, one shift and one
rounding.  The roundings differ in what happens to the bits that are shifted out:

* ``DOUBLE`` rounds twice: the product's upper half first (half up), then the right shift (half
  away from zero).  LiteRT's reference convolutions and all of CMSIS-NN do this.
* ``SINGLE`` rounds the exact product once, half up.
* ``AWAY`` rounds the exact product once, half away from zero.
* ``FLOAT`` is ONNX Runtime's: the sum becomes a float32, is multiplied by the factor, a float32, in
  float32, and the result is rounded half to even.  Its multipliers are multiples of FLOAT_UNIT.
* ``FLOAT_ODD`` is the same with halves to odd: where ONNX Runtime adds an odd zero point before it
  rounds half to even.

A left shift (``shift >= 0``) leaves nothing to round twice, so DOUBLE and SINGLE agree there.

:func:`requantise_rows` is plain Python on purpose: the golden model compiles that very function
with Numba, and whoever must not depend on Numba can still call it.
"""

import math

import numpy as np

from accel.errors import AccelError
from accel.isa import Rounding

#: Shifts a requantiser can apply; positive is left.
SHIFT_MIN, SHIFT_MAX = -31, 30
#: The least shift of an addition's second operand that has an offset.
OFFSET_SHIFT_MIN = -22
#: A float32 has 24 significant bits; this divides the 31-bit multiplier of one.
FLOAT_UNIT = 1 << 7

_DOUBLE = int(Rounding.DOUBLE)
_AWAY = int(Rounding.AWAY)
_FLOAT = int(Rounding.FLOAT)
_FLOAT_ODD = int(Rounding.FLOAT_ODD)


class QuantError(AccelError, ValueError):
    """A scale or a factor cannot be represented; the message names the rule and the value."""


def check_scale(scale: float, what: str = "scale") -> float:
    """Return ``scale`` as a float, refusing what no quantisation can have."""
    value = float(scale)
    if not (math.isfinite(value) and value > 0):
        raise QuantError(f"{what} must be positive and finite, not {value!r}")
    return value


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Write a positive real factor as ``multiplier * 2**(shift - 31)``.

    Returns:
        ``multiplier`` in [2**30, 2**31) and ``shift`` in [-31, 30]; or (0, 0) for a factor below
        2**-32, which takes every int32 to less than one half and hence to 0.

    Raises:
        QuantError: for a factor that is not positive and finite, or needs a shift above 30.
    """
    return _single(quantize_multipliers(real))


def quantize_multipliers(real) -> tuple[np.ndarray, np.ndarray]:
    """:func:`quantize_multiplier` of every element: int32 multipliers and int8 shifts."""
    factors = _factors(real)
    fraction, shift = np.frexp(factors)
    multiplier = np.floor(fraction * (1 << 31) + 0.5).astype(np.int64)  # as std::round
    carried = multiplier == 1 << 31
    multiplier, shift = np.where(carried, 1 << 30, multiplier), shift + carried
    _refuse_large(factors, shift > SHIFT_MAX)
    tiny = shift < SHIFT_MIN
    multiplier, shift = np.where(tiny, 0, multiplier), np.where(tiny, 0, shift)
    return multiplier.astype(np.int32), shift.astype(np.int8)


def float_multiplier(real: float) -> tuple[int, int]:
    """Write a positive factor, rounded to float32, as :func:`quantize_multiplier` does.

    Returns:
        As there; the multiplier is a multiple of FLOAT_UNIT and holds all bits of the float32.

    Raises:
        QuantError: as there.
    """
    return _single(float_multipliers(real))


def float_multipliers(real) -> tuple[np.ndarray, np.ndarray]:
    """:func:`float_multiplier` of every element: int32 multipliers and int8 shifts."""
    factors = _factors(real)
    _refuse_large(factors, factors >= 1 << SHIFT_MAX)  # also what is too large for a float32
    nearest = factors.astype(np.float32).astype(np.float64)
    # What is 0 as a float32 is as good as any other factor that is too small.
    return quantize_multipliers(np.where(nearest == 0, np.finfo(np.float64).tiny, nearest))


def _factors(real) -> np.ndarray:
    """Requantisation factors in a row, checked."""
    factors = np.asarray(real, np.float64).ravel()
    for value in factors[~(np.isfinite(factors) & (factors > 0))]:
        check_scale(value, "requantisation factor")
    return factors


def _refuse_large(factors: np.ndarray, large: np.ndarray) -> None:
    for value in factors[large].tolist():
        raise QuantError(f"requantisation factor must be below 2**{SHIFT_MAX}, not {value!r}")


def _single(found: tuple[np.ndarray, np.ndarray]) -> tuple[int, int]:
    multiplier, shift = found
    return int(multiplier[0]), int(shift[0])


def requantise_rows(sums, multiplier, shift, rounding, zero_point, lo, hi, out):
    """Requantise a matrix: ``out = clamp(round(sums * multiplier * 2**(shift-31)) + zero_point)``.

    Args:
        sums: [rows, columns] of int32.
        multiplier: [rows, columns], usually one row broadcast; from 0, below 2**31.
        shift: [rows, columns], in [-31, 30].
        rounding: the number of a :class:`accel.isa.Rounding`.
        zero_point: added after rounding.
        lo: smallest result.
        hi: largest result.
        out: [rows, columns] of int8, written.
    """
    for i in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            left = int(shift[i, j])
            product = int(sums[i, j]) * int(multiplier[i, j])
            away = 1 if rounding == _AWAY and product < 0 else 0
            if rounding >= _FLOAT:
                # 2**(shift - 31) by its bits; the multiplier has at most 24 that are not 0.
                power = np.int32((left + 96) << 23).view(np.float32)
                factor = np.float32(multiplier[i, j]) * power
                real = np.float32(sums[i, j]) * factor
                value = int(np.rint(real))
                past = real - np.float32(value)
                if rounding == _FLOAT_ODD and abs(past) == np.float32(0.5):
                    value += 1 if past > 0 else -1
            elif rounding == _DOUBLE and left < 0:
                value = (product + (1 << 30)) >> 31
                # Half away from zero: a negative value needs one more than half to go up.
                up = (1 << (-left - 1)) - (1 if value < 0 else 0)
                value = (value + up) >> -left
            else:
                value = (product - away + (1 << (30 - left))) >> (31 - left)
            out[i, j] = max(lo, min(hi, value + zero_point))


def requantise(sums, multiplier, shift, rounding, zero_point=0, lo=-128, hi=127) -> np.ndarray:
    """Requantise an int32 array; ``multiplier`` and ``shift`` broadcast along its last axis.

    Convenient and slow (plain Python): for a few values, tests and table building.
    """
    sums = np.asarray(sums)
    rows = sums.reshape(-1, sums.shape[-1] if sums.ndim else 1)
    out = np.empty(rows.shape, np.int8)
    requantise_rows(
        rows,
        np.broadcast_to(multiplier, rows.shape),
        np.broadcast_to(shift, rows.shape),
        int(rounding), zero_point, lo, hi, out,
    )
    return out.reshape(sums.shape)
