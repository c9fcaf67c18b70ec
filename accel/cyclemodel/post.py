"""Post-processing's control and the block reader."""

import numpy as np

from accel.cyclemodel.commands import P_COUNT, P_ENTRIES
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import SLICE_OF, waits_met
from accel.cyclemodel.shape import (
    DONE_POST_DELAY,
    GROUPS,
    PARAMS_READ_LATENCY,
    READER_LATENCY,
    VECTORS,
)
from accel.cyclemodel.supervise import DONE_EXEC, DONE_POST, DONE_WINDOW

#: States of the control.
_IDLE, _WAIT, _TABLE, _RUN = range(4)
#: State: the control; the reader; what is on its way, a bit a cycle; the queue behind; the slice
#: between pool and store, whose entries are 1 for an ``end``.
(
    PHASE, COMMAND, MET, FULL, ENTRIES_DONE, BUSY, LEFT, GROUP, PLACES, FREED, BANK_FREE,
    LAST_READS, COMPLETE, ENDS, HEAD, TAIL, POOLED,
) = range(17)  # fmt: skip
SCALARS = POOLED + SLICE_OF
_RING = SCALARS
_LENGTH = _RING + VECTORS


def state() -> np.ndarray:
    """The engine at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[PLACES] = VECTORS
    return s


@edge
def has_vector(s):
    """Whether the reader offers a vector or an ``end``."""
    return s[HEAD] != s[TAIL]


@edge
def is_end(s):
    """Whether what the reader offers is an ``end``."""
    return s[_RING + (s[HEAD] & VECTORS - 1)] != 0


@edge
def slot_free(s):
    """Whether a parameter slot becomes free in this cycle."""
    return s[LAST_READS] >> PARAMS_READ_LATENCY - 1


@edge
def idle(s):
    """Whether no command is held."""
    return s[PHASE] == _IDLE


@edge
def waits(s):
    """Whether a command is held that has not begun."""
    return s[PHASE] == _WAIT


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    return s[FREED] | s[BANK_FREE] | s[LAST_READS] | s[COMPLETE] | s[ENDS] != 0


@edge
def starts(s, table):
    """Whether a POST starts in this cycle: it is the moment of ``begin``."""
    return (
        s[PHASE] == _WAIT and s[MET] != 0 and s[FULL] != 0 and table[s[COMMAND], P_ENTRIES] == 0
    )


@edge
def post(s, c, table, number, offered, done, written, taken, ended):
    """An edge of the control and the reader.

    Args:
        table, number, offered: its commands; the one that its queue offers, if it does.
        done: done counts.  written: a block's last sum is written.
        taken: what the reader offers is taken.  ended: the store engine takes an ``end``.
    """
    phase = s[PHASE]
    begins = starts(s, table)
    reads, count = begins, 0
    if phase == _IDLE:
        s[MET] = 0
        if offered:
            s[PHASE], s[COMMAND] = _WAIT, number
    elif phase == _WAIT:
        if begins:
            s[PHASE] = _RUN
            count = table[s[COMMAND], P_COUNT]
        elif s[MET] and table[s[COMMAND], P_ENTRIES] != 0:
            s[PHASE], s[ENTRIES_DONE] = _TABLE, 0
        s[MET] = waits_met(
            table, s[COMMAND], done, DONE_POST_DELAY, DONE_WINDOW, DONE_EXEC, DONE_POST
        )
    elif phase == _TABLE:
        if s[ENTRIES_DONE] == table[s[COMMAND], P_ENTRIES]:
            s[PHASE], reads = _RUN, True
        s[ENTRIES_DONE] += 1
    elif ended:
        s[PHASE] = _IDLE
    s[FULL] += written - begins
    _read(s, c, reads, count, taken)


@edge
def _read(s, c, begin, count, taken):
    """An edge of the block reader."""
    place = s[PLACES] != 0
    issue = s[BUSY] != 0 and s[LEFT] != 0 and (place or s[GROUP] != 0)
    issue_end = s[BUSY] != 0 and s[LEFT] == 0 and place
    last_group = s[GROUP] == c[GROUPS] - 1
    last_read = issue and last_group and s[LEFT] == 1
    if s[COMPLETE] >> READER_LATENCY - 1 & 1 or s[ENDS] >> READER_LATENCY - 1 & 1:
        s[_RING + (s[TAIL] & VECTORS - 1)] = s[ENDS] >> READER_LATENCY - 1 & 1
        s[TAIL] += 1
    s[HEAD] += taken
    s[PLACES] += s[FREED] - ((issue and s[GROUP] == 0) or issue_end)
    s[FREED] = taken
    s[BANK_FREE] = last_read
    s[LAST_READS] = (s[LAST_READS] << 1 | last_read) & (1 << PARAMS_READ_LATENCY) - 1
    s[COMPLETE] = (s[COMPLETE] << 1 | (issue and last_group)) & (1 << READER_LATENCY) - 1
    s[ENDS] = (s[ENDS] << 1 | issue_end) & (1 << READER_LATENCY) - 1
    if begin:
        s[BUSY], s[LEFT] = 1, count
    elif issue_end:
        s[BUSY] = 0
    elif issue:
        s[GROUP] = (s[GROUP] + 1) % c[GROUPS]
        if last_group:
            s[LEFT] -= 1
