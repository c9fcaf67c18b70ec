"""The DRAM behind the memory's port, as accel/sim/dram.py defines it."""

import numpy as np

from accel import dram as chip
from accel.cyclemodel.edge import seldom
from accel.cyclemodel.shape import DRAM, LATENCY

#: State: the cycle of the first burst, which time is counted from, or -1; when the next refresh is
#: due; the soonest times of a read's and of a write's column command; which of them was the last;
#: the number of activations, and the last four's times; then what happened; then the banks.
(
    EPOCH, REFRESH, READ_FROM, WRITE_FROM, KIND, ACTIVATIONS, _ACTIVATED, _, _, _,
    HITS, MISSES, CONFLICTS, TURNS, REFRESHES, _BANKS,
) = range(16)  # fmt: skip
#: Of each bank: its open row or -1; soonest times of a column command, a precharge, an activation.
_ROW, _COLUMN, _PRECHARGE, _ACTIVATE, _BANK = range(5)
_MOST_BANKS = 16
LENGTH = _BANKS + _BANK * _MOST_BANKS
#: A time before all others.
_LONG_AGO = -(1 << 60)


def state() -> np.ndarray:
    """A DRAM that nobody has used yet."""
    s = np.zeros(LENGTH, np.int64)
    s[EPOCH], s[KIND] = -1, -1
    s[_ACTIVATED : _ACTIVATED + 4] = _LONG_AGO
    s[_BANKS + _ROW :: _BANK] = -1
    return s


@seldom
def cycle_of(s, c, time):
    """The first cycle that begins at ``time`` or later."""
    return s[EPOCH] + -(-time // c[DRAM + chip.PERIOD])


@seldom
def due(s, c, start, inside):
    """The cycle in which data can be at the port; ``inside``: bytes from the first access on."""
    accesses = (inside - 1 >> c[DRAM + chip.ACCESS_SHIFT]) + 1
    time = start + accesses * c[DRAM + chip.ACCESS_TIME]
    return cycle_of(s, c, time) + c[LATENCY]


@seldom
def _refresh(s, c):
    """Refresh all banks, as soon as they can be precharged."""
    begin, is_open = s[REFRESH], False
    for bank in range(c[DRAM + chip.BANKS]):
        at = _BANKS + _BANK * bank
        begin = max(begin, s[at + _PRECHARGE] if s[at + _ROW] >= 0 else s[at + _ACTIVATE])
        is_open = is_open or s[at + _ROW] >= 0
    end = begin + c[DRAM + chip.RFC] + (c[DRAM + chip.RP] if is_open else 0)
    for bank in range(c[DRAM + chip.BANKS]):
        at = _BANKS + _BANK * bank
        s[at + _ROW], s[at + _ACTIVATE] = -1, end
    s[REFRESH] += c[DRAM + chip.REFI]
    s[REFRESHES] += 1


@seldom
def _open(s, c, at, row, now):
    """Open a row of the bank at ``at``."""
    soonest = now
    if s[at + _ROW] >= 0:
        soonest = max(now, s[at + _PRECHARGE]) + c[DRAM + chip.RP]
        s[CONFLICTS] += 1
    else:
        s[MISSES] += 1
    last = s[_ACTIVATED + (s[ACTIVATIONS] + 3 & 3)]
    fourth = _ACTIVATED + (s[ACTIVATIONS] & 3)
    time = max(soonest, s[at + _ACTIVATE])
    time = max(time, last + c[DRAM + chip.RRD], s[fourth] + c[DRAM + chip.FAW])
    s[fourth] = time
    s[ACTIVATIONS] += 1
    s[at + _ROW] = row
    s[at + _COLUMN] = time + c[DRAM + chip.RCD]
    s[at + _PRECHARGE] = time + c[DRAM + chip.RAS]


@seldom
def burst(s, c, cycle, write, address, size):
    """A burst of ``size`` bytes reaches the DRAM in ``cycle``; the time of its first data."""
    if s[EPOCH] < 0:
        s[EPOCH], s[REFRESH] = cycle, c[DRAM + chip.REFI]
    now = (cycle - s[EPOCH]) * c[DRAM + chip.PERIOD]
    while now >= s[REFRESH]:
        _refresh(s, c)
    row = address >> c[DRAM + chip.ROW_SHIFT]
    at = _BANKS + _BANK * (row & c[DRAM + chip.BANKS] - 1)
    if s[at + _ROW] == row:
        s[HITS] += 1
    else:
        _open(s, c, at, row, now)
    shift = c[DRAM + chip.ACCESS_SHIFT]
    accesses = (address + size - 1 >> shift) - (address >> shift) + 1
    s[TURNS] += s[KIND] == 1 - write
    s[KIND] = write
    column = max(now, s[at + _COLUMN], s[WRITE_FROM] if write else s[READ_FROM])
    end = column + accesses * c[DRAM + chip.ACCESS_TIME]
    if write:
        data_end = end + c[DRAM + chip.CWL]
        s[WRITE_FROM], s[READ_FROM] = end, data_end + c[DRAM + chip.WTR]
        s[at + _PRECHARGE] = max(s[at + _PRECHARGE], data_end + c[DRAM + chip.WR])
        return column + c[DRAM + chip.CWL]
    s[READ_FROM], s[WRITE_FROM] = end, end + c[DRAM + chip.RTW]
    last = end - c[DRAM + chip.ACCESS_TIME]
    s[at + _PRECHARGE] = max(s[at + _PRECHARGE], last + c[DRAM + chip.RTP])
    return column + c[DRAM + chip.CL]
