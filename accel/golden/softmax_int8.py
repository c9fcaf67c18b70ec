"""Softmax of int8 in fixed point, bit by bit as LiteRT's reference kernel computes it.

Numbers are raw int32 values (here in int64) with a known number of integer bits: with n of them,
raw r is r / 2**(31 - n).  The method is gemmlowp's: e**x from a polynomial on [-1/4, 0) and one
factor for each larger power of two in x; the reciprocal by Newton and Raphson's division.
"""

import math

import numpy as np

from accel.graph.ir import Softmax, Tensor

#: Integer bits of the scaled differences and of the sum of exponentials.
DIFFERENCE_BITS, SUM_BITS = 5, 12

_ONE = (1 << 31) - 1  # with no integer bits, the largest number stands for 1
_EIGHTH, _QUARTER = 1 << 28, 1 << 24  # with 0 and with DIFFERENCE_BITS integer bits
_THIRD, _EXP_EIGHTH = round(2**31 / 3), round(2**31 * math.exp(-1 / 8))
#: round(2**31 * e**-(2**n)) for n = -2 .. 4.
_EXP_POWERS = {n: round(2**31 * math.exp(-(2.0**n))) for n in range(-2, DIFFERENCE_BITS)}
_48_OVER_17, _32_OVER_17 = round(2**29 * 48 / 17), round(2**29 * 32 / 17)


def _times(a, b):
    """Upper half of twice the product, rounded half up: a fixed-point product."""
    return (a * b + (1 << 30)) >> 31


def _divide(values, bits):
    """Divide by 2**bits (bits >= 1), rounded half up; what is divided here is never negative."""
    return (values + (1 << (bits - 1))) >> bits


def _saturate(values):
    return np.clip(values, -(1 << 31), (1 << 31) - 1)


def _exp_near_zero(a):
    """e**a for a in [-1/4, 0): Taylor's polynomial around -1/8; no integer bits in and out."""
    x = a + _EIGHTH
    squared = _times(x, x)
    cubed, fourth = _times(squared, x), _times(squared, squared)
    rest = _divide(_times(_divide(fourth, 2) + cubed, _THIRD) + squared, 1)
    return _EXP_EIGHTH + _times(x + rest, np.int64(_EXP_EIGHTH))


def exp_negative(a: np.ndarray) -> np.ndarray:
    """e**a for a <= 0 with DIFFERENCE_BITS integer bits; the result has none."""
    near = (a & (_QUARTER - 1)) - _QUARTER
    result = _exp_near_zero(near << DIFFERENCE_BITS)
    rest = near - a
    for power, factor in _EXP_POWERS.items():
        bit = 1 << (31 - DIFFERENCE_BITS + power)
        result = np.where(rest & bit, _times(result, np.int64(factor)), result)
    return np.where(a == 0, _ONE, result)


def reciprocal(a: np.ndarray) -> np.ndarray:
    """1 / (1 + a) for a in [0, 1); no integer bits in and out."""
    half = (a + _ONE + 1) >> 1  # (1 + a) / 2, rounded half up
    x = _48_OVER_17 + _times(half, np.int64(-_32_OVER_17))  # two integer bits, as is its 1:
    for _ in range(3):
        x = x + _saturate(_times(x, (1 << 29) - _times(half, x)) << 2)
    return _saturate(x << 1)


def exp_table(multiplier: int, shift: int) -> np.ndarray:
    """int64 [256] of e**(scaled difference) at -difference; 0 where a difference is too far."""
    largest = ((1 << DIFFERENCE_BITS) - 1) << (31 - DIFFERENCE_BITS) >> shift
    difference = -np.arange(256)
    scaled = _times(np.maximum(difference, -largest) << shift, np.int64(multiplier))
    return np.where(difference >= -largest, exp_negative(scaled), 0)


def softmax(node: Softmax, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Softmax over the last axis; int8 with scale 1/256 and zero point -128.

    LiteRT's kernel aborts where the exponentials' sum exceeds 511; here they all become -128.
    """
    table = exp_table(node.multiplier, node.shift)
    values = images.astype(np.int64)
    powers = table[values.max(-1, keepdims=True) - values]
    sums = _divide(powers, SUM_BITS).sum(-1, keepdims=True)
    # sums = 2**bits * (1 + a), so that its reciprocal is 1 / (1 + a) / 2**bits.
    length = np.frexp(sums.astype(np.float64))[1].astype(np.int64)  # exact: sums are small
    scale = reciprocal((sums << (32 - length)) - (1 << 31))
    result = _divide(_times(scale, powers), length - (32 - SUM_BITS) + 31 - 8)
    return np.clip(result - 128, -128, 127).astype(np.int8)
