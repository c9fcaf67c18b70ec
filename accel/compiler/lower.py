"""Lower one machine layer, tiled, into the commands of its blocks."""

import dataclasses

from accel.compiler import walks, weights
from accel.compiler.layer import Group, MachineLayer, Slice
from accel.compiler.stream import Ready, Stream
from accel.compiler.tile import Tiling
from accel.isa import FIELDS, TABLE_ENTRIES, Op, Pool
from accel.params import POOL_TABLE
from accel.program import Placement

_MOST_INNER = {field.name: field.range[1] for field in FIELDS[Op.LOAD]}["inner"]


@dataclasses.dataclass(frozen=True)
class Rectangle:
    """Convolution outputs of a block: rows y0 to y1 - 1, columns x0 to x1 - 1."""

    y0: int
    y1: int
    x0: int
    x1: int


class Rows:
    """The input rows of one strip and channel chunk in the buffer, loaded from top to bottom.

    Parameters:
        lowering: whose layer, source and stream to use.
        image: image number.
        first: first input channel, counted in the tensor.
        kernel: the chunk's walks.
        x0, x1: convolution columns of the strip.
    """

    def __init__(self, lowering: "Lowering", image: int, first: int, kernel, x0: int, x1: int):
        layer = lowering.layer
        self.stream, self.ready, self.rows = lowering.stream, lowering.ready, layer.rows
        self.kernel, self.view, self.pad, self.x0 = kernel, layer.view, layer.pad, x0
        lo, hi = layer.columns.span(x0, x1)
        left = min(hi - lo, max(0, -lo))
        right = min(hi - lo - left, max(0, hi - layer.columns.size))
        channels = kernel.channels
        self.fill = left * channels, right * channels
        self.pixels = hi - lo - left - right
        self.row_bytes = (hi - lo) * channels
        self.pitch = kernel.pitch(self.row_bytes)
        self.source = (
            lowering.source.address
            + image * self.view.image_pitch
            + max(0, lo) * self.view.pixel_pitch
            + first
        )
        self.base = self.next = None

    def need(self, first: int, last: int) -> None:
        """Load the rows ``first`` to ``last - 1`` (negative: padding) that are not there yet."""
        head = self.stream.ring.head
        if self.next is None or first > self.next:
            self.base, self.next = head - first * self.pitch, first
        size = self.rows.size
        for lo, hi in ((self.next, min(last, 0)), (0, size), (size, last)):
            lo, hi = max(lo, self.next), min(hi, last)
            if lo < hi and 0 <= lo < size and self.pixels:
                self._copy(lo, hi)
            elif lo < hi:
                self._load(self._padding(hi - lo), hi)

    def _copy(self, lo: int, hi: int) -> None:
        """Load rows from memory, those that are there first apart from those to come."""
        pitch = self.view.row_pitch
        length = (self.pixels - 1) * self.view.pixel_pitch + self.kernel.channels
        starts = [self.source + row * pitch for row in range(lo, hi)]
        for end in self.ready.together(starts, length, self.stream.posts):
            self._load(self._inside(self.next, lo + end - self.next), lo + end)

    def _load(self, fields: dict[str, int], end: int) -> None:
        address = self.stream.load(fields, (end - self.next) * self.pitch, self.ready)
        if address != self.address(self.next):
            raise AssertionError("the rows of a strip must be contiguous")
        self.next = end

    def address(self, row: int) -> int:
        """The virtual address of a row."""
        return self.base + row * self.pitch

    def _inside(self, row: int, count: int) -> dict[str, int]:
        channels, row_pitch = self.kernel.channels, self.view.row_pitch
        left, right = self.fill
        fields = {"src": self.source + row * row_pitch, "rows": count,
                  "items": 1, "inner": self.pixels * channels,
                  "fill_left": left, "fill_right": right, "fill_value": self.pad}
        if self.view.pixel_pitch != channels and self.pixels > 1:
            fields |= {"items": self.pixels, "inner": channels,
                       "item_pitch": self.view.pixel_pitch}
        elif row_pitch == self.pitch == fields["inner"] and count * self.pitch <= _MOST_INNER:
            return fields | {"rows": 1, "inner": count * self.pitch}
        if count > 1:
            fields |= {"row_pitch": row_pitch, "dst_pitch": self.pitch}
        return fields

    def _padding(self, count: int) -> dict[str, int]:
        fields = {"src": 0, "rows": 1, "items": 1, "inner": 0, "fill_value": self.pad}
        together = (count - 1) * self.pitch + self.row_bytes
        if together <= _MOST_INNER:
            return fields | {"fill_left": together}
        return fields | {"rows": count, "dst_pitch": self.pitch, "fill_left": self.row_bytes}


