"""int8 convolution by tiles of vector instructions, without writing windows out.

A line of windows reads runs of ``taps * channels`` bytes that lie beside each other in the padded
image, and neighbouring windows begin ``stride * channels`` bytes apart: so a tile takes its rows
right from the image, one run a kernel row (a tap where dilation or groups part them).  The image is
framed, as unsigned bytes, some lines of windows at a time, so that they stay in the cache.

Filters are packed once a layer into the order in which a tile reads them.
"""

from typing import NamedTuple

import numpy as np

from accel.compiled import compiled
from accel.golden.requant import Recipe, follow, recipe
from accel.golden.threads import spread
from accel.golden.tile import byte_blocking, features, tile
from accel.graph.ir import Conv, Tensor

#: Bytes of framed image at a time, to lie in a second-level cache beside a block of filters.
FRAME_BYTES = 1 << 18
#: A cache line: what begins on one is read at best speed.
LINE = 64

BLOCKING = byte_blocking(features())
LANES, ROWS, VECTORS = BLOCKING
#: Windows whose sums are requantised at a time.
PANEL = 33 * ROWS
_full = tile(BLOCKING, False)
_one_row = tile(BLOCKING._replace(rows=1), False)
_one_vector = tile(BLOCKING._replace(vectors=1), False)


class Geometry(NamedTuple):
    """Where windows and their bytes lie; pairs are (vertical, horizontal).

    Attributes:
        channels: of the image.
        skip: pixels from one that is read to the next (of a 1x1 kernel: its stride).
        corner: (top, left) padding.
        wide: pixels in a padded row.
        stride: pixels of the framed image between windows.
        reach: rows of the framed image that a window spans.
        out: number of windows.
        depth: groups of four bytes in a run.
        taps: runs in a window.
        fill: the padding, as an unsigned byte.
    """

    channels: int
    skip: tuple[int, int]
    corner: tuple[int, int]
    wide: int
    stride: tuple[int, int]
    reach: int
    out: tuple[int, int]
    depth: int
    taps: int
    fill: int


class Packed(NamedTuple):
    """A layer's filters in the order of the tiles.

    Attributes:
        blocks: int64 [blocks, 5]: group, first filter, filters, vectors, and the vectors before.
        stream: uint8, from a cache line on: [vectors of all blocks, taps, depth, lanes, 4]; inside
            a block the vectors take turns at every step.
        start: int32 [vectors of all blocks * lanes], the folded bias.
        offsets: int64 [groups, taps], bytes from a window's corner to its runs.
        recipe: requantisation of ``start``'s channels.
    """

    blocks: np.ndarray
    stream: np.ndarray
    start: np.ndarray
    offsets: np.ndarray
    recipe: Recipe


