"""The read path: splitting ranges into bursts, asking ahead of use, sharing the bus."""

import numpy as np

from accel.cyclemodel.edge import edge
from accel.cyclemodel.shape import BURST_SHIFT, BUS_SHIFT
from accel.params import MAX_BURST

#: Bursts whose data may be outstanding (rtl/memory/read.py).
_MAX_READS = 64
#: Readers, in the order in which they are served.
FETCH, WEIGHTS, WPARAM, WLOAD, LOAD, _CLIENTS = range(6)
NOBODY = -1

#: State of the read master; then the ring of the bursts' owners, and what each client was granted.
ARVALID, ARBEATS, ARPLACE, BEAT, BEAT_OWNER, MOVED, HEAD, TAIL, _OWNERS = range(9)
BURSTS = _OWNERS + _MAX_READS
BEATS = BURSTS + _CLIENTS
_SIZE = BEATS + _CLIENTS


def state() -> np.ndarray:
    """The read master at the start."""
    s = np.zeros(_SIZE, np.int64)
    s[BEAT_OWNER] = NOBODY
    return s


@edge
def accepts(s, arready):
    """Whether a request is taken in this cycle, if there is one."""
    return (s[ARVALID] == 0 or arready) and s[TAIL] - s[HEAD] != _MAX_READS


@edge
def outstanding(s):
    """Whether an address or data is under way."""
    return s[TAIL] != s[HEAD] or s[MOVED] != 0


@edge
def next_owner(s):
    """Whose the next beat is."""
    return s[_OWNERS + (s[HEAD] & _MAX_READS - 1)] if s[TAIL] != s[HEAD] else NOBODY


@edge
def master(s, arready, rvalid, rlast, granted, place, beats):
    """An edge of the read master; ``granted`` is who has ``beats`` from ``place`` on taken."""
    s[MOVED] = (s[ARVALID] != 0 and arready) or rvalid
    s[BEAT] = rvalid
    s[BEAT_OWNER] = s[_OWNERS + (s[HEAD] & _MAX_READS - 1)] if rvalid else NOBODY
    if rvalid and rlast:
        s[HEAD] += 1
    if arready:
        s[ARVALID] = 0
    if granted != NOBODY:
        s[ARVALID] = 1
        s[ARBEATS], s[ARPLACE] = beats, place
        s[BURSTS + granted] += 1
        s[BEATS + granted] += beats
        s[_OWNERS + (s[TAIL] & _MAX_READS - 1)] = granted
        s[TAIL] += 1


#: State of a splitter and the register behind it, where a burst waits until it fits (ReadAhead).
#: Places are beats of the memory; PLACE and END count from BLOCK on.
(BUSY, BLOCK, PLACE, END, HELD, HELD_PLACE, HELD_BEATS, ROOM, FREED, AHEAD) = range(10)


@edge
def asks(s, at):
    """Whether the burst that waits fits, and so is requested."""
    return s[at + HELD] != 0 and s[at + ROOM] >= MAX_BURST


@edge
def held(s, at):
    """Place and beats of the burst that waits."""
    return s[at + HELD_PLACE], s[at + HELD_BEATS]


@edge
def takes_range(s, at, granted):
    """Whether the splitter takes a range in this cycle, if there is one."""
    return s[at + BUSY] == 0 or (
        (s[at + HELD] == 0 or granted) and s[at + END] < MAX_BURST
    )


@edge
def steady(s, at, valid):
    """Whether nothing moves without a grant; ``valid``: a range is offered."""
    if s[at + HELD] == 0:
        return s[at + BUSY] == 0 and not valid
    return s[at + BUSY] != 0 or not valid


@edge
def free(s, at, beats):
    """The place of ``beats`` becomes free, from the next cycle on."""
    s[at + ROOM] += s[at + FREED]
    s[at + FREED] = beats


@edge
def split(s, at, c, granted, valid, address, length, freed):
    """An edge of splitter and request register.

    ``valid``, ``address``, ``length``: the range offered; ``freed``: beats whose place is free
    again from the next cycle on.
    """
    moves = s[at + HELD] == 0 or granted
    taking = s[at + BUSY] == 0 or (moves and s[at + END] < MAX_BURST)
    free(s, at, freed)
    if granted:
        s[at + ROOM] -= s[at + HELD_BEATS]
    if moves:
        s[at + HELD] = s[at + BUSY]
        if s[at + BUSY]:
            stop = min(s[at + END], MAX_BURST - 1)
            s[at + HELD_PLACE] = s[at + BLOCK] + s[at + PLACE]
            s[at + HELD_BEATS] = stop - s[at + PLACE] + 1
            s[at + BLOCK] += MAX_BURST
            s[at + PLACE] = 0
            s[at + END] -= MAX_BURST
    if taking:
        s[at + BUSY] = valid
        if valid:
            inside = address & (1 << c[BURST_SHIFT]) - 1
            s[at + BLOCK] = address - inside >> c[BUS_SHIFT]
            s[at + PLACE] = inside >> c[BUS_SHIFT]
            s[at + END] = (length + inside - 1) >> c[BUS_SHIFT]
