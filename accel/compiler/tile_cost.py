"""Which ways of cutting a layer are legal, and their rough times.

A time is that of array, weights and loads, and of latency that nothing hides.
"""

import functools

from accel.compiler import walks
from accel.compiler.layer import MachineLayer, Slice
from accel.compiler.tiling import Tiling
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
#: What the bus carries beside a layer's weights, in terms of that layer's tensors: the next and the
#: last layer's tensors too, in the window unit meanwhile.
_NEIGHBOURS = 2


@functools.lru_cache(1 << 10)
def _balanced(total: int, limit: int) -> tuple[int, ...]:
    """Sizes up to ``limit`` that cut ``total`` into equal parts, largest first."""
    sizes = {-(-total // n) for n in range(1, min(total, 64) + 1)} | {1}
    sizes |= {size for size in (2, 3, 4) if size <= total}
    if limit < total:
        sizes.add(max(1, limit))
    return tuple(sorted((size for size in sizes if size <= limit), reverse=True))


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


class Scorer:
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
        #: Rough beats of a block's commands.
        self.commands = (_LOADS + _COMMANDS * self.groups) * COMMAND_BYTES / params.bus_bytes
        #: What is known by a number of columns or rows.
        self._pitches, self._cycles_of, self._rows_of = {}, {}, {}

    def array(self, pixels: int) -> float:
        """Cycles of a group on a block: the slowest of array, weight stream and requantiser."""
        drain = pixels * self.params.cols / self.params.post_lanes + _POST
        return max(self.tiles * max(pixels, self.params.rows), self.weights, drain)

    def options(self) -> list[tuple[float, tuple]]:
        """All legal tilings, as what makes a Tiling, with their costs."""
        options = []
        most = 1 if self.layer.pooling.alone else self.layer.pool_columns.outputs
        for width in _balanced(self.layer.pool_columns.outputs, most):
            if _pool_fits(self.layer, width, self.band, self.params):
                options += self._strip(width)
        return options

    def read(self, tiling: Tiling) -> float:
        """Bytes of weights and inputs that a tiling of these chunks reads."""
        layer, rows, band = self.layer, self.layer.pool_rows, tiling.band
        columns, size = _widest_strip(layer, tiling.width), self._rows(band)
        strips = layer.view.images * -(-layer.pool_columns.outputs // tiling.width)
        strips *= -(-rows.outputs // band)
        if tiling.local:
            blocks, passes = -(-band // tiling.height), 1
        else:
            blocks = -(-size // tiling.height) * -(-columns // tiling.piece)
            passes = 1 if tiling.resident else self.groups
        needed, wide = self._needed(size), columns
        if tiling.apart:
            height = self._rows(tiling.height) if tiling.local else tiling.height
            passes, wide = blocks * self.groups, tiling.piece
            needed = self._needed(height)
        inputs = passes * needed * self._inputs(wide) * self.part.channels
        weights = blocks * self.groups * self.weights * self.params.bus_bytes
        return strips * (inputs + weights)

    def fits(self, tiling: Tiling) -> bool:
        """Whether the buffer has room for what a block of a tiling of these chunks reads."""
        columns = _widest_strip(self.layer, tiling.width)
        height, wide = tiling.height, tiling.piece if tiling.apart else columns
        if tiling.local:
            height = self._rows(tiling.height)
        elif tiling.resident:
            height = self._rows(tiling.band)
        return self._needed(height) * self._pitch(wide) <= self._room()

    def _strip(self, width: int):
        """Legal tilings with strips of ``width`` units, as (cost, what makes a tiling)."""
        layer = self.layer
        columns = _widest_strip(layer, width)
        strips = layer.view.images * -(-layer.pool_columns.outputs // width)
        strips *= -(-layer.pool_rows.outputs // self.band)
        if columns <= self.params.bank_rows:
            for cost, units, height in self._local(columns):
                tiling = self.chunks, width, self.band, units, columns, True, False, self.apart
                yield strips * cost + self._edges(height, columns, columns), tiling
            if layer.pool_rows.kernel <= layer.pool_rows.stride == 1:
                return  # without pooling, nothing is ever carried
        for cost, height, piece, resident, apart in self._carried(columns):
            tiling = self.chunks, width, self.band, height, piece, False, resident, apart
            wide = piece if apart else columns
            yield strips * cost + self._edges(height, piece, wide), tiling

    def _local(self, columns: int):
        """(cost, unit rows, convolution rows) of blocks that are images of their own."""
        rows = self.layer.pool_rows
        for units in _balanced(self.band, self.band):
            height = self._rows(units)
            disjoint = rows.kernel <= rows.stride or units == self.band
            if disjoint and height * columns <= self.params.bank_rows:
                fresh = height * self.layer.rows.stride
                blocks = -(-self.band // units)
                cost = self._cost(height, columns, columns, fresh, blocks, 1, self.apart)
                if cost is not None:
                    yield cost, units, height

    def _carried(self, columns: int):
        """(cost, convolution rows, columns of a piece, resident, apart) of raster-order blocks."""
        size, stride = self._rows(self.band), self.layer.rows.stride
        total = self._needed(size)
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
        if units not in self._rows_of:
            rows = self.layer.pool_rows
            lo, hi = rows.span(0, units)
            first, last = rows.cover(max(0, rows.outputs - units), rows.outputs)
            self._rows_of[units] = max(min(hi - lo, rows.size), last - first)
        return self._rows_of[units]

    def _inputs(self, columns: int) -> int:
        """Input columns of ``columns`` convolution columns."""
        return (columns - 1) * self.layer.columns.stride + self.layer.columns.extent

    def _needed(self, height: int) -> int:
        """Input rows of ``height`` convolution rows."""
        return (height - 1) * self.layer.rows.stride + self.layer.rows.extent

    def _room(self) -> int:
        """Bytes of the buffer that an EXEC reaches."""
        return min(self.params.input_bytes, _FIELD_MOST)

    def _pitch(self, columns: int) -> int:
        if columns not in self._pitches:
            pixels = self._inputs(columns)
            self._pitches[columns] = max(
                kernel.pitch(pixels * kernel.channels) for kernel in self.chunks
            )
        return self._pitches[columns]

    def _edges(self, height, columns, wide) -> float:
        """Cycles that a layer waits for its first block's input and the next one for its last.

        Layers depend on each other, so these favour small blocks.
        """
        needed = self._needed(height)
        pixels, params = height * columns, self.params
        drain = pixels * params.cols * (1 / params.post_lanes + 1 / params.bus_bytes)
        return _EXPOSED * (needed * self._row_cycles(wide) + drain)

    def _row_cycles(self, wide) -> float:
        if wide not in self._cycles_of:
            row_bytes = self._inputs(wide) * self.part.channels
            self._cycles_of[wide] = row_bytes / min(self.params.bus_bytes, self.params.rows) + 4
        return self._cycles_of[wide]

    def _cost(self, height, columns, wide, fresh, blocks, passes, apart) -> float | None:
        """Cycles of a strip's blocks; None if a block's input does not fit the buffer.

        A block has ``height`` x ``columns`` pixels, its input rows are ``wide`` convolution columns
        long, and it needs ``fresh`` rows that the block before did not.
        """
        params, size, pitch = self.params, self._room(), self._pitch(wide)
        needed = self._needed(height)
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
            traffic = self.groups * self.weights + self.commands + _NEIGHBOURS * (load + stored)
            return blocks * (max(compute, traffic) + _OVERHEAD)
        return blocks * (compute + load + exposed)
