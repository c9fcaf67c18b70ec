"""Lower one machine layer, tiled, into the commands of its blocks."""

import bisect
import dataclasses
import typing
from collections.abc import Iterator

from accel.compiler import begin, tables, weights
from accel.compiler.fed import Fed, FedRows, fed_rows
from accel.compiler.layer import Group, MachineLayer, Slice
from accel.compiler.ready import POST, Ready
from accel.compiler.rows import Rows, Strip, split
from accel.compiler.stream import Stream
from accel.compiler.tiling import Tiling
from accel.isa import Op, Pool
from accel.program import Placement


@dataclasses.dataclass(frozen=True)
class Rectangle:
    """Convolution outputs of a block: rows y0 to y1 - 1, columns x0 to x1 - 1."""

    y0: int
    y1: int
    x0: int
    x1: int


class Near(typing.Protocol):
    """Where the blocks of a layer go that stays on the chip."""

    def place(self, y0: int, y1: int, channel: int) -> dict[str, int]:
        """The fields of the POST that stores these rows, the next ones, from ``channel`` on."""


class Lowering:
    """One layer on its way into a stream.

    Parameters:
        layer: the machine layer.
        tilings: of each slice.
        stream: receives the commands.
        source, target: where the input and output tensors lie; None if not in memory.
        ready: readiness of both, by tensor.
        addresses: of the weight records, by slice and group number.
        near: gives every block its place in the window unit's buffer (accel/compiler/near.py);
            None if the output goes to memory.
        fed: the input, where the window unit writes it into the array's buffer.
    """

    def __init__(
        self,
        layer: MachineLayer,
        tilings: list[Tiling],
        stream: Stream,
        source: tuple[Placement, Ready] | None,
        target: tuple[Placement, Ready] | None,
        addresses: dict[tuple[int, int], int],
        near: "Near | None" = None,
        fed: Fed | None = None,
    ):
        self.layer, self.tilings, self.stream, self.addresses = layer, tilings, stream, addresses
        self.source, self.ready = source or (None, None)
        self.target, self.done = target or (None, None)
        self.near, self.fed = near, fed
        #: Every group's walks, by slice and group number, their number, and its weight tiles.
        self.kernels = {
            (number, index): (
                kernels, sum(len(kernel.walks) for kernel in kernels), weights.tiles(kernels)
            )
            for number, (part, tiling) in enumerate(zip(layer.slices, tilings, strict=True))
            for index, group in enumerate(part.groups)
            for kernels in [weights.group_kernels(layer, part, group, tiling)]
        }
        #: The fields of EXECs, as far as groups and blocks have them in common.
        self.execs: dict[tuple, dict[str, int]] = {}
        #: Behind which convolution row each unit row is complete.
        self.complete = [
            layer.pool_rows.inside(unit, unit + 1)[1] for unit in range(layer.pool_rows.outputs)
        ]
        self.fields = {
            "rounding": layer.rounding, "out_zero": layer.out_zero, "lo": layer.lo, "hi": layer.hi,
            "activate": int(layer.table is not None),
        }  # fmt: skip
        #: TABLE and ACTIVATION commands to come before the next POST.
        self.tables = tables.activations(layer.table)
        if not layer.pooling.alone:
            self.tables += tables.pool(layer.pooling.table)

    def strip(self, image: int) -> "_Strip":
        """A whole image of the only slice, block by block (for accel/compiler/near.py)."""
        rows, columns = (0, self.layer.pool_rows.outputs), (0, self.layer.pool_columns.outputs)
        return _Strip(self, image, 0, self.layer.slices[0], self.tilings[0], rows, columns)

    def run(self) -> None:
        """Add the layer's commands, image by image."""
        for _ in self.pieces():
            pass

    def pieces(self) -> Iterator[float]:
        """The same piece by piece; yields its share of the layer behind each.

        Blocks of another layer may come between them.
        """
        for image in range(self.layer.view.images):
            for number, (part, tiling) in enumerate(
                zip(self.layer.slices, self.tilings, strict=True)
            ):
                for columns in _cut(self.layer.pool_columns.outputs, tiling.width):
                    for rows in _cut(self.layer.pool_rows.outputs, tiling.band):
                        yield from _Strip(
                            self, image, number, part, tiling, rows, columns
                        ).pieces()


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
        units = self.layer.pool_rows.outputs * self.layer.pool_columns.outputs
        #: How much of the layer a unit row of a channel group is.
        self.share = (columns[1] - columns[0]) / (units * len(part.groups) * len(self.layer.slices))
        if self.layer.pooling.alone:
            # This strip is a single window; its table entry replaces the one of the strip before.
            down, across = self.layer.pool_rows, self.layer.pool_columns
            count = down.elements(rows[0]) * across.elements(columns[0])
            table = [entry for entry in self.layer.pooling.table if entry[0] == count]
            lowering.tables += tables.pool(table)

    def pieces(self) -> Iterator[float]:
        """Add the strip's blocks; yields where a POST of another image may come."""
        tiling, groups = self.tiling, self.part.groups
        shared = self.shared()
        if tiling.local:
            blocks = _cut(self.band[1] - self.band[0], tiling.height)
            for u0, u1 in self.begun(blocks, len(groups)):
                for number in range(len(groups)):
                    self.units_of(u0 + self.band[0], u1 + self.band[0], number, shared)
                    yield (u1 - u0) * self.share
            return
        for number in range(len(groups)):
            for block in self._rectangles():
                begin = (block.y0, block.x0) == (self.y0, self.x0)
                self._block(block, number, shared, (*self.band, begin))
            if not tiling.resident:
                shared = self.shared()
            yield (self.band[1] - self.band[0]) * self.share

    def begun(self, blocks: list[tuple[int, int]], groups: int) -> list[tuple[int, int]]:
        """Ranges of unit rows that so many groups go through: where a program begins, in parts."""
        down, across = self.layer.pool_rows, self.units[1] - self.units[0]
        apart = down.kernel <= down.stride and across == self.layer.pool_columns.outputs
        if self.stream.blocks or self.lowering.fed or not apart:
            return blocks
        tiles = self.lowering.kernels[self.number, 0][2]
        return begin.cut(blocks, self.layer, tiles, groups, self.stream.params)

    def units_of(self, u0: int, u1: int, number: int, shared: list) -> None:
        """A group's block of the unit rows ``u0`` to ``u1 - 1``, an image of its own."""
        y0, y1 = self.layer.pool_rows.cover(u0, u1)
        self._block(Rectangle(y0, y1, self.x0, self.x1), number, shared, (u0, u1, True))

    def _rectangles(self):
        """Blocks in raster order: whole rows, or pieces of a row."""
        for y0 in range(self.y0, self.y1, self.tiling.height):
            y1 = min(y0 + self.tiling.height, self.y1)
            for x0 in range(self.x0, self.x1, self.tiling.piece):
                yield Rectangle(y0, y1, x0, min(x0 + self.tiling.piece, self.x1))

    def shared(self) -> list[Rows] | list[FedRows]:
        """The strip's rows, chunk by chunk, for all who share them."""
        if self.lowering.fed:
            return fed_rows(self.lowering.fed, [one.depth for one in self.tiling.chunks])
        count = 1 if self.tiling.apart else len(self.tiling.chunks)
        return [self._rows(chunk, self.x0, self.x1) for chunk in range(count)]

    def _rows(self, chunk: int, x0: int, x1: int) -> Rows:
        layer, view, kernel = self.layer, self.layer.view, self.tiling.chunks[chunk]
        first = self.part.first + sum(c.depth for c in self.tiling.chunks[:chunk])
        first = self.lowering.source.channel(first)
        left, pixels, right = split(layer.columns, x0, x1)
        lo, hi = layer.columns.span(x0, x1)
        place = self.lowering.source.address + self.image * view.image_pitch
        strip = Strip(
            size=layer.rows.size,
            source=place + max(0, lo) * view.pixel_pitch + first,
            row_pitch=view.row_pitch,
            pixel_pitch=view.pixel_pitch,
            left=left, pixels=pixels * kernel.groups, right=right,
            width=kernel.channels,
            pitch=kernel.pitch((hi - lo) * kernel.depth),
            fill=layer.pad,
        )  # fmt: skip
        cols = kernel.depth if kernel.depth < self.part.channels else None
        if view.row_pitch == self.lowering.source.group:
            cols = None  # one row's channels are others than the next one's
        return Rows(self.stream.array, self.lowering.ready, strip, cols)

    def _block(self, block: Rectangle, number: int, shared: list, units) -> None:
        group, rows = self.part.groups[number], self.layer.rows
        kernels, commands, tiles = self.lowering.kernels[self.number, number]
        self.stream.begin(self.lowering.addresses[self.number, number], tiles)
        first, last = rows.span(block.y0, block.y1)
        done = 0
        for chunk, kernel in enumerate(kernels):
            x0 = block.x0 if self.tiling.apart else self.x0
            there = self._rows(chunk, x0, block.x1) if self.tiling.apart else shared[chunk]
            # What stays for all groups is loaded without the gaps that a stride may leave.
            there.need(rows.span(self.y0, self.y1)[0] if self.tiling.resident else first, last)
            lowest = there.address(first)
            for walk in kernel.walks:
                done += 1
                fields = self._exec(block, group, kernel, walk, there)
                fields["first"], fields["last"] = int(done == 1), int(done == commands)
                base = lowest + self._offset(block, x0, group, walk, there)
                self.stream.execute(fields, base, lowest, there.windows)
        self._post(block, group, units)

    def _offset(self, block: Rectangle, x0: int, group: Group, walk, there: Rows) -> int:
        """From column ``x0`` of the block's first row to a walk's first byte."""
        rows, columns = self.layer.rows, self.layer.columns
        ky, kx = walk.taps[0]
        x = (block.x0 - x0) * columns.stride + kx * columns.dilation
        return ky * rows.dilation * there.pitch + x * there.width + group.offset

    def _exec(self, block: Rectangle, group: Group, kernel, walk, there: Rows) -> dict[str, int]:
        nx, ny = block.x1 - block.x0, block.y1 - block.y0
        key = nx, ny, group.cols, id(kernel), id(walk), there.pitch, there.width
        if key not in self.lowering.execs:
            fields = kernel.fields(walk, there.pitch)
            fields["cols"], fields["nx"], fields["ny"] = group.cols, nx, ny
            if nx > 1:
                fields["step_x"] = self.layer.columns.stride * there.width
            if ny > 1:
                fields["step_y"] = self.layer.rows.stride * there.pitch
            self.lowering.execs[key] = fields
        return self.lowering.execs[key].copy()

    def _post(self, block: Rectangle, group: Group, units: tuple[int, int, bool]) -> None:
        u0, u1, begin = units
        layer, target, stream = self.layer, self.lowering.target, self.stream
        if self.lowering.tables:
            for op, fields in self.lowering.tables:
                stream.post(op, fields)
            self.lowering.tables = []
        y0, y1 = layer.pool_rows.cover(u0, u1)
        fields = {
            "begin": int(begin),
            "count": (block.y1 - block.y0) * (block.x1 - block.x0),
            "cols": group.cols,
            "out_w": self.units[1] - self.units[0], "out_h": u1 - u0,
            **self.lowering.fields, "in_w": self.x1 - self.x0, "in_h": y1 - y0,
        }
        if layer.pooling.kind != Pool.NONE:
            fields |= self._pool(y0, u0, u1)
        if self.lowering.near:
            stream.post(Op.POST, fields | self.lowering.near.place(u0, u1, group.first))
            return
        # A batch folded into one tall image fills the tensor's images one after another.
        first = target.address + self.image * target.image + u0 * target.row
        first += self.units[0] * target.pixel + target.channel(group.first)
        fields["dst"], fields["pitch_x"], fields["pitch_y"] = first, target.pixel, target.row
        posts = stream.post(Op.POST, fields)
        # The unit rows that this block completes.
        first, last = (
            bisect.bisect_right(self.lowering.complete, y, u0, u1) for y in (block.y0, block.y1)
        )
        if first < last:
            address = fields["dst"] + (first - u0) * fields["pitch_y"]
            self.lowering.done.written(
                address, last - first, target.row, group.cols, POST, posts
            )

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
