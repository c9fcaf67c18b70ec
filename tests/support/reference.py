"""Naive layers for the compiler's tests: int8 networks computed straight from the definitions."""

import numpy as np

from accel.graph.ir import Conv, Graph, MaxPool, Reshape
from tests.support.machine import requantise


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
                out[y, z] = window.max(axis=0)
            else:
                multiplier, shift = node.table[len(window)]
                sums = (window.astype(np.int64) - zero).sum(axis=0)
                out[y, z] = requantise(
                    sums, [multiplier] * shape[2], [shift] * shape[2], node.rounding,
                    node.zero_point, -128, 127,
                )
    return out


def run(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All tensors of a graph for a batch of inputs [batch, H, W, C]."""
    values = dict(inputs)
    for node in graph.nodes:
        x, shape = values[node.input], graph.tensors[node.output].shape
        zero = graph.tensors[node.input].zero_point
        if isinstance(node, Reshape):
            values[node.output] = x.reshape(len(x), *shape)
        else:
            step = conv if isinstance(node, Conv) else pool
            values[node.output] = np.stack([step(node, image, zero, shape) for image in x])
    return values
