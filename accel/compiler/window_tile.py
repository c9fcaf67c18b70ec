"""Choose how a window layer is cut into blocks: rows and columns of outputs, per C channels."""

import dataclasses
import functools
import math
import operator

from accel.compiler import traffic
from accel.compiler.window import AddLayer, WindowLayer
from accel.isa import COMMAND_BYTES, FIELDS, Op
from accel.params import Params

_MOST = {field.name: field.range[1] for field in FIELDS[Op.WINDOW]}
#: Rough cycles of memory latency, and of a block's commands beside its data.
_LATENCY = 80
_OVERHEAD = 16
#: Commands of a block: copies (rows that get ready one after another, padding), record, windows.
_COMMANDS = 5
#: The share of a layer's end that other layers' work does not hide, as measured.
_EXPOSED = 0.5
#: The same of its first block's input, for which all behind it waits.
_FIRST = 4
#: What the bus carries beside a layer's weights, in terms of that layer's tensors.
_NEIGHBOURS = 2
#: Outputs of an addition's block: long enough to hide its latency, short enough for the layer
#: behind it to start soon.
_ADD_PIXELS = 256
#: A small image comes in so many, too, as far as they have C * C / 4 outputs: what a block costs
#: beside them is the same everywhere, what the array could do meanwhile is not.
_ADD_BLOCKS = 4


@dataclasses.dataclass(frozen=True)
class WindowTiling:
    """Blocks of ``height`` x ``width`` outputs, whose rows in the buffer are ``pitch`` bytes."""

    width: int
    height: int
    pitch: int


def pitch_words(words: int, kh: int, kw: int, taps: int) -> int:
    """Words from row to row: neighbours in the order of a window lie in different word banks."""
    return words if kh == 1 else words + (kw - words) % taps


def tiling_key(layer: WindowLayer) -> tuple:
    """All that a layer's tiling depends on, besides the machine."""
    view = layer.view.images, layer.view.pixel_pitch
    return *view, layer.rows, layer.columns, layer.channels, bool(layer.groups)


def tilings(layer: WindowLayer, params: Params, most: int) -> list[WindowTiling]:
    """Up to ``most`` tilings, the fastest by rough cost first; none if no window fits."""
    options, widths = [], 0
    if layer.rows.kernel * layer.columns.kernel > _MOST["k"]:
        return []
    for width in balanced(layer.columns.outputs):
        pitch = _pitch(layer, width, params)
        costs = [
            (cost, (width, height, pitch))
            for height in balanced(layer.rows.outputs)
            for cost in [_cost(layer, width, height, pitch, params)]
            if cost is not None
        ]
        options += costs
        # Narrower strips load their overlap again: a few that fit are enough to look at.
        widths += bool(costs)
        if widths == 3:
            break
    best = sorted(options, key=operator.itemgetter(0))[:most]
    return [WindowTiling(*made) for _, made in best]


def add_pixels(total: int, params: Params) -> int:
    """Pixels of an addition's blocks: two blocks of both operands fit the buffer."""
    taps = params.window_taps
    most = params.window_bytes // params.cols // 4 // taps * taps
    some = max(params.cols**2 // 4, -(-total // _ADD_BLOCKS))
    most = min(max(1, most), _ADD_PIXELS, some)
    return -(-total // -(-total // most))


def balanced(total: int) -> list[int]:
    """Sizes that cut ``total`` evenly into 1, 2, 3, ... pieces."""
    return sorted({-(-total // count) for count in range(1, total + 1)}, reverse=True)


@functools.lru_cache
def _word_beats(pixel_pitch: int, cols: int, bus: int) -> float:
    """Bus beats of a pixel's C bytes, which are read from wherever the pixel lies."""
    starts = range(0, bus, math.gcd(pixel_pitch, bus))
    return sum(-(-(start + cols) // bus) for start in starts) / len(starts)


def stays(layer: WindowLayer, params: Params) -> bool:
    """Whether all channel groups of an image stay in the buffer, side by side."""
    rows = layer.rows.span(0, layer.rows.outputs)
    pitch = _pitch(layer, layer.columns.outputs, params)
    groups = -(-layer.channels // params.cols)
    return (rows[1] - rows[0]) * pitch * groups <= params.window_bytes


def _pitch(layer: WindowLayer, width: int, params: Params) -> int:
    kw = layer.columns.kernel
    words = (width - 1) * layer.columns.stride + kw
    return pitch_words(words, layer.rows.kernel, kw, params.window_taps) * params.cols


def _cost(
    layer: WindowLayer, width: int, height: int, pitch: int, params: Params
) -> float | None:
    """Rough cycles of the layer; None if a block does not fit the buffer."""
    rows, columns, size = layer.rows, layer.columns, params.window_bytes
    needed = (height - 1) * rows.stride + rows.kernel
    skip = (pitch // params.cols - columns.kernel) // params.window_taps
    if needed * pitch > size or rows.kernel > 1 and skip > _MOST["seg_skip"]:
        return None
    groups = -(-layer.channels // params.cols)
    blocks = -(-rows.outputs // height) * -(-columns.outputs // width)
    vector = max(
        -(-rows.kernel * columns.kernel // params.window_taps), params.cols / params.window_lanes
    )
    compute = height * width * vector
    # Only where nothing comes between them does a block find rows of the one above it.
    alone = width == columns.outputs and (groups == 1 or stays(layer, params))
    fresh = min(height * rows.stride, needed) if alone else needed
    words = (width - 1) * columns.stride + columns.kernel
    # Neighbouring layers move the same tensors meanwhile.
    row = words * _word_beats(layer.view.pixel_pitch, params.cols, params.bus_bytes) + 4
    load = _NEIGHBOURS * fresh * row
    load += _COMMANDS * COMMAND_BYTES / params.bus_bytes
    if layer.groups:
        tiles = -(-rows.kernel * columns.kernel // params.window_taps)
        load += traffic.record_bytes(tiles, params) / params.bus_bytes
    pixel = min(layer.channels, params.cols) / params.bus_bytes
    stored = _NEIGHBOURS * height * width * pixel
    hidden = (needed + fresh) * pitch <= size
    block = max(compute, load + stored) if hidden else compute + load + _LATENCY
    # What remains when the last input has come: the layer's last rows of all groups, or, where the
    # layer before it computes whole images group by group, its last group.
    small = rows.size * columns.size <= params.bank_rows
    tail = _EXPOSED * compute * (blocks if small else groups)
    tail += _FIRST * needed * row
    images = layer.view.images
    return images * blocks * groups * (block + _OVERHEAD) + tail


def fits(layer: WindowLayer | AddLayer, params: Params) -> bool:
    """Whether the window unit can run a layer."""
    return isinstance(layer, AddLayer) or bool(tilings(layer, params, 1))
