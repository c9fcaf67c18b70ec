"""Element-wise product of two int8 tensors."""

import numpy as np

from accel.compiled import compiled
from accel.golden.prepared import Prepared
from accel.golden.requant import Recipe, follow_alike, recipe_alike
from accel.golden.threads import spread
from accel.graph.ir import Mul, Tensor

#: Elements at a time, whose products stay in the first-level cache; a multiple of requant.WIDTH.
STRETCH = 2048


@compiled
def multiply_bytes(a, b, zeros, numbers, steps, y, first, last):
    """Write stretches ``first`` to ``last`` - 1 of ``y``, requantised products of ``a`` and ``b``.

    Args:
        a: int8 [length], as is ``y``.
        b: int8; of length a divisor of ``a``'s: it is repeated.
        zeros: int32 [2], the zero points of a and b.
        numbers: int64 [4], the plain numbers of a Recipe.
        steps: its steps.
        y: see ``a``.
        first: stretch to begin with.
        last: one behind the last.
    """
    recipe = Recipe(numbers[0], numbers[1], numbers[2], numbers[3], steps)
    products = np.empty(STRETCH, np.int32)
    for stretch in range(first, last):
        begin = stretch * STRETCH
        count = min(STRETCH, len(a) - begin)
        at = begin % len(b)
        for i in range(count):
            products[i] = np.int32(np.int32(a[begin + i]) - zeros[0]) * np.int32(
                np.int32(b[at]) - zeros[1]
            )
            at += 1
            if at == len(b):
                at = 0
        follow_alike(recipe, np.int64(0), products, y, begin, count)


def _prepare(node: Mul, zeros):
    """Return multiply_bytes' ``zeros``, ``numbers`` and ``steps``."""
    made = recipe_alike(node.requant)
    return np.array(zeros, np.int32), np.array(made[:4], np.int64), made.steps


_prepared = Prepared(_prepare, lambda node: (node.requant.multiplier, node.requant.shift))


def mul(node: Mul, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Requantised product of both inputs' images, or of one's pixels and the other's only pixel."""
    made = _prepared.get(node, tuple(int(source.zero_point) for source in sources))
    first, second = (np.ascontiguousarray(each) for each in images)
    y = np.empty(first.shape, np.int8)
    # Where the second one is a factor for each channel, every image has its own.
    parts = [(0, len(first))] if first.shape == second.shape else [
        (n, n + 1) for n in range(len(first))
    ]
    for begin, end in parts:
        a, b = first[begin:end].ravel(), second[begin:end].ravel()
        out = y[begin:end].reshape(-1)
        spread(
            lambda first, last, a=a, b=b, out=out: multiply_bytes(a, b, *made, out, first, last),
            -(-a.size // STRETCH), a.size,
        )  # fmt: skip
    return y