class Lowering:
    """One layer on its way into a stream.

    Parameters:
        layer: the machine layer.
        tilings: of each slice.
        stream: receives the commands.
        source, target: where the input and output tensors lie.
        ready: readiness of both, by tensor.
        addresses: of the weight records, by slice and group number.
    """

    def __init__(
        self,
        layer: MachineLayer,
        tilings: list[Tiling],
        stream: Stream,
        source: tuple[Placement, Ready],
        target: tuple[Placement, Ready],
        addresses: dict[tuple[int, int], int],
    ):
        self.layer, self.tilings, self.stream, self.addresses = layer, tilings, stream, addresses
        self.source, self.ready = source
        self.target, self.done = target
        self.tables = list(layer.pooling.table)

    def run(self) -> None:
        """Add the layer's commands, image by image."""
        for image in range(self.layer.view.images):
            for number, (part, tiling) in enumerate(
                zip(self.layer.slices, self.tilings, strict=True)
            ):
                for columns in _cut(self.layer.pool_columns.outputs, tiling.width):
                    for rows in _cut(self.layer.pool_rows.outputs, tiling.band):
                        _Strip(self, image, number, part, tiling, rows, columns).run()


def _cut(total: int, size: int) -> list[tuple[int, int]]:
    """Ranges of ``size`` (the last may be shorter) that make up ``total``."""
    return [(first, min(first + size, total)) for first in range(0, total, size)]


