"""Integer factors of an addition that answer what ONNX Runtime's float32 expression answers.

ONNX Runtime adds with operands a and b (bytes, ratios of scales ra and rb) and three roundings,

    round half to even(fused(a, ra, fused(b, rb, fixed))),
    fixed = zero - fused(ra, a_zero, rb * b_zero),

the machine in 29 bits with one.  Both are nearest to the same real number, so they differ only
where that lies within some 2**-16 of a half.  There are 65,536 pairs of bytes: those few are tried
one by one.  Where some go wrong, both factors and an offset are moved by parts of a float32's last
place until they are right as well: every pair says between which numbers its sum may lie.

ONNX Runtime adds the output's zero point before it rounds: exact halves (ratios that are powers of
two) go to the odd number where that zero point is odd, as Rounding.FLOAT_ODD takes them.

A subtraction it computes in float between DequantizeLinear and QuantizeLinear, which adds the zero
point behind its rounding.
"""

import dataclasses
import itertools
import math

import numpy as np

from accel.frontend.onnx.functions import f32, fused
from accel.graph.ir import Requant
from accel.isa import FLOATS, Rounding
from accel.quant import OFFSET_SHIFT_MIN, SHIFT_MAX, SHIFT_MIN, QuantError

#: The machine's operands are shifted left by this before they are scaled.
HEADROOM = 20
#: Bits that are left off behind the point: rounding moves single bytes, which no factor does.
_COARSER = (0, 1, 2, 3, 4)
#: What is added to the offset that was found, in units of the sum, the least first.
_NUDGES = (0, 1, -1, 2, -2, 4, -4)
#: Trials that finding the doubtful pairs counts for, and the moves.
_SETUP, _SEARCH = 60, 60
#: Steps of the search for moves; it takes some 10, or there are none.
_STEPS = 200
#: How far from its limits a pair's sum is wanted at first, in 2**-20.
_MARGIN = 4.0
#: Only pairs this near to a half can change with the factors.
_NEAR = 2.0**-9
#: The largest ratio of an operand's scale to the output's: float32's own sums are that exact then.
_MOST_RATIO = 256

_BYTES = np.arange(-128, 128)


@dataclasses.dataclass
class Effort:
    """How many trials a file's additions may take together; it keeps hostile files cheap.

    ``exact``: what no trial makes right is refused.
    """

    left: int = 10_000
    exact: bool = False

    def settle(self, wrong: int) -> None:
        """Refuse numbers that get some pairs of bytes ``wrong``, where none may be."""
        if wrong and self.exact:
            raise QuantError("no integer factors that were tried answer every pair of bytes as "
                             "ONNX Runtime's float32 does")


@dataclasses.dataclass(frozen=True)
class Factors:
    """An addition's numbers: of both operands (multiplier, shift), and what graph.ir.Add has.

    ``bits``: of the sum, behind the point.
    """

    operands: tuple[tuple[int, int], tuple[int, int]]
    offset: int
    bits: int
    rounding: Rounding

    def requant(self, zero_point: int, lo: int, hi: int) -> Requant:
        """Take a sum to the output's byte."""
        return Requant(np.array([1 << 30], np.int32), np.array([1 - self.bits], np.int8),
                       zero_point, lo, hi, self.rounding)  # fmt: skip


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


def factors(scales, zeros, runtime, effort: Effort, minus: bool = False) -> Factors:
    """Choose an addition's numbers.

    Args:
        scales: as in :func:`runtime_bytes`, as are ``zeros``.
        zeros: see ``scales``.
        runtime: function of both to what is wanted of every pair of bytes.
        effort: what is left of it; without any, the nearest factors are taken untried.
        minus: a difference.

    Raises:
        QuantError: for scales whose ratios the machine cannot hold; where the effort is to be
            exact, for those that no factors answer.
    """
    with np.errstate(all="ignore"):
        ratios = np.array([float(f32(scale) / f32(scales[2])) for scale in scales[:2]])
    bits = HEADROOM - math.frexp(ratios.max())[1] if 0 < ratios.max() <= _MOST_RATIO else 99
    if not SHIFT_MIN + _COARSER[-1] <= 1 - bits <= SHIFT_MAX - _COARSER[-1]:
        raise QuantError(f"an addition's scales must be nearer to its output's, not {scales}")
    halves = FLOATS[zeros[2] & 1 if not minus else 0]
    nearest = Factors(tuple(_factor(ratio, bits - HEADROOM) for ratio in ratios), 0, bits, halves)
    if effort.left <= 0:
        effort.settle(1)
        return nearest
    effort.left -= _SETUP
    pairs = _Doubtful(ratios, zeros, runtime(scales, zeros), -1 if minus else 1)
    best, least = nearest, pairs.wrong(nearest)
    for trial in _trials(ratios, nearest, pairs, effort):
        if not least or effort.left <= 0:
            break
        effort.left -= 1 + len(pairs.wanted) // 256
        wrong = pairs.wrong(trial)
        if wrong < least:
            best, least = trial, wrong
    effort.settle(least)
    return best


