"""Naive twins of the golden layers: plain loops over Python integers, nothing shared.

Slow and obvious on purpose.  Each function takes a graph node, its input and output tensors
(accel.graph.ir) and int8 images [n, height, width, channels]; those of a node with several
inputs take tuples.
"""

from fractions import Fraction
from math import exp, floor

import numpy as np

from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Extreme,
    LocalResponse,
    Max,
    MaxPool,
    Min,
    Mul,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
)
from accel.isa import FLOATS, Rounding

HALF = Fraction(1, 2)


def half_up(value: Fraction) -> int:
    return floor(value + HALF)


def half_away(value: Fraction) -> int:
    return half_up(value) if value >= 0 else -half_up(-value)


def to_float32(value: Fraction) -> Fraction:
    """The nearest number with 24 significant bits, half to even (no exponent is out of range)."""
    unit = Fraction(1)
    while abs(value) < unit * (1 << 23) and value:
        unit /= 2
    while abs(value) >= unit * (1 << 24):
        unit *= 2
    return round(value / unit) * unit


def round_twice(total, multiplier, shift) -> int:
    """total * multiplier * 2**(shift - 31) for shift <= 0: half up, then half away from zero."""
    upper = half_up(Fraction(int(total) * int(multiplier), 1 << 31))
    return half_away(Fraction(upper, 1 << -int(shift)))


def requantise(total, multiplier, shift, rounding, zero_point=0, lo=-128, hi=127) -> int:
    """One int32 sum to int8, in exact rational numbers."""
    exact = Fraction(int(total) * int(multiplier)) * Fraction(2) ** (int(shift) - 31)
    if rounding == Rounding.DOUBLE and shift < 0:
        rounded = round_twice(total, multiplier, shift)
    elif rounding == Rounding.AWAY:
        rounded = half_away(exact)
    elif rounding in FLOATS:
        factor = Fraction(int(multiplier)) * Fraction(2) ** (int(shift) - 31)
        odd = rounding == Rounding.FLOAT_ODD
        rounded = round(to_float32(to_float32(Fraction(int(total))) * factor) + odd) - odd
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


def window(node, source, oy, ox):
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
        elements = [int(images[n, y, x, c]) for y, x in window(node, source, oy, ox)]
        result[n, oy, ox, c] = reduce(elements)
    return result


def max_pool(node: MaxPool, source, target, images):
    def reduce(elements):
        return max(node.lo, min(node.hi, max(elements)))

    return _pool(node, source, target, images, reduce)


def average_pool(node: AveragePool, source, target, images):
    def reduce(elements):
        multiplier, shift = node.table[len(elements)]
        total = sum(q - node.in_zero for q in elements)
        return requantise(total, multiplier, shift, node.rounding, node.zero_point,
                          node.lo, node.hi)

    return _pool(node, source, target, images, reduce)


def reshape(node: Reshape, source, target, images):
    return images.reshape(len(images), *target.shape)


def _pair(images):
    """Two operands, one perhaps a pixel, and their output to be written."""
    one, other = np.broadcast_arrays(*images)
    return one, other, np.empty(one.shape, np.int8)


def add(node: Add, sources, target, images):
    *images, result = _pair(images)
    need, signs = node.requant, (1, -1 if isinstance(node, Sub) else 1)
    for place in np.ndindex(*result.shape):
        total = sum(
            sign * round_twice((int(image[place]) - source.zero_point) << 20, *operand)
            for sign, image, source, operand in zip(signs, images, sources, node.operands,
                                                    strict=True)
        ) + signs[1] * node.offset
        result[place] = requantise(total, need.multiplier[0], need.shift[0], need.rounding,
                                   need.zero_point, need.lo, need.hi)
    return result


def mul(node: Mul, sources, target, images):
    one, other, result = _pair(images)
    need = node.requant
    zeros = [source.zero_point for source in sources]
    for place in np.ndindex(*result.shape):
        product = (int(one[place]) - zeros[0]) * (int(other[place]) - zeros[1])
        result[place] = requantise(product, need.multiplier[0], need.shift[0], need.rounding,
                                   need.zero_point, need.lo, need.hi)
    return result


