"""Element-wise sum of two int8 tensors, each with its own scale, in LiteRT's integers."""

import numpy as np

from accel.compiled import compiled
from accel.golden.integer import requantise_rows
from accel.golden.threads import spread
from accel.graph.ir import Add, Tensor

#: Bits that the differences from the zero points are shifted left, before they are scaled.
HEADROOM = 20


@compiled
def add_rows(a, b, scaled, multiplier, shift, fixed, y, first, last):
    """Write rows ``first`` to ``last`` - 1 of ``y``, requantised sums of ``a`` and ``b``.

    Args:
        a: int8 [rows, length], as are ``b`` and ``y``.
        b: see ``a``.
        scaled: int32 [2, 256]: what operand a or b with byte q adds, at q + 128.
        multiplier: int64 [1, length], as is ``shift``.
        shift: see ``multiplier``.
        fixed: requantise_rows' rounding, zero point, lo and hi.
        y: see ``a``.
        first: row to begin with.
        last: one behind the last.
    """
    sums = np.empty((1, a.shape[1]), np.int32)
    for row in range(first, last):
        for i in range(a.shape[1]):
            sums[0, i] = scaled[0, a[row, i] + 128] + scaled[1, b[row, i] + 128]
        requantise_rows(
            sums, multiplier, shift, fixed[0], fixed[1], fixed[2], fixed[3], y[row : row + 1]
        )


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


def add(node: Add, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Requantised sum of both inputs' images."""
    need = node.requant
    scaled = np.stack([
        scaled_bytes(int(source.zero_point), *map(int, operand))
        for source, operand in zip(sources, node.operands, strict=True)
    ])
    y = np.empty(images[0].shape, np.int8)
    # As long rows as a pixel row: long enough for vectors, short enough for the cache.
    a, b, out = (each.reshape(-1, target.shape[1] * target.shape[2]) for each in (*images, y))
    multiplier, shift = (
        np.full((1, a.shape[1]), values[0], np.int64) for values in (need.multiplier, need.shift)
    )
    fixed = int(need.rounding), int(need.zero_point), int(need.lo), int(need.hi)
    spread(
        lambda first, last: add_rows(a, b, scaled, multiplier, shift, fixed, out, first, last),
        len(a), a.size,
    )  # fmt: skip
    return y
