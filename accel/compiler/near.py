"""Two layers, the first's results staying on the chip: the window unit reads what the array wrote.

A pair is an array's layer and a layer of sliding windows behind it, the only one that looks at the
first's output.  The array computes one group of C channels after the other, each from top to
bottom; post-processing writes the rows into the window unit's buffer, where copies write nothing
but the padding around them; the window unit follows as far as the rows reach:

    array    | group 0: rows 0..3 | rows 4..7 | rows 8..11 | group 1: rows 0..3 | ...
    post          -> buffer: 0..3   -> 4..7     -> 8..11     -> 0..3
    window                     outputs 0..2 |    3..6    |    7..11   |  0..2  | ...

A POST waits for the windows that read what it overwrites, a WINDOW for the POST of its last row: so
each waits for what was added to the stream before it, and no order of that form is circular.  Every
row is in some window, so that whoever overwrites it, and waits for that, comes behind its POST.
"""

import dataclasses

from accel.compiler import walks, window_lower
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.lower import Lowering
from accel.compiler.rows import split
from accel.compiler.stream import Stream
from accel.compiler.tiling import Tiling
from accel.compiler.window import WindowLayer
from accel.compiler.window_tile import WindowTiling, pitch_words
from accel.isa import Pool
from accel.params import Params

#: A group comes in so many blocks, as far as they have so many pixels: the window unit follows the
#: sooner, and is done the sooner behind the last one; but every block reads the weights again.
_BLOCKS, _PIXELS = 8, 64
#: Loading the input again for every group pays up to so many times the bytes that stay near: so
#: often would they be moved, there and back.
_AGAIN = 2


@dataclasses.dataclass(frozen=True)
class Pair:
    """How a pair is cut: the first layer's tiling, whose blocks are whole rows of an image.

    ``again``: the input does not stay in the buffer; every group loads it anew.
    """

    tiling: Tiling
    again: bool


def pairs(context: Context, layers: list, tilings: list) -> dict[int, Pair]:
    """Which layers of a step stay near the next one, by number.

    Parameters:
        layers: in order.
        tilings: as they would be alone.
    """
    found = {}
    for number, (first, second) in enumerate(zip(layers, layers[1:], strict=False)):
        if _matches(context, first, second):
            pair = _cut(first, second, tilings[number][0], context.params)
            if pair:
                found[number] = pair
    return found


def _matches(context: Context, first, second) -> bool:
    """Whether two layers are a pair, of one group of channels after the other."""
    if not isinstance(first, MachineLayer) or not isinstance(second, WindowLayer):
        return False
    graph, name, cols = context.graph, first.output, context.params.cols
    users = [node for node in graph.nodes if name in node.inputs]
    shared = [other for other, seat in context.seats.items() if seat.root == name]
    groups = [(group.first, group.cols) for part in first.slices for group in part.groups]
    return (
        second.view.tensor == name
        and len(users) == 1
        and shared == [name]
        and name not in (port.tensor for port in graph.outputs)
        and len(first.slices) == 1
        and first.pooling.kind == Pool.NONE
        and first.view.images == second.view.images
        and second.rows.kernel >= second.rows.stride
        and second.rows.span(0, second.rows.outputs)[1] >= second.rows.size
        and (first.rows.outputs, first.columns.outputs) == (second.rows.size, second.columns.size)
        and groups == [
            (lo, min(cols, first.channels - lo)) for lo in range(0, first.channels, cols)
        ]
    )


