"""Max and average pooling, overlapping, padded and dilated, and their gradients.

Padding never takes part in a maximum, and in an average only with ``count_include_pad``.  Options
are those of accel.golden.conv.conv2d; ``stride`` None puts windows side by side.
"""

import numpy as np

from accel.compiled import compiled
from accel.golden.check import FLOATS, floating, like, typed
from accel.golden.threads import spread
from accel.golden.window import Window, on_image, tap_counts, window


@compiled
def largest(planes, step, rows, columns, y, argmax, first, last):
    """Write each window's maximum (NaN if it has one) and the index of the first of them.

    ``step`` is the dilation; ``rows`` and ``columns`` are accel.golden.window.on_image's.
    """
    width = planes.shape[2]
    for plane in range(first, last):
        for oy in range(len(rows)):
            for ox in range(len(columns)):
                at = -1
                best = planes[plane, 0, 0]
                for ky in range(rows[oy, 1], rows[oy, 2]):
                    iy = rows[oy, 0] + ky * step[0]
                    for kx in range(columns[ox, 1], columns[ox, 2]):
                        ix = columns[ox, 0] + kx * step[1]
                        value = planes[plane, iy, ix]
                        # A NaN differs from itself, and nothing exceeds it.
                        if at < 0 or value > best or (value != value and best == best):
                            at = iy * width + ix
                            best = value
                y[plane, oy, ox] = best
                argmax[plane, oy, ox] = at


@compiled
def give_back(dy, argmax, dx, first, last):
    """Add every dy to its window's argmax; all are [planes, elements]."""
    for plane in range(first, last):
        dx[plane] = 0
        for i in range(dy.shape[1]):
            dx[plane, argmax[plane, i]] += dy[plane, i]


@compiled
def window_sums(planes, step, rows, columns, y, first, last):
    """Write each window's sum."""
    for plane in range(first, last):
        for oy in range(len(rows)):
            for ox in range(len(columns)):
                total = y.dtype.type(0)
                for ky in range(rows[oy, 1], rows[oy, 2]):
                    iy = rows[oy, 0] + ky * step[0]
                    for kx in range(columns[ox, 1], columns[ox, 2]):
                        ix = columns[ox, 0] + kx * step[1]
                        total += planes[plane, iy, ix]
                y[plane, oy, ox] = total


@compiled
def spread_sums(share, step, rows, columns, dx, first, last):
    """Add each window's share to all its elements: the adjoint of window_sums."""
    for plane in range(first, last):
        dx[plane] = 0
        for oy in range(len(rows)):
            for ox in range(len(columns)):
                for ky in range(rows[oy, 1], rows[oy, 2]):
                    iy = rows[oy, 0] + ky * step[0]
                    for kx in range(columns[ox, 1], columns[ox, 2]):
                        ix = columns[ox, 0] + kx * step[1]
                        dx[plane, iy, ix] += share[plane, oy, ox]


def _resolve(shape, kernel, stride, padding, dilation, ceil) -> tuple[Window, np.ndarray]:
    """Return the window's geometry and its [out_h, out_w] numbers of elements on the image."""
    view = window(
        shape[2:], kernel, kernel if stride is None else stride, padding, dilation, ceil=ceil
    )
    counts = tap_counts(shape[2:], view)
    if not counts.all():
        raise ValueError(
            f"padding must leave every window an element of the image, not {view.padding} "
            f"with kernel {view.kernel} on {shape[2]}x{shape[3]}"
        )
    return view, counts


def _over_windows(kernel, planes, size, view: Window, *results) -> None:
    """Run ``kernel`` on ``planes``, with the windows over images of ``size``, into ``results``."""
    rows, columns = on_image(size, view)

    def part(first, last):
        kernel(planes, view.dilation, rows, columns, *results, first, last)

    taps = view.kernel[0] * view.kernel[1]
    spread(part, len(planes), len(planes) * len(rows) * len(columns) * taps)


def _planes(array) -> np.ndarray:
    """[batch, channels, height, width] as contiguous [planes, height, width]."""
    return np.ascontiguousarray(array).reshape(-1, *array.shape[2:])


def max_pool(x, kernel, stride=None, padding=0, *, dilation=1, ceil=False):
    """Maximum of each window.

    Args:
        x: float32, float64 or int8 [batch, channels, height, width].
        kernel: int or (vertical, horizontal) elements of the window.
        stride: int or (vertical, horizontal); None: the kernel's.
        padding: int, (vertical, horizontal), (top, left, bottom, right), "same" or "valid".
        dilation: int or (vertical, horizontal).
        ceil: round the number of windows up (GoogLeNet's pools) instead of down.

    Returns:
        (y, argmax): y [batch, channels, out_h, out_w] of x's dtype; argmax int32 of y's shape,
        the index iy * width + ix of the maximum in its plane, the first in raster order on ties.
        A NaN in a window is its maximum.

    Raises:
        ValueError: x or an option breaks these rules, no window fits, or one sees only padding.
    """
    typed("x", x, (*FLOATS, np.dtype(np.int8)), 4)
    view, _ = _resolve(x.shape, kernel, stride, padding, dilation, ceil)
    planes = _planes(x)
    y = np.empty((len(planes), *view.out), x.dtype)
    argmax = np.empty(y.shape, np.int32)
    _over_windows(largest, planes, x.shape[2:], view, y, argmax)
    shape = *x.shape[:2], *view.out
    return y.reshape(shape), argmax.reshape(shape)


