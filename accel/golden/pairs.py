"""Element-wise operators on two int8 tensors: sum, difference and product in LiteRT's integers,
maximum and minimum of bytes.

One of the two may be a pixel, (1, 1, C): it is repeated over the other one's image.
"""

import numpy as np

from accel.compiled import compiled
from accel.golden.prepared import Prepared
from accel.golden.requant import Recipe, follow_alike, recipe_alike
from accel.golden.threads import spread
from accel.graph.ir import Add, Extreme, Max, Mul, Sub, Tensor

#: Bits that the differences from the zero points are shifted left, before they are scaled.
HEADROOM = 20
#: Low bits of a multiplier, which the first shift takes away.
LOW = 31 - HEADROOM
#: Elements at a time, whose sums stay in the first-level cache; a multiple of requant.WIDTH.
STRETCH = 2048
#: What is requantised.
_SUM, _DIFFERENCE, _PRODUCT = range(3)
_KINDS = {Add: _SUM, Sub: _DIFFERENCE, Mul: _PRODUCT}


@compiled
def scale(values, by, sums):
    """Add to ``sums`` what every byte adds: its difference from the zero point, scaled.

    That is ((q - zero) << HEADROOM) * multiplier >> 31, rounded half up, shifted right and rounded
    half away from zero; and its offset.  The first product has up to 60 bits; but the multiplier's
    low 11 bits and the others can be multiplied apart, as the shift by 31 - HEADROOM takes the
    former away only: so all fits into 32 bits, and eight or sixteen sums into a vector.

    Args:
        values: int8.
        by: int32, see ``factors``.
        sums: int32, at least as many.
    """
    zero, high, low, right, half, less, offset = by
    for i in range(len(values)):
        difference = np.int32(np.int32(values[i]) - zero)
        part = np.int32(np.int32(difference * low) + np.int32(1 << (LOW - 1)))
        upper = np.int32(np.int32(difference * high) + np.int32(part >> np.int32(LOW)))
        up = np.int32(half - less) if upper < 0 else half
        sums[i] += np.int32(np.int32(np.int32(upper + up) >> right) + offset)


@compiled
def multiply(a, b, zeros, products):
    """Write to ``products``, int32, those of two operands' differences from their zero points."""
    for i in range(len(a)):
        one, other = np.int32(a[i]) - zeros[0], np.int32(b[i]) - zeros[1]
        products[i] = np.int32(np.int32(one) * np.int32(other))


def factors(zero: int, multiplier: int, shift: int, offset: int) -> np.ndarray:
    """Return ``scale``'s numbers of an operand.

    Args:
        zero: the operand's zero point.
        multiplier: with ``shift`` <= 0, the operand's factor.
        shift: see ``multiplier``.
        offset: what its scaled value is moved by.

    Returns:
        int32 [7]: zero point, the multiplier's upper and LOW lower bits, the second shift, half of
        its last bit (0 without one), what is taken from that for a negative number, the offset.
    """
    half = (1 << -shift) >> 1
    return np.array(
        [zero, multiplier >> LOW, multiplier & ((1 << LOW) - 1), -shift, half, shift < 0, offset],
        np.int32,
    )


@compiled
def combine(kind, a, b, periods, by, numbers, steps, y, first, last):
    """Write stretches ``first`` to ``last`` - 1 of ``y``: requantised sums, or what ``kind`` is.

    Args:
        kind: of _KINDS.
        a: int8, as are ``b`` and ``y``: an operand's bytes; if they are fewer than ``y``'s, they
            repeat, and their first STRETCH ones follow them here.
        b: see ``a``.
        periods: int64 [2], bytes of a and b before they repeat.
        by: int32 [2, 7], ``factors`` of a and b.
        numbers: int64 [4], the plain numbers of a Recipe.
        steps: its steps.
        y: int8 [length].
        first: stretch to begin with.
        last: one behind the last.
    """
    recipe = Recipe(numbers[0], numbers[1], numbers[2], numbers[3], steps)
    sums = np.empty(STRETCH, np.int32)
    for stretch in range(first, last):
        begin = stretch * STRETCH
        count = min(STRETCH, len(y) - begin)
        one, other = begin % periods[0], begin % periods[1]
        if kind == _PRODUCT:
            multiply(a[one : one + count], b[other : other + count], by[:, 0], sums)
        else:
            sums[:] = 0
            scale(b[other : other + count], by[1], sums)
            if kind == _DIFFERENCE:
                sums[:] = -sums
            scale(a[one : one + count], by[0], sums)
        follow_alike(recipe, np.int64(0), sums, y, begin, count)


def _prepare(node: Add | Mul, zeros):
    """Return combine's ``by``, ``numbers`` and ``steps``."""
    operands, offset = (
        (node.operands, int(node.offset)) if isinstance(node, Add) else (((0, 0), (0, 0)), 0)
    )
    by = np.stack([
        factors(zero, *map(int, operand), moved)
        for zero, operand, moved in zip(zeros, operands, (0, offset), strict=True)
    ])
    made = recipe_alike(node.requant)
    return by, np.array(made[:4], np.int64), made.steps


_prepared = Prepared(_prepare, lambda node: (node.requant.multiplier, node.requant.shift))


def requantised(node: Add | Mul, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Requantised sums, differences or products of both inputs' images."""
    made = _prepared.get(node, tuple(int(source.zero_point) for source in sources))
    given = [np.ascontiguousarray(each) for each in images]
    y = np.empty((len(given[0]), *target.shape), np.int8)
    # Where one is a pixel, every image has its own.
    size = len(y) if given[0].shape == given[1].shape else 1
    for begin in range(0, len(y), size):
        parts = [each[begin : begin + size].ravel() for each in given]
        _spread(_KINDS[type(node)], parts, made, y[begin : begin + size].reshape(-1))
    return y


def _spread(kind: int, operands, made, out: np.ndarray) -> None:
    """Compute ``out`` on all threads."""
    periods = np.array([len(each) for each in operands])
    a, b = (
        each if len(each) == len(out) else np.resize(each, len(each) + STRETCH) for each in operands
    )
    spread(
        lambda first, last: combine(kind, a, b, periods, *made, out, first, last),
        -(-len(out) // STRETCH), len(out),
    )  # fmt: skip


def extreme(node: Extreme, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """The larger, or the smaller, byte of both inputs' images, clamped."""
    chosen = (np.maximum if isinstance(node, Max) else np.minimum)(*images)
    return np.clip(chosen, np.int8(node.lo), np.int8(node.hi), out=chosen)