class _Strip:
    """One strip, unit ``rows`` by unit ``columns``, of one image and slice."""

    def __init__(self, lowering: Lowering, image: int, number: int, part: Slice, tiling: Tiling,
                 rows: tuple[int, int], columns: tuple[int, int]):
        self.lowering, self.layer, self.stream = lowering, lowering.layer, lowering.stream
        self.image, self.number, self.part, self.tiling = image, number, part, tiling
        self.band, self.units = rows, columns
        self.x0, self.x1 = self.layer.pool_columns.cover(*columns)
        self.y0, self.y1 = self.layer.pool_rows.cover(*rows)
        if self.layer.pooling.alone:
            # This strip is a single window; its table entry replaces the one of the strip before.
            down, across = self.layer.pool_rows, self.layer.pool_columns
            count = down.elements(rows[0]) * across.elements(columns[0])
            lowering.tables = [entry for entry in self.layer.pooling.table if entry[0] == count]

    def run(self) -> None:
        axis, tiling, groups = self.layer.pool_rows, self.tiling, self.part.groups
        shared = self._rows(0, self.x0, self.x1)
        if tiling.local:
            for u0, u1 in _cut(self.band[1] - self.band[0], tiling.height):
                u0, u1 = u0 + self.band[0], u1 + self.band[0]
                y0, y1 = axis.cover(u0, u1)
                block = Rectangle(y0, y1, self.x0, self.x1)
                for number in range(len(groups)):
                    self._block(block, number, shared, (u0, u1, True))
            return
        for number in range(len(groups)):
            for block in self._rectangles():
                begin = (block.y0, block.x0) == (self.y0, self.x0)
                self._block(block, number, shared, (*self.band, begin))
            if not tiling.resident:
                shared = self._rows(0, self.x0, self.x1)

    def _rectangles(self):
        """Blocks in raster order: whole rows, or pieces of a row."""
        for y0 in range(self.y0, self.y1, self.tiling.height):
            y1 = min(y0 + self.tiling.height, self.y1)
            for x0 in range(self.x0, self.x1, self.tiling.piece):
                yield Rectangle(y0, y1, x0, min(x0 + self.tiling.piece, self.x1))

    def _rows(self, chunk: int, x0: int, x1: int) -> Rows:
        first = self.part.first + sum(c.channels for c in self.tiling.chunks[:chunk])
        return Rows(self.lowering, self.image, first, self.tiling.chunks[chunk], x0, x1)

    def _block(self, block: Rectangle, number: int, shared: Rows, units) -> None:
        group, rows = self.part.groups[number], self.layer.rows
        kernels = group_kernels(self.layer, self.part, group, self.tiling)
        address = self.lowering.addresses[self.number, number]
        self.stream.begin(address, weights.tiles(kernels))
        first, last = rows.span(block.y0, block.y1)
        commands = sum(len(kernel.walks) for kernel in kernels)
        done = 0
        for chunk, kernel in enumerate(kernels):
            there = self._rows(chunk, block.x0, block.x1) if self.tiling.apart else shared
            # What stays for all groups is loaded without the gaps that a stride may leave.
            there.need(rows.span(self.y0, self.y1)[0] if self.tiling.resident else first, last)
            for walk in kernel.walks:
                done += 1
                fields = self._exec(block, group, kernel, walk, there)
                fields |= {"first": int(done == 1), "last": int(done == commands)}
                base = self._base(block, group, walk, there, first)
                self.stream.execute(fields, base, there.address(first))
        self._post(block, group, units)

    def _base(self, block: Rectangle, group: Group, walk, there: Rows, first: int) -> int:
        rows, columns = self.layer.rows, self.layer.columns
        ky, kx = walk.taps[0]
        x = (block.x0 - there.x0) * columns.stride + kx * columns.dilation
        y = first + ky * rows.dilation
        return there.address(y) + x * there.kernel.channels + group.offset

    def _exec(self, block: Rectangle, group: Group, kernel, walk, there: Rows) -> dict[str, int]:
        nx, ny = block.x1 - block.x0, block.y1 - block.y0
        fields = {"cols": group.cols, "nx": nx, "ny": ny}
        if nx > 1:
            fields["step_x"] = self.layer.columns.stride * there.kernel.channels
        if ny > 1:
            fields["step_y"] = self.layer.rows.stride * there.pitch
        return fields | kernel.fields(walk, there.pitch)

    def _post(self, block: Rectangle, group: Group, units: tuple[int, int, bool]) -> None:
        u0, u1, begin = units
        layer, target, stream = self.layer, self.lowering.target, self.stream
        for _ in range(0, len(self.lowering.tables), TABLE_ENTRIES):
            entries = self.lowering.tables[:TABLE_ENTRIES]
            del self.lowering.tables[:TABLE_ENTRIES]
            fields = {"entries": len(entries)}
            for n, (count, multiplier, shift) in enumerate(entries):
                fields[f"index{n}"] = count % POOL_TABLE
                fields |= {f"multiplier{n}": multiplier, f"shift{n}": shift}
            stream.post(Op.TABLE, fields)
        height, width, channels = target.shape
        # A batch folded into one tall image fills the tensor's images one after another.
        tall = self.image * height + u0
        fields = {
            "begin": int(begin),
            "count": (block.y1 - block.y0) * (block.x1 - block.x0),
            "cols": group.cols,
            "rounding": layer.rounding, "out_zero": layer.out_zero,
            "lo": layer.lo, "hi": layer.hi,
            "out_w": self.units[1] - self.units[0], "out_h": u1 - u0,
            "dst": target.address + (tall * width + self.units[0]) * channels + group.first,
            "pitch_x": channels, "pitch_y": width * channels,
        }
        y0, y1 = layer.pool_rows.cover(u0, u1)
        fields |= {"in_w": self.x1 - self.x0, "in_h": y1 - y0}
        if layer.pooling.kind != Pool.NONE:
            fields |= self._pool(y0, u0, u1)
        posts = stream.post(Op.POST, fields)
        for unit in range(u0, u1):
            if block.y0 < layer.pool_rows.inside(unit, unit + 1)[1] <= block.y1:
                row = self.image * height + unit
                self.lowering.done.written(slice(row, row + 1), posts)

    def _pool(self, y0: int, u0: int, u1: int) -> dict[str, int]:
        rows, columns = self.layer.pool_rows, self.layer.pool_columns
        pooling = self.layer.pooling
        return {
            "pool": pooling.kind, "pool_rounding": pooling.rounding,
            "pool_in_zero": pooling.in_zero, "pool_out_zero": pooling.out_zero,
            "kh": rows.kernel, "kw": columns.kernel,
            # A single row of windows never overlaps, and then takes fewer pooling entries.
            "sh": rows.stride if u1 - u0 > 1 else rows.kernel, "sw": columns.stride,
            "pt": y0 - rows.span(u0, u0 + 1)[0],
            "pl": self.x0 - columns.span(self.units[0], self.units[0] + 1)[0],
        }


def group_kernels(
    layer: MachineLayer, part: Slice, group: Group, tiling: Tiling
) -> tuple[walks.Kernel, ...]:
    """The walks over a group's channels, chunk by chunk."""
    if part.splittable:
        return tiling.chunks
    lanes = tiling.chunks[0].lanes
    return (walks.kernel(layer.rows, layer.columns, group.width, lanes),)
