"""Choose how a layer is cut: channel chunks, column strips, blocks of rows.

A *unit* is a stored pixel: a pooled one where the layer pools, else a convolution output.  A strip
is a range of unit columns; it computes every convolution column its windows need.  A block is what
one accumulator bank takes: whole rows of a strip, or a piece of one row if a row does not fit.

Two ways to order a strip's blocks:

- *local*: no pooling window crosses a block; every block is an image of its own, and all groups
  run on a block while its input is there.
- *carried*: the pooling unit carries partial windows from block to block, so a group runs through
  the whole strip before the next one starts; the input stays resident or is loaded again.

Every legal combination is scored with a rough time (array, weights, loads, exposed latency when
the next input cannot be loaded beside the computation).  The fastest wins, or is the first of those
that a mapper tries (accel/mapper.py).
"""

import dataclasses

from accel.compiler import walks
from accel.compiler.errors import CompileError
from accel.compiler.layer import MachineLayer, Slice
from accel.isa import COMMAND_BYTES, FIELDS, Op, Pool
from accel.params import POOL_OPEN, Params

#: No address distance of an EXEC may exceed its fields.
_FIELD_MOST = {field.name: field.range[1] for field in FIELDS[Op.EXEC]}["k"]
#: Rough cycles of memory latency and of a block's hand-over when nothing hides them.
_LATENCY = 80
#: Rough cycles that a block's commands cost beside its data.
_OVERHEAD = 4
#: Rough cycles that a POST takes beside its pixels.
_POST = 30
#: Commands of a block: its LOADs; and its WEIGHTS, EXEC and POST for each group.
_LOADS, _COMMANDS = 2, 3
#: The share of a layer's edges that other layers' work does not hide, as measured.
_EXPOSED = 0.5
#: Most parts that a small layer's channels come in, and the fewest cycles that a part is worth.
_PARTS, _PART = 8, 64
#: What the bus carries beside a layer's weights, in terms of that layer's tensors: the next and the
#: last layer's tensors too, in the window unit meanwhile.
_NEIGHBOURS = 2


@dataclasses.dataclass(frozen=True)
class Tiling:
    """The decisions for one slice of a layer.

    Attributes:
        chunks: kernels of the channel chunks, in order.
        width: unit columns of a strip (the last may be narrower).
        band: unit rows of a strip: all, or one where the pooling unit has no room for windows that
            overlap in rows (or its table for all of them); then rows are computed again.
        height: rows of a block: unit rows if ``local``, else convolution rows.
        piece: convolution columns of a block; less than a row only if ``carried``.
        local: see the module.
        resident: a carried strip's input stays in the buffer for all groups.
        apart: every block, group and chunk loads the input of its own columns, sharing nothing.
            Else chunks stay side by side in the buffer for all groups of a strip's only block.
    """

    chunks: tuple[walks.Kernel, ...]
    width: int
    band: int
    height: int
    piece: int
    local: bool
    resident: bool
    apart: bool


