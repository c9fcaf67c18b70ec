"""The machine's cycles, one by one."""

import numba
import numpy as np

from accel.isa import RECORD_WORDS
from accel.model import (
    arbiter,
    execute,
    fetch,
    load,
    memory,
    pool,
    post,
    reads,
    records,
    store,
    supervise,
    weights,
    window,
    wparams,
)
from accel.model.commands import EXEC, LOAD, P_BEGIN, POST, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.model.edge import edge
from accel.model.queues import VALUE, stream_slice_of
from accel.model.shape import (
    CHUNK_SHIFT,
    LANE_SHIFT,
    TAPS,
    WINDOW_CHUNK_SHIFT,
    WINDOW_FILL_SHIFT,
)
from accel.model.supervise import DONE, DONE_EXEC, DONE_POST, DONE_WINDOW

#: What LOAD and WLOAD commands wait for.
_LOAD_WAITS = (DONE_EXEC, DONE_POST, DONE_WINDOW)


@edge
def _request(fetcher, loader, weigher, wloader, wparamer, accepts):
    """Who has a burst taken, the first served first, and how long it is."""
    if not accepts:
        return reads.NOBODY, 0
    if fetcher[fetch.ASKING]:
        return reads.FETCH, fetcher[fetch.ASKED]
    if weights.requests(weigher):
        return reads.WEIGHTS, weigher[records.SPLIT + reads.HELD_BEATS]
    if wparams.requests(wparamer):
        return reads.WPARAM, wparamer[records.SPLIT + reads.HELD_BEATS]
    if load.requests(wloader):
        return reads.WLOAD, wloader[load.SPLIT + reads.HELD_BEATS]
    if load.requests(loader):
        return reads.LOAD, loader[load.SPLIT + reads.HELD_BEATS]
    return reads.NOBODY, 0


@edge
def _snapshot(storer, counts, written, number):
    """Keep the counters of this cycle if they become a record; how many records there are."""
    if store.snapshots(storer):
        written[number, 0] = storer[store.R_MARK_AT]
        written[number, 1:] = counts[:RECORD_WORDS]
        number += 1
    return number


@edge
def _post(poster, pooler, storer, c, table, done, offered, number, written, aw, w, b):
    """Post-processing, from the block reader by way of the pool to the store engine."""
    current = poster[post.COMMAND]
    kind = pool.mode(table, current)
    begins = post.starts(poster, table)
    valid, end = post.has_vector(poster), post.is_end(poster)
    ready, room = store.takes_input(storer, c), poster[post.POOLED + 1] == 0
    out_valid, out_end = poster[post.POOLED] != 0, poster[post.POOLED + VALUE] != 0
    if kind == 0:
        taken, pooled_valid, pooled_end = valid and room, valid, end
    else:
        taken = valid and pool.takes_input(pooler, end)
        pooled_valid, pooled_end = pool.has_output(pooler, kind), pool.is_end(pooler, kind)
        pool.pool(pooler, c, table, current, kind, valid, end, room)
    stream_slice_of(poster, post.POOLED, pooled_valid, pooled_end, ready)
    sent, address, completed = store.store(storer, c, table, current, out_valid, out_end, aw, w, b)
    ended = out_valid and out_end and ready
    post.post(poster, c, table, number, offered, done, written, taken, ended)
    if begins and table[current, P_BEGIN]:
        store.begin(storer, table, current)
        if kind != 0:
            pool.begin(pooler, table, current)
    return sent, address, completed


@edge
def _window(unit, storer, c, table, done, offered, number, recorded, aw, w, b):
    """The window unit, from its walker to the store engine."""
    current, begins = unit[window.COMMAND], window.begins(unit)
    valid, end = window.offers(unit), window.is_end(unit)
    stored = valid and store.takes_input(storer, c)
    sent, address, completed = store.store(storer, c, table, current, valid, end, aw, w, b)
    takes = window.window(unit, c, table, number, offered, done, recorded, stored, completed)
    if begins:
        store.begin(storer, table, current)
    return sent, address, completed, takes


