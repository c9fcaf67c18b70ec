"""int8 depthwise convolution by vectors: one filter a channel, so the lanes are channels.

A window's taps are taken in pairs.  A *block* of channels of one tap and of the next, as int16, are
interleaved, and vpmaddwd multiplies all of them by their weights and adds the two products of each
channel in 32 bits, exactly.  Windows are taken by twos, which share the loaded weights.  A block is
as wide as a vector: 16 channels (AVX2) or 32 (AVX-512).
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from accel.compiled import compiled
from accel.golden.emit import I16, I32, I64, constant, load, loop, pointer
from accel.golden.frames import (
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
from accel.golden.tile import features, multiply_pairs, pair_widths
from accel.graph.ir import Conv, Tensor

#: Channels of a block, as far as this processor has the instructions.
WIDTHS = pair_widths(features())
#: Windows that are computed together, and those whose sums are requantised at a time.
ROWS, PANEL = 2, 64


def order(width: int) -> list[int]:
    """Return the channels of a block in the order of its sums.

    Instructions interleave the halves of each 16 bytes, eight channels: first the lower four of
    all, then the upper four.
    """
    return [channel for half in (0, 4) for first in range(half, width, 8)
            for channel in range(first, first + 4)]  # fmt: skip


def _pick(builder, one, other, lanes):
    """Return a vector of lanes of ``one`` and, counted on, of ``other``."""
    places = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
    return builder.shuffle_vector(one, other, places)


def _emit(builder, width, arguments):
    """Emit a function of ``_sums``."""
    places, groups, skip, taps, pairs, weights, start, out = arguments
    values, sums = ir.VectorType(I16, width), ir.VectorType(I32, width // 2)
    size, own, halves = constant(2 * width), order(width), (0, 1)
    mixed = [i for channel in own for i in (channel, channel + width)]
    back = [own.index(channel) for channel in range(width)]
    begin = [load(builder, sums, start, builder.mul(size, constant(half))) for half in halves]

    def group(number, carried):
        near = builder.add(places, builder.mul(number, constant(8 * ROWS)))
        bases = [
            builder.add(load(builder, I64, near, constant(8 * row), align=8), skip)
            for row in range(ROWS)
        ]

        def pair(number, totals):
            offsets, at = (builder.mul(number, constant(n)) for n in (16, 4 * width))
            tap = [load(builder, I64, taps, offsets, constant(8 * i), align=8) for i in (0, 1)]
            factors = [
                load(builder, values, weights, at, constant(2 * width * half)) for half in halves
            ]
            added = []
            for row, base in enumerate(bases):
                one, other = (load(builder, values, base, offset, align=2) for offset in tap)
                for half in halves:
                    both = _pick(builder, one, other, mixed[half * width :][:width])
                    product = multiply_pairs(builder, both, factors[half])
                    added.append(builder.add(totals[2 * row + half], product))
            return added

        totals = loop(builder, "pair", pairs, begin * ROWS, pair)
        target = builder.add(out, builder.mul(number, constant(4 * width * ROWS)))
        for row in range(ROWS):
            for half in halves:
                lanes = back[half * width // 2 :][: width // 2]
                value = _pick(builder, *totals[2 * row : 2 * row + 2], lanes)
                place = pointer(builder, target, constant(2 * width * (2 * row + half)), to=sums)
                builder.store(value, place).align = 4
        return carried

    loop(builder, "group", groups, [], group)


def _sums(width: int):
    """Make a function for compiled code: a block of channels of groups of ROWS windows.

    Its arguments are unsigned 64-bit numbers, for addresses, distances in bytes and counts:

        places   address of the windows' addresses, uint64 [groups, ROWS]
        groups   at least 1
        skip     from there to the first of the channels
        taps     address of what is added to them for every tap, int64 [pairs, 2]
        pairs    of taps, at least 1
        weights  address of int16 [pairs, width, 2], channels in ``order``
        start    address of what the sums begin with, int32 [width] in ``order``
        out      address of int32 [groups, ROWS, width], written
    """

    @intrinsic
    def compute(context, places, groups, skip, taps, pairs, weights, start, out):
        def generate(context, builder, signature, values):
            _emit(builder, width, values)
            return context.get_dummy_value()

        return types.void(*[types.uint64] * 8), generate

    return compute


_narrow = _sums(16)
_wide = _sums(32) if 32 in WIDTHS else _narrow


class Packed(NamedTuple):
    """A layer's filters in the order of the kernel.

    Attributes:
        weights: int16 [blocks, pairs, width, 2], channels in ``order``.
        start: int32 [blocks, width] in the same order, the folded bias.
        offsets: int64 [pairs, 2], bytes from a window's corner to its taps.
        recipe: requantisation.
    """

    weights: np.ndarray
    start: np.ndarray
    offsets: np.ndarray
    recipe: Recipe


@compiled
def sum_windows(packed, block, places, count, sums):
    """Write sums of a block of channels, for ``count`` windows and maybe one more.

    Args:
        packed: see Packed.
        block: of channels.
        places: uint64, addresses of the windows, and of one more.
        count: windows.
        sums: int32 [more than count, width].
    """
    width = packed.weights.shape[2]
    near, groups = np.uint64(places.ctypes.data), np.uint64(-(-count // ROWS))
    skip, taps = np.uint64(2 * width * block), np.uint64(packed.offsets.ctypes.data)
    pairs, weights = len(packed.offsets), np.uint64(packed.weights[block].ctypes.data)
    start, out = np.uint64(packed.start[block].ctypes.data), np.uint64(sums.ctypes.data)
    if width == 16:
        _narrow(near, groups, skip, taps, np.uint64(pairs), weights, start, out)
    else:
        _wide(near, groups, skip, taps, np.uint64(pairs), weights, start, out)


@compiled
def convolve(images, numbers, weights, start, offsets, steps, y, first, last):
    """Write lines ``first`` to ``last`` - 1 of all images.

    Args:
        images: uint8 [n, height, width * channels], the bits of int8.
        numbers: see Layer.
        weights: see Packed, as ``start`` and ``offsets``.
        start: see ``weights``.
        offsets: see ``weights``.
        steps: of the recipe.
        y: int8 [n * windows, channels], written.
        first: image * lines to begin at.
        last: one behind the last.
    """
    geometry, n = geometry_of(numbers), numbers[NUMBERS:]
    packed = Packed(weights, start, offsets, Recipe(n[0], n[1], n[2], n[3], steps))
    wide, channels, flat = geometry.out[1], y.shape[1], y.ravel()
    framed = new_frame(geometry, last - first, np.empty(0, np.int16))
    places = np.empty((last - first) * wide + ROWS, np.uint64)
    width = packed.weights.shape[2]
    sums = np.empty((PANEL + ROWS, width), np.int32)
    while first < last:
        lines = frame_lines(images, geometry, first, last, framed, places)
        count = lines * wide
        places[count : count + ROWS] = places[count - 1]
        for p in range(0, count, PANEL):
            some, at = min(PANEL, count - p), (first * wide + p) * channels
            for block in range(len(packed.weights)):
                sum_windows(packed, block, places[p:], some, sums)
                channel = block * width
                own = min(width, channels - channel)
                follow(packed.recipe, channel, sums, some, flat, at + channel, channels, own)
        first += lines


class Layer(NamedTuple):
    """A depthwise convolution, ready to run.

    Attributes:
        geometry: see accel.golden.frames.Geometry.
        packed: see Packed.
        numbers: int64, all plain numbers of Geometry and of the Recipe.
    """

    geometry: Geometry
    packed: Packed
    numbers: np.ndarray


def fits(node: Conv) -> bool:
    """Whether a convolution has one filter a channel."""
    return node.weights.shape[3] == 1 and int(node.groups) == len(node.weights)


def prepare(node: Conv, source: Tensor, folded: np.ndarray) -> Layer:
    """Pack a layer; ``folded`` is its bias with what the zero point and unsigned bytes add."""
    geometry, channels = geometry_for(node, source), len(node.weights)
    offsets = tap_offsets(node, geometry, node.weights.shape[2]) * 2
    width = WIDTHS[-1] if channels > WIDTHS[0] else WIDTHS[0]
    taps, blocks = len(offsets), -(-channels // width)
    pairs, places = -(-taps // 2), order(width)
    weights = np.zeros((2 * pairs, blocks * width), np.int16)
    weights[:taps, :channels] = node.weights.reshape(channels, taps).T
    weights = weights.reshape(pairs, 2, blocks, width)[..., places].transpose(2, 0, 3, 1)
    start = np.zeros(blocks * width, np.int32)
    start[:channels] = folded
    start = np.ascontiguousarray(start.reshape(blocks, width)[:, places])
    # A tap without a partner meets itself, and a weight of 0.
    offsets = np.pad(offsets, (0, taps % 2), "edge").reshape(pairs, 2)
    packed = Packed(np.ascontiguousarray(weights), start, offsets, recipe(node.requant))
    numbers = [*geometry.numbers(), *packed.recipe[:4]]
    return Layer(geometry, packed, np.array(numbers, np.int64))


def run(layer: Layer, images: np.ndarray, out: tuple[int, int]) -> np.ndarray:
    """Compute a layer: int8 [n, height, width, channels] to [n, windows, channels]."""
    _, packed, numbers = layer
    batch, height, _, channels = images.shape
    flat = images.view(np.uint8).reshape(batch, height, -1)
    y = np.empty((batch * out[0] * out[1], channels), np.int8)
    spread(
        lambda first, last: convolve(
            flat, numbers, *packed[:3], packed.recipe.steps, y, first, last
        ),
        batch * out[0], y.size * len(packed.offsets) // 4,
    )  # fmt: skip
    return y
