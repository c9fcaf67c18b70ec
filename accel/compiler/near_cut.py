"""How layers that stay on the chip can be cut: by groups of channels, or by rows."""

import dataclasses
import functools

from accel.compiler import tile, walks
from accel.compiler.layer import Axis, MachineLayer
from accel.compiler.rows import split
from accel.compiler.tiling import Tiling
from accel.compiler.window import WindowLayer
from accel.compiler.window_tile import pitch_words
from accel.isa import FIELDS, Op, Pool
from accel.params import Params

#: A group comes in so many blocks, as far as they have so many pixels: the window unit follows the
#: sooner, and is done the sooner behind the last one; but every block reads the weights again.
BLOCKS = ((8, 64), (16, 64), (16, 48))
#: Loading the input again for every group pays up to so many times the bytes that stay near: so
#: often would they be moved, there and back.
_AGAIN = 2
#: Pixels of a block that comes between: enough to hide the loading of its weights.
_BEHIND = 24
#: Passes in which the groups go through together, at most.
_PASSES = 4
_MOST_STEP = {field.name: field.range[1] for field in FIELDS[Op.WINDOW]}["step_y"]


@dataclasses.dataclass(frozen=True)
class Pair:
    """How a pair is cut.

    Attributes:
        tiling: of the first layer; its blocks are whole rows of an image.
        again: the input does not stay in the buffer; every pass loads it anew.
        by_rows: several groups may go through together, ...
        together: ... and so many do.
        feeds: the second's output stays on the chip, too.
        follower: the third layer's tiling, if its blocks come between the first's.
        behind: the same if they come behind them.
        spare: of a block's rows, how many the window unit's buffer has room for while it is read.
    """

    tiling: Tiling
    again: bool
    by_rows: bool = False
    together: int = 1
    feeds: bool = False
    follower: Tiling | None = None
    behind: Tiling | None = None
    spare: float = 1.0


