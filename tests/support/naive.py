"""Naive twins of the golden layers: plain loops over Python integers, nothing shared.

Slow and obvious on purpose.  Each function takes a graph node, its input and output tensors
(accel.graph.ir) and int8 images [n, height, width, channels].
"""

from fractions import Fraction
from math import floor

import numpy as np

from accel.graph.ir import AveragePool, Conv, MaxPool, Reshape
from accel.isa import Rounding

HALF = Fraction(1, 2)


def half_up(value: Fraction) -> int:
    return floor(value + HALF)


def half_away(value: Fraction) -> int:
    return half_up(value) if value >= 0 else -half_up(-value)


def requantise(total, multiplier, shift, rounding, zero_point=0, lo=-128, hi=127) -> int:
    """One int32 sum to int8, in exact rational numbers."""
    exact = Fraction(int(total) * int(multiplier)) * Fraction(2) ** (int(shift) - 31)
    if rounding == Rounding.DOUBLE and shift < 0:
        upper = half_up(Fraction(int(total) * int(multiplier), 1 << 31))
        rounded = half_away(Fraction(upper, 1 << -int(shift)))
    elif rounding == Rounding.AWAY:
        rounded = half_away(exact)
    else:
        rounded = half_up(exact)
    return max(int(lo), min(int(hi), rounded + int(zero_point)))


def conv(node: Conv, source, target, images):
    out_h, out_w, out_channels = target.shape
    _, kernel_h, kernel_w, part = node.weights.shape
    height, width, _ = source.shape
    need = node.requant
    result = np.empty((len(images), *target.shape), np.int8)
    for n in range(len(images)):
        for oy in range(out_h):
            for ox in range(out_w):
                for o in range(out_channels):
                    first = o // (out_channels // node.groups) * part
                    total = int(node.bias[o])
                    for ky in range(kernel_h):
                        for kx in range(kernel_w):
                            y = oy * node.stride[0] + ky * node.dilation[0] - node.padding[0]
                            x = ox * node.stride[1] + kx * node.dilation[1] - node.padding[1]
                            inside = 0 <= y < height and 0 <= x < width
                            for c in range(part):
                                q = int(images[n, y, x, first + c]) if inside \
                                    else source.zero_point
                                total += (q - source.zero_point) * int(node.weights[o, ky, kx, c])
                    result[n, oy, ox, o] = requantise(
                        total, need.multiplier[o], need.shift[o], need.rounding,
                        need.zero_point, need.lo, need.hi,
                    )
    return result


def _window(node, source, oy, ox):
    """Coordinates of a window's real elements."""
    top = oy * node.stride[0] - node.padding[0]
    left = ox * node.stride[1] - node.padding[1]
    return [
        (y, x)
        for y in range(top, top + node.kernel[0])
        for x in range(left, left + node.kernel[1])
        if 0 <= y < source.shape[0] and 0 <= x < source.shape[1]
    ]


def _pool(node, source, target, images, reduce):
    result = np.empty((len(images), *target.shape), np.int8)
    for n, oy, ox, c in np.ndindex(*result.shape):
        elements = [int(images[n, y, x, c]) for y, x in _window(node, source, oy, ox)]
        result[n, oy, ox, c] = reduce(elements)
    return result


def max_pool(node: MaxPool, source, target, images):
    return _pool(node, source, target, images, max)


def average_pool(node: AveragePool, source, target, images):
    def reduce(elements):
        multiplier, shift = node.table[len(elements)]
        total = sum(q - source.zero_point for q in elements)
        return requantise(total, multiplier, shift, node.rounding, node.zero_point)

    return _pool(node, source, target, images, reduce)


def reshape(node: Reshape, source, target, images):
    return images.reshape(len(images), *target.shape)


LAYERS = {Conv: conv, MaxPool: max_pool, AveragePool: average_pool, Reshape: reshape}


def run(graph, images) -> dict[str, np.ndarray]:
    """All tensors of a network, as accel.golden.run gives them."""
    tensors = dict(images)
    for node in graph.nodes:
        layer = LAYERS[type(node)]
        tensors[node.output] = layer(
            node, graph.tensors[node.input], graph.tensors[node.output], tensors[node.input]
        )
    return tensors
