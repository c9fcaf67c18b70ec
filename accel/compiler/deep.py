"""A residual addition and the layers around it, a block of rows of each in turn.

An addition moves three bytes for each that it makes, and in a residual block of pointwise layers
those around it move many, too, while the 3x3 convolution behind them leaves the bus to itself:

    array | conv 1x1 | (waits)  conv 1x1 (waits) |     conv 3x3      |     one behind the other
    bus   |##################################### |   #    #    #    #|

    array | 1x1 | 1x1' | 3x3  | 1x1 | 1x1' | 3x3  | 1x1 | 1x1' | 3x3 |     by rows
    bus   |########################################################  |

So each layer gets a block ahead of the next, no more, and where one would have to wait another has
its turn.  Each command waits for what was listed before it, as everywhere.
"""

import dataclasses

from accel.compiler import tile, weave
from accel.compiler.add_lower import Addition
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.lower import Lowering
from accel.compiler.stream import ARRAY, BESIDE, Stream
from accel.compiler.tiling import Tiling
from accel.compiler.window import AddLayer
from accel.compiler.window_tile import add_pixels
from accel.params import Params

#: They go by rows where that saves this share of their time, and so many cycles, by rough cost.
_SAVES, _CYCLES = 0.03, 2000
#: Layers: the addition's operand, the addition, the two behind it; which of them the array has.
COUNT, _ARRAY = 4, (0, 2, 3)
#: A layer's block takes up to this part of the array's buffer.
_BLOCKS = 3
#: A layer that has so much of a block more than the next one's next block needs is ahead of it.
_AHEAD = 0.5
#: Rough cycles from a block's last result to the first copy of it.
_LATENCY = 200
#: The part of the bus that an addition, or the copies of a block, get beside the others.
_SHARE = 0.5


def runs(context: Context, layers: list, tilings: list, taken: set[int]) -> set[int]:
    """The first of each run of COUNT layers of a step that go by rows, by number.

    Parameters:
        layers: in order.
        tilings: how they are cut; changed where they go by rows.
        taken: layers that may not.
    """
    found: set[int] = set()
    for number in range(len(layers) - COUNT + 1):
        some = range(number, number + COUNT)
        if not taken.isdisjoint(some) or not found.isdisjoint(range(number - COUNT + 1, number)):
            continue
        run, cuts = layers[number : number + COUNT], tilings[number : number + COUNT]
        if not _is_run(context, run):
            continue
        by_rows = [_rows(layer, cut, context.params) for layer, cut in zip(run, cuts, strict=True)]
        if all(by_rows[one] for one in _ARRAY) and _pays(context, run, cuts, by_rows):
            found.add(number)
            for one in _ARRAY:
                tilings[number + one] = by_rows[one]
    return found


def _is_run(context: Context, run: list) -> bool:
    """Whether these are an addition's operand, the addition, and two layers behind it."""
    first, addition, second, third = run
    arrays = [run[number] for number in _ARRAY]
    return (
        isinstance(addition, AddLayer)
        and context.batch == 1
        and all(weave.may(layer) for layer in arrays)
        and sum(layer.table is not None for layer in arrays) <= 1
        and first.output in {view.tensor for view in addition.views}
        and addition.output == second.view.tensor
        and second.output == third.view.tensor
        and all(context.seats[layer.output].root == layer.output for layer in run)
        and all(view.images == 1 for view in addition.views)
        and first.channels == addition.shape[2]
    )