@compiled
def frame_rows(image, geometry, first, target):
    """Write rows of the padded image, from row ``first`` on, with the sign bit turned.

    Args:
        image: uint8 [height, width * channels], the bits of int8.
        geometry: see Geometry.
        first: row of the padded image.
        target: uint8 [rows, pitch].
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
def place(geometry, base, lines, places):
    """Write the addresses of the windows of ``lines`` lines, the first at address ``base``."""
    size = geometry.channels
    at = 0
    for y in range(lines):
        address = base + y * geometry.stride[0] * geometry.wide * size
        for x in range(geometry.out[1]):
            places[at] = address + x * geometry.stride[1] * size
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
        own = places[(line - first) * geometry.out[1] :]
        place(geometry, target.ctypes.data, lines, own)
        at += rows * pitch
        line += lines
    return line - first


@compiled
def multiply_rows(geometry, packed, block, places, count, sums):
    """Write sums of one block of filters for ``count`` windows, and maybe some after them.

    Args:
        geometry: see Geometry.
        packed: see Packed.
        block: row of packed.blocks.
        places: address of the addresses of the windows.
        count: windows.
        sums: int32 [count and ROWS more, VECTORS * LANES].
    """
    group, vectors, before = block[0], block[3], block[4]
    taps, depth = np.uint64(geometry.taps), np.uint64(geometry.depth)
    size = 4 * LANES
    offsets = np.uint64(packed.offsets.ctypes.data + group * packed.offsets.strides[0])
    stream = np.uint64(packed.stream.ctypes.data + before * geometry.taps * geometry.depth * size)
    start = np.uint64(packed.start.ctypes.data + before * size)
    out, pitch, flat = sums.ctypes.data, np.uint64(sums.strides[0]), np.uint64(0)
    p = 0
    while p < count:
        rows, target = np.uint64(places + 8 * p), np.uint64(out + p * sums.strides[0])
        if vectors == 1:
            _one_vector(rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += ROWS
        elif count - p > 2:
            _full(rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += ROWS
        else:  # a full tile takes as long as three of these
            _one_row(rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += 1


@compiled
def convolve(images, geometry, packed, y, first, last, first_block, last_block):
    """Write lines ``first`` to ``last`` - 1 of all images, for some blocks of filters.

    Args:
        images: uint8 [n, height, width * channels], the bits of int8.
        geometry: see Geometry.
        packed: see Packed.
        y: int8 [n * windows, filters], written.
        first: image * lines to begin at.
        last: one behind the last.
        first_block: block of filters to begin at.
        last_block: one behind the last.
    """
    wide, filters, flat = geometry.out[1], y.shape[1], y.ravel()
    pitch = geometry.wide * geometry.channels
    rows = (last - first) * max(geometry.stride[0], geometry.reach)
    framed = np.empty(
        min(max(FRAME_BYTES, geometry.reach * pitch), rows * pitch) + LINE, np.uint8
    )
    places = np.empty((last - first) * wide + ROWS, np.uint64)
    sums = np.empty((PANEL + ROWS, VECTORS * LANES), np.int32)
    while first < last:
        lines = frame_lines(images, geometry, first, last, framed, places)
        count = lines * wide
        places[count : count + ROWS] = places[count - 1]  # stand-ins for rows that are missing
        for block in packed.blocks[first_block:last_block]:
            for p in range(0, count, PANEL):
                some, at = min(PANEL, count - p), (first * wide + p) * filters + block[1]
                multiply_rows(geometry, packed, block, places.ctypes.data + 8 * p, some, sums)
                follow(packed.recipe, block[4] * LANES, sums, some, flat, at, filters, block[2])
        first += lines


def _blocks(filters: int, groups: int) -> np.ndarray:
    """Packed.blocks: each group's filters in whole blocks, and the rest in single vectors."""
    own, rows, before = filters // groups, [], 0
    for group in range(groups):
        at = 0
        while at < own:
            vectors = VECTORS if own - at > (VECTORS - 1) * LANES else 1
            count = min(vectors * LANES, own - at)
            rows.append((group, group * own + at, count, vectors, before))
            before, at = before + vectors, at + count
    return np.array(rows, np.int64)


def _aligned(count: int) -> np.ndarray:
    """Bytes, all 0, that begin on a cache line."""
    memory = np.zeros(count + LINE, np.uint8)
    skip = -memory.ctypes.data % LINE
    return memory[skip : skip + count]


def pack(node: Conv, folded: np.ndarray, geometry: Geometry, offsets: np.ndarray) -> Packed:
    """Bring a layer's filters into the order of the tiles; ``folded`` is their bias."""
    filters, groups = len(node.weights), int(node.groups)
    blocks, steps = _blocks(filters, groups), geometry.taps * geometry.depth
    total = int(blocks[-1, 3] + blocks[-1, 4])
    runs = np.ascontiguousarray(node.weights).view(np.uint8).reshape(filters, geometry.taps, -1)
    stream, places = _aligned(total * steps * LANES * 4), np.zeros(total * LANES, np.intp)
    for _, first, count, vectors, before in blocks:
        full = np.zeros((vectors * LANES, geometry.taps, 4 * geometry.depth), np.uint8)
        full[:count, :, : runs.shape[2]] = runs[first : first + count]
        block = full.reshape(vectors, LANES, steps, 4).transpose(2, 0, 1, 3)
        begin = before * steps * LANES * 4
        stream[begin : begin + block.size] = block.ravel()
        places[before * LANES : before * LANES + count] = np.arange(first, first + count)
    return Packed(blocks, stream, folded[places], offsets, recipe(node.requant, places))


