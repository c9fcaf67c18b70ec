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


def border(net: Builder, rng: np.random.Generator) -> None:
    """Rows, then columns, of the last tensor around it: repeated, reflected, or all one number."""
    for axis in (0, 1):
        source, size = net.last, net.last.shape[axis]
        before, after = (int(n) for n in rng.integers(0, 3, 2))
        if source.size * (size + before + after) // size > MOST:
            return
        parts, firsts = [source], [before]
        for first in (*range(before), *range(before + size, before + size + after)):
            net.last, start, shape = source, [0, 0, 0], list(source.shape)
            start[axis], shape[axis] = int(rng.integers(size)), 1
            net.slice(start, shape)
            if rng.random() < 0.3:
                net.table(zero=source.zero_point, fill=int(rng.integers(-128, 128)))
            parts.append(net.last)
            firsts.append(first)
        net.last = source
        if len(parts) > 1:
            places = [tuple(first if n == axis else 0 for n in range(3)) for first in firsts]
            net.assemble([Place(place) for place in places], *parts)


def gapped(net: Builder, rng: np.random.Generator) -> None:
    """A maximum of pixels that are apart: of every second row or column, interleaved."""
    down, across = (int(n) for n in rng.integers(1, 3, 2))
    source, (height, width, channels) = net.last, net.last.shape
    if height % down or width % across or min(height // down, width // across) < 2:
        return
    padding, parts, places = tuple(int(n) for n in rng.integers(0, 2, 4)), [], []
    for y, x in np.ndindex(down, across):
        net.last = source
        net.slice((y, x, 0), (height // down, width // across, channels), (down, across))
        net.pool("max", (2, 2), (1, 1), padding)
        parts.append(net.last)
        places.append(Place((y, x, 0), (down, across)))
    net.assemble(places, *parts)


def interpolate(net: Builder, rng: np.random.Generator) -> None:
    """Depthwise convolutions of neighbours, interleaved."""
    down, across = (int(n) for n in rng.integers(1, 4, 2))
    source, (height, width, channels) = net.last, net.last.shape
    if min(height, width) < 2 or source.size * down * across > MOST:
        return
    parts, places, zero = [], [], source.zero_point
    for y, x in np.ndindex(down, across):
        net.last = source
        start = [int(rng.integers(2)) for _ in range(2)]
        net.slice((*start, 0), (height - 1, width - 1, channels))
        kernel = tuple(int(rng.integers(1, min(2, size) + 1)) for size in net.last.shape[:2])
        net.conv(channels, kernel, padding=(0, 0, kernel[0] - 1, kernel[1] - 1), groups=channels,
                 zero=zero, op="resize")
        parts.append(net.last)
        places.append(Place((y, x, 0), (down, across)))
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
        match int(rng.integers(13)):
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
            case 10:
                border(net, rng)
            case 11:
                gapped(net, rng)
            case 12:
                interpolate(net, rng)
            case 8:
                net.flatten() if rng.random() < 0.3 else net.table(zero=net.last.zero_point)
            case _:
                size = 3 if rng.random() < 0.5 else 1
                net.conv(int(rng.integers(1, 13)), (size, size), padding=(size // 2,) * 4,
                         zero=before[0].zero_point if rng.random() < 0.7 else None)
    return net.conv(int(rng.integers(1, 9))).graph()
