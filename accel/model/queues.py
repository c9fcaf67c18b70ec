"""The queues and gates that many blocks of the machine have, one clock edge at a time.

Each function updates the registers of one such queue, which lie side by side in its owner's state
from ``at`` on.  Only how many entries there are matters here; owners keep the entries in rings.
"""

import numba

#: Registers of a RamQueue (rtl/queue.py): words in RAM, its read latch, the output register.
RAM_QUEUE = 3
#: Registers of a SyncFIFOBuffered: words in RAM and its read latch.
BUFFERED = 2


@numba.njit(cache=True)
def buffered(s, at, write, ready):
    """An edge of a SyncFIFOBuffered; ``write`` only while it has room."""
    move = s[at] != 0 and (s[at + 1] == 0 or ready)
    if move:
        s[at + 1] = 1
        s[at] -= 1
    elif ready:
        s[at + 1] = 0
    if write:
        s[at] += 1


@numba.njit(cache=True)
def ram_queue(s, at, write, ready):
    """An edge of a RamQueue; ``write`` only while it has room (words in RAM < its depth)."""
    onward = s[at + 2] == 0 or ready
    if onward:
        s[at + 2] = s[at + 1]
    if s[at] != 0 and (s[at + 1] == 0 or onward):
        s[at + 1] = 1
        s[at] -= 1
    elif onward:
        s[at + 1] = 0
    if write:
        s[at] += 1


@numba.njit(cache=True)
def ram_queue_level(s, at):
    """How many entries a RamQueue holds."""
    return s[at] + s[at + 1] + s[at + 2]


@numba.njit(cache=True)
def waits_met(table, number, done, a, b, c):
    """Whether the done counts ``a``, ``b`` and ``c`` have reached what a command waits for."""
    return (
        done[a] >= table[number, 0] and done[b] >= table[number, 1] and done[c] >= table[number, 2]
    )
