"""Float convolution by panels of windows: what accel.golden.conv.conv2d runs on.

Windows in (ky, kx, channel) order are whole stretches of a channels-last image, quick to write;
but image and weights have to be brought into that order first.  That pays where there are more
windows than filters and the stretches are long; the order (channel, ky, kx) of both as they are
serves the others.
"""

import numpy as np

from accel.compiled import compiled
from accel.golden.dots import VECTOR, fill_up, multiply, panel_rows
from accel.golden.panels import frame_images, lay_planes, lay_rows
from accel.golden.threads import spread
from accel.golden.window import Window

#: Elements that must lie beside each other for copies of stretches to be worth it.
LONG = 32


@compiled
def convolve_rows(framed, w, b, channels, view, wide, y, size, first, last):
    """Write windows ``first`` to ``last`` - 1 of all images, ``size`` at a time.

    ``framed`` is [n, padded height, padded width * channels]; ``w`` is [groups, filters / groups,
    K], K filled up; ``view`` is (kernel, stride, dilation); ``y`` is [n, filters, windows].
    """
    groups, filters, length = w.shape
    windows, share = y.shape[2], channels // groups
    kernel, stride, dilation = view
    panel = np.zeros((min(size, last - first), row_pitch(length)), framed.dtype)
    at = first
    while at < last:
        n, start = at // windows, at % windows
        stop = min(start + size, windows, start + last - at)
        for g in range(groups):
            lay_rows(framed[n], channels, g * share, share, kernel, stride, dilation, wide,
                     start, stop, panel)  # fmt: skip
            own = slice(g * filters, (g + 1) * filters)
            multiply(w[g], b[own], panel, stop - start, y[n, own, start:stop].T)
        at += stop - start


@compiled
def convolve_planes(x, w, b, view, padding, out, y, size, first, last):
    """Do what convolve_rows does for ``x`` [n, channels, height, width] and weights alike."""
    groups, filters, length = w.shape
    windows, share = y.shape[2], x.shape[1] // groups
    kernel, stride, dilation = view
    panel = np.zeros((min(size, last - first), row_pitch(length)), x.dtype)
    at = first
    while at < last:
        n, start = at // windows, at % windows
        stop = min(start + size, windows, start + last - at)
        for g in range(groups):
            lay_planes(x[n : n + 1], g * share, share, kernel, stride, padding, dilation, out,
                       start, stop, panel)  # fmt: skip
            own = slice(g * filters, (g + 1) * filters)
            multiply(w[g], b[own], panel, stop - start, y[n, own, start:stop].T)
        at += stop - start


@compiled
def row_pitch(length):
    """Elements from row to row: an odd number of vectors lets rows share the cache evenly."""
    return length if length // VECTOR % 2 else length + VECTOR


def convolve_by_dots(x, w, b, view: Window, groups: int) -> np.ndarray:
    """Convolution of float images for a resolved window, spread over the processors."""
    filters, channels, windows = len(w), x.shape[1], view.out[0] * view.out[1]
    bias = np.zeros(filters, x.dtype) if b is None else np.ascontiguousarray(b)
    y = np.empty((len(x), filters, windows), x.dtype)
    by_rows = len(x) * windows > filters and view.kernel[1] * channels // groups > LONG
    rows = (w.transpose(0, 2, 3, 1) if by_rows else w).reshape(filters, -1)
    rows = fill_up(rows).reshape(groups, filters // groups, -1)
    size, shape = panel_rows(rows[0, 0].nbytes), (view.kernel, view.stride, view.dilation)
    if by_rows:
        framed = frame_images(x.transpose(0, 2, 3, 1), view.padding, x.dtype, x.dtype.type(0), 0)

        def part(first, last):
            convolve_rows(framed, rows, bias, channels, shape, view.out[1], y, size, first, last)
    else:
        x = np.ascontiguousarray(x)

        def part(first, last):
            convolve_planes(
                x, rows, bias, shape, view.padding[:2], view.out, y, size, first, last
            )

    spread(part, len(x) * windows, y.size * rows.shape[2] // VECTOR)
    return y.reshape(len(x), filters, *view.out)
