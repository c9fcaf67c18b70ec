"""Arithmetic of places: where one tensor lies in another."""

import itertools

import numpy as np

from accel.graph.ir import Assemble, Concat, Node, Place, Tensor
from accel.graph.rules import ints, require, title

Shape = tuple[int, int, int]


def end(place: Place, shape: Shape) -> Shape:
    """Rows, columns and channels up to the last one of a tensor of ``shape`` at a place."""
    return tuple(
        start + (size - 1) * step + 1
        for start, step, size in zip(place.start, (*place.step, 1), shape, strict=True)
    )


def of(node: Concat | Assemble, tensors: dict[str, Tensor]) -> tuple[Place, ...]:
    """The places of a node's inputs in its output."""
    if isinstance(node, Assemble):
        return node.places
    channels = [tensors[name].shape[2] for name in node.inputs]
    return tuple(Place((0, 0, sum(channels[:n]))) for n in range(len(channels)))


def along(axis: int, sizes) -> tuple[Place, ...]:
    """The places of tensors of so many rows (axis 0), columns or channels behind each other."""
    firsts = itertools.accumulate(sizes, initial=0)
    return tuple(
        Place(tuple(first if n == axis else 0 for n in range(3)))
        for first, _ in zip(firsts, sizes, strict=False)
    )


def whole(node: Assemble, sources: tuple[Tensor, ...]) -> Shape:
    """The least shape that holds all inputs at their places."""
    ends = [end(place, one.shape) for place, one in zip(node.places, sources, strict=True)]
    return tuple(max(sizes) for sizes in zip(*ends, strict=True))


def check(node: Node, place: Place) -> None:
    """Check a place's numbers."""
    require(ints(place.start, 3, 0), title(node), "start must be three integers from 0",
            place.start)
    require(ints(place.step, 2, 1), title(node), "step must be two integers from 1", place.step)


def check_cover(node: Assemble, sources: tuple[Tensor, ...], target: Tensor) -> None:
    """Check that every byte of the output is given just once.

    Two inputs are apart where on one axis they have no index in common; if all are, and their sizes
    add up to the output's, there is no gap.
    """
    total = sum(source.size for source in sources)
    require(total == target.size, title(node),
            f"inputs must give the output's {target.size} bytes", total)
    common = np.ones((len(sources), len(sources)), bool)
    for axis in range(3):
        common &= _in_common([_indices(place, source.shape, axis)
                              for place, source in zip(node.places, sources, strict=True)])
    pairs = np.argwhere(np.triu(common, 1))
    require(not len(pairs), title(node), "inputs must not overlap",
            "inputs {} and {}".format(*pairs[0]) if len(pairs) else "")


def _indices(place: Place, shape: Shape, axis: int) -> tuple[int, int, int]:
    """Which indices a tensor takes along an axis: the first, from one to the next, how many."""
    return place.start[axis], (*place.step, 1)[axis], shape[axis]


def _in_common(progressions: list[tuple[int, int, int]]) -> np.ndarray:
    """bool [n, n]: which of the progressions (start, step, count) have a number in common.

    There can be a thousand, so all are compared at once: those whose spans meet and whose starts
    differ by a multiple of the steps' common divisor.  With equal steps that is all; the others are
    looked at one by one.
    """
    unique, which = np.unique(np.array(progressions), axis=0, return_inverse=True)
    start, step, count = unique.T
    last = start + (count - 1) * step
    meet = (start[:, None] <= last) & (start <= last[:, None])
    divisor = np.gcd(step[:, None], step)
    common = meet & ((start[:, None] - start) % divisor == 0)
    for i, j in np.argwhere(np.triu(common, 1) & (step[:, None] != step)):
        numbers = [range(start[n], last[n] + 1, step[n]) for n in (i, j)]
        short, long = sorted(numbers, key=len)
        common[i, j] = common[j, i] = any(number in long for number in short)
    which = which.ravel()
    return common[np.ix_(which, which)]
