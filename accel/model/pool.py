"""The pooling unit: which pixels it takes when, and when results leave."""

import numba
import numpy as np

from accel.isa import Pool
from accel.model import walk
from accel.model.commands import (
    P_ENTRIES,
    P_IN_H,
    P_IN_W,
    P_KH,
    P_KW,
    P_OUT_H,
    P_OUT_W,
    P_PL,
    P_POOL,
    P_PT,
    P_SH,
    P_SW,
)
from accel.model.shape import AVERAGE_LATENCY, AVERAGE_VECTORS, COLS
from accel.model.walk import WALK

#: Queues behind rows and columns: entries, and how many may be on their way (rtl/pool_*.py).
_ROW_ROOM, _COLUMN_ROOM = 8 - 4, 16 - 6
#: Stages of an operation on a column.
_STAGES = 4
_NONE, _MAX, _AVERAGE = (int(value) for value in (Pool.NONE, Pool.MAX, Pool.AVERAGE))
#: What is planned for a column.
_ROWS, _SKIP, _REST = range(3)

_ROW_WALK = 0
_COLUMN_WALK = _ROW_WALK + WALK
#: State, behind the two walks: rows (plan, results on their way, their queue), columns (sequence,
#: plan, operations on their way, queue), average (vector under way, queue).
(
    CONFIG, PLANNED, R_LEAVES, R_TAKES, R_ROOM, R_1, R_2, R_HEAD, R_TAIL, PHASE, COLUMN, C_VALID,
    C_USES, C_LEAVES, C_KEEPS, C_TAKES, C_COLUMN, C_ROOM, USED, LEAVING, C_HEAD, C_TAIL,
    PENDING, A_COLUMN, SCALED, A_HEAD, A_TAIL, _RINGS,
) = range(2 * WALK, 2 * WALK + 28)  # fmt: skip
_RING = 32 - 1
_ROW_RING = _RINGS
_COLUMN_RING = _ROW_RING + _RING + 1
_AVERAGE_RING = _COLUMN_RING + _RING + 1
_COLUMN_OF = _AVERAGE_RING + _RING + 1
_LENGTH = _COLUMN_OF + _STAGES