def extreme(node: Extreme, sources, target, images):
    one, other, result = _pair(images)
    choose = max if isinstance(node, Max) else min
    for place in np.ndindex(*result.shape):
        result[place] = max(node.lo, min(node.hi, choose(int(one[place]), int(other[place]))))
    return result


def concat(node: Concat, sources, target, images):
    result = np.empty((len(images[0]), *target.shape), np.int8)
    for n, y, x in np.ndindex(*result.shape[:3]):
        result[n, y, x] = [value for image in images for value in image[n, y, x].tolist()]
    return result


def slice_(node: Slice, source, target, images):
    result = np.empty((len(images), *target.shape), np.int8)
    (top, left, first), (down, across) = node.place.start, node.place.step
    for n, y, x, c in np.ndindex(*result.shape):
        result[n, y, x, c] = images[n, top + y * down, left + x * across, first + c]
    return result


def assemble(node: Assemble, sources, target, images):
    result = np.empty((len(images[0]), *target.shape), np.int8)
    for place, values in zip(node.places, images, strict=True):
        (top, left, first), (down, across) = place.start, place.step
        for n, y, x, c in np.ndindex(*values.shape):
            result[n, top + y * down, left + x * across, first + c] = values[n, y, x, c]
    return result


def table(node: Table, source, target, images):
    result = np.empty(images.shape, np.int8)
    for place in np.ndindex(*images.shape):
        result[place] = node.values[int(images[place]) + 128]
    return result


def pad(node: Pad, source, target, images):
    result = np.full((len(images), *target.shape), source.zero_point, np.int8)
    for n, y, x, c in np.ndindex(*images.shape):
        result[n, y + node.padding[0], x + node.padding[1], c] = images[n, y, x, c]
    return result


def softmax(node: Softmax, source, target, images):
    """In real numbers: the fixed point's errors are below one step, but it may round otherwise."""
    factor = node.multiplier * 2.0 ** (node.shift - 31 - 26)
    if node.arithmetic == "float":
        factor = source.scale
    result = np.empty(images.shape)
    for n, y, x in np.ndindex(*images.shape[:3]):
        values = [int(q) for q in images[n, y, x]]
        powers = [exp(factor * (q - max(values))) for q in values]
        result[n, y, x] = [power / sum(powers) for power in powers]
    return result


def local_response(node: LocalResponse, source, target, images):
    """In real numbers, not yet quantised."""
    before = (node.size - 1) // 2
    result = np.empty(images.shape)
    for n, y, x in np.ndindex(*images.shape[:3]):
        values = [source.scale * (int(q) - source.zero_point) for q in images[n, y, x]]
        for c, value in enumerate(values):
            near = values[max(c - before, 0) : c - before + node.size]
            base = node.bias + node.alpha / node.size * sum(v * v for v in near)
            result[n, y, x, c] = value / base**node.beta
    return result


LAYERS = {
    Conv: conv, MaxPool: max_pool, AveragePool: average_pool, Reshape: reshape, Table: table,
    Pad: pad, Slice: slice_, Softmax: softmax, LocalResponse: local_response,
}  # fmt: skip
JOINS = {Add: add, Sub: add, Mul: mul, Max: extreme, Min: extreme, Concat: concat,
         Assemble: assemble}  # fmt: skip


def run(graph, images) -> dict[str, np.ndarray]:
    """All tensors of a network, as accel.golden.run gives them."""
    tensors = dict(images)
    for node in graph.nodes:
        sources = [graph.tensors[name] for name in node.inputs]
        given = [tensors[name] for name in node.inputs]
        target = graph.tensors[node.output]
        if type(node) in JOINS:
            tensors[node.output] = JOINS[type(node)](node, sources, target, given)
        else:
            tensors[node.output] = LAYERS[type(node)](node, sources[0], target, given[0])
    return tensors
