"""Rows, columns and channels of an image in any order, left out or repeated, as pieces.

Of each dimension a list says which of the image's rows (columns, channels) every row of the result
is.  What goes on with one step is one piece.
"""

import itertools
import math
from collections.abc import Sequence

from accel.frontend.pieces import Piece
from accel.graph.ir import Place

#: A run: where it begins in the image, how many there are, how far apart, where in the result.
Run = tuple[int, int, int, int]


def runs(taken: Sequence[int], strided: bool) -> list[Run]:
    """A list of indices as runs; with steps above 1 only if ``strided``."""
    found, n = [], 0
    while n < len(taken):
        step = taken[n + 1] - taken[n] if n + 1 < len(taken) else 1
        step = step if step == 1 or strided and step > 1 else 0
        count = 1
        while step and n + count < len(taken) and taken[n + count] - taken[n + count - 1] == step:
            count += 1
        found.append((taken[n], count, step or 1, n))
        n += count
    return found


def stages(shape, lists: Sequence[Sequence[int]]) -> list[tuple[tuple, tuple[Piece, ...]]]:
    """How to put an image of ``shape`` together by three lists of indices.

    Returns:
        Shapes of results and their pieces, one result made of the other: each dimension by itself
        where that takes fewer pieces than all at once.
    """
    return [(made, _pieces(cut)) for made, cut in _cuts(shape, lists)]


def piece_count(shape, lists: Sequence[Sequence[int]]) -> int:
    """How many pieces those of :func:`stages` are together."""
    return sum(math.prod(map(len, cut)) for _, cut in _cuts(shape, lists))


def _cuts(shape, lists) -> list[tuple[tuple, Sequence[Sequence[Run]]]]:
    """The results' shapes, and the runs of each dimension of which they are made."""
    cut = [runs(taken, axis < 2) for axis, taken in enumerate(lists)]
    moved = [axis for axis in range(3) if list(lists[axis]) != list(range(shape[axis]))]
    if not moved:
        return []
    if math.prod(map(len, cut)) <= sum(len(cut[axis]) for axis in moved) + 1:
        return [(tuple(map(len, lists)), cut)]
    found = []
    for axis in moved:
        whole = [[(0, size, 1, 0)] for size in shape]
        whole[axis] = cut[axis]
        shape = tuple(len(lists[n]) if n == axis else shape[n] for n in range(3))
        found.append((shape, whole))
    return found


def _pieces(cut: Sequence[Sequence[Run]]) -> tuple[Piece, ...]:
    return tuple(
        Piece(Place(tuple(run[0] for run in chosen), (chosen[0][2], chosen[1][2])),
              tuple(run[1] for run in chosen), Place(tuple(run[3] for run in chosen)))
        for chosen in itertools.product(*cut)
    )
