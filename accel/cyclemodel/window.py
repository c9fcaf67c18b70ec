"""The window unit's walker, the way of its outputs, and its side of the store engine."""

import numpy as np

from accel.cyclemodel.commands import P_COLS, V_K, V_MODE, V_NX, V_NY, V_SAME
from accel.cyclemodel.edge import NEVER, edge
from accel.cyclemodel.queues import waits_met
from accel.cyclemodel.shape import (
    DONE_WINDOW_DELAY,
    SCALE_LATENCY,
    TAP_SHIFT,
    TAPS,
    WINDOW_LATENCY,
    WINDOW_PACE,
    WINDOW_SLOT_LATENCY,
    WINDOW_VECTORS,
)
from accel.cyclemodel.supervise import DONE_EXEC, DONE_POST, DONE_WLOAD
from accel.isa import PAIRS, WindowMode

#: Configurations that wait for the store engine (rtl/window/store.py).
_CONFIGS = 4
#: States of the store's sequence.
_IDLE, _REST, _BEGIN, _VECTORS, _END = range(5)
#: State: the command that follows; the one under way; places; what is on its way, as rings of the
#: cycles in which it arrives; the queue of vectors; the store's sequence.
(
    MET, RECORDS, GO, TAKE, EMPTY, PREPARING, PREPARED, ACTIVE, FIRST, OUTPUTS_LEFT, GROUPS,
    GROUPS_LEFT, FULL_MACS, LAST_MACS, MODE, MAY, WAIT, PLACES, FREED, INSIDE, UNDER_WAY, MACS_1,
    MACS, COMING_HEAD, COMING_TAIL, FREE_HEAD, FREE_TAIL, HEAD, TAIL, CONFIG_HEAD, CONFIG_TAIL,
    PHASE, COMMAND, SCALARS,
) = range(34)  # fmt: skip
_RING = 256 - 1
_COMING = SCALARS
_FREE = _COMING + _RING + 1
_QUEUE = _FREE + _RING + 1
_LENGTH = _QUEUE + _RING + 1
_MAC = int(WindowMode.MAC)
#: A bit for each mode whose outputs are scaled pairs.
_PAIRS = sum(1 << mode for mode in PAIRS)


def state(c: np.ndarray) -> np.ndarray:
    """The unit at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[PLACES] = c[WINDOW_VECTORS]
    s[FIRST] = 1
    return s


@edge
def issues(s):
    """Whether a group of elements is issued in this cycle."""
    return s[ACTIVE] != 0 and (s[FIRST] == 0 or s[MAY] != 0)


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    return issues(s) or s[FREED] != 0


@edge
def slot_free(s, cycle):
    """Whether a parameter slot becomes free in this cycle."""
    return s[FREE_HEAD] != s[FREE_TAIL] and s[_FREE + (s[FREE_HEAD] & _RING)] == cycle


@edge
def event(s):
    """The next cycle in which something of what is on its way arrives, or NEVER."""
    due = NEVER
    if s[COMING_HEAD] != s[COMING_TAIL]:
        due = s[_COMING + (s[COMING_HEAD] & _RING)] >> 1
    if s[FREE_HEAD] != s[FREE_TAIL]:
        due = min(due, s[_FREE + (s[FREE_HEAD] & _RING)])
    return due


@edge
def offers(s):
    """Whether a vector or ``end`` is offered to the store engine."""
    return (s[PHASE] == _VECTORS and s[HEAD] != s[TAIL]) or s[PHASE] == _END


@edge
def is_end(s):
    """Whether what is offered is an ``end``."""
    return s[PHASE] == _END


@edge
def begins(s):
    """Whether the store engine begins a command in this cycle."""
    return s[PHASE] == _BEGIN


@edge
def window(s, c, cycle, table, number, offered, done, recorded, stored, completed):
    """An edge of the walker and of what follows it.

    Args:
        cycle: its number.
        table, number, offered: its commands; the one that its queue offers, if it does.
        done: done counts.  recorded: a parameter record is complete.
        stored: the store engine takes what is offered to it, if it is.
        completed: it completes a command.

    Returns:
        Whether the command is taken.
    """
    issue, take = issues(s), s[TAKE] != 0
    last = s[GROUPS_LEFT] == 0
    final = last and s[OUTPUTS_LEFT] == 0
    opens, ends = issue and s[FIRST] != 0, issue and final
    start = s[GO] != 0 and (s[ACTIVE] == 0 or ends)
    mac = offered and table[number, V_MODE] == _MAC
    place, inside, room = s[PLACES] >= 2, s[INSIDE] != 0, configs(s) != _CONFIGS
    arrives = _arrive(s, cycle)
    popped = _store(s, cycle, stored)
    if take:
        s[CONFIG_TAIL] += 1

    s[GO] = (
        offered and s[MET] != 0 and s[PREPARED] != 0 and room and not start and not take
        and (table[number, V_SAME] != 0 or s[EMPTY] != 0) and (not mac or s[RECORDS] != 0)
    )  # fmt: skip
    s[MET] = offered and waits_met(
        table, number, done, DONE_WINDOW_DELAY, DONE_WLOAD, DONE_POST, DONE_EXEC
    )
    s[EMPTY] = s[ACTIVE] == 0 and not inside
    s[RECORDS] += recorded - (take and mac)
    s[TAKE] = start
    if take:
        s[PREPARING] = s[PREPARED] = 0
    elif offered and s[PREPARED] == 0:
        s[PREPARED] = s[PREPARING] == c[TAPS]
        s[PREPARING] += 1
    _pace(s, c, place, opens)
    s[PLACES] += s[FREED] - opens
    s[FREED] = popped
    s[INSIDE] += opens - arrives
    s[UNDER_WAY] += take - completed
    s[MACS] = s[MACS_1]
    s[MACS_1] = 0
    if issue and s[MODE] == _MAC:
        s[MACS_1] = s[LAST_MACS] if last else s[FULL_MACS]
    if issue:
        _issue(s, c, cycle, last, final)
    if take:
        _begin(s, c, table, number)
    elif ends:
        s[ACTIVE] = 0
    return take


@edge
def configs(s):
    """How many configurations wait for the store engine."""
    return s[CONFIG_TAIL] - s[CONFIG_HEAD]


@edge
def _arrive(s, cycle):
    """Whether a vector arrives in its queue, where it is 1 if the command's last."""
    if s[COMING_HEAD] == s[COMING_TAIL]:
        return False
    coming = s[_COMING + (s[COMING_HEAD] & _RING)]
    if coming >> 1 != cycle:
        return False
    s[COMING_HEAD] += 1
    s[_QUEUE + (s[TAIL] & _RING)] = coming & 1
    s[TAIL] += 1
    return True


