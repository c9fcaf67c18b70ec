"""Naive layers for the compiler's tests: int8 networks computed straight from the definitions."""

import numpy as np

from accel.graph.ir import (
    Add,
    Assemble,
    Concat,
    Conv,
    Extreme,
    Graph,
    Max,
    MaxPool,
    Mul,
    Pad,
    Reshape,
    Slice,
    Sub,
    Table,
)
from accel.isa import Rounding
from tests.support.machine_numbers import requantise, scaled


def conv(node: Conv, x: np.ndarray, zero: int, shape) -> np.ndarray:
    """Convolve one image [H, W, C] of int8 with zero point ``zero``."""
    cout, kh, kw, cin = node.weights.shape
    (sh, sw), (dh, dw) = node.stride, node.dilation
    top, left = node.padding[:2]
    height, width = shape[:2]
    tall = max(x.shape[0] + top, (height - 1) * sh + (kh - 1) * dh + 1)
    wide = max(x.shape[1] + left, (width - 1) * sw + (kw - 1) * dw + 1)
    padded = np.zeros((tall, wide, x.shape[2]), np.int64)
    padded[top : top + x.shape[0], left : left + x.shape[1]] = x.astype(np.int64) - zero
    sums = np.zeros((height, width, cout), np.int64) + node.bias
    for channel in range(cout):
        group = channel // (cout // node.groups)
        for ky in range(kh):
            for kx in range(kw):
                part = padded[
                    ky * dh : ky * dh + (height - 1) * sh + 1 : sh,
                    kx * dw : kx * dw + (width - 1) * sw + 1 : sw,
                    group * cin : (group + 1) * cin,
                ]
                sums[:, :, channel] += part @ node.weights[channel, ky, kx].astype(np.int64)
    r = node.requant
    return requantise(sums, r.multiplier, r.shift, r.rounding, r.zero_point, r.lo, r.hi)


def pool(node, x: np.ndarray, zero: int, shape) -> np.ndarray:
    """Pool one image over the valid elements of its windows."""
    out = np.zeros(shape, np.int8)
    for y in range(shape[0]):
        for z in range(shape[1]):
            top = y * node.stride[0] - node.padding[0]
            left = z * node.stride[1] - node.padding[1]
            window = x[max(top, 0) : top + node.kernel[0], max(left, 0) : left + node.kernel[1]]
            window = window.reshape(-1, shape[2])
            if isinstance(node, MaxPool):
                out[y, z] = window.max(axis=0).clip(node.lo, node.hi)
            else:
                multiplier, shift = node.table[len(window)]
                sums = (window.astype(np.int64) - node.in_zero).sum(axis=0)
                out[y, z] = requantise(
                    sums, [multiplier] * shape[2], [shift] * shape[2], node.rounding,
                    node.zero_point, node.lo, node.hi,
                )
    return out


def mul(node: Mul, operands, zeros) -> np.ndarray:
    """Multiply two tensors, one perhaps a pixel."""
    products = (operands[0].astype(np.int64) - zeros[0]) * (operands[1].astype(np.int64) - zeros[1])
    r, channels = node.requant, products.shape[-1]
    return requantise(
        products, list(r.multiplier) * channels, list(r.shift) * channels, r.rounding,
        r.zero_point, r.lo, r.hi,
    )


def add(node: Add, operands, zeros) -> np.ndarray:
    """Add or subtract two tensors, one perhaps a pixel, element by element."""
    parts = []
    for x, zero, (multiplier, shift) in zip(operands, zeros, node.operands, strict=True):
        part = np.zeros(x.shape, np.int64)
        for place in np.ndindex(*x.shape):
            part[place] = scaled((int(x[place]) - zero) << 20, multiplier, shift, Rounding.DOUBLE)
        parts.append(part)
    parts[1] += node.offset
    sums = parts[0] - parts[1] if isinstance(node, Sub) else parts[0] + parts[1]
    r, channels = node.requant, sums.shape[-1]
    return requantise(
        sums, [r.multiplier[0]] * channels, [r.shift[0]] * channels, r.rounding, r.zero_point,
        r.lo, r.hi,
    )


def _indices(place, shape):
    """The rows, columns and channels of a tensor of ``shape`` at a place."""
    return [
        [start + n * step for n in range(size)]
        for start, step, size in zip(place.start, (*place.step, 1), shape, strict=True)
    ]


def run(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All tensors of a graph for a batch of inputs [batch, H, W, C]."""
    values = dict(inputs)
    for node in graph.nodes:
        x, shape = values[node.inputs[0]], graph.tensors[node.output].shape
        zeros = [graph.tensors[name].zero_point for name in node.inputs]
        if isinstance(node, Reshape):
            values[node.output] = x.reshape(len(x), *shape)
        elif isinstance(node, Add):
            values[node.output] = add(node, [values[name] for name in node.inputs], zeros)
        elif isinstance(node, Mul):
            values[node.output] = mul(node, [values[name] for name in node.inputs], zeros)
        elif isinstance(node, Extreme):
            choose = np.maximum if isinstance(node, Max) else np.minimum
            chosen = choose(*(values[name] for name in node.inputs))
            values[node.output] = np.minimum(np.maximum(chosen, node.lo), node.hi)
        elif isinstance(node, Concat):
            values[node.output] = np.concatenate([values[name] for name in node.inputs], axis=3)
        elif isinstance(node, Slice):
            values[node.output] = np.ascontiguousarray(x[np.ix_(range(len(x)), *_indices(
                node.place, shape))])
        elif isinstance(node, Assemble):
            whole = np.zeros((len(x), *shape), np.int8)
            for name, place in zip(node.inputs, node.places, strict=True):
                one = values[name]
                whole[np.ix_(range(len(x)), *_indices(place, one.shape[1:]))] = one
            values[node.output] = whole
        elif isinstance(node, Table):
            values[node.output] = node.values[x.astype(np.int64) + 128]
        elif isinstance(node, Pad):
            top, left = node.padding[:2]
            wide = np.full((len(x), *shape), zeros[0], np.int8)
            wide[:, top : top + x.shape[1], left : left + x.shape[2]] = x
            values[node.output] = wide
        else:
            step = conv if isinstance(node, Conv) else pool
            values[node.output] = np.stack([step(node, image, zeros[0], shape) for image in x])
    return values
