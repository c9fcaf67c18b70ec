"""int8 convolution by tiles of vector instructions, without writing windows out.

A tile takes its rows right from the framed image (accel.golden.frames), one run a kernel row (a tap
where dilation or groups part them).  Filters are packed once a layer into the order in which a tile
reads them.

There are two kinds, by the type of the framed image's elements: unsigned bytes (VNNI), and the same
numbers as int16 (AVX2).  Compiled code is specialised by this type; nothing else differs.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from accel.compiled import compiled
from accel.golden.frames import (
    LINE,
    NUMBERS,
    Geometry,
    frame_lines,
    geometry_for,
    geometry_of,
    new_frame,
    tap_offsets,
)
from accel.golden.requant import Recipe, follow, recipe
from accel.golden.threads import spread
from accel.golden.tile import BYTES, PAIRS, byte_blocking, emit, features, pair_blocking
from accel.graph.ir import Conv, Tensor


class Kind(NamedTuple):
    """A way to multiply.

    Attributes:
        element: BYTES or PAIRS.
        blocking: of the tiles.
        together: elements of a row that one step of a tile takes.
    """

    element: str
    blocking: tuple[int, int, int]
    together: int


#: By the type of the framed image's elements; ``lanes`` are 0 where the processor cannot.
KINDS = {
    np.dtype(np.uint8): Kind(BYTES, byte_blocking(features()), 4),
    np.dtype(np.int16): Kind(PAIRS, pair_blocking(features()), 2),
}
#: What this processor can do, the fastest first.
ABLE = tuple(dtype for dtype, kind in KINDS.items() if kind.blocking.lanes)
#: Windows whose sums are requantised at a time are this many tiles' rows.
PANEL = 33


def _tile(**smaller):
    """Make what ``accel.golden.tile.tile`` makes, for the kind of the first argument's elements.

    ``smaller`` replaces numbers of its blocking.
    """

    @intrinsic
    def compute(
        context, framed, places, taps, tap_count, depth, stream, start, start_pitch, out, out_pitch
    ):
        kind = KINDS[np.dtype(framed.dtype.name)]

        def generate(context, builder, signature, values):
            emit(builder, kind.blocking._replace(**smaller), kind.element, values[1:])
            return context.get_dummy_value()

        return types.void(framed, *[types.uint64] * 9), generate

    return compute


_full, _one_row = _tile(), _tile(rows=1)
_two_vectors, _one_vector = _tile(vectors=2), _tile(vectors=1)


class Packed(NamedTuple):
    """A layer's filters in the order of the tiles.

    Attributes:
        lanes: of the kind's blocking, as ``rows``, ``vectors``.
        rows: see ``lanes``.
        vectors: see ``lanes``.
        depth: steps of a run.
        taps: runs in a window.
        blocks: int64 [blocks, 5]: group, first filter, filters, vectors, and the vectors before.
        stream: uint8, from a cache line on: [vectors of all blocks, taps, depth, lanes, together];
            inside a block the vectors take turns at every step.
        start: int32 [vectors of all blocks * lanes], the folded bias.
        offsets: int64 [groups, taps], bytes from a window's corner to its runs.
        recipe: requantisation of ``start``'s channels.
    """

    lanes: int
    rows: int
    vectors: int
    depth: int
    taps: int
    blocks: np.ndarray
    stream: np.ndarray
    start: np.ndarray
    offsets: np.ndarray
    recipe: Recipe


@compiled
def multiply_rows(framed, packed, block, places, count, sums):
    """Write sums of one block of filters for ``count`` windows, and maybe some after them.

    Args:
        framed: the framed image.
        packed: see Packed.
        block: row of packed.blocks.
        places: address of the addresses of the windows.
        count: windows.
        sums: int32 [count and packed.rows more, packed.vectors * packed.lanes].
    """
    group, vectors, before = block[0], block[3], block[4]
    taps, depth = np.uint64(packed.taps), np.uint64(packed.depth)
    # Bytes of a lane of the stream: all elements of a step.
    lane = 4 // framed.itemsize
    offsets = np.uint64(packed.offsets.ctypes.data + group * packed.offsets.strides[0])
    stream = np.uint64(
        packed.stream.ctypes.data + before * packed.taps * packed.depth * packed.lanes * lane
    )
    start = np.uint64(packed.start.ctypes.data + before * packed.lanes * 4)
    out, pitch, flat = sums.ctypes.data, np.uint64(sums.strides[0]), np.uint64(0)
    p = 0
    while p < count:
        rows, target = np.uint64(places + 8 * p), np.uint64(out + p * sums.strides[0])
        if vectors == 1:
            _one_vector(framed, rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += packed.rows
        elif vectors < packed.vectors:
            _two_vectors(framed, rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += packed.rows
        elif count - p > 2:
            _full(framed, rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += packed.rows
        else:  # a full tile takes as long as three of these
            _one_row(framed, rows, offsets, taps, depth, stream, start, flat, target, pitch)
            p += 1


@compiled
def convolve(
    images, kind, numbers, blocks, stream, start, offsets, steps, y, first, last, first_block,
    last_block,
):  # fmt: skip
    """Write lines ``first`` to ``last`` - 1 of all images, for some blocks of filters.

    Args:
        images: uint8 [n, height, width * channels], the bits of int8.
        kind: empty, of the type of the framed image's elements.
        numbers: see Layer, of which one array is quicker handed over than tuples of numbers.
        blocks: see Packed, as ``stream``, ``start`` and ``offsets``.
        stream: see ``blocks``.
        start: see ``blocks``.
        offsets: see ``blocks``.
        steps: of the recipe.
        y: int8 [n * windows, filters], written.
        first: image * lines to begin at.
        last: one behind the last.
        first_block: block of filters to begin at.
        last_block: one behind the last.
    """
    geometry, n = geometry_of(numbers), numbers[NUMBERS:]
    packed = Packed(
        n[0], n[1], n[2], n[3], n[4], blocks, stream, start, offsets,
        Recipe(n[5], n[6], n[7], n[8], steps),
    )  # fmt: skip
    wide, filters, flat = geometry.out[1], y.shape[1], y.ravel()
    framed = new_frame(geometry, last - first, kind)
    places = np.empty((last - first) * wide + packed.rows, np.uint64)
    panel = min(PANEL * packed.rows, (last - first) * wide)
    sums = np.empty((panel + packed.rows, packed.vectors * packed.lanes), np.int32)
    while first < last:
        lines = frame_lines(images, geometry, first, last, framed, places)
        count = lines * wide
        places[count : count + packed.rows] = places[count - 1]  # stand-ins for rows that miss
        for block in packed.blocks[first_block:last_block]:
            for p in range(0, count, panel):
                some, at = min(panel, count - p), (first * wide + p) * filters + block[1]
                multiply_rows(framed, packed, block, places.ctypes.data + 8 * p, some, sums)
                channel = block[4] * packed.lanes
                follow(packed.recipe, channel, sums, some, flat, at, filters, block[2])
        first += lines


def _blocks(filters: int, groups: int, blocking) -> np.ndarray:
    """Packed.blocks: each group's filters in whole blocks, and the rest by two vectors and one."""
    own, rows, before = filters // groups, [], 0
    lanes, _, most = blocking
    for group in range(groups):
        at = 0
        while at < own:
            rest = -(-(own - at) // lanes)
            vectors = most if rest >= most else min(rest, 2)
            count = min(vectors * lanes, own - at)
            rows.append((group, group * own + at, count, vectors, before))
            before, at = before + vectors, at + count
    return np.array(rows, np.int64)


def _aligned(count: int) -> np.ndarray:
    """Bytes, all 0, that begin on a cache line."""
    memory = np.zeros(count + LINE, np.uint8)
    skip = -memory.ctypes.data % LINE
    return memory[skip : skip + count]


def pack(node: Conv, folded: np.ndarray, kind: Kind, offsets: np.ndarray) -> Packed:
    """Bring a layer's filters into the order of the tiles; ``folded`` is their bias."""
    filters, groups, taps = len(node.weights), int(node.groups), offsets.shape[1]
    lanes, together = kind.blocking.lanes, kind.together
    blocks = _blocks(filters, groups, kind.blocking)
    runs = np.ascontiguousarray(node.weights).view(np.uint8).reshape(filters, taps, -1)
    depth = -(-runs.shape[2] // together)
    total, steps = int(blocks[-1, 3] + blocks[-1, 4]), taps * depth
    stream, places = _aligned(total * steps * lanes * together), np.zeros(total * lanes, np.intp)
    for _, first, count, vectors, before in blocks:
        full = np.zeros((vectors * lanes, taps, together * depth), np.uint8)
        full[:count, :, : runs.shape[2]] = runs[first : first + count]
        block = full.reshape(vectors, lanes, steps, together).transpose(2, 0, 1, 3)
        begin = before * steps * lanes * together
        stream[begin : begin + block.size] = block.ravel()
        places[before * lanes : before * lanes + count] = np.arange(first, first + count)
    steps = recipe(node.requant, places)
    return Packed(*kind.blocking, depth, taps, blocks, stream, folded[places], offsets, steps)


class Layer(NamedTuple):
    """A convolution, ready to run.

    Attributes:
        kind: empty, of the type of the framed image's elements.
        geometry: see Geometry.
        packed: see Packed.
        numbers: int64, all plain numbers of Geometry, Packed and its Recipe, in the order of their
            fields.
    """

    kind: np.ndarray
    geometry: Geometry
    packed: Packed
    numbers: np.ndarray


def prepare(node: Conv, source: Tensor, folded: np.ndarray, dtype: np.dtype) -> Layer:
    """Pack a layer.

    Args:
        node: the layer.
        source: its input.
        folded: int32 [filters], the bias with what the zero point and unsigned bytes add.
        dtype: one of KINDS.
    """
    kind, geometry = KINDS[dtype], geometry_for(node, source)
    groups, wide = int(node.groups), node.weights.shape[2]
    runs = 1 if int(node.dilation[1]) == 1 and groups == 1 else wide
    offsets = np.add.outer(
        np.arange(groups) * node.weights.shape[3], tap_offsets(node, geometry, runs)
    )  # fmt: skip
    packed = pack(node, folded, kind, offsets * dtype.itemsize)
    numbers = [*geometry.numbers(), *packed[:5], *packed.recipe[:4]]
    return Layer(np.empty(0, dtype), geometry, packed, np.array(numbers, np.int64))


def run(layer: Layer, images: np.ndarray, out: tuple[int, int]) -> np.ndarray:
    """Compute a layer: int8 [n, height, width, channels] to [n, windows, filters]."""
    kind, _, packed, numbers = layer
    batch, height, _, _ = images.shape
    flat = images.view(np.uint8).reshape(batch, height, -1)
    arrays, steps = packed[5:9], packed.recipe.steps
    blocks, filters = len(packed.blocks), int(packed.blocks[-1, 1] + packed.blocks[-1, 2])
    lines = batch * out[0]
    y = np.empty((lines * out[1], filters), np.int8)
    work = y.size * packed.taps * packed.depth // packed.lanes
    if blocks < 2 or packed.stream.size < flat.size:  # what is not split is read by every thread
        spread(
            lambda one, end: convolve(flat, kind, numbers, *arrays, steps, y, one, end, 0, blocks),
            lines, work,
        )  # fmt: skip
    else:
        spread(
            lambda one, end: convolve(flat, kind, numbers, *arrays, steps, y, 0, lines, one, end),
            blocks, work,
        )  # fmt: skip
    return y
