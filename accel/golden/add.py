"""Element-wise sum of two int8 tensors, each with its own scale, in LiteRT's integers."""

import numpy as np

from accel.compiled import compiled
from accel.golden.prepared import Prepared
from accel.golden.requant import Recipe, follow_alike, recipe_alike
from accel.golden.threads import spread
from accel.graph.ir import Add, Tensor

#: Bits that the differences from the zero points are shifted left, before they are scaled.
HEADROOM = 20
#: Elements at a time, whose sums stay in the first-level cache; a multiple of requant.WIDTH.
STRETCH = 2048


@compiled
def add_bytes(a, b, scaled, numbers, steps, y, first, last):
    """Write stretches ``first`` to ``last`` - 1 of ``y``, requantised sums of ``a`` and ``b``.

    Args:
        a: uint8 [length], the bits of int8, as is ``b``.
        b: see ``a``.
        scaled: int32 [2, 256]: what operand a or b adds, by its bits.
        numbers: int64 [4], the plain numbers of a Recipe.
        steps: its steps.
        y: int8 [length].
        first: stretch to begin with.
        last: one behind the last.
    """
    recipe = Recipe(numbers[0], numbers[1], numbers[2], numbers[3], steps)
    sums = np.zeros(STRETCH, np.int32)
    one, other = scaled[0], scaled[1]
    for stretch in range(first, last):
        begin = stretch * STRETCH
        count = min(STRETCH, len(a) - begin)
        left, right = a[begin : begin + count], b[begin : begin + count]
        for i in range(count):
            sums[i] = one[left[i]] + other[right[i]]
        follow_alike(recipe, 0, sums, y, begin, count)


def scaled_bytes(zero: int, multiplier: int, shift: int) -> np.ndarray:
    """Return int32 [256]: each byte's scaled difference from ``zero``, rounded twice.

    Args:
        zero: the operand's zero point.
        multiplier: with ``shift`` <= 0, the operand's factor.
        shift: see ``multiplier``.
    """
    product = ((np.arange(-128, 128) - zero) << HEADROOM) * int(multiplier)
    upper = (product + (1 << 30)) >> 31  # half up
    if shift == 0:
        return upper.astype(np.int32)
    half = (1 << (-shift - 1)) - (upper < 0)  # away from zero
    return ((upper + half) >> -shift).astype(np.int32)


def _prepare(node: Add, zeros):
    """Return add_bytes' ``scaled``, ``numbers`` and ``steps``."""
    scaled = np.stack([
        scaled_bytes(zero, *map(int, operand))
        for zero, operand in zip(zeros, node.operands, strict=True)
    ])
    made = recipe_alike(node.requant)
    # By a byte's bits: as an unsigned byte, q is q modulo 256.
    return np.roll(scaled, 128, 1), np.array(made[:4], np.int64), made.steps


_prepared = Prepared(_prepare, lambda node: (node.requant.multiplier, node.requant.shift))


def add(node: Add, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Requantised sum of both inputs' images."""
    made = _prepared.get(node, tuple(int(source.zero_point) for source in sources))
    a, b = (np.ascontiguousarray(each).view(np.uint8).ravel() for each in images)
    y = np.empty(images[0].shape, np.int8)
    out = y.ravel()
    spread(
        lambda first, last: add_bytes(a, b, *made, out, first, last), -(-a.size // STRETCH), a.size
    )
    return y
