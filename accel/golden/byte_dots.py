"""int8 convolution by loops, on every processor: panels of dot products, and depthwise layers.

Each panel of windows is multiplied and requantised while it is in the cache.  A depthwise layer
has one filter a channel, so its loops run along the channels.
"""

from typing import NamedTuple

import numpy as np

from accel.compiled import compiled
from accel.golden.dots import VECTOR, fill_up, multiply, panel_rows
from accel.golden.frames import pair
from accel.golden.panels import frame_images, lay_rows
from accel.golden.requant import WIDTH, Recipe, follow, recipe
from accel.golden.threads import spread
from accel.graph.ir import Conv, Tensor


class Layer(NamedTuple):
    """A convolution, ready to run; pairs are (vertical, horizontal).

    Attributes:
        w: int8 [groups, filters / groups, K], K filled up; if thin [1, taps, channels].
        b: int32 [filters], folded.
        thin: depthwise, one filter a channel.
        padding: (top, left, bottom, right).
        zero: the input's zero point.
        skip: pixels from one that is read to the next (of a 1x1 kernel: its stride).
        view: (kernel, stride, dilation).
        recipe: requantisation.
    """

    w: np.ndarray
    b: np.ndarray
    thin: bool
    padding: tuple[int, int, int, int]
    zero: int
    skip: tuple[int, int]
    view: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    recipe: Recipe


@compiled
def thin_sums(framed, w, b, view, wide, start, stop, sums):
    """Sums of a depthwise convolution: ``w`` is [taps, channels]."""
    size = w.shape[1]
    kernel, stride, dilation = view
    for p in range(start, stop):
        row = sums[p - start]
        oy, ox = p // wide * stride[0], p % wide * stride[1]
        row[:] = b
        for tap in range(len(w)):
            ky, kx = tap // kernel[1], tap % kernel[1]
            begin = (ox + kx * dilation[1]) * size
            source = framed[oy + ky * dilation[0]][begin : begin + size]
            weights = w[tap]
            for c in range(size):
                row[c] += np.int32(source[c]) * np.int32(weights[c])


@compiled
def convolve_bytes(framed, w, b, thin, channels, view, wide, steps, y, size, first, last):
    """Write windows ``first`` to ``last`` - 1 of all images, ``size`` at a time.

    Args:
        framed: uint8 [n, padded height, padded width * channels].
        w: see Layer, as ``b``, ``thin`` and ``view``.
        b: see ``w``.
        thin: see ``w``.
        channels: of the images.
        view: see ``w``.
        wide: windows side by side.
        steps: a Recipe.
        y: int8 [n, windows, filters], written.
        size: windows of a panel.
        first: image * windows to begin at.
        last: one behind the last.
    """
    groups, part, length = w.shape
    _, windows, filters = y.shape
    kernel, stride, dilation = view
    size = min(size, last - first)
    panel = np.zeros((1 if thin else size, length), np.uint8)
    sums = np.empty((size, -(-filters // WIDTH) * WIDTH), np.int32)
    at = first
    while at < last:
        n, start = at // windows, at % windows
        stop = min(start + size, windows, start + last - at)
        count = stop - start
        if thin:
            thin_sums(framed[n], w[0], b, view, wide, start, stop, sums[:, :filters])
        else:
            share = channels // groups
            for g in range(groups):
                lay_rows(framed[n], channels, g * share, share, kernel, stride, dilation, wide,
                         start, stop, panel)  # fmt: skip
                own = slice(g * part, (g + 1) * part)
                multiply(w[g], b[own], panel, count, sums[:, own])
        follow(steps, 0, sums, count, y[n].ravel(), start * filters, filters, filters)
        at += count


def prepare(node: Conv, source: Tensor, folded: np.ndarray) -> Layer:
    """Bring a layer into the form of ``run``; ``folded`` is its bias as bytes need it."""
    filters, groups = len(node.weights), int(node.groups)
    kernel, stride = node.weights.shape[1:3], pair(node.stride)
    skip = (1, 1)
    if kernel == (1, 1) and not any(node.padding):  # the rest is never read
        skip, stride = stride, skip
    rows = np.ascontiguousarray(node.weights).reshape(filters, -1)
    thin = node.weights.shape[3] == 1 and groups == filters
    if thin:
        w = np.ascontiguousarray(rows.T)[None]
    else:
        w = fill_up(rows).reshape(groups, filters // groups, -1)
    return Layer(
        w, folded, thin, tuple(map(int, node.padding)), int(source.zero_point), skip,
        (kernel, stride, pair(node.dilation)), recipe(node.requant),
    )  # fmt: skip


def run(layer: Layer, images: np.ndarray, out: tuple[int, int]) -> np.ndarray:
    """Compute a layer: int8 [n, height, width, channels] to [n, windows, filters]."""
    w, b, thin, padding, zero, skip, view, steps = layer
    images = images[:, :: skip[0], :: skip[1]]
    framed = frame_images(images, padding, np.uint8, 128, 128 + zero)
    y = np.empty((len(images), out[0] * out[1], len(b)), np.int8)
    size = panel_rows(w.shape[2] + b[:1].nbytes * len(b))
    spread(
        lambda first, last: convolve_bytes(
            framed, w, b, thin, images.shape[3], view, out[1], steps, y, size, first, last
        ),
        len(images) * out[0] * out[1], y.size * (w.shape[1] if thin else w.shape[2]) // VECTOR,
    )  # fmt: skip
    return y
