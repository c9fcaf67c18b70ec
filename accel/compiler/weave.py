"""Two layers whose blocks take turns: one that waits for memory, one that computes.

A layer of few weight tiles stores its results as fast as the array makes them, and pixels apart in
memory are a burst each: then the array waits for the bus.  A layer with many tiles leaves the bus
to itself.  One behind the other, each waits for its own; block by block in turn, they take as long
as the array or the bus alone:

    array | 1x1 | 1x1 | 1x1 |  3x3  |  3x3  |  3x3  |     one behind the other
    bus   |#########################  #       #       #

    array | 1x1 |  3x3  | 1x1 |  3x3  | 1x1 |  3x3  |     in turn
    bus   |    #########    #########   #########

Neither may read what the other makes, and there is one activation table for both.
"""

import dataclasses

from accel.compiler import traffic
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.lower import Lowering
from accel.compiler.stream import ARRAY, Stream
from accel.compiler.tiling import Tiling
from accel.isa import COMMAND_BYTES, Pool
from accel.params import Params

#: They take turns where that saves this share of their time, and so many cycles, by rough cost:
#: two layers instead of one begin and end at the same time.
_SAVES, _CYCLES = 0.02, 1000
#: Commands of a block: WEIGHTS, EXEC and POST; rough cycles of it on the bus beside its data.
_COMMANDS, _OVERHEAD = 3, 12
#: Rough cycles of stores that wait in post-processing.
_BUFFERED = 32


@dataclasses.dataclass(frozen=True)
class Cost:
    """Rough cycles of a layer: of the array, and of the bus, of which for what it stores.

    ``pieces``: blocks of all groups.
    """

    array: float
    bus: float
    stored: float = 0.0
    pieces: int = 1

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.array + other.array, self.bus + other.bus)

    def waits(self, other: "Cost") -> float:
        """Cycles of the array while a piece is stored and the ``other``'s piece is done already.

        There are two banks of sums, so a piece begins when the one before the last is stored; and
        the bus carries more meanwhile: half of it is the stores' in any case.
        """
        both = self + other
        free = max(0.5, 1 - (both.bus - self.stored - other.stored) / both.array)
        ends = other.array / other.pieces + _BUFFERED
        return max(0.0, self.stored / self.pieces / free - ends)

    @property
    def cycles(self) -> float:
        """Of whatever takes longer."""
        return max(self.array, self.bus)


def pairs(context: Context, layers: list, tilings: list, taken: set[int]) -> set[int]:
    """Which layers of a step take turns with the next one, by number.

    Parameters:
        layers: in order.
        tilings: how they are cut.
        taken: layers that may not.
    """
    found: set[int] = set()
    for number in range(len(layers) - 1):
        both = number, number + 1
        if {*both} & taken or number - 1 in found:
            continue
        first, second = (layers[one] for one in both)
        if may(first) and may(second) and _apart(context, first, second):
            one, other = (cost_of(context, layers[one], tilings[one]) for one in both)
            apart, woven = one.cycles + other.cycles, one + other
            for this, that in (both, both[::-1]):
                again = _again(
                    layers[this], *tilings[this], layers[that], *tilings[that], context.params
                )
                woven += Cost(0, again / context.params.bus_bytes)
            woven += Cost(
                min(one.pieces, other.pieces) * (one.waits(other) + other.waits(one)), 0
            )
            if apart - woven.cycles > max(_SAVES * apart, _CYCLES):
                found.add(number)
    return found


def _again(
    layer: MachineLayer, tiling: Tiling, other: MachineLayer, others: Tiling, params: Params
) -> int:
    """Bytes that a layer loads again because the ``other`` one's are loaded in between.

    That is what two blocks share; and where the buffer is too small for both, its block for every
    group of channels.
    """
    part, block, line = layer.slices[0], _rows(layer, tiling), _line(layer, tiling)
    blocks = _blocks(layer, tiling)
    fresh = tiling.height * layer.rows.stride
    shared = (blocks - 1) * max(0, block - fresh) * line
    pieces = blocks * len(part.groups)
    size = (other.rows.outputs - 1) * other.rows.stride + other.rows.extent
    between = max(_rows(other, others), size / pieces) * _line(other, others)
    lost = block * line + between > params.input_bytes
    return shared + (pieces - blocks) * block * line * lost


def _blocks(layer: MachineLayer, tiling: Tiling) -> int:
    """A group's blocks that others may come between."""
    if not tiling.local:
        return 1
    return -(-layer.rows.outputs // tiling.height) * -(-layer.columns.outputs // tiling.width)


def _rows(layer: MachineLayer, tiling: Tiling) -> int:
    """Input rows of a block."""
    height = layer.rows.outputs if tiling.resident else min(tiling.height, layer.rows.outputs)
    return (height - 1) * layer.rows.stride + layer.rows.extent


def _line(layer: MachineLayer, tiling: Tiling) -> int:
    """Bytes of an input row in the buffer."""
    columns = tiling.piece if tiling.apart else min(tiling.width, layer.columns.outputs)
    columns = (columns - 1) * layer.columns.stride + layer.columns.extent
    return sum(chunk.pitch(columns * chunk.depth) for chunk in tiling.chunks)


def may(layer) -> bool:
    """Whether a layer's blocks may have others between them.

    A pool's partial rows, and its table, must stay until its end.
    """
    return (
        isinstance(layer, MachineLayer)
        and layer.view.images == len(layer.slices) == 1
        and layer.pooling.kind == Pool.NONE
    )


def _apart(context: Context, first: MachineLayer, second: MachineLayer) -> bool:
    """Whether the second layer reads nothing that the first one makes, nor replaces its table."""
    made, read = context.seats[first.output].root, context.seats[second.view.tensor].root
    return made != read and (first.table is None or second.table is None)


def cost_of(context: Context, layer: MachineLayer, tilings: list) -> Cost:
    """Rough cycles of a layer that may take turns."""
    params, (tiling,), (part,) = context.params, tilings, layer.slices
    pixels, groups = layer.rows.outputs * layer.columns.outputs, len(part.groups)
    pieces = groups * _blocks(layer, tiling)
    tiles = sum(chunk.tiles for chunk in tiling.chunks)
    record = params.param_bytes + tiles * params.tile_bytes + _COMMANDS * COMMAND_BYTES
    pitch = context.seats[layer.output].pixel
    stored = sum(
        traffic.store_beats(
            {"dst": group.first, "cols": group.cols, "out_h": 1, "out_w": pixels,
             "pitch_x": pitch}, params.bus_bytes,
        )
        for group in part.groups
    )  # fmt: skip
    read = layer.rows.size * layer.columns.size * part.channels + pieces * record
    return Cost(
        groups * tiles * pixels,
        stored + read / params.bus_bytes + _OVERHEAD * pieces,
        stored, pieces,
    )  # fmt: skip


def lower(lowerings: dict[int, Lowering], stream: Stream) -> None:
    """Add the commands of layers in turn; of a single one, as they come.

    Next is always a piece of the one of which the smaller share is there: they end together.

    Parameters:
        lowerings: by the layer's number.
        stream: receives the commands.
    """
    pieces = {number: lowering.pieces() for number, lowering in lowerings.items()}
    shares = dict.fromkeys(pieces, 0.0)
    while len(pieces) > 1:
        number = min(pieces, key=shares.__getitem__)
        stream.works_for(ARRAY, number)
        share = next(pieces[number], None)
        if share is None:
            del pieces[number]
        else:
            shares[number] += share
    for number, rest in pieces.items():
        stream.works_for(ARRAY, number)
        for _ in rest:
            pass
