"""How a window slides over an image: options checked and resolved once, for every layer kind."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from accel.golden.check import pair, whole
from accel.graph.shapes import out_size


class Window(NamedTuple):
    """A window's resolved geometry; pairs are (vertical, horizontal).

    Attributes:
        kernel: elements of the window.
        stride: elements between neighbouring windows.
        padding: (top, left, bottom, right) elements put around the image.
        dilation: elements between neighbouring taps of one window.
        out: number of window positions.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    out: tuple[int, int]


def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """(before, after) for ceil(size / stride) windows; an odd element goes behind (SAME_UPPER)."""
    windows = -(-size // stride)
    total = max((windows - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def pads(padding, size, kernel, stride, dilation) -> tuple[int, int, int, int]:
    """Return any form of the ``padding`` option as (top, left, bottom, right) elements.

    Args:
        padding: one int for all sides; (vertical, horizontal); (top, left, bottom, right);
            "valid" for none; "same" for ceil(size / stride) windows (ONNX's SAME_UPPER).
        size: (height, width) of the image.
        kernel: (vertical, horizontal), as are ``stride`` and ``dilation``.
        stride: see ``kernel``.
        dilation: see ``kernel``.

    Raises:
        ValueError: ``padding`` has none of these forms.
    """
    if isinstance(padding, str):
        if padding == "valid":
            return 0, 0, 0, 0
        if padding == "same":
            (top, bottom), (left, right) = map(_same, size, kernel, stride, dilation)
            return top, left, bottom, right
    elif isinstance(padding, Integral):
        return (whole("padding", padding, 0),) * 4
    elif isinstance(padding, tuple | list) and len(padding) in (2, 4):
        sides = tuple(whole("padding", side, 0) for side in padding)
        return sides if len(sides) == 4 else sides * 2
    raise ValueError(
        "padding must be a whole number, (vertical, horizontal), (top, left, bottom, right), "
        f"'same' or 'valid', not {padding!r}"
    )


def window(size, kernel, stride=1, padding=0, dilation=1, *, ceil=False) -> Window:
    """Check the options of a window and resolve them for images of ``size`` (height, width).

    The number of windows is rounded down (accel.golden.arithmetic.output_size has the rule that
    refuses sizes that do not fit), or up with ``ceil`` unless that window sees only padding.

    Raises:
        ValueError: an option is of no known form, or not one window fits the padded image.
    """
    height, width = size
    kernel, stride = pair("kernel", kernel), pair("stride", stride)
    dilation = pair("dilation", dilation)
    top, left, bottom, right = pads(padding, size, kernel, stride, dilation)
    out = (
        out_size(height, kernel[0], stride[0], (top, bottom), dilation[0], ceil),
        out_size(width, kernel[1], stride[1], (left, right), dilation[1], ceil),
    )
    if min(out) < 1:
        raise ValueError(
            f"kernel {kernel} with dilation {dilation} must fit the padded image, not "
            f"{height}x{width} with padding {(top, left, bottom, right)}"
        )
    return Window(kernel, stride, (top, left, bottom, right), dilation, out)


def on_image(size, view: Window) -> tuple[np.ndarray, np.ndarray]:
    """Which taps of each window lie on an image of ``size`` (height, width), along each axis.

    Returns:
        For rows and for columns int64 [windows, 3]: where tap 0 lies (perhaps on the padding), the
        first tap on the image, and the end behind the last one.
    """
    ranges = []
    for axis in (0, 1):
        start = np.arange(view.out[axis]) * view.stride[axis] - view.padding[axis]
        step = view.dilation[axis]
        first = np.maximum(-(start // step), 0)  # ceil(-start / step)
        end = np.minimum(-((start - size[axis]) // step), view.kernel[axis])
        ranges.append(np.stack([start, first, end], axis=1))
    return ranges[0], ranges[1]


def tap_counts(size, view: Window, *, padded=False) -> np.ndarray:
    """Number of taps that each window has on the image, or on image and padding.

    Args:
        size: (height, width) of the image.
        view: the window's geometry.
        padded: count taps on the padding too (not those behind it, which ``ceil`` brings).

    Returns:
        int64 [out_h, out_w].
    """
    counts = []
    for axis in (0, 1):
        before, after = view.padding[axis], view.padding[axis + 2]
        start = np.arange(view.out[axis]) * view.stride[axis] - before
        at = start[:, None] + np.arange(view.kernel[axis]) * view.dilation[axis]
        low, high = (-before, size[axis] + after) if padded else (0, size[axis])
        counts.append(((at >= low) & (at < high)).sum(1))
    return np.outer(*counts)
