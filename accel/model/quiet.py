"""Cycles in which nothing happens but weights coming in, perhaps while pixels stream.

They are many of those that cannot be skipped.  What accel.model.simulate looks at in every cycle
is looked at here once: all other blocks sleep, and the loop ends before one would wake.
"""

from accel.model import (
    arbiter,
    blocks,
    execute,
    fetch,
    load,
    memory,
    post,
    reads,
    records,
    store,
    supervise,
    turns,
    weights,
    wparams,
)
from accel.model import window as walker
from accel.model.commands import EXEC, POST, WEIGHTS
from accel.model.edge import NEVER, edge


@edge
def begins(w, states):
    """Whether all blocks but the weight engine are at rest, and stay so until an event."""
    (_, _, fetcher, q, _, weigher, exe, poster, _, storer, board, _, _, _, unit, wstorer, shared,
     _) = states  # fmt: skip
    return (
        w[turns.NEXT] & ~turns.B_WEIGHTS == 0 and w[turns.SETTLING] == 0
        and weigher[records.UNDER_WAY] != 0 and fetcher[fetch.ASKING] == 0
        and exe[execute.SWAP] == 0 and poster[post.BANK_FREE] == 0 and post.slot_free(poster) == 0
        and not (poster[post.POOLED] != 0 and w[turns.STORES] != 0)
        and not (walker.offers(unit) and w[turns.WSTORES] != 0)
        and not (post.idle(poster) and fetch.offers(q, POST))
        and not (store.writes(storer) or store.writes(wstorer) or arbiter.writes(shared))
        and not (store.snapshots(storer) or store.snapshots(wstorer))
        and supervise.rests(
            board, exe[execute.IDLE] != 0, fetch.finished(fetcher), fetch.pending(q, EXEC)
        )
    )  # fmt: skip


@edge
def pass_by(w, c, cycle, limit, table, states, befores, done):
    """Let such cycles pass where :func:`begins`.

    Args:
        w, c, states, befores, done: as in accel.model.simulate.
        cycle, limit: the cycle that has ended; the last one that may.
        table: of the weight engine's commands.

    Returns:
        The cycle that has ended then.
    """
    (mem, master, _, q, loader, weigher, exe, _, _, storer, board, counts, wloader, wparamer, unit,
     wstorer, _, _) = states  # fmt: skip
    (_, _, _, _, _, before, _, _, _, _, b_board, _, _, _, _, _, _, _) = befores
    others = load.requests(loader) or load.requests(wloader) or wparams.requests(wparamer)
    writing = store.outstanding(storer) or store.outstanding(wstorer)
    number, offered = fetch.first(q, WEIGHTS), fetch.offers(q, WEIGHTS)
    busy, macs, drained = exe[execute.BUSY] != 0, exe[execute.MACS_3], board[supervise.DRAINED] != 0
    wait_bank, wait_weights = exe[execute.WAIT_BANK] != 0, exe[execute.WAIT_WEIGHTS] != 0
    wait_load = exe[execute.WAIT_LOAD] != 0 and load.active(loader)
    end = min(execute.event(exe), walker.event(unit), cycle + memory.answer(mem)) - 1
    end = min(end, limit, cycle + min(blocks.steady_cycles(w, exe, c), NEVER >> 1))
    start, awake = cycle, w[turns.NEXT] & turns.B_WEIGHTS != 0
    while cycle < end and not records.takes(weigher) and not weights.completes(weigher, c):
        owner = master[reads.BEAT_OWNER]
        accepts = reads.accepts(master, memory.takes_address(mem))
        granted = accepts and weights.requests(weigher)
        moves = granted or master[reads.ARVALID] != 0 or master[reads.MOVED] != 0
        if (
            (owner != reads.NOBODY and owner != reads.WEIGHTS)
            or (accepts and others and not granted)
            or not (awake or moves or memory.has_data(mem))
        ):  # fmt: skip
            break
        cycle += 1
        w[turns.BUSY] = 1
        drives = memory.begin(mem, c)
        starved = wait_load or (wait_weights and weights.fifo_empty(weigher, c))
        b_board[supervise.OUTSTANDING] = reads.outstanding(master) or writing
        supervise.count(
            counts, done, busy, starved, wait_bank, wait_weights, drained, macs,
            master[reads.BEAT], False, False,
        )  # fmt: skip
        beats = weigher[records.SPLIT + reads.HELD_BEATS]
        if awake or granted or owner == reads.WEIGHTS:
            filled = weigher[weights.FILLED]
            weights.weights(
                weigher, c, table, number, offered, done, granted, owner == reads.WEIGHTS, False,
                False,
            )  # fmt: skip
            awake = turns.changed(weigher, before, 0, weights.SCALARS)
            if weigher[weights.FILLED] != filled:
                turns.wake(w, turns.B_EXEC)
                end = cycle
        if moves or drives & memory.RVALID:
            arready = drives & memory.ARREADY != 0
            read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
            reads.master(
                master, arready, drives & memory.RVALID != 0, drives & memory.RLAST != 0,
                reads.WEIGHTS if granted else reads.NOBODY, beats,
            )  # fmt: skip
            memory.end(mem, c, drives, read_beats, 0, False)
    if cycle != start:
        board[supervise.OUTSTANDING] = b_board[supervise.OUTSTANDING]
        blocks.stream(w, exe, c, cycle - start)
        w[turns.NEXT] &= ~turns.B_WEIGHTS
        if awake:
            turns.wake(w, turns.B_WEIGHTS)
    return cycle
