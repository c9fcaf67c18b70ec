"""Transposed convolution without multiplying zeros: ordinary ones, whose results interleave.

A transposed convolution of stride s adds kernel tap k of input i to output i * s + k * d - before.
So outputs p, p + s, p + 2 * s, ... only ever see the taps with k * d = p + before (mod s): they are
an ordinary convolution of the input with these, backwards, d / gcd(s, d) inputs apart.  Together
these multiply as often as the transposed one does (but for the borders).
"""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Phase:
    """Outputs ``first``, ``first`` + stride, ... along one axis.

    Attributes:
        first: the first output.
        outputs: how many.
        taps: numbers of the kernel's elements, as an ordinary convolution has them.
        dilation: inputs from one tap to the next.
        padding: (before, after) of the part of the input that is read.
        crop: where this part begins, and its inputs.
    """

    first: int
    outputs: int
    taps: tuple[int, ...]
    dilation: int
    padding: tuple[int, int]
    crop: tuple[int, int]


def phases(size: int, kernel: int, stride: int, dilation: int, before: int,
           outputs: int) -> list[Phase]:
    """The ordinary convolutions along one axis.

    Args:
        size: inputs.
        kernel, stride, dilation: of the transposed convolution.
        before: outputs that are cut off ahead of output 0.
        outputs: how many there are.
    """
    if size == 1:  # every tap has an output of its own, whatever the stride
        stride = max(stride, (kernel - 1) * dilation + 1)
    found = []
    for first in range(min(stride, outputs)):
        count = -(-(outputs - first) // stride)
        reads = {
            tap: (first + before - tap * dilation) // stride
            for tap in reversed(range(kernel))
            if (first + before - tap * dilation) % stride == 0
        }
        low, high = min(reads.values(), default=0), max(reads.values(), default=0) + count - 1
        if high < 0 or low >= size or not reads:  # nothing but padding
            reads, low, high = {}, 0, count - 1
        start, end = max(0, low), min(size - 1, high)
        found.append(Phase(first, count, tuple(reads), dilation // math.gcd(stride, dilation),
                           (max(0, -low), max(0, high - size + 1)), (start, end - start + 1)))
    return found


def taps(weights: np.ndarray, rows: Phase, columns: Phase) -> np.ndarray:
    """The part of weights [Cout, kh, kw, Cin] that a phase has; zeros where it has none."""
    if not rows.taps or not columns.taps:
        return np.zeros_like(weights[:, : max(1, len(rows.taps)), : max(1, len(columns.taps))])
    return weights[:, rows.taps][:, :, columns.taps]