@edge
def _store(s, cycle, stored):
    """An edge of the store's sequence, but for vectors that come; whether one leaves."""
    if s[FREE_HEAD] != s[FREE_TAIL] and s[_FREE + (s[FREE_HEAD] & _RING)] == cycle:
        s[FREE_HEAD] += 1
    phase = s[PHASE]
    if phase == _IDLE:
        if s[CONFIG_HEAD] != s[CONFIG_TAIL]:
            s[COMMAND] = s[CONFIG_HEAD]
            s[CONFIG_HEAD] += 1
            s[PHASE] = _REST
    elif phase in (_REST, _BEGIN):
        s[PHASE] += 1
    elif phase == _VECTORS:
        if stored:
            if s[_QUEUE + (s[HEAD] & _RING)]:
                s[PHASE] = _END
            s[HEAD] += 1
            return True
    elif stored:
        s[PHASE] = _IDLE
    return False


@edge
def _pace(s, c, place, opens):
    """Whether an output may begin in the next cycle."""
    pace = c[WINDOW_PACE] == 1 or (not opens and s[WAIT] <= 1)
    s[MAY] = place and pace
    if opens:
        s[WAIT] = c[WINDOW_PACE] - 1
    elif s[WAIT] != 0:
        s[WAIT] -= 1


@edge
def _issue(s, c, cycle, last, final):
    """A group is issued: go to the next one; a vector, and a slot, will come of it."""
    s[FIRST] = last
    if not last:
        s[GROUPS_LEFT] -= 1
        return
    s[GROUPS_LEFT] = s[GROUPS]
    s[OUTPUTS_LEFT] -= 1
    arrival = cycle + c[WINDOW_LATENCY]
    if _PAIRS >> s[MODE] & 1:
        arrival += SCALE_LATENCY
    s[_COMING + (s[COMING_TAIL] & _RING)] = arrival << 1 | final
    s[COMING_TAIL] += 1
    if final and s[MODE] == _MAC:
        s[_FREE + (s[FREE_TAIL] & _RING)] = cycle + c[WINDOW_SLOT_LATENCY]
        s[FREE_TAIL] += 1


@edge
def _begin(s, c, table, number):
    """The command that is offered becomes the one under way."""
    k, cols = table[number, V_K], table[number, P_COLS]
    s[ACTIVE] = 1
    s[MODE] = table[number, V_MODE]
    s[OUTPUTS_LEFT] = table[number, V_NX] * table[number, V_NY] - 1
    s[GROUPS] = s[GROUPS_LEFT] = (k - 1) >> c[TAP_SHIFT]
    s[FULL_MACS] = c[TAPS] * cols
    s[LAST_MACS] = ((k - 1 & c[TAPS] - 1) + 1) * cols
