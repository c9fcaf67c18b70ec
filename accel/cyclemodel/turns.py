"""Whose turn it is: blocks that would stay as they are sleep until something comes to them.

A clock edge changes a block by its registers and inputs alone.  So one that an edge left as it was
stays so until an input changes: it sleeps, and its edges are left out.  Single strobes wake a block
for their cycle; of levels, the one who changes them wakes those who look at them.
"""

import numpy as np

from accel.cyclemodel import fetch
from accel.cyclemodel.commands import EXEC, LOAD, POST, QUEUES, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.cyclemodel.edge import edge

#: Numbers of the blocks that sleep, as bits: the engines and their command queues, ...
B_LOAD, B_WEIGHTS, B_EXEC, B_POST, B_WLOAD, B_WPARAM, B_WINDOW = (
    1 << engine for engine in (LOAD, WEIGHTS, EXEC, POST, WLOAD, WPARAM, WINDOW)
)
_QUEUE = len(QUEUES)
#: ... the fetcher, the store engines of post-processing and of the window unit, the scoreboard.
B_FETCH, B_STORE, B_WSTORE, B_BOARD = (1 << n for n in range(2 * _QUEUE, 2 * _QUEUE + 4))
#: Those that wait for done counts.
WAITING = B_LOAD | B_WEIGHTS | B_EXEC | B_POST | B_WLOAD | B_WPARAM | B_WINDOW
#: Those of the window unit.
WINDOW_UNIT = B_WLOAD | B_WPARAM | B_WINDOW | B_WSTORE
_ALL = (1 << 2 * _QUEUE + 4) - 1

#: State: who is awake in this cycle, and in the next; whether a block had its turn in this one;
#: cycles until done counts have settled; what an edge of the exec engine takes off its pixels left
#: and adds to its lane while it is steady; whether the store engines take what is offered to them.
AWAKE, NEXT, BUSY, SETTLING, PIXELS, LANES, STORES, WSTORES, _LENGTH = range(9)


def state() -> np.ndarray:
    """Everybody awake."""
    w = np.zeros(_LENGTH, np.int64)
    w[NEXT] = _ALL
    return w


@edge
def is_awake(w, block):
    """Whether a block is awake."""
    return w[AWAKE] & block != 0


@edge
def wake(w, blocks):
    """Wake blocks for the next cycle."""
    w[NEXT] |= blocks


@edge
def begin(w, skip):
    """A cycle begins."""
    w[AWAKE] = w[NEXT] if skip else _ALL
    w[NEXT] = w[BUSY] = 0


@edge
def changed(s, before, first, end):
    """Whether registers ``first`` to ``end`` are others than ``before``, where they are kept."""
    difference = 0
    for n in range(first, end):
        difference |= s[n] ^ before[n]
        before[n] = s[n]
    return difference != 0


@edge
def changed_unless(known, s, before, end):
    """The same for registers 0 to ``end``; ``known``: they will change again, so do not look.

    Looking takes long: registers that have just been written one by one are read many at a time.
    """
    if known:
        before[0] = ~s[0]  # so that the next look finds a change
        return True
    return changed(s, before, 0, end)


@edge
def rest(w, block, stirs):
    """A block has had its turn: it sleeps, unless it ``stirs``."""
    w[BUSY] = 1
    if stirs:
        w[NEXT] |= block


@edge
def command_queue(w, q, before, c, number, word, entered, takes):
    """A command queue's turn, if it is: wake its engine when what it offers changes."""
    block = 1 << _QUEUE + number
    at = number * fetch.Q_STATE
    offered = fetch.offers(q, number)
    if not (is_awake(w, block) or word == number or takes):
        return
    fetch.command_queue(q, c, number, word == number, entered == number, takes)
    if fetch.offers(q, number) != offered:
        wake(w, 1 << number)
    stirs = changed(q, before, at, at + fetch.Q_STATE)
    # The fetcher looks at what is free.
    if stirs:
        wake(w, B_FETCH)
    rest(w, block, stirs)
