"""Poolings with gaps between a window's elements: ordinary ones of every d-th row, interleaved.

Output p of a pooling with stride s and dilation d reads the inputs p * s - before + k * d.  So the
outputs p, p + m, p + 2 * m, ... with m = d / gcd(s, d) only see inputs that are d apart, and are an
ordinary pooling of these, with stride s / gcd(s, d).
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Phase:
    """Outputs ``first``, ``first`` + ``step``, ... along one axis.

    Attributes:
        first: the first output.
        outputs: how many.
        start: the first input that they read, of ``inputs`` that are a dilation apart.
        inputs: how many.
        stride: of the ordinary pooling.
        padding: (before, after) the inputs.
    """

    first: int
    outputs: int
    start: int
    inputs: int
    stride: int
    padding: tuple[int, int]


def phases(size: int, kernel: int, stride: int, dilation: int, before: int,
           outputs: int) -> list[Phase] | None:
    """The ordinary poolings along one axis; None if a window would be all padding.

    Args:
        size: inputs.
        kernel, stride, dilation: of the pooling.
        before: padding ahead of input 0.
        outputs: how many there are.
    """
    count = dilation // math.gcd(stride, dilation)
    pace, found = stride * count // dilation, []
    for first in range(min(count, outputs)):
        made = -(-(outputs - first) // count)
        offset, rest = divmod(first * stride - before, dilation)
        there = -(-(size - rest) // dilation)  # inputs rest, rest + dilation, ...
        begins = [offset + n * pace for n in range(made)]
        if any(min(begin + kernel, there) <= max(begin, 0) for begin in begins):
            return None
        skipped, end = max(0, offset), begins[-1] + kernel
        found.append(Phase(
            first, made, rest + skipped * dilation, min(there, end) - skipped, pace,
            (max(0, -offset), max(0, end - there)),
        ))
    return found