def by_group(
    first: MachineLayer, second: WindowLayer, alone: Tiling, params: Params, blocks: int,
    pixels: int,
) -> Pair | None:
    """How to cut a pair group by group, each in up to so many blocks of at least so many pixels."""
    lo, hi = second.rows.span(0, second.rows.outputs)
    pitch, height, width = near_pitch(second, params), first.rows.outputs, first.columns.outputs
    whole = alone.local and not alone.apart and (alone.width, alone.height) == (width, height)
    if whole and 2 * (hi - lo) * pitch <= params.window_bytes:
        return Pair(alone, again=False)
    # Twice the rows of a block, and what the next windows still need above and below them.
    beside = second.rows.extent + hi - height
    most = min((params.window_bytes // pitch - beside) // 2, params.bank_rows // width)
    if most < 1:
        return None
    rows = min(most, max(-(-height // blocks), -(-pixels // width)), height)
    rows = -(-height // -(-height // rows))
    if rows * width < min(params.rows, height * width):
        return None
    part = first.slices[0]
    kernel = tile.whole(first, part, params)
    if not kernel:
        return None
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


def behind(third: MachineLayer, alone: Tiling, params: Params) -> Tiling | None:
    """How a layer is cut whose whole input is in the buffer."""
    width, band = third.pool_columns.outputs, third.pool_rows.outputs
    if alone.local and not alone.apart and (alone.width, alone.band) == (width, band):
        return alone
    _, pixels = BLOCKS[-1]
    rows = min(params.bank_rows // third.columns.outputs, -(-pixels // third.columns.outputs))
    if third.pooling.kind != Pool.NONE or not rows:
        return None
    rows = -(-band // -(-band // min(rows, band)))
    part = third.slices[0]
    kernel = walks.kernel(third.rows, third.columns, part.channels, params.rows)
    return Tiling((kernel,), width, band, rows, width, local=True, resident=False, apart=False)


def has_room(pair: Pair, layers, params: Params) -> bool:
    """Whether the array's buffer holds a whole image of both a pair's input and its output."""
    first, _, third = layers
    fed = third.rows.size * third.columns.size * third.slices[0].channels
    return _whole(pair, first) + fed <= params.input_bytes


def _line(pair: Pair, first: MachineLayer) -> int:
    """Bytes of a row of a pair's input."""
    columns = (first.columns.outputs - 1) * first.columns.stride + first.columns.extent
    return sum(chunk.pitch(columns * chunk.depth) for chunk in pair.tiling.chunks)


def _whole(pair: Pair, first: MachineLayer) -> int:
    """Bytes of all rows of it."""
    rows = (first.rows.outputs - 1) * first.rows.stride + first.rows.extent
    return rows * _line(pair, first)


def together(layers, params: Params, fed: bool) -> list[Pair]:
    """Ways to cut a pair in which some groups, or all, go through together."""
    first, second, third = layers
    found, groups = [], len(first.slices[0].groups)
    between = (
        third and third.pooling.kind == Pool.NONE and (first.table is None or third.table is None)
    )
    for together in dict.fromkeys(-(-groups // passes) for passes in range(1, _PASSES + 1)):
        once = together == groups
        for pair in _rows_together(first, second, together, params):
            follower = between and _follower(pair, layers, params)
            if follower and once and not _has_some_room(pair, follower, layers, params, fed):
                follower = None
            if follower and (once or has_room(pair, layers, params)):
                # In several passes, all of the second's output stays, and so must the input.
                stays = fed or not once
                found.append(
                    dataclasses.replace(pair, again=not stays, feeds=True, follower=follower)
                )
            if not fed and groups > 1:
                found.append(pair)
    return found


def _rows_together(first, second, together: int, params: Params) -> list[Pair]:
    """So many groups together, in blocks of as many rows as there is room for.

    While a block is read, the next one should have room, or at least half of it.
    """
    height, width = first.rows.outputs, first.columns.outputs
    pitch = near_pitch(second, params, together)
    blocks, pixels = BLOCKS[0]
    most = max(-(-height // blocks), -(-pixels // width))
    most = min(params.bank_rows // width, most, height)
    if most < 1 or second.rows.stride * pitch > _MOST_STEP:
        return []
    room = (params.window_bytes - params.cols * second.columns.before) / pitch
    spare = {rows: _spare(second, rows, room) for rows in range(most, 0, -1)}
    heights = dict.fromkeys(
        next((rows for rows in spare if spare[rows] >= least), 1) for least in (1.0, 0.5)
    )
    made = [_rows_pair(first, together, rows, spare[rows], params) for rows in heights]
    return [pair for pair in made if pair]


def _rows_pair(first, together: int, rows: int, spare: float, params: Params) -> Pair | None:
    """The same with blocks of so many rows."""
    height, width = first.rows.outputs, first.columns.outputs
    if spare < 0:
        return None
    if rows * width < min(params.rows, height * width):
        return None
    part = first.slices[0]
    kernel = tile.whole(first, part, params)
    if not kernel:
        return None
    line = kernel.pitch(((width - 1) * first.columns.stride + first.columns.extent) * part.channels)
    if 4 * (rows * first.rows.stride + first.rows.extent) * line > params.input_bytes:
        return None
    tiling = Tiling(
        (kernel,), width, height, rows, width, local=True, resident=False, apart=False
    )
    return Pair(tiling, again=True, by_rows=True, together=together, spare=spare)


def _has_some_room(pair: Pair, follower: Tiling, layers, params: Params, fed: bool) -> bool:
    """Whether the array's buffer holds what lies between a block's first byte and its last reader.

    A block of the third layer is written while some of the first's pass; one more has to, and its
    own blocks then come between those of the next.
    """
    first, second, third = layers
    passing = -(-follower.height * second.rows.stride // pair.tiling.height) + 3
    rows = pair.tiling.height * first.rows.stride + first.rows.extent
    inputs = _whole(pair, first) if fed else passing * rows * _line(pair, first)
    block = follower.height * third.columns.size * third.slices[0].channels
    return inputs + 5 * block <= params.input_bytes


def _follower(pair: Pair, layers, params: Params) -> Tiling | None:
    """How the third layer is cut, whose blocks come between the first's."""
    _, second, third = layers
    height, width = third.rows.outputs, third.columns.outputs
    each = max(1, pair.tiling.height // second.rows.stride)
    rows = min(each * -(-_BEHIND // (each * width)), height)
    if rows * width > params.bank_rows:
        return None
    kernel = walks.kernel(third.rows, third.columns, third.slices[0].channels, params.rows)
    return Tiling((kernel,), width, height, rows, width, local=True, resident=False, apart=False)


def _spare(second: WindowLayer, height: int, room: float) -> float:
    """How many blocks of ``height`` rows have room beside those that windows may be reading."""
    return (room - _live(second.rows, height)) / height


@functools.lru_cache(1 << 12)
def _live(rows: Axis, height: int) -> int:
    """Most rows that windows may be reading when a block of ``height`` rows has come."""
    done, most = 0, 0
    _, below = rows.span(0, rows.outputs)
    for end in [*range(height, rows.size, height), rows.size]:
        ready = reached(rows, end)
        if done < ready:
            most = max(most, end - rows.span(done, ready)[0])
        done = ready
    if done < rows.outputs:
        most = max(most, below - rows.span(done, rows.outputs)[0])
    return most


def reached(rows: Axis, there: int) -> int:
    """How many rows of outputs the first ``there`` rows of the input are enough for."""
    found = (there + rows.before - rows.extent) // rows.stride + 1
    return min(max(0, found), rows.outputs)


def group_words(second: WindowLayer) -> int:
    """Words of a group's row in the window unit's buffer, with its padding."""
    left, pixels, right = split(second.columns, 0, second.columns.outputs)
    return left + max(pixels, second.columns.size) + right


def near_pitch(second: WindowLayer, params: Params, together: int = 1) -> int:
    """Bytes from row to row in the window unit's buffer."""
    kh, kw = second.rows.kernel, second.columns.kernel
    words = together * group_words(second)
    return pitch_words(words, kh, kw, params.window_taps) * params.cols
