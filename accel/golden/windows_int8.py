"""int8 pools: maxima, and sums that are requantised by each window's number of elements."""

import numpy as np

from accel.golden import kernels
from accel.golden.frames import pair
from accel.golden.prepared import Prepared
from accel.golden.requant import recipe_alike
from accel.golden.threads import spread
from accel.graph.ir import AveragePool, MaxPool, Requant, Tensor


def max_pool(node: MaxPool, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Maximum of each window, clamped."""
    out = np.empty((len(images), *target.shape), np.int8)
    options = pair(node.kernel), pair(node.stride), pair(node.padding)
    spread(
        lambda first, last: kernels.max_pool(images, *options, out, first, last),
        len(images) * target.shape[0], out.size * options[0][0] * options[0][1],
    )  # fmt: skip
    if (node.lo, node.hi) != (-128, 127):
        np.clip(out, node.lo, node.hi, out=out)
    return out


def _prepare(node: AveragePool, entries):
    """Return kernels.average_pool's ``places``, ``numbers`` and ``steps``."""
    counts, factors = zip(*entries, strict=True)
    places = np.zeros(max(counts) + 1, np.int64)
    places[list(counts)] = np.arange(len(counts))
    multiplier, shift = np.array(factors, np.int64).T
    made = recipe_alike(Requant(
        multiplier, shift, int(node.zero_point), int(node.lo), int(node.hi), node.rounding
    ))  # fmt: skip
    return places, np.array(made[:4], np.int64), made.steps


_prepared = Prepared(_prepare, lambda node: ())


def average_pool(node: AveragePool, source: Tensor, target: Tensor, images) -> np.ndarray:
    """Sum of each window, requantised by the entry of its number of elements, clamped."""
    out = np.empty((len(images), *target.shape), np.int8)
    entries = tuple((int(count), tuple(map(int, of))) for count, of in node.table.items())
    made = _prepared.get(node, entries)
    options = int(node.in_zero), pair(node.kernel), pair(node.stride), pair(node.padding)
    spread(
        lambda first, last: kernels.average_pool(images, *options, *made, out, first, last),
        len(images) * target.shape[0], out.size * options[1][0] * options[1][1],
    )  # fmt: skip
    return out
