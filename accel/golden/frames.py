"""Images framed for tiles: padded, as unsigned bytes or wider, some lines of windows at a time.

A line of windows reads runs of ``taps * channels`` elements that lie beside each other in the
padded image, and neighbouring windows begin ``stride * channels`` elements apart: so a kernel takes
its windows right from the framed image, by their addresses, and no window is ever written out.
"""

from typing import NamedTuple

import numpy as np

from accel.compiled import compiled
from accel.graph.ir import Conv, Tensor

#: Bytes of framed image at a time, to lie in a second-level cache beside a block of filters.
FRAME_BYTES = 1 << 17
#: A cache line: what begins on one is read at best speed; and elements behind a frame that may be
#: read, and mean nothing.
LINE = 64


class Geometry(NamedTuple):
    """Where windows and their elements lie; pairs are (vertical, horizontal).

    Attributes:
        channels: of the image.
        skip: pixels from one that is read to the next (of a 1x1 kernel: its stride).
        corner: (top, left) padding.
        wide: pixels in a padded row.
        stride: pixels of the framed image between windows.
        reach: rows of the framed image that a window spans.
        out: number of windows.
        fill: the padding, as an unsigned byte.
    """

    channels: int
    skip: tuple[int, int]
    corner: tuple[int, int]
    wide: int
    stride: tuple[int, int]
    reach: int
    out: tuple[int, int]
    fill: int

    def numbers(self) -> list[int]:
        """All plain numbers in order, for ``geometry_of``."""
        return [int(n) for item in self for n in (item if isinstance(item, tuple) else (item,))]


#: How many numbers a Geometry has.
NUMBERS = 12


@compiled
def geometry_of(n):
    """Return the Geometry of an array of numbers.

    Whenever Python calls compiled code, every item of every tuple is looked at, which takes 3 us
    for a layer; an array is one item.
    """
    return Geometry(
        n[0], (n[1], n[2]), (n[3], n[4]), n[5], (n[6], n[7]), n[8], (n[9], n[10]), n[11]
    )


def geometry_for(node: Conv, source: Tensor) -> Geometry:
    """Return a convolution's geometry."""
    _, high, wide, _ = node.weights.shape
    top, left, bottom, right = map(int, node.padding)
    stride, dilation, skip = pair(node.stride), pair(node.dilation), (1, 1)
    height, width, channels = source.shape
    if high == wide == 1 and not any(node.padding):  # the rest is never read
        stride, skip = (1, 1), stride
        height, width = -(-height // skip[0]), -(-width // skip[1])
    padded = width + left + right
    high_reach, wide_reach = (high - 1) * dilation[0] + 1, (wide - 1) * dilation[1] + 1
    out = (
        (height + top + bottom - high_reach) // stride[0] + 1,
        (padded - wide_reach) // stride[1] + 1,
    )
    fill = 128 + int(source.zero_point)
    return Geometry(channels, skip, (top, left), padded, stride, high_reach, out, fill)


def tap_offsets(node: Conv, geometry: Geometry, horizontally: int) -> np.ndarray:
    """Elements from a window's corner to its taps, ``horizontally`` in every kernel row."""
    dilation = pair(node.dilation)
    rows = np.arange(node.weights.shape[1]) * dilation[0] * geometry.wide
    return (np.add.outer(rows, np.arange(horizontally) * dilation[1]) * geometry.channels).ravel()


@compiled
def frame_rows(image, geometry, first, target):
    """Write rows of the padded image, from row ``first`` on, with the sign bit turned.

    Args:
        image: uint8 [height, width * channels], the bits of int8.
        geometry: see Geometry.
        first: row of the padded image.
        target: uint8 or wider [rows, pitch].
    """
    size, skip, fill = geometry.channels, geometry.skip, np.uint8(geometry.fill)
    left = geometry.corner[1] * size
    width = -(-(image.shape[1] // size) // skip[1]) * size
    for row in range(len(target)):
        line, y = target[row], (first + row - geometry.corner[0]) * skip[0]
        if not 0 <= y < len(image):
            line[:] = fill
            continue
        line[:left] = fill
        line[left + width :] = fill
        middle, source = line[left : left + width], image[y]
        if skip[1] == 1:
            for i in range(width):
                middle[i] = source[i] ^ np.uint8(128)
        else:
            for begin in range(0, width, size):
                pixel, own = middle[begin : begin + size], source[begin * skip[1] :]
                for i in range(size):
                    pixel[i] = own[i] ^ np.uint8(128)


@compiled
def place(geometry, framed, lines, places):
    """Write the addresses of the windows of ``lines`` lines; ``framed`` begins with the first."""
    pixel, base = geometry.channels * framed.itemsize, framed.ctypes.data
    at = 0
    for y in range(lines):
        address = base + y * geometry.stride[0] * geometry.wide * pixel
        for x in range(geometry.out[1]):
            places[at] = address + x * geometry.stride[1] * pixel
            at += 1


@compiled
def frame_lines(images, geometry, first, last, framed, places):
    """Frame what lines ``first`` to ``last`` - 1 of all images read, and address their windows.

    Lines that do not fit into ``framed`` are left.

    Returns:
        The number of lines that fit.
    """
    pitch = geometry.wide * geometry.channels
    line, at = first, 0
    while line < last:
        n, y = line // geometry.out[0], line % geometry.out[0]
        room = (len(framed) - LINE - at) // pitch
        fit = (room - geometry.reach) // geometry.stride[0] + 1 if room >= geometry.reach else 0
        lines = min(last - line, geometry.out[0] - y, fit)
        if not lines:
            break
        rows = (lines - 1) * geometry.stride[0] + geometry.reach
        target = framed[at : at + rows * pitch]
        frame_rows(images[n], geometry, y * geometry.stride[0], target.reshape(rows, pitch))
        place(geometry, target, lines, places[(line - first) * geometry.out[1] :])
        at += rows * pitch
        line += lines
    return line - first


@compiled
def new_frame(geometry, lines, kind):
    """Return memory for the frame of ``lines`` lines, or of as many as are framed at a time.

    It begins on a cache line, and has ``LINE`` elements more than are framed; ``kind`` is an empty
    array of its type.
    """
    pitch = geometry.wide * geometry.channels
    most = max(FRAME_BYTES // kind.itemsize, geometry.reach * pitch)
    size = min(most, lines * max(geometry.stride[0], geometry.reach) * pitch) + LINE
    framed = np.empty(size + LINE, kind.dtype)
    skip = -framed.ctypes.data % LINE // kind.itemsize
    return framed[skip : skip + size]


def pair(values) -> tuple[int, int]:
    """Return the first two as plain integers: (vertical, horizontal)."""
    return int(values[0]), int(values[1])
