"""The pooling unit: which pixels it takes when, and when results leave."""

import numpy as np

from accel.cyclemodel import walk
from accel.cyclemodel.commands import (
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
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import SLICE_OF, VALUE, stream_slice_of
from accel.cyclemodel.shape import AVERAGE_LATENCY, AVERAGE_VECTORS, COLS
from accel.cyclemodel.walk import WALK
from accel.isa import Pool

#: Queues behind rows and columns (rtl/pool/rows.py, columns.py): entries, less those on their way.
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
    R_ROOM, R_1, R_2, R_HEAD, R_TAIL, PHASE, COLUMN, S_VALID, S_PLAN, C_ROOM, USED, LEAVING,
    C_HEAD, C_TAIL, PENDING, A_COLUMN, SCALED, A_HEAD, A_TAIL, _SLICES,
) = range(2 * WALK, 2 * WALK + 20)  # fmt: skip
_ROW_PLANS = _SLICES
_COLUMN_PLANS = _ROW_PLANS + SLICE_OF
_COLUMN_OF = _COLUMN_PLANS + SLICE_OF
SCALARS = _COLUMN_OF + _STAGES
#: A plan, as bits: its pixel is the last of its window in the row, or its partial result is in a
#: window; a result leaves; the entry stays as it is; what comes is not needed again; above them,
#: the column modulo the stages.
_USES, _LEAVES, _KEEPS, _TAKES = (1 << n for n in range(4))
_COLUMN = 4
_RING = 32 - 1
_ROW_RING = SCALARS
_COLUMN_RING = _ROW_RING + _RING + 1
_AVERAGE_RING = _COLUMN_RING + _RING + 1
_LENGTH = _AVERAGE_RING + _RING + 1


