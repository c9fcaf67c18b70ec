"""What random networks ask of NumPy's generator, kept, so that what they make can be made smaller.

Hypothesis shrinks, too, but only what it has drawn itself; and its draws lean on each other so much
that of 60 layers not one was a convolution, where its strategies stood behind the same functions.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

#: Steps between 0 and 1 of what is drawn as a fraction.
FINE = 1 << 16
#: Draws after which what asks for them is taken not to end.
MOST = 5000


class Endless(Exception):
    """Draws that were made smaller lead nowhere."""


class Draws:
    """Stands in for ``numpy.random.Generator`` where tests.support draws layers and memories.

    Every single number is written down as its distance from the least that it might have been,
    and can be given again.  Arrays (weights, images) are not: their values tell less than shapes.

    Args:
        seed: of the numbers that are not given.
        given: distances to take instead, as far as they go; after them come zeros.
    """

    def __init__(self, seed: Sequence[int], given: Sequence[int] | None = None):
        self._given = given
        self._rng = np.random.default_rng(seed)
        self._arrays = np.random.default_rng([*seed, 1])
        self.made: list[int] = []

    def _draw(self, count: int) -> int:
        """One of 0 to count - 1."""
        if len(self.made) >= MOST:
            raise Endless
        if self._given is None:
            value = int(self._rng.integers(count))
        else:
            value = self._given[len(self.made)] if len(self.made) < len(self._given) else 0
        self.made.append(min(value, count - 1))
        return self.made[-1]

    def integers(self, low: int, high: int | None = None, size=None):
        """One whole number from low (0 if alone) to high - 1, or an array of them."""
        low, high = (0, low) if high is None else (low, high)
        if size is not None:
            return self._arrays.integers(low, high, size)
        return int(low) + self._draw(int(high) - int(low))

    def random(self) -> float:
        """A fraction, from 0 to less than 1."""
        return self._draw(FINE) / FINE

    def uniform(self, low: float, high: float, size=None):
        """A number from low to high, or an array of them."""
        if size is not None:
            return self._arrays.uniform(low, high, size)
        return low + (high - low) * self.random()

    def choice(self, values):
        """One of the values."""
        return values[self._draw(len(values))]


def shrunk(made: list[int], fails: Callable[[list[int]], list[int] | None], tries: int = 600,
           seconds: float = 600):  # fmt: skip
    """Draws as small and few as still make something that fails.

    Args:
        made: of something that fails.
        fails: makes it of such draws; those that it took if it fails, None if it does not.
        tries: after so many the best is given.
        seconds: after so many, too: a layer may take minutes.
    """
    left, until = [tries], time.monotonic() + seconds

    def better(trial: list[int]) -> list[int] | None:
        if left[0] <= 0 or time.monotonic() > until:
            return None
        left[0] -= 1
        return fails(trial)

    while True:
        before, place = made, 0
        while place < len(made):
            for trial in _smaller(made, place):
                found = better(trial)
                if found is not None and _order(found) < _order(made):
                    made = found
                    break
            else:
                place += 1
        if made == before or left[0] <= 0 or time.monotonic() > until:
            return made


def _order(made: list[int]) -> tuple:
    """Fewer draws are simpler, then smaller ones."""
    return len(made), made


def _smaller(made: list[int], place: int):
    """The same draws with fewer from a place on, or a smaller one there."""
    for count in (8, 1):
        if place + count <= len(made):
            yield made[:place] + made[place + count :]
    value = made[place]
    for less in dict.fromkeys((0, value // 2, value - 1)):
        if 0 <= less < value:
            yield [*made[:place], less, *made[place + 1 :]]