class Layer(NamedTuple):
    """A convolution, ready to run.

    Attributes:
        geometry: see Geometry.
        packed: see Packed.
        numbers: int64, all plain numbers of Geometry and of the Recipe, in the order of their
            fields.
    """

    geometry: Geometry
    packed: Packed
    numbers: np.ndarray


@compiled
def enter(
    images, numbers, blocks, stream, start, offsets, steps, y, first, last, first_block, last_block
):
    """Call ``convolve`` with a layer whose plain numbers come as one array.

    Whenever Python calls compiled code, every item of every tuple is looked at, which takes 3 us
    for a layer; an array is one item.
    """
    n = numbers
    geometry = Geometry(
        n[0], (n[1], n[2]), (n[3], n[4]), n[5], (n[6], n[7]), n[8], (n[9], n[10]), n[11], n[12],
        n[13],
    )  # fmt: skip
    packed = Packed(
        blocks, stream, start, offsets, Recipe(n[14], n[15], n[16], n[17], steps)
    )  # fmt: skip
    convolve(images, geometry, packed, y, first, last, first_block, last_block)


def _numbers(geometry: Geometry, recipe: Recipe) -> np.ndarray:
    items = *geometry, *recipe[:4]
    return np.array([n for item in items for n in np.atleast_1d(item)], np.int64)


def prepare(node: Conv, source: Tensor, folded: np.ndarray) -> Layer:
    """Pack a layer.

    Args:
        node: the layer.
        source: its input.
        folded: int32 [filters], the bias with what the zero point and unsigned bytes add.
    """
    filters, high, wide, part = node.weights.shape
    (top, left, bottom, right), groups = map(int, node.padding), int(node.groups)
    stride, dilation, skip = _pair(node.stride), _pair(node.dilation), (1, 1)
    height, width, channels = source.shape
    if high == wide == 1 and not any(node.padding):  # the rest is never read
        stride, skip = (1, 1), stride
        height, width = -(-height // skip[0]), -(-width // skip[1])
    padded, runs = width + left + right, 1 if dilation[1] == 1 and groups == 1 else wide
    high_reach, wide_reach = (high - 1) * dilation[0] + 1, (wide - 1) * dilation[1] + 1
    out = (
        (height + top + bottom - high_reach) // stride[0] + 1,
        (padded - wide_reach) // stride[1] + 1,
    )
    geometry = Geometry(
        channels, skip, (top, left), padded, stride, high_reach, out,
        -(-(wide // runs * part) // 4), high * runs, 128 + int(source.zero_point),
    )  # fmt: skip
    offsets = np.add.outer(
        np.arange(high) * dilation[0] * padded, np.arange(runs) * dilation[1]
    ) * channels  # fmt: skip
    offsets = np.add.outer(np.arange(groups) * part, offsets.ravel())
    packed = pack(node, folded, geometry, offsets)
    return Layer(geometry, packed, _numbers(geometry, packed.recipe))


def run(layer: Layer, images: np.ndarray, out: tuple[int, int]) -> np.ndarray:
    """Compute a layer: int8 [n, height, width, channels] to [n, windows, filters]."""
    geometry, packed, numbers = layer
    batch, height, _, _ = images.shape
    flat = images.view(np.uint8).reshape(batch, height, -1)
    *arrays, recipe = packed
    blocks, filters = len(packed.blocks), int(packed.blocks[-1, 1] + packed.blocks[-1, 2])
    lines = batch * out[0]
    y = np.empty((lines * out[1], filters), np.int8)
    work = y.size * geometry.taps * geometry.depth // LANES
    if blocks < 2 or packed.stream.size < flat.size:  # what is not split is read by every thread
        spread(
            lambda first, last: enter(
                flat, numbers, *arrays, recipe.steps, y, first, last, 0, blocks
            ),
            lines, work,
        )  # fmt: skip
    else:
        spread(
            lambda first, last: enter(
                flat, numbers, *arrays, recipe.steps, y, 0, lines, first, last
            ),
            blocks, work,
        )  # fmt: skip
    return y


def _pair(values) -> tuple[int, int]:
    return int(values[0]), int(values[1])