def state() -> np.ndarray:
    """The unit at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[R_ROOM] = s[C_ROOM] = 1
    return s


@edge
def mode(table, number):
    """What a command has the unit do."""
    return _NONE if table[number, P_ENTRIES] else table[number, P_POOL]


@edge
def has_output(s, kind):
    """Whether the unit offers a result or an ``end``; only while it pools."""
    if kind == _MAX:
        return s[C_HEAD] != s[C_TAIL]
    return s[A_HEAD] != s[A_TAIL]


@edge
def is_end(s, kind):
    """Whether what the unit offers is an ``end``."""
    if kind == _MAX:
        return s[_COLUMN_RING + (s[C_HEAD] & _RING)] != 0
    return s[_AVERAGE_RING + (s[A_HEAD] & _RING)] != 0


@edge
def takes_input(s, end):
    """Whether the unit takes a vector (``end``: an end), if there is one."""
    takes = end or s[_ROW_PLANS + VALUE] & _TAKES != 0
    return s[R_ROOM] != 0 and s[_ROW_PLANS] != 0 and takes


@edge
def begin(s, table, number):
    """A command with ``begin`` starts; called behind the edge."""
    s[_ROW_PLANS] = s[_ROW_PLANS + 1] = 0
    s[_COLUMN_PLANS] = s[_COLUMN_PLANS + 1] = s[S_VALID] = 0
    s[PHASE] = _ROWS
    s[COLUMN] = 0
    walk.restart(s, _ROW_WALK, table[number, P_PL], table[number, P_OUT_W])
    walk.restart(s, _COLUMN_WALK, table[number, P_PT], table[number, P_OUT_H])


@edge
def pool(s, c, table, number, kind, valid, end, ready):
    """An edge of the unit for a command that pools as ``kind``.

    ``valid``, ``end``: what the reader offers; ``ready``: the store engine takes the output.
    """
    c_valid = s[C_HEAD] != s[C_TAIL]
    c_end = is_end(s, _MAX)
    c_ready = ready
    if kind == _AVERAGE:
        c_ready = _average(s, c, c_valid, c_end, ready)
    r_ready = _columns(s, table, number, c_valid and c_ready)
    _rows(s, table, number, valid, end, r_ready)


@edge
def _rows(s, table, number, valid, end, ready):
    """An edge of the row stage."""
    planned, plan = s[_ROW_PLANS] != 0, s[_ROW_PLANS + VALUE]
    start = valid and s[R_ROOM] != 0 and planned
    level = s[R_TAIL] - s[R_HEAD]
    s[R_ROOM] = level <= _ROW_ROOM
    if ready and level != 0:
        s[R_HEAD] += 1
    if s[R_2]:
        s[_ROW_RING + (s[R_TAIL] & _RING)] = s[R_2] >> 1
        s[R_TAIL] += 1
    s[R_2] = s[R_1]
    s[R_1] = 0
    if start and (end or plan & _LEAVES):
        s[R_1] = 3 if end else 1
    # The walk goes up to two plans ahead.
    steps = s[_ROW_PLANS + 1] == 0
    plan = 0
    if steps:
        kernel, stride, size = table[number, P_KW], table[number, P_SW], table[number, P_IN_W]
        last = walk.last(s, _ROW_WALK, stride)
        if walk.inside(s, _ROW_WALK) and walk.closes(s, _ROW_WALK, kernel, size):
            plan = _LEAVES
        if last:
            plan |= _TAKES
        pad, windows = table[number, P_PL], table[number, P_OUT_W]
        walk.step(s, _ROW_WALK, last, kernel, stride, pad, size, windows)
    stream_slice_of(s, _ROW_PLANS, True, plan, start and not end)


@edge
def _columns(s, table, number, taken):
    """An edge of the column stage; whether it takes a partial result, if there is one."""
    valid = s[R_HEAD] != s[R_TAIL]
    plan = s[_COLUMN_PLANS + VALUE]
    keeps = plan & _KEEPS != 0
    token = valid and s[_ROW_RING + (s[R_HEAD] & _RING)] != 0 and not keeps
    clash = False
    if table[number, P_OUT_W] < _STAGES:
        for n in range(1, _STAGES):
            if s[USED] >> n - 1 & 1 and s[_COLUMN_OF + n - 1] == plan >> _COLUMN:
                clash = True
    start = s[_COLUMN_PLANS] != 0 and (valid or keeps) and s[C_ROOM] != 0 and not clash
    uses = start and not token and plan & _USES != 0
    leaves = start and (token or plan & _LEAVES != 0)
    ready = start and (token or plan & _TAKES != 0)
    s[C_ROOM] = s[C_TAIL] - s[C_HEAD] <= _COLUMN_ROOM
    if taken:
        s[C_HEAD] += 1
    # Two bits a stage: something leaves, and it is an `end`.
    oldest = s[LEAVING] >> 2 * (_STAGES - 1)
    if oldest & 1:
        s[_COLUMN_RING + (s[C_TAIL] & _RING)] = oldest >> 1
        s[C_TAIL] += 1
    s[LEAVING] = (s[LEAVING] << 2 | leaves | (leaves and token) << 1) & (1 << 2 * _STAGES) - 1
    s[USED] = (s[USED] << 1 | uses) & (1 << _STAGES) - 1
    for n in range(_STAGES - 1, 0, -1):
        s[_COLUMN_OF + n] = s[_COLUMN_OF + n - 1]
    s[_COLUMN_OF] = plan >> _COLUMN
    moves = s[S_VALID] == 0 or s[_COLUMN_PLANS + 1] == 0
    stream_slice_of(s, _COLUMN_PLANS, s[S_VALID] != 0, s[S_PLAN], start and not token)
    if moves:
        _plan(s, table, number)
    return ready


@edge
def _plan(s, table, number):
    """Plan the next operation on a column."""
    kernel, stride, size = table[number, P_KH], table[number, P_SH], table[number, P_IN_H]
    last = walk.last(s, _COLUMN_WALK, stride)
    first = s[_COLUMN_WALK + walk.FIRST] != 0
    end = s[_COLUMN_WALK + walk.COORDINATE] == size - 1
    last_column = s[COLUMN] == table[number, P_OUT_W] - 1
    phase = s[PHASE]
    s[S_VALID] = phase != _SKIP
    plan = s[COLUMN] % _STAGES << _COLUMN
    step, advance, next_column = True, False, False
    if phase == _ROWS:
        if walk.inside(s, _COLUMN_WALK):
            plan |= _USES
            if first and walk.closes(s, _COLUMN_WALK, kernel, size):
                plan |= _LEAVES
        if last:
            plan |= _TAKES
        advance = last and last_column and (first or not end)
        next_column = last
        if last and last_column and end and not first:
            s[PHASE] = _SKIP
    elif phase == _SKIP:
        s[PHASE] = _REST
    else:
        plan |= _USES | _LEAVES | _KEEPS
        step, advance, next_column = last_column, last, True
        if last_column and last:
            s[PHASE] = _ROWS
    s[S_PLAN] = plan
    if step:
        pad, windows = table[number, P_PT], table[number, P_OUT_H]
        walk.step(s, _COLUMN_WALK, advance, kernel, stride, pad, size, windows)
    if next_column:
        s[COLUMN] = 0 if last_column else s[COLUMN] + 1


@edge
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
