"""Lower an element-wise operator on two tensors into commands of the window unit."""

import dataclasses
import operator

from accel.compiler.ready import WINDOW, Known, Ready, Snapshot
from accel.compiler.stream import Stream
from accel.compiler.window import AddLayer
from accel.compiler.window_tile import add_pixels, pitch_words
from accel.params import Params
from accel.program import Placement

Where = tuple[Placement, Ready]


def lower(layer: AddLayer, stream: Stream, sources: list[Where], target: Where) -> None:
    """Add an element-wise operator's commands to a stream.

    An operand of a pixel an image is read again for every pixel of the other one.

    Parameters:
        layer: the layer.
        stream: receives the commands.
        sources, target: where the operands and the result lie, and when they are ready.
    """
    sources = [(_spread(place, layer.shape), ready) for place, ready in sources]
    in_a_line = linear(layer, stream.params, sources, target)
    (Addition if in_a_line else _Rectangles)(layer, stream, sources, target).run()


def linear(layer: AddLayer, params: Params, sources: list[Where], target: Where) -> bool:
    """Whether the pixels of all tensors are equally far apart, also across rows.

    Tensors by channel groups, all alike, are just bytes; but see Addition about small ones.
    """
    places = [place for place, _ in (*sources, target)]
    large = layer.shape[0] * layer.shape[1] > params.bank_rows
    return all(place.linear is not None for place in places) or (
        large and all(place.group for place in places)
    )


def _spread(place: Placement, shape: tuple[int, int, int]) -> Placement:
    """A tensor as one of ``shape``: as it is, or its only pixel everywhere."""
    if place.shape == shape:
        return place
    return dataclasses.replace(place, shape=shape, pixel=0, row=0)


