"""The fetcher: prefetch, checks, and the engines' command queues."""

import numpy as np

from accel.cyclemodel.commands import QUEUES
from accel.cyclemodel.edge import edge
from accel.cyclemodel.queues import BUFFERED, OUTPUT, RAM_QUEUE, buffered, ram_queue
from accel.cyclemodel.shape import (
    BUS,
    BUS_SHIFT,
    CHECK,
    CHECK_POOL,
    PIECES,
    PREFETCH_BURST,
    PREFETCH_DEPTH,
    QUEUE_DEPTH,
    WORDS,
)
from accel.isa import COMMAND_BYTES

#: State of the fetcher: prefetch and its buffer; assembly, check, dispatch.
ASKING, ASKED, ASKED_AT, SIZE, MEASURED, BEATS_LEFT, PLACE, ROOM, BUFFER = range(9)
FILLED, CHECKING, NEXT, ROUTE, SENT, COUNTED, LEFT, SCALARS = range(
    BUFFER + BUFFERED, BUFFER + BUFFERED + 8
)
#: What ``CHECKING`` counts down to: a command is offered to its queue; none is being checked.
_OFFER, _ACCEPT = 1, 0
#: No queue.
NONE = -1

#: State of a command queue; those of all engines follow each other.
Q_COMING, Q_WORDS, Q_WORDS_LEFT, Q_VALID, Q_TAKEN, Q_HELD, Q_FREE, Q_FIRST, Q_STATE = (
    0, 1, *range(1 + RAM_QUEUE, 8 + RAM_QUEUE),
)  # fmt: skip


def state(c: np.ndarray, start: int, commands: int) -> np.ndarray:
    """The fetcher in the cycle after ``start``."""
    s = np.zeros(SCALARS, np.int64)
    s[BEATS_LEFT] = -(-commands * COMMAND_BYTES // c[BUS])
    s[PLACE] = start >> c[BUS_SHIFT]
    s[ROOM] = c[PREFETCH_DEPTH]
    s[ROUTE] = NONE
    s[LEFT] = commands
    return s


def queue_state(c: np.ndarray) -> np.ndarray:
    """All command queues, empty."""
    q = np.zeros(len(QUEUES) * Q_STATE, np.int64)
    for number in range(len(QUEUES)):
        q[number * Q_STATE + Q_WORDS_LEFT] = c[WORDS + number] - 1
        q[number * Q_STATE + Q_FREE] = 1
    return q


@edge
def finished(s):
    """Whether every command has been dispatched."""
    return s[LEFT] == 0


@edge
def stirs(s):
    """Whether the next edge changes something for sure; not all such cases are known."""
    return s[ROUTE] != NONE or s[CHECKING] > _OFFER


@edge
def fetch(s, q, c, accepted, arrived, route, pooled):
    """An edge of the fetcher.

    Args:
        accepted: the read master takes a request of the fetcher, if there is one.
        arrived: a beat has come.
        route, pooled: of every command: its queue; whether it takes a division to check.

    Returns:
        The queue that is sent a word, and the one that thereby has a whole command, or NONE.
    """
    filled, checking = s[FILLED], s[CHECKING]
    held = s[BUFFER + 1] != 0
    if c[BUS] < COMMAND_BYTES:
        whole = filled == c[PIECES]
        pops = not whole
        if whole:
            if checking == _ACCEPT:
                s[FILLED] = 0
        elif held:
            s[FILLED] = filled + 1
    else:
        whole = held
        pops = checking == _ACCEPT and filled == c[PIECES] - 1
        if whole and checking == _ACCEPT:
            s[FILLED] = (filled + 1) % c[PIECES]
    _prefetch(s, c, accepted, arrived, pops)

    word, entered = s[ROUTE], NONE
    if s[COUNTED]:
        s[LEFT] -= 1
        s[COUNTED] = 0
    if word != NONE:
        if s[SENT] == c[WORDS + word] - 1:
            entered = word
            s[ROUTE], s[SENT], s[COUNTED], s[CHECKING] = NONE, 0, 1, _ACCEPT
            s[NEXT] += 1
        else:
            s[SENT] += 1
    elif checking == _OFFER and s[LEFT] != 0:
        mine = route[s[NEXT]]
        if q[mine * Q_STATE + Q_FREE]:
            s[ROUTE] = mine
    if checking == _ACCEPT:
        if whole:
            s[CHECKING] = c[CHECK]
            if s[NEXT] < len(pooled) and pooled[s[NEXT]]:
                s[CHECKING] += c[CHECK_POOL]
    elif checking > _OFFER:
        s[CHECKING] = checking - 1
    return word, entered


@edge
def _prefetch(s, c, accepted, arrived, pops):
    """The bursts of the program, and the buffer of their beats."""
    taken = pops and s[BUFFER + 1] != 0
    buffered(s, BUFFER, arrived, pops)
    issue = s[MEASURED] != 0 and s[ROOM] >= c[PREFETCH_BURST] and (s[ASKING] == 0 or accepted)
    if accepted:
        s[ASKING] = 0
    s[ROOM] += taken
    if issue:
        s[ASKING], s[MEASURED] = 1, 0
        s[ASKED], s[ASKED_AT] = s[SIZE], s[PLACE]
        s[ROOM] -= s[SIZE]
        s[PLACE] += s[SIZE]
        s[BEATS_LEFT] -= s[SIZE]
    elif s[MEASURED] == 0 and s[BEATS_LEFT] != 0:
        ahead = c[PREFETCH_BURST] - s[PLACE] % c[PREFETCH_BURST]
        s[SIZE] = min(s[BEATS_LEFT], ahead)
        s[MEASURED] = 1


@edge
def offers(q, number):
    """Whether a queue offers a command."""
    return q[number * Q_STATE + Q_VALID] != 0


@edge
def pending(q, number):
    """Whether a queue holds a command."""
    return q[number * Q_STATE + Q_HELD] != 0


@edge
def first(q, number):
    """The number, among its engine's commands, of the one that a queue offers."""
    return q[number * Q_STATE + Q_FIRST]


@edge
def command_queue(q, c, number, write, entered, ready):
    """An edge of a command queue.

    ``write``: a word comes; ``entered``: a command's last; ``ready``: the engine takes a command.
    """
    at = number * Q_STATE
    valid, pops = q[at + Q_VALID] != 0, q[at + Q_VALID] == 0
    q[at + Q_FREE] = q[at + Q_HELD] != c[QUEUE_DEPTH]
    q[at + Q_HELD] += entered - q[at + Q_TAKEN]
    q[at + Q_TAKEN] = valid and ready
    if valid and ready:
        q[at + Q_VALID] = 0
        q[at + Q_FIRST] += 1
    if pops and q[at + Q_WORDS + OUTPUT] != 0:
        if q[at + Q_WORDS_LEFT] == 0:
            q[at + Q_WORDS_LEFT] = c[WORDS + number] - 1
            q[at + Q_VALID] = 1
        else:
            q[at + Q_WORDS_LEFT] -= 1
    ram_queue(q, at + Q_WORDS, q[at + Q_COMING], pops)
    q[at + Q_COMING] = write
