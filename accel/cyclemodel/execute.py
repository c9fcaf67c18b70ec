"""The exec engine: which pixel goes into the array when, and what comes of it later."""

import numpy as np

from accel.cyclemodel.commands import X_COLS, X_FIRST, X_K, X_LAST, X_NX, X_NY
from accel.cyclemodel.edge import NEVER, edge
from accel.cyclemodel.queues import stream_slice_of, waits_met
from accel.cyclemodel.shape import BLOCK_LATENCY, COMPLETION_LATENCY, DONE_EXEC_DELAY, ROWS
from accel.cyclemodel.supervise import DONE_LOAD, DONE_POST, DONE_WINDOW

#: Accumulator banks (rtl/im2col/exec.py).
_BANKS = 2
#: State: which half of the fork has the command; the walker; the register slice behind it; the
#: decision and its registered outputs; the offset generator; what is on its way.
(
    HAS_WALKER, HAS_OFFSETS, HELD, FOLLOWING, MET, VALID, PIXELS, PIXELS_LEFT, TILES_LEFT,
    STARTS, FIRST, MACS, LAST_MACS, LAST_COMMAND, OUT_VALID, SPARED, OUT, SPARE, FREE, WEIGHTS,
    LANES, SWAP, BUSY, WAIT_LOAD, WAIT_BANK, WAIT_WEIGHTS, IDLE, OFFSETS_HELD, OFFSETS_K, ACTIVE,
    OFFSET_TILES, LANE, READY, MACS_1, MACS_2, MACS_3, ENDS_HEAD, ENDS_TAIL, BLOCKS_HEAD,
    BLOCKS_TAIL, SCALARS,
) = range(41)  # fmt: skip
_RING = 16 - 1
_ENDS = SCALARS
_BLOCKS = _ENDS + _RING + 1
_LENGTH = _BLOCKS + _RING + 1

#: What is known of a vector: bits, and above them its multiplications.
_V_STARTS, _V_FIRST, _V_ENDS, _V_CLOSES = (1 << n for n in range(4))
_V_MACS = 4


def state() -> np.ndarray:
    """The engine at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[FREE] = _BANKS
    s[IDLE] = 1
    return s


@edge
def event(s):
    """The next cycle in which something of what is on its way arrives, or NEVER."""
    due = NEVER
    if s[ENDS_HEAD] != s[ENDS_TAIL]:
        due = s[_ENDS + (s[ENDS_HEAD] & _RING)]
    if s[BLOCKS_HEAD] != s[BLOCKS_TAIL]:
        due = min(due, s[_BLOCKS + (s[BLOCKS_HEAD] & _RING)])
    return due


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    begins = s[STARTS] != 0 and s[VALID] != 0 and s[WAIT_BANK] | s[WAIT_WEIGHTS] == 0
    return begins or s[SWAP] != 0 or s[MACS_1] != s[MACS_2] or s[MACS_2] != s[MACS_3]


@edge
def moves_on(s, offered):
    """Whether a command moves on in this cycle: from the queue, to the walker, or in it."""
    return _follows(s) or (
        offered and (_taken(s) or (s[HAS_WALKER] == 0 and s[HELD] == 0))
    )


@edge
def _taken(s):
    """Whether both halves of the fork have, or now get, the command that is offered."""
    walker, offsets = s[HELD] == 0, s[OFFSETS_HELD] == 0
    return (s[HAS_WALKER] != 0 or walker) and (s[HAS_OFFSETS] != 0 or offsets)


@edge
def _ends(s):
    """Whether the pixel under way is its command's last."""
    return s[PIXELS_LEFT] == 0 and s[TILES_LEFT] == 0


@edge
def _follows(s):
    """Whether the command that follows becomes the one under way."""
    free = s[VALID] == 0 or (s[SPARED] == 0 and _ends(s))
    return s[HELD] != 0 and s[MET] != 0 and free


