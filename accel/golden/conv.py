"""Convolution three ways: seven loops, im2col + GEMM, and the fast default; and its gradients.

All take the same arguments and compute the same layer, the cross-correlation of the lecture notes
and of ONNX's Conv:

    y[n, o, oy, ox] = b[o] + sum over c, ky, kx of
        w[o, c, ky, kx] * x[n, first + c, oy * stride - top + ky * dilation,
                                          ox * stride - left + kx * dilation]

with ``first`` the first channel of o's group, and x zero outside the image.  int8 gives the exact
int32 sums that the accelerator accumulates (zero point 0).
"""

import numpy as np

from accel.compiled import compiled
from accel.golden import float_tiles
from accel.golden.check import FLOATS, floating, like, typed, whole
from accel.golden.columns import col2im, from_columns, im2col, to_columns
from accel.golden.floating import convolve_by_dots
from accel.golden.window import Window, window

__all__ = ["col2im", "conv2d", "conv2d_backward", "conv2d_gemm", "conv2d_loops", "im2col"]

#: Whether the processor has the instructions for tiles.
TILES = float_tiles.BLOCKING.lanes > 0
INT8 = np.dtype(np.int8)
#: Columns' bytes above which the backward pass takes a batch in parts.
PART_BYTES = 1 << 24


@compiled
def convolve(x, w, b, stride, padding, dilation, groups, y):
    """Write the convolution to ``y``: the loop nest an HLS kernel starts from.

    Args:
        x: [batch, channels, height, width].
        w: [filters, channels / groups, kh, kw].
        b: [filters].
        stride: (vertical, horizontal).
        padding: (top, left).
        dilation: (vertical, horizontal).
        groups: independent parts of the channels.
        y: [batch, filters, out_h, out_w], written.
    """
    batch, _, height, width = x.shape
    filters, channels, kernel_h, kernel_w = w.shape
    _, _, out_h, out_w = y.shape
    for n in range(batch):
        for o in range(filters):
            first = o // (filters // groups) * channels
            for oy in range(out_h):
                for ox in range(out_w):
                    total = b[o]
                    for c in range(channels):
                        for ky in range(kernel_h):
                            for kx in range(kernel_w):
                                iy = oy * stride[0] - padding[0] + ky * dilation[0]
                                ix = ox * stride[1] - padding[1] + kx * dilation[1]
                                if 0 <= iy < height and 0 <= ix < width:
                                    total += x[n, first + c, iy, ix] * w[o, c, ky, kx]
                    y[n, o, oy, ox] = total


def _checked(x, w, b, stride, padding, dilation, groups) -> Window:
    """Check a convolution's arguments and resolve its window."""
    typed("x", x, (*FLOATS, INT8), 4)
    typed("w", w, (x.dtype,), 4)
    channels, filters = x.shape[1], w.shape[0]
    whole("groups", groups, 1)
    if channels % groups or filters % groups:
        raise ValueError(
            f"groups must divide the {channels} channels and the {filters} filters, not {groups}"
        )
    if w.shape[1] * groups != channels:
        raise ValueError(
            f"w must have {channels // groups} channels a filter for {channels} channels in "
            f"{groups} groups, not shape {list(w.shape)}"
        )
    if b is not None:
        like("b", b, (filters,), np.int32 if x.dtype == INT8 else x.dtype)
    if x.dtype == INT8:
        largest = _largest_sum(w, b)
        if largest > np.iinfo(np.int32).max:
            raise ValueError(f"w and b must keep every sum within int32, not reach {largest}")
    return window(x.shape[2:], w.shape[2:], stride, padding, dilation)


def _largest_sum(w, b) -> int:
    """Bound on every sum and partial sum, whatever the int8 input."""
    sums = np.abs(w.astype(np.int64)).sum((1, 2, 3)) * 128
    return int((sums if b is None else sums + np.abs(b.astype(np.int64))).max(initial=0))


def conv2d_loops(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1) -> np.ndarray:
    """Convolution as seven nested loops (``convolve`` above), compiled.

    Arguments, result and errors are conv2d's.
    """
    view = _checked(x, w, b, stride, padding, dilation, groups)
    result = np.dtype(np.int32) if x.dtype == INT8 else x.dtype
    y = np.empty((len(x), len(w), *view.out), result)
    convolve(
        np.ascontiguousarray(x), np.ascontiguousarray(w),
        np.zeros(len(w), result) if b is None else np.ascontiguousarray(b),
        view.stride, view.padding[:2], view.dilation, int(groups), y,
    )
    return y


def conv2d_gemm(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1) -> np.ndarray:
    """Convolution as one im2col and one matrix product (one a group) for the whole batch.

    Arguments, result and errors are conv2d's.
    """
    view = _checked(x, w, b, stride, padding, dilation, groups)
    if x.dtype == INT8:
        return _exactly(_gemm, x, w, b, view, groups)
    return _gemm(x, w, b, view, groups)


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1) -> np.ndarray:
    """Convolution, the fast way: blocked dot products (accel.golden.floating), 1x1 without a copy.

    Args:
        x: float32, float64 or int8 [batch, channels, height, width].
        w: x's dtype [filters, channels / groups, kh, kw].
        b: [filters] of x's dtype, or int32 for int8; None for no bias.
        stride: int or (vertical, horizontal) elements between windows.
        padding: zeros around the image: int, (vertical, horizontal), (top, left, bottom, right),
            "valid" for none, or "same" for ceil(size / stride) outputs (an odd one goes behind).
        dilation: int or (vertical, horizontal) elements between a window's taps.
        groups: channels and filters are split into this many independent convolutions.

    Returns:
        [batch, filters, out_h, out_w], x's dtype, or int32 for int8 (exact).  Output sizes are
        rounded down, as everywhere but in the notes: accel.golden.arithmetic.output_size has
        the rule that refuses a size that does not fit.

    Raises:
        ValueError: shapes, dtypes or options break these rules, no window fits, or int8 weights
            could bring a sum out of int32.
    """
    view = _checked(x, w, b, stride, padding, dilation, groups)
    if x.dtype == INT8:
        return _exactly(_fast, x, w, b, view, groups)
    return _fast(x, w, b, view, groups)


