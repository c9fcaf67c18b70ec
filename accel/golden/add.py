"""Element-wise sum of two int8 tensors, each with its own scale, in LiteRT's integers."""

import numpy as np

from accel.compiled import compiled
from accel.golden.prepared import Prepared
from accel.golden.requant import Recipe, follow_alike, recipe_alike
from accel.golden.threads import spread
from accel.graph.ir import Add, Tensor

#: Bits that the differences from the zero points are shifted left, before they are scaled.
HEADROOM = 20
#: Low bits of a multiplier, which the first shift takes away.
LOW = 31 - HEADROOM
#: Elements at a time, whose sums stay in the first-level cache; a multiple of requant.WIDTH.
STRETCH = 2048


@compiled
def scale(values, by, sums):
    """Add to ``sums`` what every byte adds: its difference from the zero point, scaled.

    That is ((q - zero) << HEADROOM) * multiplier >> 31, rounded half up, shifted right and rounded
    half away from zero.  The first product has up to 60 bits; but the multiplier's low 11 bits and
    the others can be multiplied apart, as the shift by 31 - HEADROOM takes the former away only:
    so all fits into 32 bits, and eight or sixteen sums into a vector.

    Args:
        values: int8.
        by: int32, see ``factors``.
        sums: int32, at least as many.
    """
    zero, high, low, right, half, less = by[0], by[1], by[2], by[3], by[4], by[5]
    for i in range(len(values)):
        difference = np.int32(np.int32(values[i]) - zero)
        part = np.int32(np.int32(difference * low) + np.int32(1 << (LOW - 1)))
        upper = np.int32(np.int32(difference * high) + np.int32(part >> np.int32(LOW)))
        up = np.int32(half - less) if upper < 0 else half
        sums[i] += np.int32(np.int32(upper + up) >> right)


def factors(zero: int, multiplier: int, shift: int) -> np.ndarray:
    """Return ``scale``'s numbers of an operand.

    Args:
        zero: the operand's zero point.
        multiplier: with ``shift`` <= 0, the operand's factor.
        shift: see ``multiplier``.

    Returns:
        int32 [6]: zero point, the multiplier's upper and LOW lower bits, the second shift, half of
        its last bit (0 without one) and what is taken from that for a negative number.
    """
    half = (1 << -shift) >> 1
    return np.array(
        [zero, multiplier >> LOW, multiplier & ((1 << LOW) - 1), -shift, half, shift < 0], np.int32
    )


@compiled
def add_bytes(a, b, by, numbers, steps, y, first, last):
    """Write stretches ``first`` to ``last`` - 1 of ``y``, requantised sums of ``a`` and ``b``.

    Args:
        a: int8 [length], as are ``b`` and ``y``.
        b: see ``a``.
        by: int32 [2, 6], ``factors`` of a and b.
        numbers: int64 [4], the plain numbers of a Recipe.
        steps: its steps.
        y: see ``a``.
        first: stretch to begin with.
        last: one behind the last.
    """
    recipe = Recipe(numbers[0], numbers[1], numbers[2], numbers[3], steps)
    sums = np.empty(STRETCH, np.int32)
    for stretch in range(first, last):
        begin = stretch * STRETCH
        count = min(STRETCH, len(a) - begin)
        sums[:] = 0
        scale(a[begin : begin + count], by[0], sums)
        scale(b[begin : begin + count], by[1], sums)
        follow_alike(recipe, np.int64(0), sums, y, begin, count)


def _prepare(node: Add, zeros):
    """Return add_bytes' ``by``, ``numbers`` and ``steps``."""
    by = np.stack([
        factors(zero, *map(int, operand))
        for zero, operand in zip(zeros, node.operands, strict=True)
    ])
    made = recipe_alike(node.requant)
    return by, np.array(made[:4], np.int64), made.steps


_prepared = Prepared(_prepare, lambda node: (node.requant.multiplier, node.requant.shift))


def add(node: Add, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Requantised sum of both inputs' images."""
    made = _prepared.get(node, tuple(int(source.zero_point) for source in sources))
    a, b = (np.ascontiguousarray(each).ravel() for each in images)
    y = np.empty(images[0].shape, np.int8)
    out = y.ravel()
    spread(
        lambda first, last: add_bytes(a, b, *made, out, first, last), -(-a.size // STRETCH), a.size
    )
    return y
