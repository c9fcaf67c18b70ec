"""The queues and gates that many blocks of the machine have, one clock edge at a time.

Each function updates the registers of one such queue, which lie side by side in its owner's state
from ``at`` on.  Only how many entries there are matters here; owners keep the entries in rings.
"""

from accel.cyclemodel.edge import edge

#: Registers of a StreamSlice (rtl/parts/slice.py): whether output and spare hold an entry.
SLICE = 2
#: Registers of one whose entries matter.
SLICE_OF = 4
#: Which of them is the entry at the output.
VALUE = 2
#: Registers of a RamQueue (rtl/parts/queue.py): words in RAM, its read latch, a StreamSlice.
RAM_QUEUE = 4
#: Which of them says that there is an entry at the output.
OUTPUT = 2
#: Registers of a SyncFIFOBuffered: words in RAM and its read latch.
BUFFERED = 2


@edge
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


@edge
def slice_level(s, at):
    """How many entries a StreamSlice holds."""
    return s[at] + s[at + 1]


@edge
def stream_slice(s, at, write, ready):
    """An edge of a StreamSlice; ``write`` is an entry that is offered."""
    if s[at] == 0 or ready:
        s[at] = s[at + 1] != 0 or write
        s[at + 1] = 0
    elif write:
        s[at + 1] = 1


@edge
def stream_slice_of(s, at, write, value, ready):
    """The same with what the entries are: ``at + 2`` is the output, ``at + 3`` the spare."""
    if s[at] == 0 or ready:
        s[at + 2] = s[at + 3] if s[at + 1] else value
    if s[at + 1] == 0:
        s[at + 3] = value
    stream_slice(s, at, write, ready)


@edge
def ram_queue(s, at, write, ready):
    """An edge of a RamQueue; ``write`` only while it has room (words in RAM < its depth)."""
    latched, onward = s[at + 1] != 0, s[at + 3] == 0
    stream_slice(s, at + 2, latched, ready)
    buffered(s, at, write, onward)


@edge
def ram_queue_level(s, at):
    """How many entries a RamQueue holds."""
    return s[at] + s[at + 1] + s[at + 2] + s[at + 3]


@edge
def waits_met(table, number, done, delay, a, b, c):
    """Whether the done counts ``a``, ``b`` and ``c`` of ``delay`` cycles ago are high enough."""
    return (
        done[delay, a] >= table[number, 0]
        and done[delay, b] >= table[number, 1]
        and done[delay, c] >= table[number, 2]
    )
