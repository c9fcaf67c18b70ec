"""The store engine: vectors and completion records to beats, bursts and the bus."""

import numpy as np

from accel.cyclemodel.commands import (
    P_COLS,
    P_DST,
    P_ENTRIES,
    P_MARK,
    P_MARK_ADDR,
    P_NEAR,
    P_OUT_W,
    P_PITCH_X,
    P_PITCH_Y,
)
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import OUTPUT, RAM_QUEUE, ram_queue, ram_queue_level
from accel.cyclemodel.shape import BUS, BUS_SHIFT, RECORD_PIECES
from accel.params import MAX_BURST

#: Beats, and bursts, that wait for the bus; beats that may come after ``room`` has gone; bursts
#: whose response may be outstanding; records that may be due (rtl/memory/burst.py).
_DEPTH = 4 * MAX_BURST
_SLACK = 8
_OUTSTANDING = 32
_RECORDS = 4
#: States of the record cutter.
_IDLE, _SNAPSHOT, _WRITE, _SHIFT = range(4)

#: State: the vector cutter with its walk (NEAR: a vector goes to a buffer of the chip); the
#: record cutter; the merger's stages and beat; the burst that is collected; the bus; responses;
#: the records that are due, and whether they are as many as may be.
(
    ADDRESS, ROW, BEHIND, NEAR, PIECE, P_FLAGS, P_FIRST, P_PLACE, P_BOUND, P_MARK_AT,
    RECORD, R_PLACE, R_LEFT, R_MARK_AT,
    T_FLAGS, T_PLACE, T_MARK_AT, O_FLAGS, O_PLACE, O_MARK_AT, M_FLAGS, M_PLACE, M_MARK_AT, M_SAME,
    LAST_PLACE, BEAT, BEAT_PLACE,
    OPEN, CLOSED, BURST_BEATS, BURST_FLAGS, BURST_MARK_AT, FOLLOWING, ROOM,
    AWVALID, AWPLACE, AWBEATS, LEFT, ARRIVED, AWAITED,
    BURST_HEAD, BURST_TAIL, ORDER_HEAD, ORDER_TAIL, STUCK, DUE, ALL_DUE, _QUEUES,
) = range(48)  # fmt: skip
_BEATS = _QUEUES
_BURSTS = _BEATS + RAM_QUEUE
SCALARS = _BURSTS + RAM_QUEUE
_BURST_RING = SCALARS
_RING = 128 - 1
_ORDER_RING = _BURST_RING + 4 * (_RING + 1)
#: What was written, for reports.
BURSTS = _ORDER_RING + 3 * _OUTSTANDING
BEATS = BURSTS + 1
_LENGTH = BEATS + 1

#: What a piece is, as bits: bytes to write; the end of a run; with ``_CLOSE``, the end of a
#: command, and with a record.
_WRITES, _CLOSE, _END, _MARK = (1 << n for n in range(4))


def state() -> np.ndarray:
    """The engine at the start."""
    s = np.zeros(_LENGTH, np.int64)
    s[ROOM] = 1
    return s


@edge
def takes_input(s, c):
    """Whether the engine takes a vector or ``end`` in this cycle, if there is one."""
    if s[PIECE] == 0:
        return True
    if not _room(s) or _record_turn(s):
        return False
    return s[P_BOUND] <= c[BUS] or s[P_FLAGS] & _CLOSE != 0


@edge
def _room(s):
    """Whether a vector's piece may go; where a record waits for it, its rest has a place."""
    if s[P_FIRST]:
        return s[ROOM] != 0 and s[ALL_DUE] == 0
    return s[ROOM] != 0 or s[STUCK] != 0


@edge
def _record_turn(s):
    """Whether the record cutter's piece goes before the vector cutter's."""
    return s[RECORD] == _WRITE and (s[PIECE] == 0 or s[P_FIRST] != 0)


@edge
def idle(s):
    """Whether nothing is inside."""
    merging = s[T_FLAGS] | s[O_FLAGS] | s[M_FLAGS] | s[BEAT]
    sending = s[AWVALID] | s[LEFT] | s[OPEN] | (s[ORDER_HEAD] != s[ORDER_TAIL])
    waiting = s[PIECE] | s[RECORD] | ram_queue_level(s, _BURSTS)
    return merging | sending | waiting == 0


@edge
def outstanding(s):
    """Whether a burst awaits its response."""
    return s[AWVALID] != 0 or s[AWAITED] != 0


@edge
def writes(s):
    """Whether a burst is under way to the bus."""
    return s[AWVALID] != 0 or s[LEFT] != 0


@edge
def shows(s):
    """Whether a beat is shown to the bus."""
    return s[LEFT] != 0 and s[_BEATS + OUTPUT] != 0


