"""The scoreboard and the performance counters."""

import numpy as np

from accel.cyclemodel.edge import edge
from accel.isa import RECORD, RECORD_WORDS

#: Engines that the scoreboard follows, by their queues' numbers; those whose completions count.
_ENGINES = 7
#: Where the done count of each queue's engine is: load, exec, post, wload, window; -1 for none.
DONE_LOAD, DONE_EXEC, DONE_POST, DONE_WLOAD, DONE_WINDOW, DONE = range(6)
_DONE_OF = np.array([DONE_LOAD, -1, DONE_EXEC, DONE_POST, DONE_WLOAD, -1, DONE_WINDOW])

#: State of the scoreboard: registered inputs, counts of commands under way, registered answers.
(
    DISPATCHED, COMPLETED, ALL_IDLE, EXEC_IDLE, ALL_DISPATCHED, EXEC_PENDING, OUTSTANDING, DRAINED,
    FINISHED, UNDER_WAY, SCALARS,
) = range(11)  # fmt: skip


def state() -> np.ndarray:
    """The scoreboard at the start."""
    s = np.zeros(SCALARS, np.int64)
    s[DISPATCHED] = -1
    s[ALL_IDLE] = s[EXEC_IDLE] = 1
    return s


@edge
def scoreboard(s, done, dispatched, completed, all_idle, exec_idle, finished, pending, open_bus):
    """An edge of the scoreboard.

    Args:
        done: done counts.  dispatched: the queue that a command entered, or -1.
        completed: a bit for each engine that completes a command.
        all_idle, exec_idle: whether all engines, whether the exec engine is idle.
        finished: everything is dispatched.  pending: the exec queue holds a command.
        open_bus: a bus transaction is open.
    """
    s[DRAINED] = s[ALL_DISPATCHED] != 0 and s[EXEC_PENDING] == 0 and s[EXEC_IDLE] != 0
    s[FINISHED] = (
        s[ALL_DISPATCHED] != 0 and s[UNDER_WAY] == 0 and s[ALL_IDLE] != 0 and s[OUTSTANDING] == 0
    )
    if s[DISPATCHED] >= 0:
        s[UNDER_WAY] += 1
    if s[COMPLETED]:
        for engine in range(_ENGINES):
            if s[COMPLETED] >> engine & 1:
                s[UNDER_WAY] -= 1
                if _DONE_OF[engine] >= 0:
                    done[0, _DONE_OF[engine]] += 1
    s[DISPATCHED], s[COMPLETED] = dispatched, completed
    s[ALL_IDLE], s[EXEC_IDLE] = all_idle, exec_idle
    s[ALL_DISPATCHED], s[EXEC_PENDING], s[OUTSTANDING] = finished, pending, open_bus


@edge
def rests(s, exec_idle, finished, pending):
    """Whether the scoreboard is steady while commands are under way; arguments as above."""
    return (
        s[DISPATCHED] < 0 and s[COMPLETED] == 0 and s[UNDER_WAY] != 0 and s[FINISHED] == 0
        and s[ALL_IDLE] == 0 and s[EXEC_IDLE] == exec_idle and s[ALL_DISPATCHED] == finished
        and s[EXEC_PENDING] == pending
        and s[DRAINED] == (finished and not pending and exec_idle)
    )  # fmt: skip


_CYCLES, _BUSY, _MACS_LOW, _MACS_HIGH = (
    RECORD[name] for name in ("cycles", "busy", "macs_low", "macs_high")
)
_FILL, _WEIGHT, _MEMORY, _POST, _SYNC = (
    RECORD[name] for name in ("fill", "weight", "memory", "post", "sync")
)
_READ_BEATS, _WRITE_BEATS = RECORD["read_beats"], RECORD["write_beats"]
_WINDOW_BUSY = RECORD["window_busy"]
_R_LOAD, _R_EXEC, _R_POST, _R_WINDOW = (
    RECORD[f"done_{name}"] for name in ("load", "exec", "post", "window")
)
_NO_CAUSE = -1
#: State of the counters behind the record: the stage in front of the adders; ``started``.
C_CAUSE, C_READ, C_WRITE, C_WINDOW, C_MACS, C_RUNS, STARTED, _COUNTERS = range(
    RECORD_WORDS, RECORD_WORDS + 8
)


def counters_state() -> np.ndarray:
    """The counters at the start: the record, with all MACs in its low word, and the stage."""
    s = np.zeros(_COUNTERS, np.int64)
    s[C_CAUSE] = _NO_CAUSE
    return s


@edge
def add(s, cycles):
    """Add what the stage in front of the adders holds to the record, ``cycles`` times."""
    if s[C_RUNS]:
        s[_CYCLES] += cycles
        s[s[C_CAUSE]] += cycles
        s[_READ_BEATS] += s[C_READ] * cycles
        s[_WRITE_BEATS] += s[C_WRITE] * cycles
        s[_WINDOW_BUSY] += s[C_WINDOW] * cycles
        s[_MACS_LOW] += s[C_MACS] * cycles


@edge
def count(s, done, busy, starved, wait_bank, wait_weights, drained, macs, read, write, window):
    """An edge of the counters while the machine runs.

    Args:
        done: done counts.  busy, wait_bank, wait_weights: levels of the exec engine.
        starved: it waits for memory.  drained: all EXEC commands are behind us.
        macs: multiplications to add.  read, write: a beat.  window: the window unit computes.
    """
    add(s, 1)
    cause = _SYNC
    if busy:
        cause = _BUSY
    elif s[STARTED] == 0 or drained:
        cause = _FILL
    elif starved:
        cause = _MEMORY
    elif wait_bank:
        cause = _POST
    elif wait_weights:
        cause = _WEIGHT
    if busy:
        s[STARTED] = 1
    s[C_RUNS], s[C_CAUSE], s[C_MACS] = 1, cause, macs
    s[C_READ], s[C_WRITE], s[C_WINDOW] = read, write, window
    s[_R_LOAD], s[_R_EXEC] = done[0, DONE_LOAD], done[0, DONE_EXEC]
    s[_R_POST], s[_R_WINDOW] = done[0, DONE_POST], done[0, DONE_WINDOW]


def words(record: np.ndarray) -> dict[str, int]:
    """A record by the names of accel.isa.RECORD, as the machine's 32-bit words."""
    values = {name: int(record[number]) for name, number in RECORD.items()}
    macs = values["macs_low"]
    values["macs_low"], values["macs_high"] = macs & 0xFFFFFFFF, macs >> 32 & 0xFFFFFFFF
    return {name: value & 0xFFFFFFFF for name, value in values.items()}
