"""Parameter records and tiles, asked for ahead of their use: WEIGHTS and WPARAM commands."""

import numpy as np

from accel.cyclemodel import reads
from accel.cyclemodel.commands import W_SRC, W_TILES
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import waits_met
from accel.cyclemodel.reads import AHEAD, ROOM, asks, split, takes_range
from accel.cyclemodel.shape import ENTRY_BEATS, PARAM_BYTES

#: Commands whose data may have been asked for (rtl/memory/records.py).
_COMMANDS = 8
#: Registers: gate, range, commands under way, tile counts and their ring; beats packed so far.
MET, PENDING, ADDRESS, BYTES, UNDER_WAY, HEAD, TAIL, PACKED, SPLIT = range(9)
_TILES = SPLIT + AHEAD
RECORDS = _TILES + _COMMANDS


def state(scalars: int, beats: int) -> np.ndarray:
    """An engine of ``scalars`` registers at the start; ``beats`` is the room for its data."""
    s = np.zeros(scalars, np.int64)
    s[SPLIT + ROOM] = beats
    return s


@edge
def requests(s):
    """Whether a burst is asked for."""
    return asks(s, SPLIT)


@edge
def has_tiles(s):
    """Whether a command's number of tiles is there."""
    return s[HEAD] != s[TAIL]


@edge
def tiles(s):
    """The oldest command's number of tiles."""
    return s[_TILES + (s[HEAD] & _COMMANDS - 1)]


@edge
def takes(s):
    """Whether a command is taken in this cycle."""
    return s[MET] != 0 and s[PENDING] == 0 and s[TAIL] - s[HEAD] != _COMMANDS


@edge
def pack(s, c, arrived):
    """Pack beats into entries; whether one is complete."""
    if not arrived:
        return 0
    s[PACKED] += 1
    if s[PACKED] == c[ENTRY_BEATS]:
        s[PACKED] = 0
        return 1
    return 0


@edge
def steady(s):
    """Whether edges without a grant or a new command change nothing but what ``free`` does."""
    return reads.steady(s, SPLIT, s[PENDING] != 0)


@edge
def free(s, c, entries):
    """The place of ``entries`` that leave the queue of data becomes free."""
    reads.free(s, SPLIT, entries * c[ENTRY_BEATS])


@edge
def request(
    s, c, tile_bytes, table, number, offered, done, delay, granted, completed, used, leaves
):
    """An edge of what turns commands into ranges of memory and numbers of tiles.

    Args:
        table, number, offered: the commands; the one that the queue offers, if it does.
        done, delay: done counts, and how late they come.
        granted: the read master takes the request.
        completed: a command's data has been used.  used: so has a number of tiles.
        leaves: entries that leave the queue of data.

    Returns:
        Whether the command is taken.
    """
    leaves_range = s[PENDING] != 0 and takes_range(s, SPLIT, granted)
    taken = takes(s)
    split(s, SPLIT, c, granted, s[PENDING], s[ADDRESS], s[BYTES], leaves * c[ENTRY_BEATS])
    if leaves_range:
        s[PENDING] = 0
    if taken:
        s[PENDING] = 1
        s[ADDRESS] = table[number, W_SRC]
        s[BYTES] = table[number, W_TILES] * tile_bytes + c[PARAM_BYTES]
        s[_TILES + (s[TAIL] & _COMMANDS - 1)] = table[number, W_TILES]
        s[TAIL] += 1
    if used:
        s[HEAD] += 1
    s[UNDER_WAY] += taken - completed
    s[MET] = offered and not taken and waits_met(table, number, done, delay, 0, 1, 2)
    return taken
