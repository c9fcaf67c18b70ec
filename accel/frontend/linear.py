"""Linear interpolation along an axis as ordinary convolutions, whose results interleave.

Output j of a resized axis lies at input j * pace + offset.  With a pace of s / f, in lowest terms,
the outputs p, p + f, p + 2 * f, ... lie s inputs apart, all equally far from the inputs before and
behind them: they are a convolution of stride s with two weights, that fraction and its rest.  At
the ends the outermost inputs count as repeated.
"""

import dataclasses
import math
from fractions import Fraction


@dataclasses.dataclass(frozen=True)
class Phase:
    """Outputs ``first``, ``first`` + phases, ... along one axis.

    Attributes:
        first: the first output.
        outputs: how many.
        start: the input of its first weight; -1 is the repeated one before input 0.
        stride: inputs from output to output.
        weights: whole numbers, one or two; all phases' add up to the same.
    """

    first: int
    outputs: int
    start: int
    stride: int
    weights: tuple[int, ...]

    @property
    def reach(self) -> int:
        """The input behind the last one that is read."""
        return self.start + (self.outputs - 1) * self.stride + len(self.weights)


@dataclasses.dataclass(frozen=True)
class Axis:
    """An axis of a resized image: its phases, and what their weights add up to.

    ``repeated`` inputs before and behind are read.
    """

    outputs: int
    phases: tuple[Phase, ...]
    unit: int
    repeated: tuple[int, int]


def axis(size: int, outputs: int, pace: Fraction, offset: Fraction) -> Axis:
    """The phases of an axis.

    Args:
        size: inputs.
        outputs: how many there are.
        pace: from output to output, in inputs.
        offset: where output 0 lies.
    """
    count, stride = pace.denominator, pace.numerator
    places = [offset + first * pace for first in range(min(count, outputs))]
    shares = [place - math.floor(place) for place in places]
    unit = math.lcm(*(share.denominator for share in shares))
    phases = []
    for first, (place, share) in enumerate(zip(places, shares, strict=True)):
        after = int(share * unit)
        phases.append(Phase(first, -(-(outputs - first) // count), math.floor(place), stride,
                            (unit - after, after) if after else (unit,)))
    before = max(0, -min(phase.start for phase in phases))
    behind = max(0, max(phase.reach for phase in phases) - size)
    return Axis(outputs, tuple(phases), unit, (before, behind))
