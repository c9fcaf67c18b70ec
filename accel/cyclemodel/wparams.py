"""The window unit's parameters: records and weight tiles into its two slots."""

import numpy as np

from accel.cyclemodel import records
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import OUTPUT, RAM_QUEUE, ram_queue
from accel.cyclemodel.records import RECORDS
from accel.cyclemodel.shape import (
    DONE_WINDOW_DELAY,
    PARAM_WORDS,
    TAP_SHIFT,
    WINDOW_TILE_BYTES,
    WORDS_PER_ENTRY,
    WPARAM_BEATS,
)

#: Parameter records: one in use, one on its way (rtl/window/slots.py).
_SLOTS = 2
#: State, behind that of accel.cyclemodel.records: the queue of entries; words left of the one that
#: is cut; the record that is written.
_ENTRIES = RECORDS
WORDS, WEIGHTS, NUMBER, LEFT, FREE, COMPLETED, SCALARS = range(
    _ENTRIES + RAM_QUEUE, _ENTRIES + RAM_QUEUE + 7
)


def state(c: np.ndarray) -> np.ndarray:
    """The engine at the start."""
    s = records.state(SCALARS, c[WPARAM_BEATS])
    s[FREE] = _SLOTS
    return s


@edge
def params(s, c, table, number, offered, done, granted, arrived, slot_free):
    """An edge of the engine; the arguments are those of accel.cyclemodel.weights.

    Returns:
        Whether it takes the command; whether it completes one.
    """
    completed = s[COMPLETED] != 0
    go = s[WORDS] != 0 and records.has_tiles(s) and s[FREE] != 0
    last_plane = s[WEIGHTS] == 0 and s[NUMBER] == c[PARAM_WORDS] - 1
    last = s[WEIGHTS] != 0 and s[LEFT] == 0
    ends = go and last
    pops = s[WORDS] == 0 and s[_ENTRIES + OUTPUT] != 0
    tiles, entry = records.tiles(s), records.pack(s, c, arrived)
    takes = records.request(
        s, c, c[WINDOW_TILE_BYTES], table, number, offered, done, DONE_WINDOW_DELAY, granted,
        completed, ends, pops,
    )  # fmt: skip
    ready = s[WORDS] == 0
    if pops:
        s[WORDS] = c[WORDS_PER_ENTRY]
    elif go:
        s[WORDS] = 0 if last else s[WORDS] - 1
    ram_queue(s, _ENTRIES, entry, ready)
    s[FREE] += slot_free - ends
    s[COMPLETED] = ends
    if s[WEIGHTS] == 0:
        s[LEFT] = (tiles << c[TAP_SHIFT]) - 1
    elif go:
        s[LEFT] -= 1
    if go:
        s[NUMBER] = 0 if last or last_plane else s[NUMBER] + 1
        s[WEIGHTS] = (s[WEIGHTS] != 0 or last_plane) and not last
    return takes, completed
