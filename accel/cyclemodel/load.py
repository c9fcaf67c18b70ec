"""The load engines: LOAD into the im2col buffer; the window unit's WLOAD works the same way."""

import numpy as np

from accel.cyclemodel.commands import (
    L_INNER,
    L_ITEM_PITCH,
    L_ITEMS,
    L_LEFT,
    L_RIGHT,
    L_ROW_PITCH,
    L_ROWS,
    L_SRC,
)
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import OUTPUT, RAM_QUEUE, ram_queue, waits_met
from accel.cyclemodel.reads import AHEAD, ROOM, asks, split, takes_range
from accel.cyclemodel.shape import BUS, LOAD_BEATS

#: Ranges that wait for the splitter (rtl/im2col/load.py).
_RANGES = 4
#: Entries of the rings, a power of two above what the queues hold.
_RING = 4096 - 1

#: State: gate and generator, the piece that was walked over, the queues behind, the placer.
(
    MET, BEGIN, RUNNING, PART, ITEMS, ROWS_LEFT, SRC, NEXT_SRC, HELD, FILL, STEPS, FIRST_CHUNK,
    LAST, ADDRESS, BYTES, PIECE_HEAD, PIECE_TAIL, RANGE_HEAD, RANGE_TAIL, BUSY, P_FILL, P_STEPS,
    P_CHUNK, P_LAST, ENDING, COMPLETED, UNDER_WAY, _PIECES,
) = range(28)  # fmt: skip
_DATA = _PIECES + RAM_QUEUE
SPLIT = _DATA + RAM_QUEUE
SCALARS = SPLIT + AHEAD
_RANGE_RING = SCALARS
_PIECE_RING = _RANGE_RING + 2 * _RANGES
_LENGTH = _PIECE_RING + 3 * (_RING + 1)
_LEFT, _COPY, _RIGHT = range(3)


def state(c: np.ndarray) -> np.ndarray:
    """A load engine at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[SPLIT + ROOM] = c[LOAD_BEATS]
    return s


@edge
def requests(s):
    """Whether a burst is asked for."""
    return asks(s, SPLIT)


@edge
def active(s):
    """Whether a command is past its waits and not yet completed."""
    return s[MET] != 0 or s[UNDER_WAY] != 0


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    return s[BUSY] != 0 and (s[P_FILL] != 0 or s[_DATA + OUTPUT] != 0)


@edge
def load(
    s, c, table, number, offered, done, delay, waits, fill_shift, chunk_shift, granted, arrived,
    stalled,
):
    """An edge of a load engine.

    Args:
        table, number, offered: its commands; the one that its queue offers, if it does.
        done, delay, waits: done counts, how late they come, and which three its commands wait for.
        fill_shift, chunk_shift: log2 of the bytes that a fill and a copy place in a cycle.
        granted: the read master takes its request.  arrived: a beat has come.
        stalled: nothing may be placed in this cycle.

    Returns:
        Whether it takes the command; whether it completes one.
    """
    completed = s[COMPLETED] != 0
    beats = s[_DATA + OUTPUT] != 0
    takes_piece, pops = _place(s, c, chunk_shift, beats, stalled)

    # The piece that was walked over goes to the queues of pieces and, if a copy, of ranges.
    room = s[_PIECES] != c[LOAD_BEATS] and (
        s[FILL] != 0 or s[RANGE_TAIL] - s[RANGE_HEAD] != _RANGES
    )
    fires = s[HELD] != 0 and room
    started = s[MET] != 0 and s[BEGIN] == 0 and s[RUNNING] == 0
    advance = s[RUNNING] != 0 and (s[HELD] == 0 or fires)
    has_range = s[RANGE_TAIL] != s[RANGE_HEAD]
    range_at = _RANGE_RING + 2 * (s[RANGE_HEAD] % _RANGES)
    takes = takes_range(s, SPLIT, granted) and has_range
    split(s, SPLIT, c, granted, has_range, s[range_at], s[range_at + 1], pops)
    if takes:
        s[RANGE_HEAD] += 1
    if fires:
        _push(s)
    ram_queue(s, _PIECES, fires, takes_piece)
    ram_queue(s, _DATA, arrived, pops)

    was_begin, ends = s[BEGIN] != 0, False
    if s[HELD] == 0 or fires:
        s[HELD] = advance
    if started:
        s[NEXT_SRC] = table[number, L_SRC]
        s[ROWS_LEFT] = table[number, L_ROWS]
    if advance or was_begin:
        ends = _walk(s, c, table, number, fill_shift, chunk_shift, advance, was_begin)
    s[BEGIN] = started
    s[RUNNING] = (s[RUNNING] != 0 or was_begin) and not ends
    s[UNDER_WAY] += started - completed
    s[MET] = (
        offered and not ends
        and waits_met(table, number, done, delay, waits[0], waits[1], waits[2])
    )  # fmt: skip
    return ends, completed


@edge
def _walk(s, c, table, number, fill_shift, chunk_shift, advance, begin):
    """Walk over a piece, and to the next row where one ends; whether it was the command's last."""
    inner, left, right = table[number, L_INNER], table[number, L_LEFT], table[number, L_RIGHT]
    after_left = _COPY if inner else _RIGHT
    row_ends = begin
    last_row = s[ROWS_LEFT] == 0
    ends = False
    if advance:
        part = s[PART]
        last_item = s[ITEMS] == 0
        if part == _LEFT:
            row_ends = inner == 0 and right == 0
        elif part == _COPY:
            row_ends = last_item and right == 0
        else:
            row_ends = True
        ends = row_ends and last_row
        _note(s, c, left if part == _LEFT else inner if part == _COPY else right, part == _COPY,
              fill_shift, chunk_shift, ends)  # fmt: skip
        s[PART] = _RIGHT if part == _COPY and last_item else after_left
        if part == _COPY:
            s[SRC] = (s[SRC] + table[number, L_ITEM_PITCH]) & 0xFFFFFFFF
            s[ITEMS] -= 1
    if row_ends:
        s[SRC] = s[NEXT_SRC]
        s[NEXT_SRC] = (s[NEXT_SRC] + table[number, L_ROW_PITCH]) & 0xFFFFFFFF
        s[ITEMS] = table[number, L_ITEMS] - 1
        s[ROWS_LEFT] -= 1
        s[PART] = _LEFT if left else after_left
    return ends