def _exactly(method, x, w, b, view, groups) -> np.ndarray:
    """Compute int8 sums by floating-point ``method``: exact while sums fit the significand."""
    dtype = np.float32 if _largest_sum(w, None) <= 1 << 24 else np.float64
    y = method(x.astype(dtype), w.astype(dtype), None, view, groups).astype(np.int32)
    if b is not None:
        y += b[:, None, None]
    return y


def _gemm(x, w, b, view: Window, groups: int) -> np.ndarray:
    """Matrix product of the weights and the whole batch's columns."""
    columns = to_columns(x, view)
    y = np.matmul(_by_group(w, groups), _by_group(columns, groups))
    y = y.reshape(len(w), len(x), *view.out).swapaxes(0, 1)
    return np.ascontiguousarray(y) if b is None else np.add(y, b[:, None, None], order="C")


def _fast(x, w, b, view: Window, groups: int) -> np.ndarray:
    """Tiles, where there are; or dot products, or for 1x1 filters on large images a product."""
    if TILES and x.dtype == np.float32 and x.size:
        return float_tiles.convolve_by_tiles(x, w, b, view, groups)
    few = len(x) * view.out[0] * view.out[1] <= len(w)
    if view.kernel != (1, 1) or any(view.padding) or few:
        return convolve_by_dots(x, w, b, view, groups)
    x = x[:, :, :: view.stride[0], :: view.stride[1]]  # the rest is never read
    y = np.matmul(_by_group(w, groups), _images_by_group(x, groups))
    y = y.reshape(len(x), len(w), *view.out)
    if b is not None:
        y += b[:, None, None]
    return y


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1, bias=True):
    """Gradients of a loss through conv2d, given its gradient ``dy`` by the output.

    By the chain rule on the equation above: dw is the product of dy and the columns, dx the
    columns' gradient (weights transposed times dy) added back by col2im, db the sum of dy.

    Args:
        dy: float32 or float64 [batch, filters, out_h, out_w].
        x: the layer's input, dy's dtype.
        w: the layer's weights, dy's dtype.
        stride: as for conv2d, like the other options.
        padding: see ``stride``.
        dilation: see ``stride``.
        groups: see ``stride``.
        bias: whether db is wanted.

    Returns:
        (dx, dw, db) with the shapes of x, w and the bias; db is None without ``bias``.

    Raises:
        ValueError: as for conv2d, or dy is not what conv2d would return for x and w.
    """
    floating("x", x, 4)
    view = _checked(x, w, None, stride, padding, dilation, groups)
    like("dy", dy, (len(x), len(w), *view.out), x.dtype)
    db = dy.sum((0, 2, 3)) if bias else None
    weights = _by_group(w, groups).swapaxes(1, 2)
    if _is_matrix(view):
        images, slopes = _images_by_group(x, groups), _images_by_group(dy, groups)
        dw = np.zeros((groups, len(w) // groups, weights.shape[1]), x.dtype)
        for image, slope in zip(images, slopes, strict=True):
            dw += np.matmul(slope, image.swapaxes(1, 2))
        return np.matmul(weights, slopes).reshape(x.shape), dw.reshape(w.shape), db
    dx, dw = np.empty(x.shape, x.dtype), np.zeros(w.shape, x.dtype)
    for images in _parts(x, view):
        columns = _by_group(to_columns(x[images], view), groups)
        slopes = np.ascontiguousarray(dy[images].swapaxes(0, 1)).reshape(groups, -1,
                                                                         columns.shape[2])
        dw += np.matmul(slopes, columns.swapaxes(1, 2)).reshape(w.shape)
        columns = np.matmul(weights, slopes, out=columns)  # the columns' gradient takes their place
        dx[images] = from_columns(columns, x[images].shape, view)
    return dx, dw, db


def _is_matrix(view: Window) -> bool:
    """Whether the image already is its own columns."""
    return view[:4] == ((1, 1), (1, 1), (0, 0, 0, 0), view.dilation)


def _by_group(matrix, groups) -> np.ndarray:
    """[rows, ...] as [groups, rows / groups, the rest], or weights as [groups, filters, K]."""
    return matrix.reshape(groups, len(matrix) // groups, -1)


def _images_by_group(x, groups) -> np.ndarray:
    """[batch, channels, height, width] as [batch, groups, channels / groups, pixels]."""
    return x.reshape(len(x), groups, x.shape[1] // groups, -1)


def _parts(x, view: Window):
    """Slices of the batch whose columns take at most PART_BYTES (one image at least)."""
    size = x.shape[1] * int(np.prod(view.kernel + view.out)) * x.itemsize
    images = max(1, PART_BYTES // size)
    return (slice(first, first + images) for first in range(0, len(x), images))