@edge
def execute(s, c, cycle, table, number, offered, done, weights_ready, bank_free):
    """An edge of the exec engine.

    Args:
        cycle: its number.
        table, number, offered: its commands; the one that its queue offers, if it does.
        done: done counts.
        weights_ready: a tile is in the shadow weights.  bank_free: a bank has been emptied.

    Returns:
        Whether it takes the command; whether it completes one; whether a block's last sum is
        written.
    """
    vector = s[OUT]
    opens = vector & (_V_STARTS | _V_FIRST) == _V_STARTS | _V_FIRST
    starts = vector & _V_STARTS != 0
    lacks_bank = opens and s[FREE] == 0
    lacks_weights = starts and (s[WEIGHTS] == 0 or s[LANES] == 0)
    valid = s[OUT_VALID] != 0
    issue = valid and not lacks_bank and not lacks_weights
    swap, old_swap = issue and starts, s[SWAP] != 0
    walking, waiting = s[VALID] != 0, s[HELD] != 0 and s[VALID] == 0
    completed = s[ENDS_HEAD] != s[ENDS_TAIL] and s[_ENDS + (s[ENDS_HEAD] & _RING)] == cycle
    if completed:
        s[ENDS_HEAD] += 1
    written = (
        s[BLOCKS_HEAD] != s[BLOCKS_TAIL] and s[_BLOCKS + (s[BLOCKS_HEAD] & _RING)] == cycle
    )
    if written:
        s[BLOCKS_HEAD] += 1

    s[SWAP], s[BUSY], s[WAIT_LOAD] = swap, issue, not valid and (walking or waiting)
    s[WAIT_BANK] = valid and lacks_bank
    s[WAIT_WEIGHTS] = valid and not lacks_bank and lacks_weights
    s[IDLE] = not valid and not walking and not waiting
    s[FREE] += bank_free - (issue and opens)
    s[WEIGHTS] = weights_ready
    s[MACS_3], s[MACS_2], s[MACS_1] = s[MACS_2], s[MACS_1], vector >> _V_MACS if issue else 0
    if issue and vector & _V_ENDS:
        s[_ENDS + (s[ENDS_TAIL] & _RING)] = cycle + COMPLETION_LATENCY
        s[ENDS_TAIL] += 1
    if issue and vector & _V_CLOSES:
        s[_BLOCKS + (s[BLOCKS_TAIL] & _RING)] = cycle + c[BLOCK_LATENCY]
        s[BLOCKS_TAIL] += 1

    taken = _taken(s)
    to_walker = offered and s[HAS_WALKER] == 0 and s[HELD] == 0
    to_offsets = offered and s[HAS_OFFSETS] == 0 and s[OFFSETS_HELD] == 0
    s[HAS_WALKER] = (s[HAS_WALKER] != 0 or to_walker) and not taken
    s[HAS_OFFSETS] = (s[HAS_OFFSETS] != 0 or to_offsets) and not taken
    soon = _offsets(s, c, table, number, to_offsets, old_swap)
    s[LANES] = (s[LANES] != 0 and not swap) or soon
    _walk(s, c, table, number, to_walker, done, issue)
    return taken and offered, completed, written


@edge
def _walk(s, c, table, number, comes, done, issue):
    """An edge of the pixel walker and of the slice that lets it go ahead."""
    walks = s[VALID] != 0 and s[SPARED] == 0
    ends, take = _ends(s), _follows(s)
    vector = 0
    if s[VALID]:
        vector = (s[LAST_MACS] if s[TILES_LEFT] == 0 else s[MACS]) << _V_MACS
        vector |= s[STARTS] | s[FIRST] << 1 | ends << 2 | (ends and s[LAST_COMMAND] != 0) << 3
    stream_slice_of(s, OUT_VALID, s[VALID] != 0, vector, issue)

    met = s[HELD] != 0 and waits_met(
        table, s[FOLLOWING], done, DONE_EXEC_DELAY, DONE_LOAD, DONE_WINDOW, DONE_POST
    )
    if walks:
        s[STARTS] = 0
        if s[PIXELS_LEFT] == 0:
            s[PIXELS_LEFT] = s[PIXELS] - 1
            s[TILES_LEFT] -= 1
            s[STARTS], s[FIRST] = 1, 0
        else:
            s[PIXELS_LEFT] -= 1
        if ends:
            s[VALID] = 0
    if take:
        _begin(s, c, table)
    if comes:
        s[HELD], s[FOLLOWING] = 1, number
    s[MET] = met


@edge
def _begin(s, c, table):
    """The command that follows becomes the one under way."""
    number = s[FOLLOWING]
    k, cols = table[number, X_K], table[number, X_COLS]
    s[VALID], s[HELD], s[STARTS] = 1, 0, 1
    s[PIXELS] = table[number, X_NX] * table[number, X_NY]
    s[PIXELS_LEFT] = s[PIXELS] - 1
    s[TILES_LEFT] = (k - 1) // c[ROWS]
    s[MACS] = c[ROWS] * cols
    s[LAST_MACS] = ((k - 1) % c[ROWS] + 1) * cols
    s[FIRST] = table[number, X_FIRST]
    s[LAST_COMMAND] = table[number, X_LAST]


@edge
def _offsets(s, c, table, number, comes, swap):
    """An edge of the offset generator; whether the next tile's will be complete soon."""
    step = s[ACTIVE] != 0 and (s[READY] == 0 or swap)
    soon = step and s[LANE] == c[ROWS] - 2
    tile_ends = step and s[LANE] == c[ROWS] - 1
    begins = s[OFFSETS_HELD] != 0 and (s[ACTIVE] == 0 or (tile_ends and s[OFFSET_TILES] == 0))
    if swap:
        s[READY] = 0
    if step:
        s[LANE] = (s[LANE] + 1) & c[ROWS] - 1
    if tile_ends:
        s[READY] = 1
        s[ACTIVE] = s[OFFSET_TILES] != 0
        s[OFFSET_TILES] -= 1
    if begins:
        s[OFFSETS_HELD], s[ACTIVE] = 0, 1
        s[OFFSET_TILES] = (s[OFFSETS_K] - 1) // c[ROWS]
    if comes:
        s[OFFSETS_HELD], s[OFFSETS_K] = 1, table[number, X_K]
    return soon