@edge
def snapshots(s):
    """Whether the counters of this cycle become a record; its address is ``R_MARK_AT``."""
    return s[RECORD] == _SNAPSHOT


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    return s[T_FLAGS] | s[O_FLAGS] | s[M_FLAGS] != 0


@edge
def begin(s, table, number):
    """A command with ``begin`` starts; called behind the edge."""
    s[ADDRESS] = table[number, P_DST]
    s[ROW] = s[ADDRESS] + table[number, P_PITCH_Y]
    s[BEHIND] = table[number, P_OUT_W]


@edge
def store(s, c, table, number, valid, end, awready, wready, answered):
    """An edge of the engine.

    Args:
        table, number: the post engine's commands and the one under way.
        valid, end: a vector (or ``end``) is offered.
        awready, wready, answered: the bus takes an address or a beat, if there is one; a response.

    Returns:
        Whether a beat is taken; beats of the burst whose address is taken, or 0; whether a command
        completes.
    """
    order_room = s[ORDER_TAIL] - s[ORDER_HEAD] != _OUTSTANDING
    sent, address, completed, marks, mark_at, stuck = _bus(s, awready, wready, answered)
    ready = takes_input(s, c)
    flags, place, piece_mark, record_turn = _choose(s)
    s[DUE] += (flags & _MARK != 0) - (record_turn and flags & _CLOSE != 0)
    all_due = s[DUE] >= _RECORDS
    beat_valid = s[M_FLAGS] != 0 and (
        s[M_FLAGS] & _CLOSE != 0 or (s[BEAT] != 0 and s[M_SAME] == 0)
    )
    room = (
        ram_queue_level(s, _BEATS) <= _DEPTH - 2 * _SLACK
        and ram_queue_level(s, _BURSTS) <= _DEPTH - 2 * _SLACK
    )
    writes = s[BEAT] if beat_valid else 0
    pushes = _collect(s, beat_valid, writes)
    _send(s, awready, sent, pushes, writes, order_room)
    _merge(s, flags, place, piece_mark)
    _cut_record(s, c, record_turn, marks, mark_at)
    _cut(s, c, table, number, ready, valid, end, record_turn)
    s[ROOM], s[STUCK], s[ALL_DUE] = room, stuck, all_due
    return sent, address, completed


@edge
def _bus(s, awready, wready, answered):
    """What happens on the bus in this cycle, and what a response completes."""
    sent = shows(s) and wready
    address = s[AWBEATS] if s[AWVALID] and awready else 0
    completed, marks, mark_at = False, False, 0
    pop, is_burst, stuck = False, False, False
    if s[ORDER_HEAD] != s[ORDER_TAIL]:
        at = _ORDER_RING + 3 * (s[ORDER_HEAD] % _OUTSTANDING)
        is_burst = s[at] != 0
        ends = s[at + 1] & _END != 0
        answers = not is_burst or s[ARRIVED] != 0
        pop = answers and not (ends and s[RECORD] != _IDLE)
        stuck = answers and not pop and s[ORDER_TAIL] - s[ORDER_HEAD] == _OUTSTANDING
        if pop:
            completed = ends
            marks = ends and s[at + 1] & _MARK != 0
            mark_at = s[at + 2]
            s[ORDER_HEAD] += 1
    s[AWAITED] += (address != 0) - (answered and s[AWAITED] != 0)
    s[ARRIVED] += answered - (pop and is_burst)
    return sent, address, completed, marks, mark_at, stuck


@edge
def _choose(s):
    """The piece that goes to the merger in this cycle, and whether it is of a record."""
    if _record_turn(s):
        if s[ROOM] == 0 and s[STUCK] == 0:
            return 0, 0, 0, False
        return (_WRITES if s[R_LEFT] else _CLOSE), s[R_PLACE], 0, True
    if s[PIECE] and _room(s):
        return s[P_FLAGS], s[P_PLACE], s[P_MARK_AT], False
    return 0, 0, 0, False


@edge
def _merge(s, flags, place, mark_at):
    """An edge of the merger's stages."""
    if s[M_FLAGS]:
        s[BEAT] = s[M_FLAGS] & _WRITES
        s[BEAT_PLACE] = s[M_PLACE]
    s[M_SAME] = s[O_PLACE] == s[LAST_PLACE]
    if s[O_FLAGS]:
        s[LAST_PLACE] = s[O_PLACE]
    s[M_FLAGS], s[M_PLACE], s[M_MARK_AT] = s[O_FLAGS], s[O_PLACE], s[O_MARK_AT]
    s[O_FLAGS], s[O_PLACE], s[O_MARK_AT] = s[T_FLAGS], s[T_PLACE], s[T_MARK_AT]
    s[T_FLAGS], s[T_PLACE], s[T_MARK_AT] = flags, place, mark_at


