"""Random networks of slices and assemblies among layers of every kind that read and write them."""

import numpy as np

from accel.graph.ir import Graph, Place, Tensor
from accel.graph.places import along
from tests.support.networks import Builder

#: Tensors do not grow beyond this.
MOST = 3000


def random_slice(net: Builder, rng: np.random.Generator) -> None:
    """A random part of the last tensor, at times every second or third row or column."""
    start, shape, step = [], [], []
    for size in net.last.shape:
        pace = int(rng.integers(1, 4)) if rng.random() < 0.4 and len(step) < 2 else 1
        first = int(rng.integers(size)) if rng.random() < 0.6 else 0
        most = (size - 1 - first) // pace + 1
        start.append(first)
        shape.append(int(rng.integers(1, most + 1)) if rng.random() < 0.5 else most)
        step.append(pace)
    net.slice(start, shape, step[:2])


def random_concat(net: Builder, rng: np.random.Generator, parts: list[Tensor]) -> None:
    """The last tensor and others that fit it behind each other along an axis."""
    axis, last = int(rng.integers(3)), net.last

    def fits(one: Tensor) -> bool:
        same = all(a == b for n, (a, b) in enumerate(zip(one.shape, last.shape, strict=True))
                   if n != axis)
        return same and one.zero_point == last.zero_point

    fitting = [one for one in parts if fits(one)] or [last]
    chosen = [last, *(fitting[int(rng.integers(len(fitting)))] for _ in range(rng.integers(3)))]
    if sum(one.size for one in chosen) <= MOST:
        net.assemble(along(axis, [one.shape[axis] for one in chosen]), *chosen)


def interleave(net: Builder, rng: np.random.Generator, down: int, across: int) -> None:
    """Convolutions of the last tensor, or itself several times, interleaved."""
    source, zero, outputs = net.last, net.last.zero_point, int(rng.integers(1, 10))
    if source.size * down * across > MOST:
        return
    places, parts = [], []
    again = rng.random() < 0.4
    for y, x in np.ndindex(down, across):
        net.last = source
        if not again:
            size = 3 if rng.random() < 0.5 else 1
            net.conv(outputs, (size, size), padding=(size // 2,) * 4, zero=zero)
        places.append(Place((y, x, 0), (down, across)))
        parts.append(net.last)
    net.assemble(places, *parts)


def random_moves(rng: np.random.Generator) -> Graph:
    """Three to eight random steps, about half of them slices and assemblies."""
    channels = int(rng.choice([1, 2, 3, 4, 5, 8, 9, 12, 16, 17]))
    net = Builder(rng, (int(rng.integers(1, 11)), int(rng.integers(1, 11)), channels))
    before = []
    for _ in range(int(rng.integers(3, 9))):
        before.append(net.last)
        if rng.random() < 0.2:
            net.last = before[int(rng.integers(len(before)))]
        same = [one for one in before if one.shape == net.last.shape]
        match int(rng.integers(10)):
            case 0 | 1:
                random_slice(net, rng)
            case 2 | 3:
                random_concat(net, rng, before)
            case 4:
                interleave(net, rng, *(int(n) for n in rng.integers(1, 4, 2)))
            case 5:
                other = same[int(rng.integers(len(same)))] if same else net.last
                (net.add if rng.random() < 0.5 else net.mul)(other)
            case 6:
                kernel = tuple(min(2, size) for size in net.last.shape[:2])
                kind = ("max", "average")[int(rng.integers(2))]
                net.pool(kind, kernel, (1, 1) if rng.random() < 0.5 else (2, 2))
            case 7:
                net.depthwise()
            case 8:
                net.flatten() if rng.random() < 0.3 else net.table(zero=net.last.zero_point)
            case _:
                size = 3 if rng.random() < 0.5 else 1
                net.conv(int(rng.integers(1, 13)), (size, size), padding=(size // 2,) * 4,
                         zero=before[0].zero_point if rng.random() < 0.7 else None)
    return net.conv(int(rng.integers(1, 9))).graph()
