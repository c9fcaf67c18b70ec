"""Lower a layer of the window unit into its commands."""

import dataclasses

from accel.compiler import add_lower, weights
from accel.compiler.fed import Fed
from accel.compiler.ready import POST, WINDOW, Ready
from accel.compiler.rows import Rows, Strip, split
from accel.compiler.stream import Stream
from accel.compiler.window import AddLayer, Region, WindowLayer
from accel.compiler.window_tile import WindowTiling, pitch_words, stays
from accel.params import Params
from accel.program import Placement

Where = tuple[Placement, Ready]


def records(layer: WindowLayer | AddLayer, params: Params) -> list[weights.Record]:
    """The records of a depthwise convolution's WPARAMs, one for each channel group."""
    return [] if isinstance(layer, AddLayer) else [
        weights.window_record(group, params) for group in layer.groups
    ]


def lower(
    layer: WindowLayer | AddLayer,
    stream: Stream,
    sources: list[Where],
    target: Where,
    addresses: list[int],
    tiling: WindowTiling | None,
) -> None:
    """Add a layer's commands to a stream.

    Parameters:
        layer: the layer.
        tiling: how it is cut; an addition needs none.
        stream: receives the commands.
        sources, target: where the operands and the output lie, and when they are ready.
        addresses: of the layer's records.
    """
    if isinstance(layer, AddLayer):
        add_lower.lower(layer, stream, sources, target)
    else:
        Windows(layer, stream, sources[0], target, addresses, tiling).run()


@dataclasses.dataclass(frozen=True)
class _Block:
    """Outputs of one image and channel group."""

    image: int
    group: int
    y0: int
    y1: int
    x0: int
    x1: int

    def meets(self, region: Region) -> tuple[int, int, int, int] | None:
        """The outputs in common with a region: y0, y1, x0, x1."""
        y0, y1 = max(self.y0, region.y0), min(self.y1, region.y1)
        x0, x1 = max(self.x0, region.x0), min(self.x1, region.x1)
        return (y0, y1, x0, x1) if y0 < y1 and x0 < x1 else None


