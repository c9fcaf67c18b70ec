"""The weight engine: records and tiles from memory to the array's shadow weights."""

import numba
import numpy as np

from accel.model.commands import W_SRC, W_TILES
from accel.model.queues import waits_met
from accel.model.reads import AHEAD, ROOM, asks, split, takes_range
from accel.model.shape import (
    ENTRY_BEATS,
    PARAM_BYTES,
    PARAM_WORDS,
    ROWS,
    TILE_BYTES,
    TILE_ENTRIES,
    WEIGHT_BEATS,
    WORDS_PER_ENTRY,
)
from accel.params import PARAM_SLOTS, SWAP_LATENCY

#: Commands whose data may have been asked for (rtl/records.py).
_COMMANDS = 8
#: State: gate, range, tile counts; the loader; entries that leave the queue, a bit a cycle.
(
    MET, PENDING, ADDRESS, BYTES, UNDER_WAY, TILES_HEAD, TILES_TAIL, PACKED, IN_TILES, TILES_LEFT,
    NUMBER, SLOTS, AVAILABLE, BEGAN, LOADING, FILLED, LEAVING, SPLIT,
) = range(18)  # fmt: skip
_TILES = SPLIT + AHEAD
_LENGTH = _TILES + _COMMANDS
#: Cycles from a word's issue to its entry leaving the queue.
_POP = SWAP_LATENCY - 1


def state(c: np.ndarray) -> np.ndarray:
    """The engine at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[SPLIT + ROOM] = c[WEIGHT_BEATS]
    s[SLOTS] = PARAM_SLOTS
    return s


@numba.njit(cache=True)
def requests(s):
    """Whether a burst is asked for."""
    return asks(s, SPLIT)


@numba.njit(cache=True)
def fifo_empty(s, c):
    """Whether nothing is loaded or loading, for lack of data."""
    least = c[TILE_ENTRIES] if s[IN_TILES] else 1
    return s[LOADING] == 0 and s[FILLED] == 0 and s[AVAILABLE] < least


@numba.njit(cache=True)
def weights(s, c, table, number, offered, done, granted, arrived, swap, slot_free):
    """An edge of the weight engine.

    Args:
        table, number, offered: its commands; the one that its queue offers, if it does.
        done: done counts.
        granted: the read master takes its request.  arrived: a beat has come.
        swap: the exec engine takes the shadow weights.  slot_free: a parameter slot is free again.

    Returns:
        Whether it takes the command; whether it completes one.
    """
    begin = (
        s[IN_TILES] != 0
        and s[LOADING] == 0
        and s[AVAILABLE] >= c[TILE_ENTRIES]
        and (s[FILLED] == 0 or swap)
    )
    tiles = s[TILES_TAIL] - s[TILES_HEAD]
    param = (
        s[IN_TILES] == 0 and s[LOADING] == 0 and tiles != 0 and s[SLOTS] != 0
        and s[AVAILABLE] != 0
    )  # fmt: skip
    row = begin or s[LOADING] != 0
    pop = (row or param) and (s[NUMBER] & c[WORDS_PER_ENTRY] - 1) == c[WORDS_PER_ENTRY] - 1
    last_row = s[LOADING] != 0 and s[NUMBER] == c[ROWS] - 1
    last_param = param and s[NUMBER] == c[PARAM_WORDS] - 1
    completed = last_row and s[IN_TILES] == 0

    entry = _pack(s, c, arrived)
    takes_command = _request(s, c, table, number, offered, done, granted, completed, last_param)
    s[LEAVING] = (s[LEAVING] << 1 | pop) & (1 << _POP) - 1

    if last_row or last_param:
        s[NUMBER] = 0
    elif row or param:
        s[NUMBER] += 1
    if begin:
        s[LOADING] = s[FILLED] = 1
    else:
        s[LOADING] = s[LOADING] != 0 and not last_row
        s[FILLED] = s[FILLED] != 0 and not swap
    used = 0
    if s[BEGAN]:
        used = c[TILE_ENTRIES]
        s[IN_TILES] = s[TILES_LEFT] != 0
        s[TILES_LEFT] -= 1
    elif param and pop:
        used = 1
    s[AVAILABLE] += entry - used
    if last_param:
        s[IN_TILES] = 1
        s[TILES_LEFT] = s[_TILES + s[TILES_HEAD] % _COMMANDS] - 1
        s[TILES_HEAD] += 1
    s[SLOTS] += slot_free - last_param
    s[BEGAN] = begin
    return takes_command, completed


@numba.njit(cache=True)
def _pack(s, c, arrived):
    """Pack beats into entries; whether one is complete."""
    if not arrived:
        return 0
    s[PACKED] += 1
    if s[PACKED] == c[ENTRY_BEATS]:
        s[PACKED] = 0
        return 1
    return 0


@numba.njit(cache=True)
def _request(s, c, table, number, offered, done, granted, completed, last_param):
    """Commands become ranges of memory and numbers of tiles; whether one is taken."""
    takes = takes_range(s, SPLIT, granted)
    free = s[PENDING] == 0 or takes
    taken = s[MET] != 0 and free and s[TILES_TAIL] - s[TILES_HEAD] != _COMMANDS
    leaves = s[LEAVING] >> _POP - 1
    split(s, SPLIT, c, granted, s[PENDING], s[ADDRESS], s[BYTES], leaves * c[ENTRY_BEATS])
    if free:
        s[PENDING] = taken
    if taken:
        s[ADDRESS] = table[number, W_SRC]
        s[BYTES] = table[number, W_TILES] * c[TILE_BYTES] + c[PARAM_BYTES]
        s[_TILES + s[TILES_TAIL] % _COMMANDS] = table[number, W_TILES]
        s[TILES_TAIL] += 1
    s[UNDER_WAY] += taken - completed
    s[MET] = offered and not taken and waits_met(table, number, done, 0, 1, 2)
    return taken
