"""int8 depthwise convolution by vectors: one filter a channel, so the lanes are channels.

A window's taps are taken in pairs.  Sixteen channels of one tap and of the next, as int16, are
interleaved, and AVX2's vpmaddwd multiplies all of them by their weights and adds the two products
of each channel in 32 bits, exactly.  Windows are taken by twos, which share the loaded weights.
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
    frame_size,
    geometry_for,
    geometry_of,
    tap_offsets,
)
from accel.golden.requant import WIDTH, Recipe, follow, recipe
from accel.golden.threads import spread
from accel.golden.tile import features, multiply_pairs
from accel.graph.ir import Conv, Tensor

#: Whether the processor has the instructions.
ABLE = "avx2" in features()
#: Windows that are computed together, and those whose sums are requantised at a time.
ROWS, PANEL = 2, 64
#: Channels of a vector of sums, in the order that interleaving halves of vectors makes.
_LOW, _HIGH = (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15)
ORDER = np.array([*_LOW, *_HIGH])


def _pick(builder, one, other, lanes):
    """Return a vector of lanes of ``one`` and, counted on, of ``other``."""
    places = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
    return builder.shuffle_vector(one, other, places)


def _emit(builder, arguments):
    """Emit the function of ``_sums``."""
    places, groups, skip, taps, pairs, weights, start, out = arguments
    sixteen, sums = ir.VectorType(I16, WIDTH), ir.VectorType(I32, WIDTH // 2)
    mixed = [[i for lane in half for i in (lane, lane + WIDTH)] for half in (_LOW, _HIGH)]
    begin = [load(builder, sums, start, constant(32 * half)) for half in (0, 1)]

    def group(number, carried):
        near = builder.add(places, builder.mul(number, constant(8 * ROWS)))
        bases = [
            builder.add(load(builder, I64, near, constant(8 * row), align=8), skip)
            for row in range(ROWS)
        ]

        def pair(number, totals):
            offsets, own = builder.mul(number, constant(16)), builder.mul(number, constant(64))
            tap = [load(builder, I64, taps, offsets, constant(8 * i), align=8) for i in (0, 1)]
            factors = [load(builder, sixteen, weights, own, constant(32 * i)) for i in (0, 1)]
            added = []
            for row, base in enumerate(bases):
                one, other = (load(builder, sixteen, base, offset, align=2) for offset in tap)
                for half in (0, 1):
                    values = _pick(builder, one, other, mixed[half])
                    product = multiply_pairs(builder, values, factors[half])
                    added.append(builder.add(totals[2 * row + half], product))
            return added

        totals = loop(builder, "pair", pairs, begin * ROWS, pair)
        target = builder.add(out, builder.mul(number, constant(64 * ROWS)))
        for row in range(ROWS):
            # In the channels' own order again, which this order is its own inverse of.
            for half, lanes in enumerate((_LOW, _HIGH)):
                value = _pick(builder, *totals[2 * row : 2 * row + 2], lanes)
                place = pointer(builder, target, constant(64 * row + 32 * half), to=sums)
                builder.store(value, place).align = 4
        return carried

    loop(builder, "group", groups, [], group)


@intrinsic
def _sums(context, places, groups, skip, taps, pairs, weights, start, out):
    """Sum 16 channels of groups of ROWS windows.

    The arguments are unsigned 64-bit numbers, for addresses, distances in bytes and counts:

        places   address of the windows' addresses, uint64 [groups, ROWS]
        groups   at least 1
        skip     from there to the first of the channels
        taps     address of what is added to them for every tap, int64 [pairs, 2]
        pairs    of taps, at least 1
        weights  address of int16 [pairs, 16 channels in ORDER, 2]
        start    address of what the sums begin with, int32 [16] in ORDER
        out      address of int32 [groups, ROWS, 16], written
    """

    def generate(context, builder, signature, values):
        _emit(builder, values)
        return context.get_dummy_value()

    return types.void(*[types.uint64] * 8), generate


class Packed(NamedTuple):
    """A layer's filters in the order of the kernel.

    Attributes:
        weights: int16 [channels / 16, pairs, 16 in ORDER, 2].
        start: int32 [channels filled up], the folded bias; each 16 in ORDER.
        offsets: int64 [pairs, 2], bytes from a window's corner to its taps.
        recipe: requantisation.
    """

    weights: np.ndarray
    start: np.ndarray
    offsets: np.ndarray
    recipe: Recipe


@compiled
def sum_windows(packed, block, places, count, sums):
    """Write sums of channels ``16 * block`` and following, of ``count`` windows and maybe one more.

    Args:
        packed: see Packed.
        block: of channels.
        places: uint64, addresses of the windows, and of one more.
        count: windows.
        sums: int32 [more than count, 16].
    """
    _sums(
        np.uint64(places.ctypes.data), np.uint64(-(-count // ROWS)), np.uint64(2 * WIDTH * block),
        np.uint64(packed.offsets.ctypes.data), np.uint64(len(packed.offsets)),
        np.uint64(packed.weights[block].ctypes.data),
        np.uint64(packed.start[block * WIDTH :].ctypes.data), np.uint64(sums.ctypes.data),
    )  # fmt: skip


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
    framed = np.empty(frame_size(geometry, last - first, 2), np.int16)
    places = np.empty((last - first) * wide + ROWS, np.uint64)
    sums = np.empty((PANEL + ROWS, WIDTH), np.int32)
    while first < last:
        lines = frame_lines(images, geometry, first, last, framed, places)
        count = lines * wide
        places[count : count + ROWS] = places[count - 1]
        for p in range(0, count, PANEL):
            some, at = min(PANEL, count - p), (first * wide + p) * channels
            for channel in range(0, channels, WIDTH):
                sum_windows(packed, channel // WIDTH, places[p:], some, sums)
                own = min(WIDTH, channels - channel)
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
    taps, blocks = len(offsets), -(-channels // WIDTH)
    pairs = -(-taps // 2)
    weights = np.zeros((2 * pairs, blocks * WIDTH), np.int16)
    weights[:taps, :channels] = node.weights.reshape(channels, taps).T
    weights = weights.reshape(pairs, 2, blocks, WIDTH)[..., ORDER].transpose(2, 0, 3, 1)
    start = np.zeros(blocks * WIDTH, np.int32)
    start[:channels] = folded
    start = np.ascontiguousarray(start.reshape(blocks, WIDTH)[:, ORDER]).ravel()
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