@numba.njit(cache=True, error_model="numpy", nogil=True)
def run(c, route, pooled, tables, states, written, max_cycles):
    """Run a program to its end.

    Args:
        c: the machine's shape.
        route, pooled, tables: its commands (accel.model.commands).
        states: of the blocks.
        written: int64 [layers, 1 + RECORD_WORDS], which gets the address and the words of each
            completion record.
        max_cycles: give up behind these.

    Returns:
        Cycles, or -1; the number of records.
    """
    (mem, master, fetcher, q, loader, weigher, exe, poster, pooler, storer, board, counts,
     wloader, wparamer, unit, wstorer, shared) = states  # fmt: skip
    loads, tiles, execs, posts = tables[LOAD], tables[WEIGHTS], tables[EXEC], tables[POST]
    wloads, wtiles, windows = tables[WLOAD], tables[WPARAM], tables[WINDOW]
    has_window = c[TAPS] != 0
    done = np.zeros(DONE, np.int64)
    number = 0
    for cycle in range(1, max_cycles + 1):
        last = board[supervise.FINISHED] != 0
        drives = memory.begin(mem, c)
        arready, awready = drives & memory.ARREADY != 0, drives & memory.AWREADY != 0
        wready, answered = drives & memory.WREADY != 0, drives & memory.BVALID != 0
        accepts = reads.accepts(master, arready)
        granted, beats = _request(fetcher, loader, weigher, wloader, wparamer, accepts)
        owner = master[reads.BEAT_OWNER]

        # What the blocks tell each other in this cycle, from before its edge.
        swap, filled = exe[execute.SWAP] != 0, weigher[weights.FILLED] != 0
        bank_free, slot_free = poster[post.BANK_FREE], post.slot_free(poster)
        load_active, empty = load.active(loader), weights.fifo_empty(weigher, c)
        wait_load, exec_idle = exe[execute.WAIT_LOAD] != 0, exe[execute.IDLE] != 0
        wait_bank, wait_weights = exe[execute.WAIT_BANK] != 0, exe[execute.WAIT_WEIGHTS] != 0
        busy, macs = exe[execute.BUSY] != 0, exe[execute.MACS_3]
        pending, all_sent = fetch.pending(q, EXEC), fetch.finished(fetcher)
        read_beat = master[reads.BEAT]
        o_load, o_weights = fetch.offers(q, LOAD), fetch.offers(q, WEIGHTS)
        o_exec, o_post = fetch.offers(q, EXEC), fetch.offers(q, POST)
        engines_idle = (
            not o_load and loader[load.UNDER_WAY] == 0
            and not o_weights and weigher[records.UNDER_WAY] == 0
            and exec_idle
            and post.idle(poster) and not o_post and poster[post.POOLED] == 0
            and store.idle(storer)
        )  # fmt: skip
        open_bus = reads.outstanding(master) or store.outstanding(storer)
        number = _snapshot(storer, counts, written, number)
        completed, window_busy, window_sent = 0, False, False

        if has_window:
            o_wload, o_wparam = fetch.offers(q, WLOAD), fetch.offers(q, WPARAM)
            o_window = fetch.offers(q, WINDOW)
            engines_idle = (
                engines_idle and not o_wload and wloader[load.UNDER_WAY] == 0
                and not o_wparam and wparamer[records.UNDER_WAY] == 0
                and not o_window and unit[window.UNDER_WAY] == 0
                and not window.offers(unit) and store.idle(wstorer)
            )  # fmt: skip
            open_bus = open_bus or store.outstanding(wstorer)
            number = _snapshot(wstorer, counts, written, number)
            window_busy, window_slot = window.issues(unit), window.slot_free(unit)
            macs += unit[window.MACS]
            recorded = wparamer[wparams.COMPLETED]
            # The bus is shared: who may show his address and data in this cycle.
            taken, port = arbiter.begins(
                shared, storer[store.AWVALID] != 0, wstorer[store.AWVALID] != 0, awready
            )
            room, answer = arbiter.free(shared, wready), arbiter.answers(shared)
            turn = wstorer if port == 1 else storer
            shown, closes = store.shows(turn), turn[store.LEFT] == 1
            length = wstorer[store.AWBEATS] if taken == 1 else storer[store.AWBEATS]
            bus_address = shared[arbiter.AWBEATS] if shared[arbiter.AWVALID] and awready else 0
            bus_sent = shared[arbiter.WVALID] != 0 and wready
            window_sent, _, window_done, takes_window = _window(
                unit, wstorer, c, windows, done, o_window, fetch.first(q, WINDOW), recorded,
                taken == 1, port == 1 and room, answered and answer == 1,
            )  # fmt: skip
            takes_wload, wload_done = load.load(
                wloader, c, wloads, fetch.first(q, WLOAD), o_wload, done, _LOAD_WAITS,
                c[WINDOW_FILL_SHIFT], c[WINDOW_CHUNK_SHIFT], granted == reads.WLOAD,
                owner == reads.WLOAD,
            )  # fmt: skip
            takes_wparam, wparam_done = wparams.params(
                wparamer, c, wtiles, fetch.first(q, WPARAM), o_wparam, done,
                granted == reads.WPARAM, owner == reads.WPARAM, window_slot,
            )  # fmt: skip
            arbiter.arbiter(
                shared, taken, length, port, shown, closes, awready, wready, answered
            )
            completed = wload_done << WLOAD | wparam_done << WPARAM | window_done << WINDOW
            awready, wready = taken == 0, port == 0 and room
            post_answered = answered and answer == 0
        else:
            post_answered = answered
            takes_wload = takes_wparam = takes_window = False
            bus_address, bus_sent = 0, False

        takes_load, load_done = load.load(
            loader, c, loads, fetch.first(q, LOAD), o_load, done, _LOAD_WAITS, c[LANE_SHIFT],
            c[CHUNK_SHIFT], granted == reads.LOAD, owner == reads.LOAD,
        )  # fmt: skip
        takes_weights, weights_done = weights.weights(
            weigher, c, tiles, fetch.first(q, WEIGHTS), o_weights, done, granted == reads.WEIGHTS,
            owner == reads.WEIGHTS, swap, slot_free,
        )  # fmt: skip
        takes_exec, exec_done, block_done = execute.execute(
            exe, c, execs, fetch.first(q, EXEC), o_exec, done, filled, bank_free
        )
        takes_post = post.idle(poster)
        sent, address, post_done = _post(
            poster, pooler, storer, c, posts, done, o_post, fetch.first(q, POST), block_done,
            awready, wready, post_answered,
        )  # fmt: skip
        if not has_window:
            bus_address, bus_sent = address, sent
        word, entered = fetch.fetch(fetcher, q, c, accepts, owner == reads.FETCH, route, pooled)
        fetch.command_queue(q, c, LOAD, word == LOAD, entered == LOAD, takes_load)
        fetch.command_queue(q, c, WEIGHTS, word == WEIGHTS, entered == WEIGHTS, takes_weights)
        fetch.command_queue(q, c, EXEC, word == EXEC, entered == EXEC, takes_exec)
        fetch.command_queue(q, c, POST, word == POST, entered == POST, takes_post)
        if has_window:
            fetch.command_queue(q, c, WLOAD, word == WLOAD, entered == WLOAD, takes_wload)
            fetch.command_queue(q, c, WPARAM, word == WPARAM, entered == WPARAM, takes_wparam)
            fetch.command_queue(q, c, WINDOW, word == WINDOW, entered == WINDOW, takes_window)

        supervise.count(
            counts, done, busy, (wait_load and load_active) or (wait_weights and empty), wait_bank,
            wait_weights, board[supervise.DRAINED] != 0, macs, read_beat, sent or window_sent,
            window_busy,
        )  # fmt: skip
        completed |= load_done << LOAD | weights_done << WEIGHTS | exec_done << EXEC
        supervise.scoreboard(
            board, done, entered, completed | post_done << POST, engines_idle, exec_idle,
            all_sent, pending, open_bus,
        )  # fmt: skip
        read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
        rvalid, rlast = drives & memory.RVALID != 0, drives & memory.RLAST != 0
        reads.master(master, arready, rvalid, rlast, granted, beats)
        memory.end(mem, c, drives, read_beats, bus_address, bus_sent)
        if last:
            supervise.add(counts)
            return cycle, number
    return -1, number
