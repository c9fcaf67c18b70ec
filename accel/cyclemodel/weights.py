"""The weight engine: records and tiles from memory to the array's shadow weights."""

import numpy as np

from accel.cyclemodel import records
from accel.cyclemodel.edge import edge
from accel.cyclemodel.reads import FREED
from accel.cyclemodel.records import RECORDS, SPLIT
from accel.cyclemodel.shape import (
    DONE_WEIGHTS_DELAY,
    PARAM_WORDS,
    ROWS,
    TILE_BYTES,
    TILE_ENTRIES,
    WEIGHT_BEATS,
    WORDS_PER_ENTRY,
)
from accel.params import PARAM_SLOTS, SWAP_LATENCY

#: State, behind that of accel.cyclemodel.records: the loader; entries that leave the queue, a bit a
#: cycle.
(
    IN_TILES, TILES_LEFT, NUMBER, SLOTS, AVAILABLE, BEGAN, LOADING, FILLED, LEAVING, SCALARS,
) = range(RECORDS, RECORDS + 10)  # fmt: skip
#: Cycles from a word's issue to its entry leaving the queue.
_POP = SWAP_LATENCY - 1


def state(c: np.ndarray) -> np.ndarray:
    """The engine at the start."""
    s = records.state(SCALARS, c[WEIGHT_BEATS])
    s[SLOTS] = PARAM_SLOTS
    return s


@edge
def fifo_empty(s, c):
    """Whether nothing is loaded or loading, for lack of data."""
    least = c[TILE_ENTRIES] if s[IN_TILES] else 1
    return s[LOADING] == 0 and s[FILLED] == 0 and s[AVAILABLE] < least


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    return s[LOADING] | s[BEGAN] | s[LEAVING] | s[SPLIT + FREED] != 0


@edge
def completes(s, c):
    """Whether a command completes in this cycle."""
    return s[LOADING] != 0 and s[NUMBER] == c[ROWS] - 1 and s[IN_TILES] == 0


@edge
def steady(s):
    """Whether edges without a grant, a swap, a new command or slot do what ``stream`` does."""
    return (
        s[BEGAN] == 0 and not records.requests(s) and records.steady(s)
        and (s[IN_TILES] != 0 or s[LOADING] != 0 or s[SLOTS] == 0 or not records.has_tiles(s))
    )  # fmt: skip


@edge
def stream(s, c, comes, most):
    """Let up to ``most`` edges of a steady engine pass; ``comes``: in each a beat has come.

    Returns:
        How many edges it was.
    """
    loading = s[LOADING] != 0
    for cycles in range(most):
        if loading:
            ends = s[NUMBER] == c[ROWS] - 1
        else:
            ends = s[IN_TILES] != 0 and s[FILLED] == 0 and s[AVAILABLE] >= c[TILE_ENTRIES]
        if ends or records.requests(s):
            return cycles
        if not (comes or loading or s[LEAVING] or s[SPLIT + FREED]):
            return most
        s[AVAILABLE] += records.pack(s, c, comes)
        records.free(s, c, s[LEAVING] >> _POP - 1)
        _leave(s, loading and _entry_ends(s, c))
        s[NUMBER] += loading
    return most


@edge
def _entry_ends(s, c):
    """Whether the word that is used is its entry's last."""
    return s[NUMBER] & c[WORDS_PER_ENTRY] - 1 == c[WORDS_PER_ENTRY] - 1


@edge
def _leave(s, pop):
    """An edge of the way that entries leave by."""
    s[LEAVING] = (s[LEAVING] << 1 | pop) & (1 << _POP) - 1


@edge
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
    param = (
        s[IN_TILES] == 0 and s[LOADING] == 0 and records.has_tiles(s) and s[SLOTS] != 0
        and s[AVAILABLE] != 0
    )  # fmt: skip
    row = begin or s[LOADING] != 0
    pop = (row or param) and _entry_ends(s, c)
    last_row = s[LOADING] != 0 and s[NUMBER] == c[ROWS] - 1
    last_param = param and s[NUMBER] == c[PARAM_WORDS] - 1
    completed = completes(s, c)

    entry, tiles = records.pack(s, c, arrived), records.tiles(s)
    takes_command = records.request(
        s, c, c[TILE_BYTES], table, number, offered, done, DONE_WEIGHTS_DELAY, granted, completed,
        last_param, s[LEAVING] >> _POP - 1,
    )  # fmt: skip
    _leave(s, pop)

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
        s[TILES_LEFT] = tiles - 1
    s[SLOTS] += slot_free - last_param
    s[BEGAN] = begin
    return takes_command, completed
