"""int8 convolution, exact for every int32 sum, as bytes: how golden inference runs its layers.

Activations become unsigned bytes by adding 128, which the processor multiplies with signed weights
at best speed; the constant that this and the zero point add to every sum,

    sum of w * (u - 128 - zero) = sum of w * u - (128 + zero) * sum of w,

goes into the bias.  Each panel of windows is multiplied and requantised while it is in the cache.
"""

import numba
import numpy as np

from accel import quant
from accel.golden.dots import VECTOR, fill_up, multiply, panel_rows
from accel.golden.panels import frame_images, lay_rows
from accel.golden.threads import spread
from accel.graph.ir import Conv, Tensor

#: The one definition of requantisation, compiled.
requantise_rows = numba.njit(cache=True, nogil=True)(quant.requantise_rows)


@numba.njit(cache=True, nogil=True)
def fold_bias(w, bias, zero, folded, first, last):
    """Write bias - (128 + zero) * sum of w for filters ``first`` to ``last`` - 1."""
    for o in range(first, last):
        total = np.int32(0)
        for k in range(w.shape[1]):
            total = np.int32(total + np.int32(w[o, k]))
        folded[o] = bias[o] - (128 + zero) * total


@numba.njit(cache=True, nogil=True)
def thin_sums(framed, w, b, kernel, stride, dilation, wide, start, stop, sums):
    """Sums of a depthwise convolution: ``w`` is [taps, channels]."""
    size = w.shape[1]
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


@numba.njit(cache=True, nogil=True)
def convolve_bytes(
    framed, w, b, thin, channels, kernel, stride, dilation, wide, multiplier, shift, fixed, y,
    size, first, last,
):  # fmt: skip
    """Write windows ``first`` to ``last`` - 1 of all images, ``size`` at a time.

    Args:
        framed: uint8 [n, padded height, padded width * channels].
        w: int8 [groups, filters / groups, K], K filled up; if thin [1, taps, channels].
        b: int32 [filters], folded.
        thin: depthwise, one filter a channel.
        channels: of the images.
        kernel: (kh, kw), as are ``stride`` and ``dilation``.
        stride: see ``kernel``.
        dilation: see ``kernel``.
        wide: windows side by side.
        multiplier: int64 [1, filters], as is ``shift``.
        shift: see ``multiplier``.
        fixed: requantise_rows' rounding, zero point, lo and hi.
        y: int8 [n, windows, filters], written.
        size: windows of a panel.
        first: image * windows to begin at.
        last: one behind the last.
    """
    groups, part, length = w.shape
    _, windows, filters = y.shape
    size = min(size, last - first)
    panel = np.zeros((1 if thin else size, length), np.uint8)
    sums = np.empty((size, filters), np.int32)
    at = first
    while at < last:
        n, start = at // windows, at % windows
        stop = min(start + size, windows, start + last - at)
        count = stop - start
        if thin:
            thin_sums(framed[n], w[0], b, kernel, stride, dilation, wide, start, stop, sums)
        else:
            share = channels // groups
            for g in range(groups):
                lay_rows(framed[n], channels, g * share, share, kernel, stride, dilation, wide,
                         start, stop, panel)  # fmt: skip
                own = slice(g * part, (g + 1) * part)
                multiply(w[g], b[own], panel, count, sums[:, own])
        for i in range(count):  # one row at a time: all arrays are whole, so it runs in vectors
            requantise_rows(
                sums[i : i + 1], multiplier, shift, fixed[0], fixed[1], fixed[2], fixed[3],
                y[n, start + i : start + i + 1],
            )
        at += count


def conv(node: Conv, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Convolution or fully connected layer, with requantisation and clamp."""
    _, kernel_h, kernel_w, part = node.weights.shape
    filters, groups = len(node.weights), int(node.groups)
    zero, need = int(source.zero_point), node.requant
    rows = np.ascontiguousarray(node.weights).reshape(filters, -1)
    bias, folded = node.bias.astype(np.int32), np.empty(filters, np.int32)
    spread(
        lambda first, last: fold_bias(rows, bias, zero, folded, first, last),
        filters, rows.size // VECTOR,
    )  # fmt: skip
    stride, dilation = pair(node.stride), pair(node.dilation)
    if kernel_h == kernel_w == 1 and not any(node.padding):  # the rest is never read
        images, stride = images[:, :: stride[0], :: stride[1]], (1, 1)
    framed = frame_images(images, node.padding, np.uint8, 128, 128 + zero)
    thin = part == 1 and groups == filters
    if thin:
        w = np.ascontiguousarray(rows.T)[None]
    else:
        w = fill_up(rows).reshape(groups, filters // groups, -1)
    out_h, out_w, _ = target.shape
    y = np.empty((len(images), out_h * out_w, filters), np.int8)
    multiplier, shift = need.multiplier.astype(np.int64)[None], need.shift.astype(np.int64)[None]
    fixed = int(need.rounding), int(need.zero_point), int(need.lo), int(need.hi)
    size = panel_rows(w.shape[2] + folded[:1].nbytes * filters)
    spread(
        lambda first, last: convolve_bytes(
            framed, w, folded, thin, images.shape[3], (kernel_h, kernel_w), stride, dilation,
            out_w, multiplier, shift, fixed, y, size, first, last,
        ),
        len(images) * out_h * out_w, y.size * rows.shape[1] // VECTOR,
    )  # fmt: skip
    return y.reshape(len(images), *target.shape)


def pair(values) -> tuple[int, int]:
    """Return the first two as plain integers: (vertical, horizontal)."""
    return int(values[0]), int(values[1])