def max_pool_backward(dy, argmax, x_shape) -> np.ndarray:
    """Gradient by max_pool's input: a window's dy goes to its argmax, and adds up there.

    Args:
        dy: float32 or float64 [batch, channels, out_h, out_w].
        argmax: what max_pool returned, int32 of dy's shape.
        x_shape: (batch, channels, height, width) of max_pool's input.

    Raises:
        ValueError: the shapes do not belong together, or an argmax lies outside the image.
    """
    floating("dy", dy, 4)
    like("argmax", argmax, dy.shape, np.int32)
    batch, channels, height, width = x_shape
    if dy.shape[:2] != (batch, channels):
        raise ValueError(f"dy must have x_shape's {batch}x{channels} planes, not {dy.shape[:2]}")
    if argmax.size and not 0 <= argmax.min() <= argmax.max() < height * width:
        raise ValueError(
            f"argmax must lie in 0..{height * width - 1}, not {argmax.min()}..{argmax.max()}"
        )
    dx = np.empty((batch * channels, height * width), dy.dtype)
    slopes = np.ascontiguousarray(dy).reshape(len(dx), -1)
    places = np.ascontiguousarray(argmax).reshape(len(dx), -1)
    spread(lambda first, last: give_back(slopes, places, dx, first, last), len(dx), dx.size)
    return dx.reshape(x_shape)


def average_pool(
    x, kernel, stride=None, padding=0, *, dilation=1, ceil=False, count_include_pad=False
) -> np.ndarray:
    """Average of each window: its sum over the number of its elements on the image.

    Args:
        x: float32 or float64 [batch, channels, height, width].
        kernel: as for max_pool, like the other options.
        stride: see ``kernel``.
        padding: see ``kernel``.
        dilation: see ``kernel``.
        ceil: see ``kernel``.
        count_include_pad: count elements on the padding too, as zeros.

    Returns:
        [batch, channels, out_h, out_w] of x's dtype.

    Raises:
        ValueError: as for max_pool.
    """
    floating("x", x, 4)
    view, counts = _resolve(x.shape, kernel, stride, padding, dilation, ceil)
    if count_include_pad:
        counts = tap_counts(x.shape[2:], view, padded=True)
    planes = _planes(x)
    y = np.empty((len(planes), *view.out), x.dtype)
    _over_windows(window_sums, planes, x.shape[2:], view, y)
    y /= counts.astype(x.dtype)
    return y.reshape(*x.shape[:2], *view.out)


def average_pool_backward(
    dy, x_shape, kernel, stride=None, padding=0, *, dilation=1, ceil=False,
    count_include_pad=False,
) -> np.ndarray:
    """Gradient by average_pool's input: a window's dy in equal shares to its elements.

    Args:
        dy: float32 or float64 [batch, channels, out_h, out_w].
        x_shape: (batch, channels, height, width) of average_pool's input.
        kernel: as for average_pool, like the other options.
        stride: see ``kernel``.
        padding: see ``kernel``.
        dilation: see ``kernel``.
        ceil: see ``kernel``.
        count_include_pad: see ``kernel``.

    Raises:
        ValueError: as for average_pool, or dy is not of its result's shape.
    """
    floating("dy", dy, 4)
    view, counts = _resolve(x_shape, kernel, stride, padding, dilation, ceil)
    like("dy", dy, (*x_shape[:2], *view.out), dy.dtype)
    if count_include_pad:
        counts = tap_counts(x_shape[2:], view, padded=True)
    share = _planes(dy / counts.astype(dy.dtype))
    dx = np.empty((len(share), *x_shape[2:]), dy.dtype)
    _over_windows(spread_sums, share, x_shape[2:], view, dx)
    return dx.reshape(x_shape)


def global_average_pool(x) -> np.ndarray:
    """Average of each plane: [batch, channels, height, width] to [batch, channels, 1, 1].

    Raises:
        ValueError: x is no float array of four axes.
    """
    floating("x", x, 4)
    return x.mean((2, 3), keepdims=True)


def global_average_pool_backward(dy, x_shape) -> np.ndarray:
    """Gradient by global_average_pool's input: dy / (height * width) everywhere.

    Args:
        dy: float32 or float64 [batch, channels, 1, 1].
        x_shape: (batch, channels, height, width) of the input.

    Raises:
        ValueError: dy is not [batch, channels, 1, 1].
    """
    floating("dy", dy, 4)
    like("dy", dy, (*x_shape[:2], 1, 1), dy.dtype)
    share = dy / dy.dtype.type(x_shape[2] * x_shape[3])
    return np.broadcast_to(share, x_shape).copy()
