"""The memory behind the machine, as accel/sim/memory.py defines it, without data or stalls."""

import numpy as np

from accel import dram as chip
from accel.cyclemodel import dram
from accel.cyclemodel.edge import NEVER, edge, seldom
from accel.cyclemodel.shape import BUS, BUS_SHIFT, DRAM, LATENCY, RATE

#: Bursts each direction holds at once.
OUTSTANDING = 32
_RING = 2 * OUTSTANDING - 1
#: State: the DRAM's; scalars; then rings of the reads' next beats' cycles and of their beats, of
#: the beats that writes lack, and of the cycles in which answers to writes are due; for a DRAM, of
#: the reads' first data and how far they are behind it, and of the writes' places and beats.
CYCLE, CREDIT, READ_HEAD, READ_TAIL, OPEN_HEAD, OPEN_TAIL, DONE_HEAD, DONE_TAIL, _DUE = range(
    dram.LENGTH, dram.LENGTH + 9
)
_BEATS = _DUE + _RING + 1
_OPEN = _BEATS + _RING + 1
_DONE = _OPEN + _RING + 1
_START = _DONE + _RING + 1
_INSIDE = _START + _RING + 1
_TO = _INSIDE + _RING + 1
_TOTAL = _TO + _RING + 1
_SIZE = _TOTAL + _RING + 1

#: What the memory drives, as bits of one number.
ARREADY, RVALID, RLAST, AWREADY, WREADY, BVALID = (1 << n for n in range(6))


def state(shape: np.ndarray) -> np.ndarray:
    """The memory after a long silence, before cycle 1."""
    s = np.zeros(_SIZE, np.int64)
    s[: dram.LENGTH] = dram.state()
    s[CREDIT] = shape[BUS]
    return s


@edge
def is_dram(c):
    """Whether the memory is a DRAM."""
    return c[DRAM + chip.PERIOD] != 0


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
def end(s, c, drives, read_place, read_beats, write_place, write_beats, sent):
    """End the cycle.

    ``read_beats``, ``write_beats``: lengths of bursts whose addresses are taken, else 0;
    ``read_place``, ``write_place``: where they begin, in beats; ``sent``: a beat is taken.  Read
    data and write responses always are.
    """
    if drives & RVALID:
        s[CREDIT] -= c[BUS]
        head = s[READ_HEAD] & _RING
        s[_BEATS + head] -= 1
        if s[_BEATS + head] == 0:
            s[READ_HEAD] += 1
        elif is_dram(c):
            _next_beats(s, c, 1)
    if sent:
        s[CREDIT] -= c[BUS]
        head = s[OPEN_HEAD] & _RING
        s[_OPEN + head] -= 1
        if s[_OPEN + head] == 0:
            s[OPEN_HEAD] += 1
            due = _write_due(s, c, head) if is_dram(c) else s[CYCLE] + c[LATENCY]
            s[_DONE + (s[DONE_TAIL] & _RING)] = due
            s[DONE_TAIL] += 1
    if drives & BVALID:
        s[DONE_HEAD] += 1
    if read_beats:
        tail = s[READ_TAIL] & _RING
        s[_DUE + tail] = s[CYCLE] + c[LATENCY]
        if is_dram(c):
            s[_DUE + tail] = _read_due(s, c, tail, read_place, read_beats)
        s[_BEATS + tail] = read_beats
        s[READ_TAIL] += 1
    if write_beats:
        tail = s[OPEN_TAIL] & _RING
        s[_OPEN + tail] = write_beats
        s[_TO + tail], s[_TOTAL + tail] = write_place, write_beats
        s[OPEN_TAIL] += 1


@seldom
def _read_due(s, c, ring, place, beats):
    """A read of a DRAM begins; the cycle of its first beat.  ``ring``: its place in the rings."""
    address = place << c[BUS_SHIFT]
    s[_START + ring] = dram.burst(s, c, s[CYCLE], 0, address, beats << c[BUS_SHIFT])
    s[_INSIDE + ring] = c[BUS] + (address & (1 << c[DRAM + chip.ACCESS_SHIFT]) - 1)
    return dram.due(s, c, s[_START + ring], s[_INSIDE + ring])


@seldom
def _write_due(s, c, ring):
    """A write to a DRAM has all its data; the cycle of its response."""
    address, size = s[_TO + ring] << c[BUS_SHIFT], s[_TOTAL + ring] << c[BUS_SHIFT]
    start = dram.burst(s, c, s[CYCLE], 1, address, size)
    inside = address & (1 << c[DRAM + chip.ACCESS_SHIFT]) - 1
    return dram.due(s, c, start, inside + size)


@seldom
def _next_beats(s, c, beats):
    """The oldest read of a DRAM goes on behind ``beats`` beats more."""
    head = s[READ_HEAD] & _RING
    s[_INSIDE + head] += beats << c[BUS_SHIFT]
    s[_DUE + head] = dram.due(s, c, s[_START + head], s[_INSIDE + head])


@seldom
def _in_time(s, c, ahead):
    """How many of the ``ahead`` beats from the next cycle on come one a cycle from a DRAM."""
    head = s[READ_HEAD] & _RING
    for beat in range(1, ahead):
        inside = s[_INSIDE + head] + (beat << c[BUS_SHIFT])
        if dram.due(s, c, s[_START + head], inside) > s[CYCLE] + 1 + beat:
            return beat
    return ahead


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
    head = s[READ_HEAD] & _RING
    ahead = s[_BEATS + head] - 1
    return _in_time(s, c, ahead) if is_dram(c) else ahead


@edge
def pass_beats(s, c, cycles):
    """Let so many of these pass."""
    s[CYCLE] += cycles
    s[CREDIT] = 0
    s[_BEATS + (s[READ_HEAD] & _RING)] -= cycles
    if is_dram(c):
        _next_beats(s, c, cycles)
