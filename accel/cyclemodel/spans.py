"""When each command began and ended, for who wants to look at a run more closely.

A command begins when it is past its waits: a POST with its block complete, for example.  It ends
with its completion, but an EXEC with its last pixel: one that never waits takes as many cycles as
the busy counter counts for it.  Engines begin and complete their commands in order, so that
counting tells them apart.
"""

import numpy as np

from accel.cyclemodel import execute, load, post
from accel.cyclemodel.commands import EXEC, LOAD, POST, QUEUES, WLOAD
from accel.cyclemodel.edge import edge
from accel.cyclemodel.shape import COMPLETION_LATENCY

#: The places of a command's numbers: the cycles in which it begins and is completed.
BEGIN, END = range(2)


def table(commands: int) -> np.ndarray:
    """Room for every engine's spans; none if ``commands`` is 0.

    Behind the spans are how many there are, and what was seen of the engine's state.
    """
    return np.zeros((len(QUEUES), commands + 2, 2) if commands else (0, 0, 2), np.int64)


def by_engine(spans: np.ndarray) -> dict[str, np.ndarray]:
    """The spans [commands, (begin, end)] by the engines' names."""
    found = {
        name: spans[number, : spans[number, -2, END]].copy() for number, name in enumerate(QUEUES)
    }
    # From the last pixel's turn to the completion; and the span's last cycle is one of it.
    found["exec"][:, END] -= COMPLETION_LATENCY + 1
    return found


@edge
def note(spans, cycle, begun, completed, loader, wloader, exe, poster):
    """Note which engines begin and complete a command in a cycle, a bit for each.

    ``begun`` knows the engines that begin a command when they take it; the others show it by what
    an edge made of their state.
    """
    last, before = spans.shape[1] - 2, spans.shape[1] - 1
    loading, wloading = loader[load.UNDER_WAY], wloader[load.UNDER_WAY]
    held, waits = exe[execute.HELD], post.waits(poster)
    begun |= (loading + (completed >> LOAD & 1) != spans[LOAD, before, 0]) << LOAD
    begun |= (wloading + (completed >> WLOAD & 1) != spans[WLOAD, before, 0]) << WLOAD
    begun |= (held == 0 and spans[EXEC, before, 0] != 0) << EXEC
    begun |= (not waits and spans[POST, before, 0] != 0) << POST
    spans[LOAD, before, 0], spans[WLOAD, before, 0] = loading, wloading
    spans[EXEC, before, 0], spans[POST, before, 0] = held, waits
    for engine in range(spans.shape[0]):
        for what, bits in ((BEGIN, begun), (END, completed)):
            if bits >> engine & 1:
                number = spans[engine, last, what]
                spans[engine, number, what] = cycle
                spans[engine, last, what] += 1