@edge
def _collect(s, valid, writes):
    """Extend the burst that is open, or open another; whether one is queued."""
    push = s[OPEN] != 0 and (
        s[CLOSED] != 0 or (writes != 0 and s[BEAT_PLACE] != s[FOLLOWING])
    )
    queued = push and (s[BURST_BEATS] != 0 or s[BURST_FLAGS] & _END != 0)
    if queued:
        at = _BURST_RING + 4 * (s[BURST_TAIL] & _RING)
        s[BURST_TAIL] += 1
        s[at], s[at + 1], s[at + 2] = s[BURST_BEATS], s[BURST_FLAGS], s[BURST_MARK_AT]
        s[at + 3] = s[FOLLOWING] - s[BURST_BEATS]
    was_open = s[OPEN] != 0 and not push
    if push:
        s[OPEN] = s[CLOSED] = 0
    closes = valid and s[M_FLAGS] & _CLOSE != 0
    if writes or closes:
        s[OPEN] = 1
        s[CLOSED] = closes or (writes != 0 and s[BEAT_PLACE] & MAX_BURST - 1 == MAX_BURST - 1)
        s[BURST_FLAGS] = s[M_FLAGS] if closes else 0
        s[BURST_MARK_AT] = s[M_MARK_AT]
        s[BURST_BEATS] = writes + (s[BURST_BEATS] if was_open else 0)
    if writes:
        s[FOLLOWING] = s[BEAT_PLACE] + 1
    return queued


@edge
def _send(s, awready, sent, pushes, writes, order_room):
    """An edge of the queues of beats and bursts, and of the bus's registers."""
    take = (
        s[_BURSTS + OUTPUT] != 0
        and order_room
        and (s[AWVALID] == 0 or awready)
        and (s[LEFT] == 0 or (s[LEFT] == 1 and sent))
    )
    ram_queue(s, _BEATS, writes, sent)
    ram_queue(s, _BURSTS, pushes, take)
    s[LEFT] -= sent
    if awready:
        s[AWVALID] = 0
    if take:
        head = _BURST_RING + 4 * (s[BURST_HEAD] & _RING)
        s[BURST_HEAD] += 1
        beats = s[head]
        s[AWVALID] = beats != 0
        s[AWBEATS] = s[LEFT] = beats
        s[AWPLACE] = s[head + 3]
        s[BURSTS] += beats != 0
        s[BEATS] += beats
        at = _ORDER_RING + 3 * (s[ORDER_TAIL] % _OUTSTANDING)
        s[ORDER_TAIL] += 1
        s[at], s[at + 1], s[at + 2] = beats != 0, s[head + 1], s[head + 2]


@edge
def _cut_record(s, c, turn, marks, mark_at):
    """An edge of the record cutter."""
    if s[RECORD] == _SNAPSHOT:
        s[RECORD], s[R_LEFT] = _WRITE, c[RECORD_PIECES]
    elif s[RECORD] == _WRITE:
        if turn:
            s[RECORD] = _SHIFT if s[R_LEFT] else _IDLE
    elif s[RECORD] == _SHIFT:
        s[RECORD] = _WRITE
        s[R_PLACE] += 1
        s[R_LEFT] -= 1
    elif marks:
        s[RECORD], s[R_MARK_AT] = _SNAPSHOT, mark_at
        s[R_PLACE] = mark_at >> c[BUS_SHIFT]


@edge
def _cut(s, c, table, number, ready, valid, end, record_turn):
    """An edge of the vector cutter."""
    s[NEAR] = ready and valid and not end and table[number, P_NEAR] != 0
    if not ready:
        if _room(s) and not record_turn:
            s[P_FIRST] = 0
            s[P_PLACE] += 1
            s[P_BOUND] -= c[BUS]
        return
    s[PIECE] = valid and s[NEAR] == 0
    if not valid:
        return
    s[P_FIRST] = 1
    s[P_PLACE] = s[ADDRESS] >> c[BUS_SHIFT]
    s[P_BOUND] = (s[ADDRESS] & c[BUS] - 1) + table[number, P_COLS]
    if end:
        marks = table[number, P_ENTRIES] == 0 and table[number, P_MARK] != 0
        s[P_FLAGS] = _CLOSE | _END | (_MARK if marks else 0)
        s[P_MARK_AT] = table[number, P_MARK_ADDR]
        return
    s[P_FLAGS] = _WRITES
    s[BEHIND] -= 1
    if s[BEHIND] == 0:
        s[ADDRESS], s[BEHIND] = s[ROW], table[number, P_OUT_W]
        s[ROW] += table[number, P_PITCH_Y]
    else:
        s[ADDRESS] += table[number, P_PITCH_X]
