"""The exact cycle model: a program's performance counters from its commands and the memory alone.

The blocks of rtl/ once more, clock edge by clock edge, but with their control only: no data, and no
more of an address than decides how it is cut into bursts.  Every register that the time of anything
depends on has its twin here; fixed delays are constants (accel.cyclemodel.shape).
"""

import numpy as np

from accel.compiled import is_kept
from accel.cyclemodel import (
    arbiter,
    execute,
    fetch,
    load,
    memory,
    pool,
    post,
    reads,
    shape,
    simulate,
    spans,
    store,
    supervise,
    traffics,
    turns,
    weights,
    window,
    wparams,
)
from accel.cyclemodel.commands import P_MARK, POST, WINDOW, decode
from accel.dram import CLOCK_MHZ
from accel.isa import RECORD_WORDS
from accel.params import Params

#: What passed the bus: see accel.cyclemodel.traffics.
Traffic = dict[str, dict[str, int]]

#: A program that takes more does not end.
_MOST_CYCLES = 1 << 40


def stage() -> str:
    """What a prediction begins with, for those who wait: the first one compiles the model."""
    return "predicting" if is_kept(simulate.run) else "compiling the cycle model, once"


def _states(c: np.ndarray, start: int, commands: int) -> tuple[np.ndarray, ...]:
    """All blocks in the cycle after the start."""
    return (
        memory.state(c),
        reads.state(),
        fetch.state(c, start, commands),
        fetch.queue_state(c),
        load.state(c),
        weights.state(c),
        execute.state(),
        post.state(),
        pool.state(),
        store.state(),
        supervise.state(),
        supervise.counters_state(),
        load.state(c),
        wparams.state(c),
        window.state(c),
        store.state(),
        arbiter.state(),
        turns.state(),
    )


def predict(
    params: Params,
    image: np.ndarray,
    start: int,
    commands: int,
    latency_cycles: int = 32,
    bytes_per_cycle: int = 0,
    max_cycles: int = _MOST_CYCLES,
    skip: bool = True,
    dram: str = "",
    clock_mhz: int = CLOCK_MHZ,
    traffic: Traffic | None = None,
) -> tuple[dict[str, int], dict[int, dict[str, int]]]:
    """Predict a run of the ``commands`` commands at byte ``start`` of memory ``image`` (uint8).

    The memory is that of accel.sim.engine.Memory, without stalls.  ``skip`` leaves out what changes
    nothing; without it, the same takes much longer.  ``traffic`` gets what passed the bus.

    Returns:
        The counters at the interrupt, and at each completion record's address what is written
        there; both by the names of accel.isa.RECORD.

    Raises:
        ValueError: the program is not for this machine, or does not end within ``max_cycles``.
    """
    timing = latency_cycles, bytes_per_cycle, dram, clock_mhz
    noted = spans.table(0)
    return _run(params, image, start, commands, timing, noted, max_cycles, skip, traffic)


def record(
    params: Params,
    image: np.ndarray,
    start: int,
    commands: int,
    latency_cycles: int = 32,
    bytes_per_cycle: int = 0,
    skip: bool = True,
    dram: str = "",
    clock_mhz: int = CLOCK_MHZ,
    traffic: Traffic | None = None,
) -> tuple[dict[str, int], dict[int, dict[str, int]], dict[str, np.ndarray]]:
    """The same as :func:`predict`, and when each command began and was completed.

    Returns:
        Also, by the engines' names (commands.QUEUES), int64 [commands, 2]: the cycles in which the
        engine's commands began and were completed, counted from the start.
    """
    timing, noted = (latency_cycles, bytes_per_cycle, dram, clock_mhz), spans.table(commands)
    counters = _run(params, image, start, commands, timing, noted, _MOST_CYCLES, skip, traffic)
    return *counters, spans.by_engine(noted)


def _run(params, image, start, commands, timing, noted, max_cycles, skip, traffic):
    """What :func:`predict` returns; ``noted`` takes the commands' spans, or has no room."""
    c = shape.shape(params, *timing)
    program = decode(image, start, commands, params)
    states = _states(c, start, len(program.queue))
    marks = sum(int(program.tables[queue][:, P_MARK].sum()) for queue in (POST, WINDOW))
    written = np.zeros((marks, 1 + RECORD_WORDS), np.int64)
    done = np.zeros((1 + shape.DONE_DELAYS, supervise.DONE), np.int64)
    befores = tuple(np.zeros_like(state) for state in states)
    cycles, number = simulate.run(
        c, program.queue, program.pooled, program.tables, states, befores, done, written, noted,
        max_cycles, skip,
    )
    if cycles < 0:
        raise ValueError(f"the program does not end within {max_cycles} cycles")
    if traffic is not None:
        traffic.update(traffics.passed(states))
    return supervise.words(states[11]), {
        int(record[0]): supervise.words(record[1:]) for record in written[:number]
    }