class Addition:
    """An element-wise addition: pixels, or where that wastes less, any C bytes, one by one."""

    def __init__(self, layer: AddLayer, stream: Stream, sources: list[Where], target: Where):
        self.layer, self.stream, self.sources = layer, stream, sources
        self.target, self.done = target
        params, (height, width, channels) = stream.params, layer.shape
        self.params, self.channels = params, channels
        self.pixels = layer.views[0].images * height * width
        self.pitches = [place.linear for place in (sources[0][0], sources[1][0], self.target)]
        # By channel group only where that makes something ready earlier, or where the pixels of a
        # tensor have gaps.
        by_groups = bool(target[0].group)
        apart = set(self.pitches) != {channels} and not by_groups
        small = channels % params.cols == 0 and height * width <= params.bank_rows
        if by_groups:
            self.channels = target[0].row // width
        self.row = width * self.channels
        self.flat = not apart and not small and self.pixels * self.channels % params.cols == 0
        if self.flat:
            self.pixels, self.channels = self.pixels * self.channels // params.cols, params.cols
            self.pitches = [params.cols] * 3

    def run(self) -> None:
        """Add the commands, those first whose operands are there first."""
        now = [Snapshot(ready) for _, ready in self.sources]
        blocks = self.blocks(add_pixels(self.pixels, self.params))
        for block in sorted(blocks, key=lambda block: self._ready(block, now)):
            self.block(*block)

    def blocks(self, size: int) -> list[tuple[int, int, int]]:
        """First pixel, number of pixels (up to ``size``) and first channel, from top to bottom."""
        return [
            (first, min(size, self.pixels - first), channel)
            for first in range(0, self.pixels, size)
            for channel in range(0, self.channels, self.params.cols)
        ]

    def rows(self, block: tuple[int, int, int]) -> int:
        """How many rows, from the first on, a block needs."""
        first, count, _ = block
        return -(-(first + count) * self.channels // self.row)

    def complete(self, block: tuple[int, int, int]) -> int:
        """How many rows, from the first on, are there behind a block and all before it."""
        first, count, channel = block
        end = first + count if channel + self.params.cols >= self.channels else first
        return end * self.channels // self.row

    def words(self, count: int) -> int:
        """Words of the buffer from one operand's pixels to the other's."""
        return pitch_words(count, 2, 1, self.params.window_taps)

    def _cols(self, channel: int) -> int:
        return min(self.params.cols, self.channels - channel)

    def _ready(self, block: tuple[int, int, int], now: list[Snapshot]) -> int:
        first, count, channel = block
        cols, waits = self._cols(channel), 0
        for (source, _), ready, pitch in zip(self.sources, now, self.pitches, strict=False):
            start = source.address + first * pitch + channel
            last = start + (count - 1) * pitch + cols - 1
            waits = max(waits, sum(ready.before(start, last, None if self.flat else cols)))
        return waits

    def block(self, first: int, count: int, channel: int, at: int | None = None) -> None:
        """Add a block's commands; ``at``: where in the buffer, ahead of all that it holds."""
        params, cols, target = self.params, self._cols(channel), self.target
        buffer_pitch, pitch = self.words(count), self.pitches[2]
        there = [
            self._load(where, distance, first, count, channel, buffer_pitch,
                       at if at is None else at + number * buffer_pitch * params.cols)
            for number, (where, distance) in enumerate(
                zip(self.sources, self.pitches, strict=False)
            )
        ]  # fmt: skip
        fields = self.layer.fields | {
            "cols": cols, "nx": count, "ny": 1, "k": 2, "seg": 1,
            "seg_skip": (buffer_pitch - 1) // params.window_taps,
            "dst": target.address + first * pitch + channel, "pitch_x": pitch,
        }  # fmt: skip
        if count > 1:
            fields["step_x"] = params.cols
        # What the buffer takes next in this place comes a turn later.
        lowest = there[0] if at is None else at - self.stream.window_ring.size
        done = self.stream.window(fields, there[0], lowest)
        width = None if self.flat else cols
        begin = fields["dst"]
        self.done.spanned(begin, begin + (count - 1) * pitch + cols - 1, width, WINDOW, done)

    def _load(
        self, where: Where, pitch: int, first: int, count: int, channel: int, words: int,
        at: int | None,
    ) -> int:
        """Load one operand into ``words`` words; returns its virtual address."""
        source, ready = where
        cols = self.params.cols
        fields = {"src": source.address + first * pitch + channel, "rows": 1}
        if pitch == cols:
            fields |= {"items": 1, "inner": count * cols}
        else:
            fields |= {"items": count, "inner": cols, "item_pitch": pitch}
        real = None if self.flat else self._cols(channel)
        return self.stream.wload(fields, words * cols, ready, real, at)


@dataclasses.dataclass(frozen=True)
class _Rectangle:
    """Pixels of an image: rows y0 to y1 - 1, columns x0 to x1 - 1, channels from ``channel`` on."""

    image: int
    y0: int
    y1: int
    x0: int
    x1: int
    channel: int

    @property
    def pixels(self) -> int:
        return (self.y1 - self.y0) * (self.x1 - self.x0)

    def address(self, place: Placement) -> int:
        """Of its first byte."""
        first = place.address + self.image * place.image + place.channel(self.channel)
        return first + self.y0 * place.row + self.x0 * place.pixel

    def last(self, first: int, place: Placement, cols: int) -> int:
        """The address of its last byte; ``first`` is that of its first one."""
        rows, columns = self.y1 - self.y0 - 1, self.x1 - self.x0 - 1
        return first + rows * place.row + columns * place.pixel + cols - 1


class _Rectangles:
    """An addition where rows of a tensor have gaps between them: rows, or pieces of a row."""

    def __init__(self, layer: AddLayer, stream: Stream, sources: list[Where], target: Where):
        self.layer, self.stream, self.sources, self.target = layer, stream, sources, target
        self.params = stream.params

    def run(self) -> None:
        found, sources = [], [(place, Snapshot(ready)) for place, ready in self.sources]
        for block in self._blocks():
            copies = [self._copy(block, place, ready) for place, ready in sources]
            found.append((max(sum(ready.counts) for _, ready in copies), block, copies))
        for _, block, copies in sorted(found, key=operator.itemgetter(0)):
            self._block(block, copies)

    def _blocks(self) -> list[_Rectangle]:
        height, width, channels = self.layer.shape
        most = add_pixels(height * width, self.params)
        columns = min(width, most)
        rows = max(1, most // columns)
        return [
            _Rectangle(image, y0, min(y0 + rows, height), x0, min(x0 + columns, width), channel)
            for image in range(self.layer.views[0].images)
            for y0 in range(0, height, rows)
            for x0 in range(0, width, columns)
            for channel in range(0, channels, self.params.cols)
        ]

    def _cols(self, block: _Rectangle) -> int:
        return min(self.params.cols, self.layer.shape[2] - block.channel)

    def _copy(self, block: _Rectangle, place: Placement, ready: Snapshot) -> tuple[int, Known]:
        """Where a block's operand lies, and when it is there."""
        first, cols = block.address(place), self._cols(block)
        return first, Known(ready.before(first, block.last(first, place, cols), cols))

    def _block(self, block: _Rectangle, copies: list[tuple[int, Known]]) -> None:
        params, cols, (target, done) = self.params, self._cols(block), self.target
        words = pitch_words(block.pixels, 2, 1, params.window_taps)
        there = [
            self._load(block, place, copy, words)
            for (place, _), copy in zip(self.sources, copies, strict=True)
        ]
        nx, ny = block.x1 - block.x0, block.y1 - block.y0
        fields = self.layer.fields | {
            "cols": cols, "nx": nx, "ny": ny, "k": 2, "seg": 1,
            "seg_skip": (words - 1) // params.window_taps,
            "dst": block.address(target), "pitch_x": target.pixel, "pitch_y": target.row,
        }  # fmt: skip
        if nx > 1:
            fields["step_x"] = params.cols
        if ny > 1:
            fields["step_y"] = nx * params.cols
        count = self.stream.window(fields, there[0], there[0])
        done.written(fields["dst"], ny, target.row, cols, WINDOW, count)

    def _load(
        self, block: _Rectangle, place: Placement, copy: tuple[int, Known], words: int
    ) -> int:
        """Load one operand into ``words`` words; returns its virtual address."""
        cols, rows, columns = self.params.cols, block.y1 - block.y0, block.x1 - block.x0
        first, ready = copy
        fields = {"src": first, "rows": rows, "items": columns, "inner": cols,
                  "item_pitch": place.pixel}
        if place.pixel == cols:
            fields |= {"items": 1, "inner": columns * cols, "item_pitch": 0}
        if rows > 1:
            fields |= {"row_pitch": place.row, "dst_pitch": columns * cols}
        return self.stream.wload(fields, words * cols, ready, self._cols(block))
