"""Choose how a window layer is cut into blocks: rows and columns of outputs, per C channels."""

import dataclasses

from accel.compiler.window import AddLayer, WindowLayer
from accel.isa import FIELDS, Op
from accel.params import Params

_MOST = {field.name: field.range[1] for field in FIELDS[Op.WINDOW]}
#: Rough cycles of memory latency, and of a block's commands beside its data.
_LATENCY = 80
_OVERHEAD = 16
#: Outputs of an addition's block: long enough to hide its latency, short enough for the layer
#: behind it to start soon.
_ADD_PIXELS = 256


@dataclasses.dataclass(frozen=True)
class WindowTiling:
    """Blocks of ``height`` x ``width`` outputs, whose rows in the buffer are ``pitch`` bytes."""

    width: int
    height: int
    pitch: int


def pitch_words(words: int, kh: int, kw: int, taps: int) -> int:
    """Words from row to row: neighbours in the order of a window lie in different word banks."""
    return words if kh == 1 else words + (kw - words) % taps


def tile(layer: WindowLayer, params: Params) -> WindowTiling | None:
    """The fastest tiling; None if not even one output's window fits the machine."""
    options, widths = [], 0
    if layer.rows.kernel * layer.columns.kernel > _MOST["k"]:
        return None
    for width in balanced(layer.columns.outputs):
        costs = [
            (cost, WindowTiling(width, height, _pitch(layer, width, params)))
            for height in balanced(layer.rows.outputs)
            for cost in [_cost(layer, width, height, params)]
            if cost is not None
        ]
        options += costs
        # Narrower strips load their overlap again: a few that fit are enough to look at.
        widths += bool(costs)
        if widths == 3:
            break
    return min(options, key=lambda option: option[0], default=(0, None))[1]


def add_pixels(total: int, params: Params) -> int:
    """Pixels of an addition's blocks: two blocks of both operands fit the buffer."""
    taps = params.window_taps
    most = params.window_bytes // params.cols // 4 // taps * taps
    most = min(max(1, most), _ADD_PIXELS)
    return -(-total // -(-total // most))


def balanced(total: int) -> list[int]:
    """Sizes that cut ``total`` evenly into 1, 2, 3, ... pieces."""
    return sorted({-(-total // count) for count in range(1, total + 1)}, reverse=True)


def _pitch(layer: WindowLayer, width: int, params: Params) -> int:
    kw = layer.columns.kernel
    words = (width - 1) * layer.columns.stride + kw
    return pitch_words(words, layer.rows.kernel, kw, params.window_taps) * params.cols


def _cost(layer: WindowLayer, width: int, height: int, params: Params) -> float | None:
    """Rough cycles of the layer; None if a block does not fit the buffer."""
    rows, columns, size = layer.rows, layer.columns, params.window_bytes
    pitch, needed = _pitch(layer, width, params), (height - 1) * rows.stride + rows.kernel
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
    alone = groups == 1 and width == columns.outputs
    fresh = min(height * rows.stride, needed) if alone else needed
    words = (width - 1) * columns.stride + columns.kernel
    load = fresh * (words * max(1, params.cols / params.bus_bytes) + 4)
    if layer.groups:
        load += 2 * params.param_bytes / params.bus_bytes
    hidden = (needed + fresh) * pitch <= size
    block = max(compute, load) if hidden else compute + load + _LATENCY
    # What remains when the last input has come: the layer's last rows of all groups, or, where the
    # layer before it computes whole images group by group, its last group.
    small = rows.size * columns.size <= params.bank_rows
    tail = compute * (blocks if small else groups)
    images = layer.view.images
    return images * blocks * groups * (block + _OVERHEAD) + tail


def fits(layer: WindowLayer | AddLayer, params: Params) -> bool:
    """Whether the window unit can run a layer."""
    return isinstance(layer, AddLayer) or tile(layer, params) is not None