def _balanced(total: int, limit: int) -> list[int]:
    """Sizes up to ``limit`` that cut ``total`` into equal parts, largest first."""
    sizes = {-(-total // n) for n in range(1, min(total, 64) + 1)} | {1}
    sizes |= {size for size in (2, 3, 4) if size <= total}
    if limit < total:
        sizes.add(max(1, limit))
    return sorted((size for size in sizes if size <= limit), reverse=True)


def _widest_strip(layer: MachineLayer, width: int) -> int:
    """Most convolution columns of a strip of ``width`` units."""
    axis = layer.pool_columns
    spans = [
        axis.cover(lo, min(lo + width, axis.outputs)) for lo in range(0, axis.outputs, width)
    ]
    return max(hi - lo for lo, hi in spans)


def _band(layer: MachineLayer, params: Params) -> int:
    rows = layer.pool_rows
    if layer.pooling.alone:
        return 1
    return rows.outputs if -(-rows.kernel // rows.stride) <= params.pool_entries else 1


def _pool_fits(layer: MachineLayer, width: int, band: int, params: Params) -> bool:
    if layer.pooling.kind == Pool.NONE:
        return True
    rows, columns = layer.pool_rows, layer.pool_columns
    open_windows = min(width, -(-columns.kernel // columns.stride))
    open_rows = 1 if band == 1 else -(-rows.kernel // rows.stride)
    return open_windows <= POOL_OPEN and open_rows * width <= params.pool_entries


class _Scorer:
    """Scores the tilings of one slice of a layer with given chunks."""

    def __init__(self, layer: MachineLayer, part: Slice, params: Params, chunks):
        self.layer, self.part, self.params, self.chunks = layer, part, params, chunks
        self.groups, self.apart = len(part.groups), len(chunks) > 1
        tiles = sum(chunk.tiles for chunk in chunks)
        if not part.splittable:
            tiles = max(
                walks.kernel(layer.rows, layer.columns, group.width, params.rows).tiles
                for group in part.groups
            )
        self.tiles = tiles
        self.band = _band(layer, params)
        self.weights = (params.param_bytes + tiles * params.tile_bytes) / params.bus_bytes

    def array(self, pixels: int) -> float:
        """Cycles of a group on a block: the slowest of array, weight stream and requantiser."""
        drain = pixels * self.params.cols / self.params.post_lanes + _POST
        return max(self.tiles * max(pixels, self.params.rows), self.weights, drain)

    def options(self) -> list[tuple[float, Tiling]]:
        """All legal tilings with their costs."""
        options = []
        most = 1 if self.layer.pooling.alone else self.layer.pool_columns.outputs
        for width in _balanced(self.layer.pool_columns.outputs, most):
            if _pool_fits(self.layer, width, self.band, self.params):
                options += self._strip(width)
        return options

    def _strip(self, width: int):
        """Legal tilings with strips of ``width`` units, as (cost, tiling)."""
        layer = self.layer
        columns = _widest_strip(layer, width)
        strips = layer.view.images * -(-layer.pool_columns.outputs // width)
        strips *= -(-layer.pool_rows.outputs // self.band)
        if columns <= self.params.bank_rows:
            for cost, units in self._local(columns):
                tiling = Tiling(
                    self.chunks, width, self.band, units, columns, True, False, self.apart
                )
                yield strips * cost + self._edges(self._rows(units), columns, columns), tiling
            if layer.pool_rows.kernel <= layer.pool_rows.stride == 1:
                return  # without pooling, nothing is ever carried
        for cost, height, piece, resident, apart in self._carried(columns):
            tiling = Tiling(
                self.chunks, width, self.band, height, piece, False, resident, apart
            )
            wide = piece if apart else columns
            yield strips * cost + self._edges(height, piece, wide), tiling

    def _local(self, columns: int):
        """(cost, unit rows) of blocks that are images of their own."""
        rows = self.layer.pool_rows
        for units in _balanced(self.band, self.band):
            height = self._rows(units)
            disjoint = rows.kernel <= rows.stride or units == self.band
            if disjoint and height * columns <= self.params.bank_rows:
                fresh = height * self.layer.rows.stride
                blocks = -(-self.band // units)
                cost = self._cost(height, columns, columns, fresh, blocks, 1, self.apart)
                if cost is not None:
                    yield cost, units

    def _carried(self, columns: int):
        """(cost, convolution rows, columns of a piece, resident, apart) of raster-order blocks."""
        size, stride = self._rows(self.band), self.layer.rows.stride
        total = (size - 1) * stride + self.layer.rows.extent
        resident = not self.apart and total * self._pitch(columns) <= self.params.input_bytes
        whole = [(min(columns, self.params.bank_rows), self.apart)]
        alone = [(piece, True) for piece in _balanced(columns, self.params.bank_rows)]
        for piece, apart in whole + alone:
            for height in _balanced(size, self.params.bank_rows // piece):
                if piece < columns and height > 1:
                    continue
                blocks = -(-size // height) * -(-columns // piece)
                fresh = height * stride * piece // columns
                passes = 1 if resident else self.groups
                wide = piece if apart else columns
                cost = self._cost(height, piece, wide, fresh, blocks, passes, apart)
                if cost is not None:
                    yield cost, height, piece, resident and not apart, apart

    def _rows(self, units: int) -> int:
        """Most convolution rows of ``units`` unit rows."""
        rows = self.layer.pool_rows
        lo, hi = rows.span(0, units)
        first, last = rows.cover(max(0, rows.outputs - units), rows.outputs)
        return max(min(hi - lo, rows.size), last - first)

    def _inputs(self, columns: int) -> int:
        """Input columns of ``columns`` convolution columns."""
        return (columns - 1) * self.layer.columns.stride + self.layer.columns.extent

    def _pitch(self, columns: int) -> int:
        return max(kernel.pitch(self._inputs(columns) * kernel.channels) for kernel in self.chunks)

    def _edges(self, height, columns, wide) -> float:
        """Cycles that a layer waits for its first block's input and the next one for its last.

        Layers depend on each other, so these favour small blocks.
        """
        needed = (height - 1) * self.layer.rows.stride + self.layer.rows.extent
        pixels, params = height * columns, self.params
        drain = pixels * params.cols * (1 / params.post_lanes + 1 / params.bus_bytes)
        return _EXPOSED * (needed * self._row_cycles(wide) + drain)

    def _row_cycles(self, wide) -> float:
        row_bytes = self._inputs(wide) * self.part.channels
        return row_bytes / min(self.params.bus_bytes, self.params.rows) + 4

    def _cost(self, height, columns, wide, fresh, blocks, passes, apart) -> float | None:
        """Cycles of a strip's blocks; None if a block's input does not fit the buffer.

        A block has ``height`` x ``columns`` pixels, its input rows are ``wide`` convolution columns
        long, and it needs ``fresh`` rows that the block before did not.
        """
        params = self.params
        size, pitch = min(params.input_bytes, _FIELD_MOST), self._pitch(wide)
        needed = (height - 1) * self.layer.rows.stride + self.layer.rows.extent
        if needed * pitch > size:
            return None
        row_cycles = self._row_cycles(wide)
        compute = self.groups * (self.array(height * columns) + _OVERHEAD)
        if apart:
            load = needed * row_cycles * self.groups
            hidden = 2 * needed * pitch <= size
            exposed = self.groups * len(self.chunks) * _LATENCY
        else:
            load = min(fresh, needed) * row_cycles * passes
            # The next block may be the first of the next image, and then it shares no row.
            follow = needed if blocks == 1 else min(fresh, needed)
            hidden = (needed + follow) * pitch <= size
            exposed = passes * _LATENCY
        if hidden:
            stored = height * columns * self.layer.channels / params.bus_bytes
            commands = (_LOADS + _COMMANDS * self.groups) * COMMAND_BYTES / params.bus_bytes
            traffic = self.groups * self.weights + commands + _NEIGHBOURS * (load + stored)
            return blocks * (max(compute, traffic) + _OVERHEAD)
        return blocks * (compute + load + exposed)


def _chunkings(layer: MachineLayer, part: Slice, params: Params):
    """Lists of chunk kernels, from all channels at once to one by one."""
    seen = set()
    for count in range(1, part.channels + 1):
        size = -(-part.channels // count)
        if size > params.rows:
            size = -(-size // params.rows) * params.rows
        if size in seen:
            continue
        seen.add(size)
        bounds = [*range(0, part.channels, size), part.channels]
        yield tuple(
            walks.kernel(layer.rows, layer.columns, hi - lo, params.rows)
            for lo, hi in zip(bounds, bounds[1:], strict=False)
        )
        if not part.splittable:
            return


def tiling_key(layer: MachineLayer, part: Slice) -> tuple:
    """All that a slice's tiling depends on, besides the machine."""
    return (
        layer.view.images, layer.rows, layer.columns, layer.pool_rows, layer.pool_columns,
        layer.pooling.kind, layer.pooling.alone, layer.channels, part.channels,
        tuple(group.width for group in part.groups),
    )  # fmt: skip


def tilings(layer: MachineLayer, part: Slice, params: Params, most: int) -> list[Tiling]:
    """Up to ``most`` legal tilings of a slice, the fastest by rough cost first.

    Raises:
        CompileError: not even one pixel and one channel fit the machine.
    """
    found, tried = [], 0
    for chunks in _chunkings(layer, part, params):
        found += _Scorer(layer, part, params, chunks).options()
        # Chunks cost extra loads: a few sizes beyond the first that fits are enough to look at.
        tried += bool(found)
        if tried == 4 or tried == 1 and _comfortable(layer, _fastest(found), params):
            break
    if not found:
        raise CompileError(_refusal(layer, part, params))
    if most == 1:
        return [_in_parts(layer, part, params, _fastest(found))]
    ranked = []
    for _, tiling in sorted(found, key=lambda option: option[0]):
        for choice in (_in_parts(layer, part, params, tiling), tiling):
            if choice not in ranked:
                ranked.append(choice)
        if len(ranked) >= most:
            break
    return ranked[:most]


def _fastest(options: list[tuple[float, Tiling]]) -> Tiling:
    return min(options, key=lambda option: option[0])[1]


def _refusal(layer: MachineLayer, part: Slice, params: Params) -> str:
    """What is too small for a slice."""
    least = _least_bytes(layer, part, params)
    if least > params.input_bytes:
        return (
            f"{layer.name}: input buffer too small for one row of its windows: a "
            f"{layer.rows.kernel}x{layer.columns.kernel} kernel needs at least {least} bytes, "
            f"input_bytes is {params.input_bytes}"
        )
    return (
        f"{layer.name}: buffer too small for its windows: a {layer.rows.kernel}x"
        f"{layer.columns.kernel} kernel (pooled {layer.pool_rows.kernel}x"
        f"{layer.pool_columns.kernel}) does not fit input_bytes {params.input_bytes}, "
        f"acc_rows {params.acc_rows}, pool_entries {params.pool_entries}"
    )


def _least_bytes(layer: MachineLayer, part: Slice, params: Params) -> int:
    """The smallest input buffer that holds what a single convolution output needs."""
    return layer.rows.extent * min(
        max(chunk.pitch(layer.columns.extent * chunk.channels) for chunk in chunks)
        for chunks in _chunkings(layer, part, params)
    )


def _in_parts(layer: MachineLayer, part: Slice, params: Params, tiling: Tiling) -> Tiling:
    """The same tiling with the channels in chunks, where images are small.

    An image that is a single block starts when its first channels are there, while the layer before
    it computes the last ones; otherwise it waits for all.
    """
    whole = tiling.local and tiling.width == layer.pool_columns.outputs
    if tiling.apart or not part.splittable or not whole or tiling.height < layer.pool_rows.outputs:
        return tiling
    pixels = layer.pool_rows.size * layer.pool_columns.size
    kernel = tiling.chunks[0]
    for count in range(min(_PARTS, kernel.tiles * pixels // _PART), 1, -1):
        size = -(-part.channels // (count * params.rows)) * params.rows
        bounds = [*range(0, part.channels, size), part.channels]
        chunks = tuple(
            walks.kernel(layer.rows, layer.columns, hi - lo, params.rows)
            for lo, hi in zip(bounds, bounds[1:], strict=False)
        )
        if sum(chunk.tiles for chunk in chunks) == kernel.tiles and _fit_twice(
            layer, params, chunks
        ):
            return dataclasses.replace(tiling, chunks=chunks)
    return tiling


def _fit_twice(layer: MachineLayer, params: Params, chunks: tuple[walks.Kernel, ...]) -> bool:
    """Whether a whole image in chunks takes up to half of the buffer."""
    rows, columns = (
        (axis.outputs - 1) * axis.stride + axis.extent for axis in (layer.rows, layer.columns)
    )
    pitches = [chunk.pitch(columns * chunk.channels) for chunk in chunks]
    return 2 * rows * sum(pitches) <= params.input_bytes


def _comfortable(layer: MachineLayer, tiling: Tiling, params: Params) -> bool:
    """Whether blocks stream enough pixels to hide the weight loading."""
    pixels = tiling.height * tiling.piece
    if tiling.local:
        lo, hi = layer.pool_rows.inside(0, tiling.height)
        pixels = (hi - lo) * tiling.piece
    everything = layer.pool_rows.size * layer.pool_columns.size
    return pixels >= min(params.rows, everything, params.bank_rows)
