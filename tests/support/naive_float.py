"""Naive twins of the float layers: plain loops over Python floats, nothing shared, slow on purpose.

Arrays are [batch, channel, height, width]; padding is (top, left, bottom, right), pairs are
(vertical, horizontal).  They work on float64 whatever the input, and return it.
"""

import itertools
from math import sqrt

import numpy as np


def positions(size, kernel, stride, padding, dilation):
    """Window starts along both axes, found by walking until a window no longer fits."""
    starts = []
    for axis in (0, 1):
        long = (kernel[axis] - 1) * dilation[axis] + 1
        at, found = -padding[axis], []
        while at + long <= size[axis] + padding[axis + 2]:
            found.append(at)
            at += stride[axis]
        starts.append(found)
    return starts


def taps(start_y, start_x, kernel, dilation):
    """(ky, kx, y, x) of each tap of one window."""
    for ky, kx in itertools.product(range(kernel[0]), range(kernel[1])):
        yield ky, kx, start_y + ky * dilation[0], start_x + kx * dilation[1]


def inside(image, y, x):
    return 0 <= y < image.shape[-2] and 0 <= x < image.shape[-1]


def conv2d(x, w, b, stride, padding, dilation, groups):
    filters, part, *kernel = w.shape
    rows, columns = positions(x.shape[2:], kernel, stride, padding, dilation)
    out = np.zeros((len(x), filters, len(rows), len(columns)))
    for n, o, (i, top), (j, left) in itertools.product(
        range(len(x)), range(filters), enumerate(rows), enumerate(columns)
    ):
        total = 0.0 if b is None else float(b[o])
        first = o // (filters // groups) * part
        for ky, kx, y, at in taps(top, left, kernel, dilation):
            if inside(x, y, at):
                for c in range(part):
                    total += float(x[n, first + c, y, at]) * float(w[o, c, ky, kx])
        out[n, o, i, j] = total
    return out


def pool(x, kernel, stride, padding, dilation, reduce):
    """``reduce`` is given the list of (value, index in the plane) of a window's real elements."""
    rows, columns = positions(x.shape[2:], kernel, stride, padding, dilation)
    out = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for n, c, (i, top), (j, left) in itertools.product(
        range(len(x)), range(x.shape[1]), enumerate(rows), enumerate(columns)
    ):
        out[n, c, i, j] = reduce([
            (float(x[n, c, y, at]), y * x.shape[3] + at)
            for _, _, y, at in taps(top, left, kernel, dilation) if inside(x, y, at)
        ])  # fmt: skip
    return out


def first_largest(elements):
    """Index of the first of the largest elements."""
    largest = max(value for value, _ in elements)
    return next(index for value, index in elements if value == largest)


def batch_norm(x, scale, bias, epsilon):
    """Normalisation by the batch's own statistics: (y, means, variances)."""
    out, means, variances = np.empty(x.shape), [], []
    for c in range(x.shape[1]):
        values = [float(value) for value in x[:, c].ravel()]
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        out[:, c] = np.reshape(
            [scale[c] * (value - mean) / sqrt(variance + epsilon) + bias[c] for value in values],
            x[:, c].shape,
        )
        means.append(mean)
        variances.append(variance)
    return out, means, variances


def lrn(x, size, alpha, beta, bias):
    out = np.empty(x.shape)
    for n, c, i, j in np.ndindex(*x.shape):
        low, high = c - (size - 1) // 2, c + size // 2  # floor and ceil of (size - 1) / 2
        near = [float(x[n, k, i, j]) for k in range(low, high + 1) if 0 <= k < x.shape[1]]
        out[n, c, i, j] = x[n, c, i, j] / (bias + alpha / size * sum(v * v for v in near)) ** beta
    return out
