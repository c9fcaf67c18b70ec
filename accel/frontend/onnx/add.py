"""Integer factors of an addition that answer what ONNX Runtime's float32 expression answers.

ONNX Runtime adds with operands a and b (bytes, ratios of scales ra and rb) and three roundings,

    round half to even(fused(a, ra, fused(b, rb, fixed))),
    fixed = zero - fused(ra, a_zero, rb * b_zero),

the machine in 29 bits with one.  Both are nearest to the same real number, so they differ only
where that lies within some 2**-16 of a half.  There are 65,536 pairs of bytes: those few are tried
one by one, and the factors are moved by parts of a float32's last place until they agree as well.

One thing no factor can do: ONNX Runtime adds the output's zero point before it rounds.  Exact
halves (ratios that are powers of two) go the other way where that zero point is odd.

A subtraction it computes in float between DequantizeLinear and QuantizeLinear, which adds the zero
point behind its rounding.
"""

import dataclasses
import itertools
import math

import numpy as np

from accel.frontend.onnx.functions import f32, fused
from accel.graph.ir import Requant
from accel.isa import Rounding
from accel.quant import SHIFT_MAX, SHIFT_MIN, QuantError

#: The machine's operands are shifted left by this before they are scaled.
HEADROOM = 20
#: Steps of a multiplier that are tried; a float32's last place is 128 to 256 of them.
_STEPS = tuple(sign * step for step in (0, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
               for sign in (1, -1))[1:]
#: All moves of both multipliers, the smallest first.
_MOVES = sorted(((a, b) for a in _STEPS for b in _STEPS), key=lambda move: move[0]**2 + move[1]**2)
#: Bits that are left off behind the point: rounding moves single bytes, which no factor does.
_COARSER = (0, 1, 2, 3, 4)
#: Trials that finding the doubtful pairs counts for.
_SETUP = 60
#: After so many trials, so many wrong pairs must be exact halves, which no factors mend.
_PATIENCE, _HOPELESS = 60, 32
#: Only pairs this near to a half can change with the factors.
_NEAR = 2.0**-9

_BYTES = np.arange(-128, 128)


def runtime_bytes(scales, zeros, centre: int) -> np.ndarray:
    """int64 [256, 256]: what ONNX Runtime makes of every pair of bytes, not clamped.

    Args:
        scales: of the operands a and b and of the output.
        zeros: their zero points, re-centred.
        centre: 128 for a uint8 network, whose bytes and zero points are larger by it, or 0.
    """
    a_scale, b_scale, out_scale = map(f32, scales)
    a_zero, b_zero, out_zero = (f32(zero + centre) for zero in zeros)
    a_ratio, b_ratio = a_scale / out_scale, b_scale / out_scale
    fixed = f32(out_zero - fused(a_ratio, a_zero, b_ratio * b_zero))
    values = f32(_BYTES + centre)
    sums = fused(values[:, None], a_ratio, fused(values, b_ratio, fixed))
    return np.rint(sums.astype(np.float64)).astype(np.int64) - centre


def difference_bytes(scales, zeros) -> np.ndarray:
    """int64 [256, 256]: what a float Sub and the QuantizeLinear behind it make of all pairs.

    Args:
        scales: as in :func:`runtime_bytes`, as are ``zeros``.
        zeros: see ``scales``.
    """
    a, b = (f32(_BYTES - zero) * f32(scale) for scale, zero in zip(scales[:2], zeros, strict=False))
    return np.rint((a[:, None] - b) / f32(scales[2])).astype(np.int64) + zeros[2]


def _factor(ratio: float, bits: int) -> tuple[int, int]:
    """``ratio`` * 2**``bits`` as (multiplier, shift)."""
    fraction, shift = math.frexp(ratio * 2.0**bits)
    return (round(fraction * (1 << 31)), shift) if shift >= SHIFT_MIN else (0, 0)


def _scaled(zero: int, multiplier: int, shift: int) -> np.ndarray:
    """int64 [256]: each byte as the machine scales it."""
    product = ((_BYTES - zero) << HEADROOM) * multiplier
    upper = (product + (1 << 30)) >> 31
    half = (1 << -shift >> 1) - (upper < 0) if shift else 0
    return (upper + half) >> -shift


def _rounded(sums: np.ndarray, bits: int) -> np.ndarray:
    return np.rint(sums.astype(f32).astype(np.float64) * 2.0**-bits).astype(np.int64)


@dataclasses.dataclass
class Effort:
    """How many trials a file's additions may take together; it keeps hostile files cheap."""

    left: int = 10_000


def factors(scales, zeros, runtime, effort: Effort, sign: int = 1):
    """Choose both operands' (multiplier, shift) and the sum's number of bits behind the point.

    Args:
        scales: as in :func:`runtime_bytes`, as are ``zeros``.
        zeros: see ``scales``.
        runtime: function of both to what is wanted of every pair of bytes.
        effort: what is left of it; without any, the nearest factors are taken untried.
        sign: -1 for a difference.

    Raises:
        QuantError: for scales whose ratios the machine cannot hold.
    """
    with np.errstate(all="ignore"):
        ratios = [float(f32(scale) / f32(scales[2])) for scale in scales[:2]]
    bits = HEADROOM - math.frexp(max(ratios))[1] if 0 < max(ratios) < math.inf else 99
    if not SHIFT_MIN + _COARSER[-1] <= 1 - bits <= SHIFT_MAX - _COARSER[-1]:
        raise QuantError(f"an addition's scales must be nearer to its output's, not {scales}")
    best = tuple(_factor(ratio, bits - HEADROOM) for ratio in ratios), bits
    if effort.left <= 0:
        return best
    effort.left -= _SETUP
    rows, columns = _doubtful(ratios, zeros, sign)
    wanted = np.clip(runtime(scales, zeros)[rows, columns], -128, 127)
    least = len(rows) + 1
    for trial, (coarser, steps) in enumerate(itertools.product(_COARSER, _MOVES)):
        point = bits - coarser
        pairs = tuple(
            _moved(*_factor(ratio, point - HEADROOM), step)
            for ratio, step in zip(ratios, steps, strict=True)
        )
        first, second = (_scaled(z, *pair) for z, pair in zip(zeros, pairs, strict=False))
        given = _rounded(first[rows] + sign * second[columns], point) + zeros[2]
        wrong = int((np.clip(given, -128, 127) != wanted).sum())
        if wrong < least:
            best, least = (pairs, point), wrong
        effort.left -= 1 + len(rows) // 256
        if not least or effort.left <= 0 or (trial >= _PATIENCE and least >= _HOPELESS):
            break
    return best


def _doubtful(ratios, zeros, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """Both bytes (plus 128) of all pairs whose sum is near to a half and not clamped."""
    values = (_BYTES - zeros[0])[:, None] * ratios[0] + sign * (_BYTES - zeros[1]) * ratios[1]
    half = np.abs(values - np.floor(values) - 0.5) < _NEAR
    return np.nonzero(half & (np.abs(values + zeros[2]) < 130))


def _moved(multiplier: int, shift: int, step: int) -> tuple[int, int]:
    """Move a multiplier within its range."""
    if multiplier == 0:
        return 0, 0
    return min(max(multiplier + step, 1 << 30), (1 << 31) - 1), shift


def requant(bits: int, zero_point: int, lo: int, hi: int) -> Requant:
    """Take a sum with ``bits`` bits behind the point to the output's byte."""
    return Requant(
        np.array([1 << 30], np.int32), np.array([1 - bits], np.int8), zero_point, lo, hi,
        Rounding.FLOAT,
    )  # fmt: skip