class Windows:
    """A layer of sliding windows.

    Without ``source`` its input does not come from memory; without ``target`` its output goes where
    ``fed`` says, which may change from image to image.
    """

    def __init__(self, layer: WindowLayer, stream: Stream, source: Where | None,
                 target: Where | None, addresses: list[int], tiling: WindowTiling):
        self.layer, self.stream, self.addresses = layer, stream, addresses
        self.source, self.ready = source or (None, None)
        self.target, self.done = target or (None, None)
        self.fed: Fed | None = None
        self.params = stream.params
        self.tiling = tiling
        self.stays = (
            self.tiling.height < layer.rows.outputs
            and self.tiling.width == layer.columns.outputs
            and stays(layer, stream.params)
        )

    def run(self) -> None:
        """Add the layer's commands, block by block."""
        # In the order in which their input gets ready: row by row where the layer before it
        # cuts its images into rows of blocks, group by group where it computes whole images.
        strips: dict[tuple[int, int, int], Rows] = {}
        for block in self._in_order():
            strip = block.image, block.group, block.x0
            if strip not in strips:
                if not self.stays:
                    strips.clear()
                strips[strip] = self._rows(block)
            there = strips[strip]
            there.need(*self.layer.rows.span(block.y0, block.y1))
            for region in self.layer.regions:
                if part := block.meets(region):
                    self._window(block, part, region, there)

    def near(self, image: int, group: int, outputs: tuple[int, int], there) -> None:
        """The rows ``outputs``, whose inputs the POST before this has put ``there``."""
        posts = self.stream.done[POST]
        for part in self.fed.cut(*outputs) if self.fed else [outputs]:
            block = _Block(image, group, *part, 0, self.layer.columns.outputs)
            for region in self.layer.regions:
                if meets := block.meets(region):
                    self._window(block, meets, region, there, posts)

    def _in_order(self) -> list[_Block]:
        """The blocks, those first whose input is there first; within a strip from top to bottom.

        Of an assembled image the lower rows may be there before the upper ones, and of a batch
        some rows of all images before others; but where strips stay, the buffer has room for one
        image's.
        """
        blocks, waits, latest, whole = self._blocks(), [], {}, {}
        for block in blocks:
            strip, image = (block.image, block.group, block.x0), block.image
            least = latest.get(strip, 0)
            if self.stays:
                least = max(least, whole.get(image - 1, 0))
            latest[strip] = max(least, self._ready(block))
            whole[image] = max(whole.get(image, 0), latest[strip])
            waits.append(latest[strip])
        order = sorted(range(len(blocks)), key=waits.__getitem__)
        return [blocks[number] for number in order]

    def _blocks(self) -> list[_Block]:
        layer, tiling = self.layer, self.tiling
        return [
            _Block(image, group, y0, min(y0 + tiling.height, layer.rows.outputs), x0,
                   min(x0 + tiling.width, layer.columns.outputs))
            for image in range(layer.view.images)
            for y0 in range(0, layer.rows.outputs, tiling.height)
            for x0 in range(0, layer.columns.outputs, tiling.width)
            for group in range(-(-layer.channels // self.params.cols))
        ]  # fmt: skip

    def _cols(self, block: _Block) -> int:
        cols = self.params.cols
        return min(cols, self.layer.channels - block.group * cols)

    def _address(self, block: _Block) -> int:
        """Of the group's first channel in the image."""
        place = self.source.address + block.image * self.layer.view.image_pitch
        return place + self.source.channel(block.group * self.params.cols)

    def _ready(self, block: _Block) -> int:
        """How many commands have to be done before a block's input is there."""
        lo, hi = self.layer.rows.inside(block.y0, block.y1)
        left, right = self.layer.columns.inside(block.x0, block.x1)
        if lo >= hi or left >= right:
            return 0
        view, address = self.layer.view, self._address(block)
        first = address + lo * view.row_pitch + left * view.pixel_pitch
        last = address + (hi - 1) * view.row_pitch + (right - 1) * view.pixel_pitch
        cols = self._cols(block)
        return int(self.ready.before(first, last + cols - 1, cols).sum())

    def _rows(self, block: _Block) -> Rows:
        view, width = self.layer.view, self.params.cols
        left, pixels, right = split(self.layer.columns, block.x0, block.x1)
        first = max(0, self.layer.columns.span(block.x0, block.x1)[0])
        strip = Strip(
            size=self.layer.rows.size,
            source=self._address(block) + first * view.pixel_pitch,
            row_pitch=view.row_pitch,
            pixel_pitch=view.pixel_pitch,
            left=left, pixels=pixels, right=right,
            width=width,
            pitch=self._pitch(left + pixels + right),
            fill=self.layer.pad,
        )  # fmt: skip
        lo, hi = self.layer.rows.span(0, self.layer.rows.outputs)
        stays = hi - lo if self.stays else 0
        return Rows(self.stream.beside, self.ready, strip, self._cols(block), stays)

    def _pitch(self, words: int) -> int:
        kh, kw = self.layer.rows.kernel, self.layer.columns.kernel
        return pitch_words(words, kh, kw, self.params.window_taps) * self.params.cols

    def _window(
        self, block: _Block, part, region: Region, there: Rows, wait_post: int = 0
    ) -> None:
        layer, params = self.layer, self.params
        rows, columns = layer.rows, layer.columns
        y0, y1, x0, x1 = part
        fields = layer.fields | region.fields | {
            "cols": self._cols(block), "nx": x1 - x0, "ny": y1 - y0,
            "k": rows.kernel * columns.kernel, "seg": rows.kernel * columns.kernel,
            "wait_post": wait_post,
        } | self._target(block, y0, y1, x0)  # fmt: skip
        if x1 - x0 > 1:
            fields["step_x"] = columns.stride * params.cols
        if y1 - y0 > 1:
            fields["step_y"] = rows.stride * there.pitch
        if rows.kernel > 1:
            words = there.pitch // params.cols - columns.kernel
            fields |= {"seg": columns.kernel, "seg_skip": words // params.window_taps}
        lowest = there.address(rows.span(y0, y1)[0])
        base = lowest + (x0 - block.x0) * columns.stride * params.cols
        record = None
        if self.addresses:
            tiles = -(-rows.kernel * columns.kernel // params.window_taps)
            record = self.addresses[block.group], tiles
        count = self.stream.window(fields, base, lowest, record)
        if self.fed:
            self.fed.written(y0, y1, block.group * params.cols, count)
        else:
            pitch = self.target.row
            self.done.written(fields["dst"], y1 - y0, pitch, fields["cols"], WINDOW, count)

    def _target(self, block: _Block, y0: int, y1: int, x0: int) -> dict[str, int]:
        """Where a command's outputs go."""
        target, channel = self.target, block.group * self.params.cols
        if self.fed:
            return self.fed.place(y0, y1, x0, channel)
        first = target.address + target.channel(channel) + block.image * target.image
        return {
            "dst": first + y0 * target.row + x0 * target.pixel,
            "pitch_x": target.pixel, "pitch_y": target.row,
        }  # fmt: skip
