"""The memory behind the machine, as accel/sim/memory.py defines it, without data or stalls."""

import numpy as np

from accel.cyclemodel.edge import NEVER, edge
from accel.cyclemodel.shape import BUS, LATENCY, RATE

#: Bursts each direction holds at once.
OUTSTANDING = 32
_RING = 2 * OUTSTANDING - 1
#: State: scalars, then rings of the reads' first cycles and beats, of the lengths of the writes
#: that lack data, and of the cycles in which answers to writes are due.
(CYCLE, CREDIT, READ_HEAD, READ_TAIL, OPEN_HEAD, OPEN_TAIL, DONE_HEAD, DONE_TAIL, _SCALARS) = range(
    9
)
_DUE = 16
_BEATS = _DUE + _RING + 1
_OPEN = _BEATS + _RING + 1
_DONE = _OPEN + _RING + 1
_SIZE = _DONE + _RING + 1

#: What the memory drives, as bits of one number.
ARREADY, RVALID, RLAST, AWREADY, WREADY, BVALID = (1 << n for n in range(6))


def state(shape: np.ndarray) -> np.ndarray:
    """The memory after a long silence, before cycle 1."""
    s = np.zeros(_SIZE, np.int64)
    s[CREDIT] = shape[BUS]
    return s


@edge
def begin(s, c):
    """Begin the next cycle; return what the memory drives."""
    s[CYCLE] += 1
    s[CREDIT] = min(s[CREDIT] + c[RATE], c[BUS])
    credit = s[CREDIT] >= c[BUS]
    drives = 0
    reads = s[READ_TAIL] - s[READ_HEAD]
    if reads < OUTSTANDING:
        drives |= ARREADY
    if reads > 0 and credit:
        head = s[READ_HEAD] & _RING
        if s[CYCLE] >= s[_DUE + head]:
            drives |= RVALID
            if s[_BEATS + head] == 1:
                drives |= RLAST
    opened = s[OPEN_TAIL] - s[OPEN_HEAD]
    done = s[DONE_TAIL] - s[DONE_HEAD]
    if opened + done < OUTSTANDING:
        drives |= AWREADY
    if opened > 0 and credit:
        drives |= WREADY
    if done > 0 and s[CYCLE] >= s[_DONE + (s[DONE_HEAD] & _RING)]:
        drives |= BVALID
    return drives


@edge
def end(s, c, drives, read_beats, write_beats, sent):
    """End the cycle.

    ``read_beats``, ``write_beats``: lengths of bursts whose addresses are taken, else 0; ``sent``:
    a beat is taken.  Read data and write responses always are.
    """
    if drives & RVALID:
        s[CREDIT] -= c[BUS]
        head = s[READ_HEAD] & _RING
        s[_BEATS + head] -= 1
        if s[_BEATS + head] == 0:
            s[READ_HEAD] += 1
    if sent:
        s[CREDIT] -= c[BUS]
        head = s[OPEN_HEAD] & _RING
        s[_OPEN + head] -= 1
        if s[_OPEN + head] == 0:
            s[OPEN_HEAD] += 1
            s[_DONE + (s[DONE_TAIL] & _RING)] = s[CYCLE] + c[LATENCY]
            s[DONE_TAIL] += 1
    if drives & BVALID:
        s[DONE_HEAD] += 1
    if read_beats:
        tail = s[READ_TAIL] & _RING
        s[_DUE + tail] = s[CYCLE] + c[LATENCY]
        s[_BEATS + tail] = read_beats
        s[READ_TAIL] += 1
    if write_beats:
        s[_OPEN + (s[OPEN_TAIL] & _RING)] = write_beats
        s[OPEN_TAIL] += 1


@edge
def takes_address(s):
    """Whether the memory will take a read's address in the next cycle."""
    return s[READ_TAIL] - s[READ_HEAD] < OUTSTANDING


@edge
def has_data(s):
    """Whether a read's data may come in the next cycle."""
    return (
        s[READ_HEAD] != s[READ_TAIL] and s[CYCLE] + 1 >= s[_DUE + (s[READ_HEAD] & _RING)]
    )


@edge
def answer(s):
    """In how many cycles a write's response comes, at the soonest; at most NEVER / 2."""
    if s[OPEN_HEAD] != s[OPEN_TAIL]:
        return 0
    if s[DONE_HEAD] != s[DONE_TAIL]:
        return max(s[_DONE + (s[DONE_HEAD] & _RING)] - s[CYCLE], 0)
    return NEVER >> 1


@edge
def rest(s):
    """How many cycles from the next one on nothing but time passes, while nobody asks anything."""
    if s[OPEN_HEAD] != s[OPEN_TAIL]:
        return 0
    due = NEVER
    if s[READ_HEAD] != s[READ_TAIL]:
        due = s[_DUE + (s[READ_HEAD] & _RING)]
    if s[DONE_HEAD] != s[DONE_TAIL]:
        due = min(due, s[_DONE + (s[DONE_HEAD] & _RING)])
    return max(due - s[CYCLE] - 1, 0)


@edge
def pass_by(s, c, cycles):
    """Let time pass."""
    s[CYCLE] += cycles
    s[CREDIT] = min(s[CREDIT] + cycles * c[RATE], c[BUS])


@edge
def beats_ahead(s, c):
    """In how many cycles from the next one on a beat comes that is not its burst's last."""
    if c[RATE] < c[BUS] or not has_data(s):
        return 0
    return s[_BEATS + (s[READ_HEAD] & _RING)] - 1


@edge
def pass_beats(s, cycles):
    """Let so many of these pass."""
    s[CYCLE] += cycles
    s[CREDIT] = 0
    s[_BEATS + (s[READ_HEAD] & _RING)] -= cycles