def state() -> np.ndarray:
    """The unit at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[R_ROOM] = s[C_ROOM] = 1
    return s


@numba.njit(cache=True)
def mode(table, number):
    """What a command has the unit do."""
    return _NONE if table[number, P_ENTRIES] else table[number, P_POOL]


@numba.njit(cache=True)
def has_output(s, kind):
    """Whether the unit offers a result or an ``end``; only while it pools."""
    if kind == _MAX:
        return s[C_HEAD] != s[C_TAIL]
    return s[A_HEAD] != s[A_TAIL]


@numba.njit(cache=True)
def is_end(s, kind):
    """Whether what the unit offers is an ``end``."""
    if kind == _MAX:
        return s[_COLUMN_RING + (s[C_HEAD] & _RING)] != 0
    return s[_AVERAGE_RING + (s[A_HEAD] & _RING)] != 0


@numba.njit(cache=True)
def takes_input(s, end):
    """Whether the unit takes a vector (``end``: an end), if there is one."""
    return s[R_ROOM] != 0 and s[PLANNED] != 0 and (end or s[R_TAKES] != 0)


@numba.njit(cache=True)
def begin(s, table, number):
    """A command with ``begin`` starts; called behind the edge."""
    s[CONFIG] = number
    s[PLANNED] = s[C_VALID] = 0
    s[PHASE] = _ROWS
    s[COLUMN] = 0
    walk.restart(s, _ROW_WALK, table[number, P_PL], table[number, P_OUT_W])
    walk.restart(s, _COLUMN_WALK, table[number, P_PT], table[number, P_OUT_H])


@numba.njit(cache=True)
def pool(s, c, table, number, kind, valid, end, ready):
    """An edge of the unit for a command that pools as ``kind``.

    ``valid``, ``end``: what the reader offers; ``ready``: the store engine takes the output.
    """
    t = table[number]
    c_valid = s[C_HEAD] != s[C_TAIL]
    c_end = is_end(s, _MAX)
    c_ready = ready
    if kind == _AVERAGE:
        c_ready = _average(s, c, c_valid, c_end, ready)
    r_ready = _columns(s, t, c_valid and c_ready)
    _rows(s, t, valid, end, r_ready)


@numba.njit(cache=True)
def _rows(s, t, valid, end, ready):
    """An edge of the row stage."""
    start = valid and s[R_ROOM] != 0 and s[PLANNED] != 0
    step = s[PLANNED] == 0 or (start and not end)
    level = s[R_TAIL] - s[R_HEAD]
    s[R_ROOM] = level <= _ROW_ROOM
    if ready and level != 0:
        s[R_HEAD] += 1
    if s[R_2]:
        s[_ROW_RING + (s[R_TAIL] & _RING)] = s[R_2] >> 1
        s[R_TAIL] += 1
    s[R_2] = s[R_1]
    s[R_1] = 0
    if start and (end or s[R_LEAVES]):
        s[R_1] = 3 if end else 1
    s[PLANNED] = 1
    if step:
        kernel, stride, size = t[P_KW], t[P_SW], t[P_IN_W]
        last = walk.last(s, _ROW_WALK, stride)
        s[R_LEAVES] = walk.inside(s, _ROW_WALK) and walk.closes(s, _ROW_WALK, kernel, size)
        s[R_TAKES] = last
        walk.step(s, _ROW_WALK, last, kernel, stride, t[P_PL], size, t[P_OUT_W])


@numba.njit(cache=True)
def _columns(s, t, taken):
    """An edge of the column stage; whether it takes a partial result, if there is one."""
    valid = s[R_HEAD] != s[R_TAIL]
    token = valid and s[_ROW_RING + (s[R_HEAD] & _RING)] != 0 and s[C_KEEPS] == 0
    clash = False
    if t[P_OUT_W] < _STAGES:
        for n in range(1, _STAGES):
            clash |= s[USED] >> n - 1 & 1 and s[_COLUMN_OF + n - 1] == s[C_COLUMN]
    start = s[C_VALID] != 0 and (valid or s[C_KEEPS] != 0) and s[C_ROOM] != 0 and not clash
    uses = start and not token and s[C_USES] != 0
    leaves = start and (token or s[C_LEAVES] != 0)
    ready = start and (token or s[C_TAKES] != 0)
    s[C_ROOM] = s[C_TAIL] - s[C_HEAD] <= _COLUMN_ROOM
    if taken:
        s[C_HEAD] += 1
    # Two bits a stage: something leaves, and it is an `end`.
    oldest = s[LEAVING] >> 2 * (_STAGES - 1)
    if oldest & 1:
        s[_COLUMN_RING + (s[C_TAIL] & _RING)] = oldest >> 1
        s[C_TAIL] += 1
    s[LEAVING] = (s[LEAVING] << 2 | leaves | (leaves and token) << 1) & (1 << 2 * _STAGES) - 1
    s[USED] = s[USED] << 1 | uses
    for n in range(_STAGES - 1, 0, -1):
        s[_COLUMN_OF + n] = s[_COLUMN_OF + n - 1]
    s[_COLUMN_OF] = s[C_COLUMN]
    if s[C_VALID] == 0 or (start and not token):
        _plan(s, t)
    return ready


@numba.njit(cache=True)
def _plan(s, t):
    """Plan the next operation on a column."""
    kernel, stride, size = t[P_KH], t[P_SH], t[P_IN_H]
    pad, windows, width = t[P_PT], t[P_OUT_H], t[P_OUT_W]
    last = walk.last(s, _COLUMN_WALK, stride)
    first = s[_COLUMN_WALK + walk.FIRST] != 0
    end = s[_COLUMN_WALK + walk.COORDINATE] == size - 1
    inside = walk.inside(s, _COLUMN_WALK)
    closes = walk.closes(s, _COLUMN_WALK, kernel, size)
    last_column = s[COLUMN] == width - 1
    phase = s[PHASE]
    s[C_VALID] = phase != _SKIP
    s[C_COLUMN] = s[COLUMN] % _STAGES
    s[C_KEEPS] = phase == _REST
    step, advance, next_column = True, False, False
    if phase == _ROWS:
        s[C_USES] = inside
        s[C_LEAVES] = inside and first and closes
        s[C_TAKES] = last
        advance = last and last_column and (first or not end)
        next_column = last
        if last and last_column and end and not first:
            s[PHASE] = _SKIP
    elif phase == _SKIP:
        s[PHASE] = _REST
    else:
        s[C_USES], s[C_LEAVES], s[C_TAKES] = 1, 1, 0
        step, advance, next_column = last_column, last, True
        if last_column and last:
            s[PHASE] = _ROWS
    if step:
        walk.step(s, _COLUMN_WALK, advance, kernel, stride, pad, size, windows)
    if next_column:
        s[COLUMN] = 0 if last_column else s[COLUMN] + 1


@numba.njit(cache=True)
def _average(s, c, valid, end, ready):
    """An edge of the averages' division; whether it takes a vector of sums, if there is one."""
    issue = valid and not end and (s[A_COLUMN] != 0 or s[PENDING] != c[AVERAGE_VECTORS])
    ends = valid and end and s[PENDING] == 0
    begun = issue and s[A_COLUMN] == 0
    last = issue and s[A_COLUMN] == c[COLS] - 1
    taken = ready and s[A_HEAD] != s[A_TAIL]
    s[A_HEAD] += taken
    if ends or s[SCALED] >> AVERAGE_LATENCY - 1 & 1:
        s[_AVERAGE_RING + (s[A_TAIL] & _RING)] = ends
        s[A_TAIL] += 1
    s[SCALED] = (s[SCALED] << 1 | last) & (1 << AVERAGE_LATENCY) - 1
    s[PENDING] += (begun or ends) - taken
    if issue:
        s[A_COLUMN] = 0 if last else s[A_COLUMN] + 1
    return last or ends
