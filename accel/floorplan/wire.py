"""How long the wires are, and where each cell wants to go for shorter ones."""

import numpy as np

from accel.compiled import compiled


@compiled
def half_perimeter(net, starts, pins, xs, ys):
    """Half the perimeter of the smallest rectangle around a net's cells."""
    first = pins[starts[net]]
    left = right = xs[first]
    low = high = ys[first]
    for pin in range(starts[net] + 1, starts[net + 1]):
        cell = pins[pin]
        left, right = min(left, xs[cell]), max(right, xs[cell])
        low, high = min(low, ys[cell]), max(high, ys[cell])
    return right - left + high - low


@compiled
def lengths(starts, pins, xs, ys):
    """Of each net, its half perimeter."""
    result = np.empty(len(starts) - 1)
    for net in range(len(result)):
        result[net] = half_perimeter(net, starts, pins, xs, ys)
    return result


@compiled
def pull(starts, pins, at, smooth, gradient):
    """Add to ``gradient`` how the wires' extent along one axis grows with each cell's place there.

    A net's ends are taken as averages of its cells, weighted by exp(distance from the end over
    ``smooth``): in the limit 0 they are its outermost cells, and only those feel a pull.
    """
    for net in range(len(starts) - 1):
        begin, end = starts[net], starts[net + 1]
        low = high = at[pins[begin]]
        for pin in range(begin + 1, end):
            low, high = min(low, at[pins[pin]]), max(high, at[pins[pin]])
        upper = upper_sum = lower = lower_sum = 0.0
        for pin in range(begin, end):
            place = at[pins[pin]]
            near_high, near_low = np.exp((place - high) / smooth), np.exp((low - place) / smooth)
            upper_sum += near_high
            upper += near_high * place
            lower_sum += near_low
            lower += near_low * place
        upper /= upper_sum
        lower /= lower_sum
        for pin in range(begin, end):
            place = at[pins[pin]]
            near_high, near_low = np.exp((place - high) / smooth), np.exp((low - place) / smooth)
            gradient[pins[pin]] += (1 + (place - upper) / smooth) * near_high / upper_sum
            gradient[pins[pin]] -= (1 - (place - lower) / smooth) * near_low / lower_sum
