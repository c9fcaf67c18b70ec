"""A product's integer factor that answers what ONNX Runtime's float32 expression answers.

ONNX Runtime multiplies the bytes' differences from their zero points, p, exactly, and then

    round half to even(p * factor + zero)

with every operation in float32: the output's zero point comes *before* the rounding.  Where that
sum's last place is coarser than the product's, a p * factor just below or above a half becomes one.
The machine rounds p * factor first.

Exact halves it takes to odd numbers instead, where the zero point is odd: Rounding.FLOAT_ODD.
Of the 65,536 products only some more are so near to a half that this matters.  For them the factor
is moved by some of a float32's last places until all agree: each p says from where to where it may
lie.  It has 31 bits then and rounds halves up; or, where a p must become a half, it is the float32
that makes it one.  For about 1 layer in 130 there is no such factor, and the float32's is left.
"""

import math

import numpy as np

from accel.frontend.onnx.add import Effort
from accel.frontend.onnx.functions import f32
from accel.graph.ir import Requant
from accel.isa import FLOATS, Rounding
from accel.quant import SHIFT_MAX, SHIFT_MIN, float_multiplier

_BYTES = np.arange(-128, 128)
#: Products shifted left must stay within int32.
_LARGEST_SHIFT = min(14, SHIFT_MAX)
#: Products that are tried as halves.
_MOST = 4
#: Trials, as additions count them, that a product takes: some three milliseconds.
_COST = 60


def runtime_bytes(products, factor, zero: int, centre: int) -> np.ndarray:
    """int64: what ONNX Runtime makes of products, less the output's zero point, clamped.

    Args:
        products: of differences from zero points.
        factor: float32, the scales' product over the output's.
        zero: the output's zero point, re-centred.
        centre: 128 for a uint8 network, whose bytes and zero points are larger by it, or 0.
    """
    with np.errstate(all="ignore"):
        sums = np.rint(f32(f32(products) * factor) + f32(zero + centre)) - centre
    return np.clip(sums.astype(np.float64), -128, 127).astype(np.int64) - zero


def requant(
    scales, zeros, centre: int, lo: int, hi: int, effort: Effort, others: np.ndarray | None = None
) -> Requant:
    """Choose how a product of two bytes is requantised.

    Args:
        scales: of both operands and of the output.
        zeros: their zero points, re-centred.
        centre: see :func:`runtime_bytes`.
        lo: least result.
        hi: largest result.
        effort: what is left of a file's trials; without any, the float32's factor is taken.
        others: the second operand's differences from its zero point, if they are known.

    Raises:
        QuantError: for a factor that the machine cannot hold; where the effort is to be exact, for
            one that no integer answers.
    """
    with np.errstate(all="ignore"):
        factor = f32(scales[0]) * f32(scales[1]) / f32(scales[2])
    halves = FLOATS[zeros[2] & 1]
    chosen = (*float_multiplier(float(factor)), halves)
    if effort.left > 0:
        effort.left -= _COST
        others = _BYTES - zeros[1] if others is None else np.unique(others)
        p = np.unique(np.multiply.outer(_BYTES - zeros[0], others))
        wanted = runtime_bytes(p, factor, zeros[2], centre)
        ends = -128 - zeros[2], 127 - zeros[2]
        if (_rounded(p, factor, halves, ends) != wanted).any():
            found = (_moved(p, wanted, ends, float(factor))
                     or _halved(p, wanted, ends, factor, halves))
            effort.settle(found is None)
            chosen = found or chosen
    else:
        effort.settle(1)
    multiplier, shift, rounding = chosen
    return Requant(np.array([multiplier], np.int32), np.array([shift], np.int8), zeros[2], lo, hi,
                   rounding)  # fmt: skip


def _moved(p, wanted, ends, factor: float) -> tuple[int, int, Rounding] | None:
    """A factor near to ``factor`` that takes every p to what is wanted, halves rounded up."""
    _, shift = math.frexp(factor)
    if not SHIFT_MIN <= shift <= _LARGEST_SHIFT:
        return None
    bits = 31 - shift
    lower, upper = _limits(p, wanted, ends)
    middle = min(max(factor, lower), upper) if lower <= upper else factor
    for multiplier in _whole_numbers(middle, lower, upper, bits):
        rounded = np.clip((p * multiplier + (1 << (bits - 1))) >> bits, *ends)
        if (1 << 30) <= multiplier < (1 << 31) and (rounded == wanted).all():
            return multiplier, shift, Rounding.SINGLE
    return None


def _rounded(p, factor, halves: Rounding, ends) -> np.ndarray:
    """int64: products times a float32, halves to even or odd, clamped."""
    odd = halves == Rounding.FLOAT_ODD
    real = (f32(p) * factor).astype(np.float64)
    return np.clip(np.rint(real + odd) - odd, *ends).astype(np.int64)


def _halved(p, wanted, ends, factor, halves: Rounding) -> tuple[int, int, Rounding] | None:
    """A float32 that makes halves of the products near to one, and takes every p to its own."""
    for product in p[_rounded(p, factor, halves, ends) != wanted][:_MOST]:
        half = f32((math.floor(product * float(factor)) + 0.5) / product)
        for near in (half, *(np.nextafter(half, f32(to)) for to in (0, np.inf))):
            if (_rounded(p, near, halves, ends) == wanted).all():
                return *float_multiplier(float(near)), halves
    return None


def _limits(p, wanted, ends) -> tuple[float, float]:
    """From where to where the factor may lie: wanted - 1/2 <= p * factor < wanted + 1/2."""
    below = np.where(wanted > ends[0], wanted - 0.5, -np.inf)  # what is clamped may be anything
    above = np.where(wanted < ends[1], wanted + 0.5, np.inf)
    positive, negative = p > 0, p < 0
    lower = np.concatenate([below[positive] / p[positive], above[negative] / p[negative]])
    upper = np.concatenate([above[positive] / p[positive], below[negative] / p[negative]])
    return float(lower.max(initial=0)), float(upper.min(initial=np.inf))


def _whole_numbers(middle: float, lower: float, upper: float, bits: int) -> list[int]:
    """Multipliers to try: the nearest to ``middle``, and the first and last between the limits."""
    found = [round(middle * 2.0**bits)]
    for limit, step in ((lower, 1), (upper, -1)):
        if math.isfinite(limit):
            found += [round(limit * 2.0**bits) + step * move for move in (0, 1, 2)]
    return found