def _trials(ratios, nearest: Factors, pairs: "_Doubtful", effort: Effort):
    """Numbers to try behind the nearest."""
    yield dataclasses.replace(nearest, rounding=Rounding.SINGLE)
    effort.left -= _SEARCH
    moves = pairs.moves(ratios)
    roundings = Rounding.SINGLE, nearest.rounding
    for coarser, rounding, nudge in itertools.product(_COARSER, roundings, _NUDGES):
        bits = nearest.bits - coarser
        operands = tuple(_factor(ratio, bits - HEADROOM) for ratio in ratios + moves[:2])
        offset = round(moves[2] * pairs.sign * 2.0**bits) + nudge
        shifts = [shift for _, shift in operands]
        if (bits >= 1 or rounding in FLOATS) and max(shifts) <= 0 and (
            not offset or -128 <= offset <= 127 and shifts[1] >= OFFSET_SHIFT_MIN
        ):
            yield Factors(operands, offset, bits, rounding)


class _Doubtful:
    """The pairs of bytes whose sum is near to a half and not clamped, and what is wanted of them.

    Attributes:
        a, b: bytes (plus 128) of each pair.
        wanted: the result's byte, less its zero point.
        sign: -1 for a difference.
    """

    def __init__(self, ratios, zeros, wanted, sign: int):
        self.sign, self._zeros, self._ends = sign, zeros, (-128 - zeros[2], 127 - zeros[2])
        values = ((_BYTES - zeros[0])[:, None] * ratios[0]
                  + sign * (_BYTES - zeros[1]) * ratios[1])  # fmt: skip
        half = np.abs(values - np.floor(values) - 0.5) < _NEAR
        self.a, self.b = np.nonzero(half & (np.abs(values + zeros[2]) < 130))
        self.wanted = np.clip(wanted[self.a, self.b] - zeros[2], *self._ends)

    def wrong(self, found: Factors) -> int:
        """How many of the pairs the machine would get wrong."""
        first, second = (
            _scaled(zero, *operand)
            for zero, operand in zip(self._zeros, found.operands, strict=False)
        )
        sums = first[self.a] + self.sign * (second[self.b] + found.offset)
        given = np.clip(_rounded(sums, found.bits, found.rounding), *self._ends)
        return int((given != self.wanted).sum())

    def moves(self, ratios) -> np.ndarray:
        """float64 [3]: what to add to both ratios and to the sum, so that all pairs come right.

        It is Agmon's and Motzkin's relaxation: again and again towards the pair that is farthest
        outside of its limits, wanted - 1/2 to wanted + 1/2; what is clamped has one of them only.
        """
        operands = np.stack([_BYTES[self.a] - self._zeros[0],
                             self.sign * (_BYTES[self.b] - self._zeros[1])], axis=1)  # fmt: skip
        unit = 2.0**-20
        off = (self.wanted - operands @ ratios) / unit
        lower = np.where(self.wanted > self._ends[0], off - 0.5 / unit, -np.inf)
        upper = np.where(self.wanted < self._ends[1], off + 0.5 / unit, np.inf)
        # Bytes as numbers from -2 to 2, so that a step moves all three alike.
        rows = np.concatenate([operands / 128, np.ones((len(operands), 1))], axis=1)
        lengths, found, margin = (rows**2).sum(axis=1), np.zeros(3), _MARGIN
        for _ in range(_STEPS):
            sums = rows @ found
            outside = np.maximum(lower + margin - sums, sums + margin - upper)
            worst = int(outside.argmax())
            if outside[worst] <= 0:
                break
            up = lower[worst] + margin > sums[worst]
            step = 1.2 * outside[worst] / lengths[worst]
            found = found + rows[worst] * (step if up else -step)
            margin *= 0.98
        return found * unit / [128, 128, 1]


def _factor(ratio: float, bits: int) -> tuple[int, int]:
    """``ratio`` * 2**``bits`` as (multiplier, shift)."""
    fraction, shift = math.frexp(max(ratio, 0.0) * 2.0**bits)
    multiplier = round(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = 1 << 30, shift + 1
    return (multiplier, shift) if shift >= SHIFT_MIN and multiplier else (0, 0)


def _scaled(zero: int, multiplier: int, shift: int) -> np.ndarray:
    """int64 [256]: each byte as the machine scales it."""
    product = ((_BYTES - zero) << HEADROOM) * multiplier
    upper = (product + (1 << 30)) >> 31
    half = (1 << -shift >> 1) - (upper < 0) if shift else 0
    return (upper + half) >> -shift


def _rounded(sums: np.ndarray, bits: int, rounding: Rounding) -> np.ndarray:
    """``sums`` * 2**-``bits`` as the machine rounds it."""
    if rounding == Rounding.SINGLE:
        return (sums + (1 << bits - 1)) >> bits
    odd = rounding == Rounding.FLOAT_ODD
    real = sums.astype(f32).astype(np.float64) * 2.0**-bits
    return np.rint(real + odd).astype(np.int64) - odd
