"""Cycles in which at most the weight engine and the exec engine do anything.

They are most of those that cannot be skipped: weights come in, tiles follow each other.  What
accel.cyclemodel.simulate looks at in every cycle is looked at here once: all other blocks sleep,
and the loop ends before one would wake.
"""

from accel.cyclemodel import (
    arbiter,
    array_side,
    execute,
    fetch,
    load,
    memory,
    post,
    reads,
    records,
    store,
    stretch,
    supervise,
    turns,
    weights,
)
from accel.cyclemodel import window as walker
from accel.cyclemodel.commands import EXEC, POST, WEIGHTS
from accel.cyclemodel.edge import edge

#: The two.
_STIRRING = turns.B_WEIGHTS | turns.B_EXEC


@edge
def begins(w, states):
    """Whether all other blocks are at rest, and stay so until an event."""
    (_, _, fetcher, q, _, weigher, exe, poster, _, storer, board, _, _, _, unit, wstorer, shared,
     _) = states  # fmt: skip
    idle = exe[execute.IDLE] != 0
    return (
        w[turns.NEXT] & ~_STIRRING == 0 and w[turns.SETTLING] == 0
        and (weigher[records.UNDER_WAY] != 0 or not idle) and fetcher[fetch.ASKING] == 0
        and poster[post.BANK_FREE] == 0 and post.slot_free(poster) == 0
        and not (poster[post.POOLED] != 0 and w[turns.STORES] != 0)
        and not (walker.offers(unit) and w[turns.WSTORES] != 0)
        and not (post.idle(poster) and fetch.offers(q, POST))
        and not (store.writes(storer) or store.writes(wstorer) or arbiter.writes(shared))
        and not (store.snapshots(storer) or store.snapshots(wstorer))
        and supervise.rests(board, idle, fetch.finished(fetcher), fetch.pending(q, EXEC))
    )  # fmt: skip


@edge
def pass_by(w, c, cycle, limit, tables, states, befores, done):
    """Let such cycles pass where :func:`begins`.

    Args:
        w, c, tables, states, befores, done: as in accel.cyclemodel.simulate.
        cycle, limit: the cycle that has ended; the last one that may.

    Returns:
        The cycle that has ended then.
    """
    (mem, master, _, q, loader, weigher, exe, _, _, storer, board, counts, wloader, wparamer, unit,
     wstorer, _, _) = states  # fmt: skip
    _, _, _, _, _, b_weigher, b_exe, _, _, _, b_board, _, _, _, _, _, _, _ = befores
    others = load.requests(loader) or load.requests(wloader) or records.requests(wparamer)
    writing = store.outstanding(storer) or store.outstanding(wstorer)
    loading, drained = load.active(loader), board[supervise.DRAINED] != 0
    idle, offered = exe[execute.IDLE], fetch.offers(q, EXEC)
    end = min(walker.event(unit) - 1, cycle + memory.answer(mem) - 1, limit)
    start = cycle
    while (
        cycle < end and exe[execute.IDLE] == idle and cycle + 1 != execute.event(exe)
        and not (execute.moves_on(exe, offered) or records.takes(weigher))
        and not weights.completes(weigher, c)
    ):  # fmt: skip
        owner = master[reads.BEAT_OWNER]
        accepts = reads.accepts(master, memory.takes_address(mem))
        granted = accepts and records.requests(weigher)
        moves = granted or master[reads.ARVALID] != 0 or master[reads.MOVED] != 0
        if (
            (owner != reads.NOBODY and owner != reads.WEIGHTS)
            or (accepts and others and not granted)
            or not (w[turns.NEXT] or moves or memory.has_data(mem))
        ):  # fmt: skip
            break
        # Behind a quiet cycle the weight engine's gate has settled.
        if cycle != start and not granted and stretch.begins(w, exe, master, weigher):
            cycles = stretch.pass_by(
                w, c, cycle, end, drained, mem, master, weigher, b_weigher, exe, counts, done
            )
            if cycles:
                cycle += cycles
                continue
        cycle += 1
        turns.begin(w, True)
        w[turns.BUSY] = 1
        drives = memory.begin(mem, c)
        wait_weights = exe[execute.WAIT_WEIGHTS] != 0
        starved = (exe[execute.WAIT_LOAD] != 0 and loading) or (
            wait_weights and weights.fifo_empty(weigher, c)
        )
        b_board[supervise.OUTSTANDING] = reads.outstanding(master) or writing
        supervise.count(
            counts, done, exe[execute.BUSY] != 0, starved, exe[execute.WAIT_BANK] != 0,
            wait_weights, drained, exe[execute.MACS_3], master[reads.BEAT], False, False,
        )  # fmt: skip
        place, beats = reads.held(weigher, records.SPLIT)
        winner = reads.WEIGHTS if granted else reads.NOBODY
        swap, filled = exe[execute.SWAP] != 0, weigher[weights.FILLED] != 0
        array_side.weights_turn(
            w, weigher, b_weigher, c, tables[WEIGHTS], q, done, winner, owner, swap, False
        )
        array_side.execute_turn(w, exe, b_exe, c, cycle, tables[EXEC], q, done, filled, False)
        if moves or drives & memory.RVALID:
            arready = drives & memory.ARREADY != 0
            read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
            memory.end(mem, c, drives, master[reads.ARPLACE], read_beats, 0, 0, False)
            reads.master(
                master, arready, drives & memory.RVALID != 0, drives & memory.RLAST != 0, winner,
                place, beats,
            )  # fmt: skip
    if cycle != start:
        board[supervise.OUTSTANDING] = b_board[supervise.OUTSTANDING]
    return cycle


@edge
def steady(w, c, cycle, limit, states):
    """Let cycles pass in which nothing but a steady exec engine moves: all are like the last one.

    Args:
        w, c, states: as in accel.cyclemodel.simulate.
        cycle, limit: the cycle that has ended; the last one that may.

    Returns:
        The cycle that has ended then.
    """
    mem, _, _, _, _, _, exe, _, _, _, _, counts, _, _, unit, _, _, _ = states
    if w[turns.BUSY] or w[turns.NEXT]:
        return cycle
    cycles = min(array_side.steady_cycles(w, exe, c), execute.event(exe) - cycle - 1)
    cycles = min(cycles, walker.event(unit) - cycle - 1, memory.rest(mem), limit - cycle)
    if cycles <= 0:
        return cycle
    memory.pass_by(mem, c, cycles)
    supervise.add(counts, cycles)
    array_side.stream(w, exe, c, cycles)
    return cycle + cycles