@edge
def _note(s, c, size, copying, fill_shift, chunk_shift, last):
    """Remember the piece that is walked over: the steps of its placement, its memory."""
    s[FILL] = not copying
    s[LAST] = last
    s[ADDRESS], s[BYTES] = s[SRC], size
    if copying:
        skip = s[SRC] & (1 << chunk_shift) - 1
        s[STEPS] = (size + skip - 1 >> chunk_shift) + 1
        s[FIRST_CHUNK] = (s[SRC] & c[BUS] - 1) >> chunk_shift
    else:
        s[STEPS] = (size - 1 >> fill_shift) + 1
        s[FIRST_CHUNK] = 0


@edge
def _push(s):
    """Queue the piece that was walked over, and its range."""
    at = _PIECE_RING + 3 * (s[PIECE_TAIL] & _RING)
    s[PIECE_TAIL] += 1
    s[at] = s[STEPS]
    s[at + 1] = s[FIRST_CHUNK]
    s[at + 2] = s[FILL] | s[LAST] << 1
    if s[FILL] == 0:
        at = _RANGE_RING + 2 * (s[RANGE_TAIL] % _RANGES)
        s[RANGE_TAIL] += 1
        s[at] = s[ADDRESS]
        s[at + 1] = s[BYTES]


@edge
def _place(s, c, chunk_shift, beats, stalled):
    """An edge of the placer; whether it takes a piece if there is one, and a beat."""
    go = s[BUSY] != 0 and (s[P_FILL] != 0 or beats) and not stalled
    final = s[P_STEPS] == 1
    s[COMPLETED] = s[ENDING]
    s[ENDING] = go and final and s[P_LAST] != 0
    last_chunk = (c[BUS] >> chunk_shift) - 1
    pops = go and s[P_FILL] == 0 and (final or s[P_CHUNK] == last_chunk)
    takes = s[BUSY] == 0 or (go and final)
    if go:
        s[P_STEPS] -= 1
        s[P_CHUNK] = s[P_CHUNK] + 1 & last_chunk
    if takes:
        s[BUSY] = s[_PIECES + OUTPUT]
        if s[BUSY]:
            at = _PIECE_RING + 3 * (s[PIECE_HEAD] & _RING)
            s[PIECE_HEAD] += 1
            s[P_STEPS] = s[at]
            s[P_CHUNK] = s[at + 1]
            s[P_FILL] = s[at + 2] & 1
            s[P_LAST] = s[at + 2] >> 1
    return takes, pops
