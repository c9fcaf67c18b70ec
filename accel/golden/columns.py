"""im2col and its adjoint: every window of an image as one column of a matrix.

With it a convolution is one matrix product (Chellapilla et al. 2006, "High performance
convolutional neural networks for document processing").
"""

import numpy as np

from accel.compiled import compiled
from accel.golden.check import FLOATS, like, pair, typed
from accel.golden.threads import spread
from accel.golden.window import Window, window


@compiled
def inside(size, out, stride, offset):
    """First and one behind the last window whose tap at ``offset`` lies on the image."""
    first = min(max(-(offset // stride), 0), out)  # ceil(-offset / stride)
    last = min(max((size - 1 - offset) // stride + 1, first), out)
    return first, last


@compiled
def gather(x, kernel, stride, padding, dilation, columns, first, last):
    """Write rows ``first`` to ``last`` - 1 of ``columns`` [rows, batch, out_h, out_w]."""
    batch, _, height, width = x.shape
    _, _, out_h, out_w = columns.shape
    step = stride[1]
    for row in range(first, last):
        c = row // (kernel[0] * kernel[1])
        offset_y = row // kernel[1] % kernel[0] * dilation[0] - padding[0]
        offset_x = row % kernel[1] * dilation[1] - padding[1]
        top, bottom = inside(height, out_h, stride[0], offset_y)
        left, right = inside(width, out_w, step, offset_x)
        for n in range(batch):
            target = columns[row, n]
            target[:top] = 0
            target[bottom:] = 0
            for oy in range(top, bottom):
                line, source = target[oy], x[n, c, oy * stride[0] + offset_y]
                line[:left] = 0
                line[right:] = 0
                if step == 1:  # apart, because this one is faster with a known step
                    for ox in range(left, right):
                        line[ox] = source[ox + offset_x]
                else:
                    for ox in range(left, right):
                        line[ox] = source[ox * step + offset_x]


@compiled
def scatter(columns, kernel, stride, padding, dilation, x, first, last):
    """Write planes ``first`` to ``last`` - 1 (image by image) of ``x``: sums of their columns."""
    _, channels, height, width = x.shape
    _, _, out_h, out_w = columns.shape
    step = stride[1]
    for plane in range(first, last):
        n, c = plane // channels, plane % channels
        x[n, c] = 0
        for ky in range(kernel[0]):
            offset_y = ky * dilation[0] - padding[0]
            top, bottom = inside(height, out_h, stride[0], offset_y)
            for kx in range(kernel[1]):
                offset_x = kx * dilation[1] - padding[1]
                left, right = inside(width, out_w, step, offset_x)
                source = columns[(c * kernel[0] + ky) * kernel[1] + kx, n]
                for oy in range(top, bottom):
                    line, target = source[oy], x[n, c, oy * stride[0] + offset_y]
                    if step == 1:
                        middle, added = target[left + offset_x : right + offset_x], line[left:right]
                        for i in range(middle.size):
                            middle[i] += added[i]
                    else:
                        for ox in range(left, right):
                            target[ox * step + offset_x] += line[ox]


def to_columns(x: np.ndarray, view: Window) -> np.ndarray:
    """Return im2col's matrix for a resolved window."""
    x = np.ascontiguousarray(x)
    batch, channels, _, _ = x.shape
    rows = channels * view.kernel[0] * view.kernel[1]
    columns = np.empty((rows, batch, *view.out), x.dtype)

    def part(first, last):
        gather(x, view.kernel, view.stride, view.padding[:2], view.dilation, columns, first, last)

    spread(part, rows, columns.size)
    return columns.reshape(rows, -1)


def from_columns(columns: np.ndarray, x_shape, view: Window) -> np.ndarray:
    """Return col2im's images for a resolved window."""
    batch, channels, _, _ = x_shape
    columns = np.ascontiguousarray(columns).reshape(-1, batch, *view.out)
    x = np.empty(x_shape, columns.dtype)

    def part(first, last):
        scatter(columns, view.kernel, view.stride, view.padding[:2], view.dilation, x, first, last)

    spread(part, batch * channels, columns.size)
    return x


def im2col(x, kernel, *, stride=1, padding=0, dilation=1) -> np.ndarray:
    """Write every window as a column.

    Args:
        x: float32, float64 or int8 [batch, channels, height, width].
        kernel: int or (vertical, horizontal) elements of the window.
        stride: int or (vertical, horizontal).
        padding: int, (vertical, horizontal), (top, left, bottom, right), "same" or "valid";
            padded elements are 0.
        dilation: int or (vertical, horizontal).

    Returns:
        x's dtype [channels * kh * kw, batch * out_h * out_w]: rows in (channel, ky, kx) order,
        the order of ``weights.reshape(filters, -1)``; columns in (image, oy, ox) order.

    Raises:
        ValueError: x or an option breaks these rules, or no window fits.
    """
    typed("x", x, (*FLOATS, np.dtype(np.int8)), 4)
    return to_columns(x, window(x.shape[2:], kernel, stride, padding, dilation))


def col2im(columns, x_shape, kernel, *, stride=1, padding=0, dilation=1) -> np.ndarray:
    """Add every column back to the place in the image that im2col took it from (its adjoint).

    Args:
        columns: float32 or float64 [channels * kh * kw, batch * out_h * out_w].
        x_shape: (batch, channels, height, width) of the images.
        kernel: as for im2col, like the other options.
        stride: see ``kernel``.
        padding: see ``kernel``; what lies on padding is dropped.
        dilation: see ``kernel``.

    Returns:
        columns' dtype [batch, channels, height, width].

    Raises:
        ValueError: the columns' shape does not fit, or an option breaks its rule.
    """
    typed("columns", columns, FLOATS, 2)
    batch, channels, height, width = x_shape
    view = window((height, width), kernel, stride, padding, dilation)
    high, wide = pair("kernel", kernel)
    shape = channels * high * wide, batch * view.out[0] * view.out[1]
    like("columns", columns, shape, columns.dtype)
    return from_columns(columns, (batch, channels, height, width), view)
