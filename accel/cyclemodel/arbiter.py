"""Two writers of memory, post-processing and the window unit, on one port."""

import numpy as np

from accel.cyclemodel.edge import edge

#: Bursts that await their response (rtl/memory/write_arbiter.py).
_BURSTS = 64
#: State: registers of the bus; whose burst is open, or was last; the ring of the bursts' owners.
AWVALID, AWPLACE, AWBEATS, WVALID, OPEN, LAST, HEAD, TAIL, SCALARS = range(9)
_OWNERS = SCALARS
_LENGTH = _OWNERS + _BURSTS
NOBODY = -1


def state() -> np.ndarray:
    """The arbiter at the start."""
    return np.zeros(_LENGTH, np.int64)


@edge
def begins(s, first, second, awready):
    """Whose address is taken in this cycle, or nobody's; whose data may be.

    ``first``, ``second``: whether either master shows an address.
    """
    other = first if s[LAST] else second
    chosen = 1 - s[LAST] if other else s[LAST]
    begin = (
        (first or second) and s[OPEN] == 0 and (s[AWVALID] == 0 or awready)
        and s[TAIL] - s[HEAD] != _BURSTS
    )  # fmt: skip
    if s[OPEN]:
        return NOBODY, s[LAST]
    if begin:
        return chosen, chosen
    return NOBODY, NOBODY


@edge
def writes(s):
    """Whether a burst is under way to the bus."""
    return s[AWVALID] != 0 or s[WVALID] != 0 or s[OPEN] != 0


@edge
def free(s, wready):
    """Whether a beat can be taken."""
    return s[WVALID] == 0 or wready


@edge
def answers(s):
    """Whose burst the oldest one is."""
    return s[_OWNERS + s[HEAD] % _BURSTS]


@edge
def arbiter(s, taken, place, beats, owner, valid, closes, awready, wready, answered):
    """An edge of the arbiter.

    Args:
        taken, place, beats: whose address is taken; where its burst begins, its length.
        owner, valid, closes: whose data may be taken; whether it shows a beat, and a last one.
        awready, wready, answered: what the memory says.
    """
    room = free(s, wready)
    if awready:
        s[AWVALID] = 0
    if taken != NOBODY:
        s[AWVALID], s[AWPLACE], s[AWBEATS] = 1, place, beats
        s[LAST], s[OPEN] = taken, 1
        s[_OWNERS + s[TAIL] % _BURSTS] = taken
        s[TAIL] += 1
    if owner != NOBODY and room and valid and closes:
        s[OPEN] = 0
    if room:
        s[WVALID] = owner != NOBODY and valid
    if answered:
        s[HEAD] += 1