def _cut(first: MachineLayer, second: WindowLayer, alone: Tiling, params: Params) -> Pair | None:
    """How to cut a pair; None if it does not fit the buffers, or would not pay."""
    lo, hi = second.rows.span(0, second.rows.outputs)
    pitch, height, width = _pitch(second, params), first.rows.outputs, first.columns.outputs
    whole = alone.local and not alone.apart and (alone.width, alone.height) == (width, height)
    if whole and 2 * (hi - lo) * pitch <= params.window_bytes:
        return Pair(alone, again=False)
    # Twice the rows of a block, and what the next windows still need above and below them.
    beside = second.rows.extent + hi - height
    most = min((params.window_bytes // pitch - beside) // 2, params.bank_rows // width)
    if most < 1:
        return None
    rows = min(most, max(-(-height // _BLOCKS), -(-_PIXELS // width)), height)
    rows = -(-height // -(-height // rows))
    if rows * width < min(params.rows, height * width):
        return None
    part = first.slices[0]
    kernel = walks.kernel(first.rows, first.columns, part.channels, params.rows)
    line = kernel.pitch(((width - 1) * first.columns.stride + first.columns.extent) * part.channels)
    stays = ((height - 1) * first.rows.stride + first.rows.extent) * line <= params.input_bytes
    block = (2 * rows * first.rows.stride + first.rows.extent) * line
    read = (len(part.groups) - 1) * first.rows.size * first.columns.size * part.channels
    if not stays and (
        block > params.input_bytes or read > _AGAIN * height * width * first.channels
    ):
        return None
    tiling = Tiling(
        (kernel,), width, height, rows, width, local=True, resident=stays, apart=False
    )
    return Pair(tiling, again=not stays)


def _pitch(second: WindowLayer, params: Params) -> int:
    left, pixels, right = split(second.columns, 0, second.columns.outputs)
    words = left + max(pixels, second.columns.size) + right
    kh, kw = second.rows.kernel, second.columns.kernel
    return pitch_words(words, kh, kw, params.window_taps) * params.cols


class _Rows:
    """The rows of one group and image in the window unit's buffer, one behind the other.

    Between the pixels of two rows lies the padding right of the one and left of the other, which
    are filled together.

    Parameters:
        stream: receives the copies that only fill.
        second: the layer that reads them.
    """

    def __init__(self, stream: Stream, second: WindowLayer):
        self.stream, self.second, self.ring = stream, second, stream.window_ring
        self.cols = stream.params.cols
        self.pitch = _pitch(second, stream.params)
        left, _, right = split(second.columns, 0, second.columns.outputs)
        self.before, self.padded = left * self.cols, left + right > 0
        self.pixels = second.columns.size * self.cols
        self.base = 0

    def address(self, row: int) -> int:
        """The virtual address of a row's first word, padding or not."""
        return self.base + row * self.pitch

    def place(self, y0: int, y1: int) -> dict[str, int]:
        """Make room for the rows ``y0`` to ``y1 - 1``, the next ones, and pad around them."""
        lo, hi = self.second.rows.span(0, self.second.rows.outputs)
        if y0 == 0:
            self.base = self.ring.head - lo * self.pitch
            self._fill(self.before - lo * self.pitch)
        start, wait = self.ring.allocate((y1 - y0) * self.pitch)
        if self.padded:
            self._fill(self.pitch - self.pixels, y1 - y0, start + self.pixels)
        if y1 == self.second.rows.size:
            self._fill((hi - y1) * self.pitch)
        return {
            "near": 1, "dst": start % self.ring.size, "pitch_x": self.cols, "pitch_y": self.pitch,
            "wait_window": max(wait, self.ring.settled(start + (y1 - y0) * self.pitch)),
        }  # fmt: skip

    def _fill(self, size: int, rows: int = 1, at: int | None = None) -> None:
        """Fill the next bytes, or the same part of some rows, with padding."""
        if not size:
            return
        fields = {"src": 0, "rows": rows, "items": 1, "inner": 0, "fill_left": size,
                  "fill_value": self.second.pad}  # fmt: skip
        if rows > 1:
            fields["dst_pitch"] = self.pitch
        self.stream.wload(fields, (rows - 1) * self.pitch + size, None, at=at)


def lower(
    pair: Pair,
    layers: tuple[MachineLayer, WindowLayer],
    stream: Stream,
    source: window_lower.Where,
    target: window_lower.Where,
    addresses: tuple[dict, dict],
) -> None:
    """Add a pair's commands to a stream.

    Parameters:
        pair: how it is cut.
        layers: the two.
        stream: receives the commands.
        source, target: where the first's input and the second's output lie, and when it is ready.
        addresses: of both layers' records.
    """
    first, second = layers
    rows = _Rows(stream, second)
    lowering = Lowering(first, [pair.tiling], stream, source, None, addresses[0], rows)
    tiling = WindowTiling(second.columns.outputs, second.rows.outputs, rows.pitch)
    windows = window_lower.Windows(second, stream, None, target, addresses[1], tiling)
    height, size = pair.tiling.height, second.rows.size
    for image in range(first.view.images):
        strip = lowering.strip(image)
        shared = strip.shared()
        for group in range(len(first.slices[0].groups)):
            if pair.again and group:
                shared = strip.shared()
            done = 0
            for y0 in range(0, size, height):
                y1 = min(y0 + height, size)
                strip.units_of(y0, y1, group, shared)
                ready = _reached(second, y1)
                if done < ready:
                    windows.near(image, group, (done, ready), rows)
                done = ready


def _reached(second: WindowLayer, rows: int) -> int:
    """How many rows of outputs the first ``rows`` of the input are enough for."""
    if rows == second.rows.size:
        return second.rows.outputs
    return max(0, (rows + second.rows.before - second.rows.extent) // second.rows.stride + 1)
