"""What values a tensor has, roughly: enough to choose its scale without computing anything.

A layer's sums are taken as normally distributed.  Every layer brings its own to mean 0 and
deviation 1, as batch normalisation does.
"""

import dataclasses
import math
import statistics

#: Deviations from the mean that int8 still reaches.
_REACH = 5.0


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _below(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


@dataclasses.dataclass(frozen=True)
class Spread:
    """Mean and deviation of a tensor's real values, and its quantisation: scale and zero point."""

    mean: float
    deviation: float
    scale: float
    zero_point: int


def both_sides(deviation: float = 1.0, mean: float = 0.0) -> Spread:
    """Values of both signs."""
    return Spread(mean, deviation, (_REACH * deviation + abs(mean)) / 127, 0)


def rectified(deviation: float = 1.0, mean: float = 0.0) -> Spread:
    """What a ReLU makes of normally distributed values."""
    at = mean / deviation
    first = mean * _below(at) + deviation * _density(at)
    second = (mean**2 + deviation**2) * _below(at) + mean * deviation * _density(at)
    scale = (_REACH * deviation + max(mean, 0)) / 255
    return Spread(first, math.sqrt(second - first**2), scale, -128)


def largest(given: Spread, count: int) -> Spread:
    """What the maxima of ``count`` neighbours are, which resemble each other."""
    alike = math.sqrt(count)
    # Blom's approximation of the largest of some normally distributed values.
    peak = statistics.NormalDist().inv_cdf((alike - 0.375) / (alike + 0.25)) if count > 1 else 0
    return dataclasses.replace(given, mean=given.mean + peak * given.deviation)