def _rows(layer, cut: list[Tiling] | None, params: Params) -> list[Tiling] | None:
    """How a layer of the array is cut into blocks of whole rows, with all channels; None if not."""
    if not isinstance(layer, MachineLayer):
        return None
    (tiling,) = cut
    width, rows = layer.columns.outputs, layer.rows.outputs
    whole = tiling.local and (tiling.width, tiling.band) == (width, rows)
    if whole and not tiling.apart and len(tiling.chunks) == 1:
        return cut
    part = layer.slices[0]
    kernel = tile.whole(layer, part, params)
    if not part.splittable or kernel is None:
        return None
    line = kernel.pitch(((width - 1) * layer.columns.stride + layer.columns.extent) * kernel.depth)
    # A block, and what the next one adds.
    room = (params.input_bytes // _BLOCKS // line - layer.rows.extent) // layer.rows.stride + 1
    height = min(rows, params.bank_rows // width, room)
    if height < 1 or height * width < params.rows:
        return None
    height = -(-rows // -(-rows // height))
    return [Tiling((kernel,), width, rows, height, width, local=True, resident=False, apart=False)]


def _pays(context: Context, run: list, cuts: list, by_rows: list) -> bool:
    """Whether the array waits for the bus less than with one layer behind the other."""
    first, second, third = (weave.cost_of(context, run[n], cuts[n]) for n in _ARRAY)
    height, width, channels = run[1].shape
    added = 3 * height * width * channels / context.params.bus_bytes
    around = first + second
    apart = max(around.array, around.bus + added) + third.cycles
    together = sum((weave.cost_of(context, run[n], by_rows[n]) for n in _ARRAY), weave.Cost(0, 0))
    return apart - max(together.array, together.bus + added) > max(_SAVES * apart, _CYCLES)


@dataclasses.dataclass
class _Made:
    """Rows of a layer's output that are listed, and from when on, by rough cost, they are there."""

    rows: list[int] = dataclasses.field(default_factory=list)
    times: list[float] = dataclasses.field(default_factory=list)

    def add(self, rows: int, time: float) -> None:
        self.rows.append(rows)
        self.times.append(time)

    def there(self, rows: int) -> float | None:
        """When so many rows are there; None if they are not listed."""
        found = zip(self.rows, self.times, strict=True)
        return next((time for last, time in found if last >= rows), None)


class _Layer:
    """An array's layer, block by block.

    Parameters:
        lowering: the layer's.
        number: its number.
        source: rows of its input, where a layer of the run makes them.
    """

    def __init__(self, lowering: Lowering, number: int, source: _Made | None):
        self.lowering, self.number, self.source, self.made = lowering, number, source, _Made()
        layer, tiling, params = lowering.layer, lowering.tilings[0], lowering.stream.params
        self.layer, self.height = layer, tiling.height
        self.groups, self.next = len(layer.slices[0].groups), 0
        self.row = self.groups * sum(one.tiles for one in tiling.chunks) * layer.columns.outputs
        beats = layer.columns.size * layer.slices[0].channels / params.bus_bytes
        self.copied = beats * layer.rows.stride * tiling.height / _SHARE
        self.strip = lowering.strip(0)
        self.rows = self.strip.shared()

    @property
    def done(self) -> bool:
        """Whether all blocks are listed."""
        return self.next == self.layer.rows.outputs

    @property
    def needs(self) -> int:
        """Rows of its input that the next block reads, from the first one on."""
        rows, end = self.layer.rows, min(self.next + self.height, self.layer.rows.outputs)
        _, last = rows.inside(self.next, end)
        return -(-last * self.lowering.source.shape[0] // rows.size)

    def ready(self) -> float | None:
        """When the next block can begin; None if what it reads is not listed."""
        if not self.source:
            return 0.0
        there = self.source.there(self.needs)
        return None if there is None else there + self.copied

    def is_ahead(self, reader: "_Layer") -> bool:
        """Whether there is enough for the ``reader`` to go on with."""
        if reader.done or reader.ready() is None:
            return False
        return self.next >= reader.needs + _AHEAD * self.height

    def block(self, now: float) -> float:
        """List the next block; returns when the array is done with it."""
        end = min(self.next + self.height, self.layer.rows.outputs)
        self.lowering.stream.works_for(ARRAY, self.number)
        for group in range(self.groups):
            self.strip.units_of(self.next, end, group, self.rows)
        now = max(now, self.ready()) + (end - self.next) * self.row
        self.next = end
        self.made.add(end, now + _LATENCY)
        return now


class _Sums:
    """The addition, block by block, as soon as the rows of its operand are listed."""

    def __init__(self, addition: Addition, number: int, source: _Made, params: Params):
        self.addition, self.number, self.source, self.made = addition, number, source, _Made()
        self.blocks = addition.blocks(add_pixels(addition.pixels, params))
        self.beats = 3 * params.cols / params.bus_bytes / _SHARE
        self.free = 0.0

    def follow(self) -> None:
        """List what can be."""
        self.addition.stream.works_for(BESIDE, self.number)
        while self.blocks:
            block = self.blocks[0]
            there = self.source.there(self.addition.rows(block))
            if there is None:
                return
            self.addition.block(*self.blocks.pop(0))
            self.free = max(self.free, there) + block[1] * self.beats
            self.made.add(self.addition.complete(block), self.free + _LATENCY)


def lower(lowerings: list[Lowering], addition: Addition, number: int, stream: Stream) -> None:
    """Add the commands of a run.

    Parameters:
        lowerings: of the array's three layers.
        addition: the one between the first two of them.
        number: of the first layer.
        stream: receives the commands.
    """
    first = _Layer(lowerings[0], number, None)
    sums = _Sums(addition, number + 1, first.made, stream.params)
    second = _Layer(lowerings[1], number + 2, sums.made)
    third = _Layer(lowerings[2], number + 3, second.made)
    now, readers = 0.0, ((first, second), (second, third), (third, None))
    while not all(one.done for one, _ in readers):
        able = [
            (start, one) for one, reader in readers
            if not one.done and not (reader and one.is_ahead(reader))
            for start in [one.ready()] if start is not None
        ]  # fmt: skip
        # The first one that need not wait; else the one that waits least.
        waits = [max(0.0, start - now) for start, _ in able]
        _, one = able[waits.index(min(waits))]
        now = one.block(now)
        sums.follow()
