"""When each command began and ended, for who wants to look at a run more closely.

A command begins when it is past its waits: a POST with its block complete, for example.  It ends
with its completion, but an EXEC with its last pixel: one that never waits takes as many cycles as
the busy counter counts for it.  Engines begin and complete their commands in order, so that
counting tells them apart.
"""

import numpy as np

from accel.model.commands import QUEUES
from accel.model.edge import edge
from accel.model.shape import COMPLETION_LATENCY

#: The places of a command's numbers: the cycles in which it begins and is completed.
BEGIN, END = range(2)


def table(commands: int) -> np.ndarray:
    """Room for every engine's spans; behind them how many there are.  None if ``commands`` is 0."""
    return np.zeros((len(QUEUES), commands + 1, 2) if commands else (0, 0, 2), np.int64)


def by_engine(spans: np.ndarray) -> dict[str, np.ndarray]:
    """The spans [commands, (begin, end)] by the engines' names."""
    found = {
        name: spans[number, : spans[number, -1, END]].copy() for number, name in enumerate(QUEUES)
    }
    # From the last pixel's turn to the completion; and the span's last cycle is one of it.
    found["exec"][:, END] -= COMPLETION_LATENCY + 1
    return found


@edge
def note(spans, cycle, begun, completed):
    """Note which engines begin and complete a command in a cycle, a bit for each."""
    last = spans.shape[1] - 1
    for engine in range(spans.shape[0]):
        for what, bits in ((BEGIN, begun), (END, completed)):
            if bits >> engine & 1:
                number = spans[engine, last, what]
                spans[engine, number, what] = cycle
                spans[engine, last, what] += 1
