"""The machine's cycles, one by one, but for those in which nothing but time passes."""

import functools
import hashlib
import pathlib

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
    turns,
    weights,
    window,
    wparams,
)
from accel.model.commands import EXEC, LOAD, P_BEGIN, POST, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.model.edge import NEVER, edge
from accel.model.queues import VALUE, stream_slice_of
from accel.model.shape import (
    CHUNK_SHIFT,
    DONE_DELAYS,
    DONE_EXEC_DELAY,
    DONE_LOAD_DELAY,
    DONE_POST_DELAY,
    DONE_WEIGHTS_DELAY,
    DONE_WINDOW_DELAY,
    LANE_SHIFT,
    ROWS,
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
def _load(w, s, before, c, table, q, done, granted, owner, client):
    """The turn of a load engine: the one of read client ``client``."""
    number = LOAD if client == reads.LOAD else WLOAD
    if not (turns.is_awake(w, 1 << number) or granted == client or owner == client):
        return False, False
    fill = c[LANE_SHIFT] if client == reads.LOAD else c[WINDOW_FILL_SHIFT]
    chunk = c[CHUNK_SHIFT] if client == reads.LOAD else c[WINDOW_CHUNK_SHIFT]
    takes, completed = load.load(
        s, c, table, fetch.first(q, number), fetch.offers(q, number), done, _LOAD_WAITS, fill,
        chunk, granted == client, owner == client,
    )  # fmt: skip
    turns.rest(w, 1 << number, turns.changed(s, before, load.SCALARS))
    return takes, completed


@edge
def _weights(w, s, before, c, table, q, done, granted, owner, swap, slot_free):
    """The turn of the weight engine."""
    if not (
        turns.is_awake(w, turns.B_WEIGHTS) or granted == reads.WEIGHTS or owner == reads.WEIGHTS
        or swap or slot_free
    ):  # fmt: skip
        return False, False
    filled = s[weights.FILLED]
    takes, completed = weights.weights(
        s, c, table, fetch.first(q, WEIGHTS), fetch.offers(q, WEIGHTS), done,
        granted == reads.WEIGHTS, owner == reads.WEIGHTS, swap, slot_free,
    )  # fmt: skip
    if s[weights.FILLED] != filled:
        turns.wake(w, turns.B_EXEC)
    turns.rest(w, turns.B_WEIGHTS, turns.changed(s, before, weights.SCALARS))
    return takes, completed


@edge
def _params(w, s, before, c, table, q, done, granted, owner, slot_free):
    """The turn of the window unit's parameters."""
    if not (
        turns.is_awake(w, turns.B_WPARAM) or granted == reads.WPARAM or owner == reads.WPARAM
        or slot_free
    ):  # fmt: skip
        return False, False
    takes, completed = wparams.params(
        s, c, table, fetch.first(q, WPARAM), fetch.offers(q, WPARAM), done,
        granted == reads.WPARAM, owner == reads.WPARAM, slot_free,
    )  # fmt: skip
    turns.rest(w, turns.B_WPARAM, turns.changed(s, before, wparams.SCALARS))
    return takes, completed


@edge
def _execute(w, s, before, c, cycle, table, q, done, filled, bank_free):
    """The turn of the exec engine; while it is steady, only pixels and lanes are counted."""
    if not (turns.is_awake(w, turns.B_EXEC) or bank_free or execute.event(s) == cycle):
        if w[turns.PIXELS]:
            s[execute.PIXELS_LEFT] -= 1
            s[execute.LANE] += w[turns.LANES]
            if steady_cycles(w, s, c) == 0:
                turns.wake(w, turns.B_EXEC)
        return False, False, False
    pixels, lane = s[execute.PIXELS_LEFT], s[execute.LANE]
    takes, completed, written = execute.execute(
        s, c, cycle, table, fetch.first(q, EXEC), fetch.offers(q, EXEC), done, filled, bank_free
    )
    before[execute.PIXELS_LEFT], before[execute.LANE] = s[execute.PIXELS_LEFT], s[execute.LANE]
    stirs = turns.changed(s, before, execute.SCALARS)
    w[turns.PIXELS] = s[execute.PIXELS_LEFT] == pixels - 1
    w[turns.LANES] = s[execute.LANE] == lane + 1
    still = s[execute.PIXELS_LEFT] == pixels and s[execute.LANE] == lane
    steady = w[turns.PIXELS] != 0 and (w[turns.LANES] != 0 or s[execute.LANE] == lane)
    if not (still or (steady and steady_cycles(w, s, c) > 0)):
        stirs = True
    turns.rest(w, turns.B_EXEC, stirs)
    return takes, completed, written


@edge
def steady_cycles(w, s, c):
    """How many more edges of a steady exec engine count pixels and lanes, and nothing else."""
    if w[turns.PIXELS] == 0:
        return NEVER
    cycles = s[execute.PIXELS_LEFT]
    if w[turns.LANES]:
        cycles = min(cycles, c[ROWS] - 2 - s[execute.LANE])
    return max(cycles, 0)


@edge
def _post(w, poster, before, pooler, pool_before, storer, c, table, q, done, written):
    """The turn of post-processing, from the block reader by way of the pool to the slice."""
    if not (turns.is_awake(w, turns.B_POST) or written):
        return
    current = poster[post.COMMAND]
    kind = pool.mode(table, current)
    begins = post.starts(poster, table) and table[current, P_BEGIN] != 0
    valid, end = post.has_vector(poster), post.is_end(poster)
    ready, room = w[turns.STORES] != 0, poster[post.POOLED + 1] == 0
    ended = poster[post.POOLED] != 0 and poster[post.POOLED + VALUE] != 0 and ready
    if kind == 0:
        taken, pooled_valid, pooled_end = valid and room, valid, end
    else:
        taken = valid and pool.takes_input(pooler, end)
        pooled_valid, pooled_end = pool.has_output(pooler, kind), pool.is_end(pooler, kind)
        pool.pool(pooler, c, table, current, kind, valid, end, room)
    stream_slice_of(poster, post.POOLED, pooled_valid, pooled_end, ready)
    post.post(
        poster, c, table, fetch.first(q, POST), fetch.offers(q, POST), done, written, taken, ended
    )
    if begins and kind != 0:
        pool.begin(pooler, table, current)
    stirs = turns.changed(poster, before, post.SCALARS)
    if turns.changed(pooler, pool_before, pool.SCALARS):
        stirs = True
    turns.rest(w, turns.B_POST, stirs)


@edge
def _store(w, s, before, c, block, level, table, number, valid, end, begins, aw, ready, answered):
    """The turn of a store engine; ``level`` is where it is kept whether it takes its input."""
    if not (
        turns.is_awake(w, block) or (valid and w[level] != 0) or begins or answered
        or (s[store.AWVALID] != 0 and aw) or (ready and store.shows(s))
    ):  # fmt: skip
        return False, 0, False
    sent, address, completed = store.store(s, c, table, number, valid, end, aw, ready, answered)
    if begins:
        store.begin(s, table, number)
    takes = store.takes_input(s, c)
    if takes != (w[level] != 0):
        turns.wake(w, turns.B_POST if block == turns.B_STORE else turns.B_WINDOW)
    w[level] = takes
    turns.rest(w, block, turns.changed(s, before, store.SCALARS))
    return sent, address, completed


@edge
def _window(w, s, before, c, cycle, table, q, done, recorded, stored, completed):
    """The turn of the window unit."""
    if not (
        turns.is_awake(w, turns.B_WINDOW) or recorded or stored or completed
        or window.event(s) == cycle
    ):  # fmt: skip
        return False
    takes = window.window(
        s, c, cycle, table, fetch.first(q, WINDOW), fetch.offers(q, WINDOW), done, recorded,
        stored, completed,
    )  # fmt: skip
    turns.rest(w, turns.B_WINDOW, turns.changed(s, before, window.SCALARS))
    return takes


@edge
def _array_idle(q, loader, weigher, poster, storer):
    """Whether all engines but exec and the window unit's are idle."""
    return (
        loader[load.UNDER_WAY] == 0 and weigher[records.UNDER_WAY] == 0 and post.idle(poster)
        and poster[post.POOLED] == 0 and store.idle(storer)
        and not fetch.offers(q, LOAD) and not fetch.offers(q, WEIGHTS)
        and not fetch.offers(q, POST)
    )  # fmt: skip


@edge
def _window_idle(q, wloader, wparamer, unit, wstorer):
    """Whether all engines of the window unit are idle."""
    return (
        wloader[load.UNDER_WAY] == 0 and wparamer[records.UNDER_WAY] == 0
        and unit[window.UNDER_WAY] == 0 and not window.offers(unit) and store.idle(wstorer)
        and not fetch.offers(q, WLOAD) and not fetch.offers(q, WPARAM)
        and not fetch.offers(q, WINDOW)
    )  # fmt: skip


@edge
def _settle(w, done, count):
    """Done counts reach the engines one by one, some cycles after they changed."""
    if done[0, 0] + done[0, 1] + done[0, 2] + done[0, 3] + done[0, 4] != count:
        w[turns.SETTLING] = DONE_DELAYS
    if w[turns.SETTLING]:
        w[turns.SETTLING] -= 1
        w[turns.BUSY] = 1
        turns.wake(w, turns.WAITING)


def _source() -> str:
    """What the compiled loop depends on: Numba sees to a change of this file alone."""
    folder = pathlib.Path(__file__).parent
    files = [*sorted(folder.glob("*.py")), folder.parent / "isa.py", folder.parent / "params.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@functools.cache
def compiled(skip: bool = True):
    """The compiled loop; without ``skip`` every block has its turn in every cycle."""
    source = _source()

    @numba.njit(cache=True, error_model="numpy", nogil=True)
    def run(c, route, pooled, tables, states, befores, written, max_cycles):
        """Run a program to its end.

        Args:
            c: the machine's shape.
            route, pooled, tables: its commands (accel.model.commands).
            states, befores: of the blocks; the same, to compare with.
            written: int64 [layers, 1 + RECORD_WORDS], which gets the address and the words of each
                completion record.
            max_cycles: give up behind these.

        Returns:
            Cycles, or -1; the number of records.
        """
        version = source  # makes it a part of the key in Numba's cache
        (mem, master, fetcher, q, loader, weigher, exe, poster, pooler, storer, board, counts,
         wloader, wparamer, unit, wstorer, shared, w) = states  # fmt: skip
        (_, _, b_fetcher, b_q, b_loader, b_weigher, b_exe, b_poster, b_pooler, b_storer, b_board, _,
         b_wloader, b_wparamer, b_unit, b_wstorer, b_shared, _) = befores  # fmt: skip
        loads, tiles, execs, posts = tables[LOAD], tables[WEIGHTS], tables[EXEC], tables[POST]
        wloads, wtiles, windows = tables[WLOAD], tables[WPARAM], tables[WINDOW]
        has_window = c[TAPS] != 0
        # Done counts now, and as they were some cycles ago.
        done = np.zeros((DONE_DELAYS + 1, DONE), np.int64)
        number, cycle = 0, 0
        while cycle < max_cycles:
            cycle += 1
            w[turns.BUSY] = 0
            if not skip:
                w[turns.AWAKE] = -1
            last = board[supervise.FINISHED] != 0
            drives = memory.begin(mem, c)
            arready, awready = drives & memory.ARREADY != 0, drives & memory.AWREADY != 0
            wready, answered = drives & memory.WREADY != 0, drives & memory.BVALID != 0
            rvalid, rlast = drives & memory.RVALID != 0, drives & memory.RLAST != 0
            accepts = reads.accepts(master, arready)
            granted, beats = _request(fetcher, loader, weigher, wloader, wparamer, accepts)
            owner, read_beat = master[reads.BEAT_OWNER], master[reads.BEAT]

            # What the blocks tell each other in this cycle, from before its edge.
            swap, filled = exe[execute.SWAP] != 0, weigher[weights.FILLED] != 0
            bank_free, slot_free = poster[post.BANK_FREE] != 0, post.slot_free(poster) != 0
            busy, macs = exe[execute.BUSY] != 0, exe[execute.MACS_3]
            wait_bank, wait_weights = exe[execute.WAIT_BANK] != 0, exe[execute.WAIT_WEIGHTS] != 0
            starved = (exe[execute.WAIT_LOAD] != 0 and load.active(loader)) or (
                wait_weights and weights.fifo_empty(weigher, c)
            )
            exec_idle = exe[execute.IDLE] != 0
            engines_idle = exec_idle and _array_idle(q, loader, weigher, poster, storer)
            open_bus = reads.outstanding(master) or store.outstanding(storer)
            pending, all_sent = fetch.pending(q, EXEC), fetch.finished(fetcher)
            number = _snapshot(storer, counts, written, number)
            completed, window_busy, window_sent = 0, False, False
            takes_wload = takes_wparam = takes_window = False
            bus_address, bus_sent = 0, False
            post_aw, post_w, post_answered = awready, wready, answered

            if has_window:
                engines_idle = engines_idle and _window_idle(q, wloader, wparamer, unit, wstorer)
                open_bus = open_bus or store.outstanding(wstorer)
                number = _snapshot(wstorer, counts, written, number)
                window_busy, window_slot = window.issues(unit), window.slot_free(unit, cycle)
                macs += unit[window.MACS]
                recorded = wparamer[wparams.COMPLETED] != 0
                # The bus is shared: who may show his address and data in this cycle.
                taken, port = arbiter.begins(
                    shared, storer[store.AWVALID] != 0, wstorer[store.AWVALID] != 0, awready
                )
                room, answer = arbiter.free(shared, wready), arbiter.answers(shared)
                shown, closes, length = False, False, 0
                if port == 1:
                    shown, closes = store.shows(wstorer), wstorer[store.LEFT] == 1
                    length = wstorer[store.AWBEATS]
                elif port == 0:
                    shown, closes = store.shows(storer), storer[store.LEFT] == 1
                    length = storer[store.AWBEATS]
                bus_address = shared[arbiter.AWBEATS] if shared[arbiter.AWVALID] and awready else 0
                bus_sent = shared[arbiter.WVALID] != 0 and wready
                valid, current = window.offers(unit), unit[window.COMMAND]
                stored = valid and w[turns.WSTORES] != 0
                window_sent, _, window_done = _store(
                    w, wstorer, b_wstorer, c, turns.B_WSTORE, turns.WSTORES, windows, current,
                    valid, window.is_end(unit), window.begins(unit), taken == 1,
                    port == 1 and room, answered and answer == 1,
                )  # fmt: skip
                takes_window = _window(
                    w, unit, b_unit, c, cycle, windows, q, done[DONE_WINDOW_DELAY], recorded,
                    stored, window_done,
                )  # fmt: skip
                takes_wload, wload_done = _load(
                    w, wloader, b_wloader, c, wloads, q, done[DONE_WINDOW_DELAY], granted, owner,
                    reads.WLOAD,
                )  # fmt: skip
                takes_wparam, wparam_done = _params(
                    w, wparamer, b_wparamer, c, wtiles, q, done[DONE_WINDOW_DELAY], granted, owner,
                    window_slot,
                )  # fmt: skip
                arbiter.arbiter(
                    shared, taken, length, port, shown, closes, awready, wready, answered
                )
                if turns.changed(shared, b_shared, arbiter.SCALARS):
                    w[turns.BUSY] = 1
                completed = wload_done << WLOAD | wparam_done << WPARAM | window_done << WINDOW
                post_aw, post_w = taken == 0, port == 0 and room
                post_answered = answered and answer == 0

            takes_load, load_done = _load(
                w, loader, b_loader, c, loads, q, done[DONE_LOAD_DELAY], granted, owner, reads.LOAD
            )
            takes_weights, weights_done = _weights(
                w, weigher, b_weigher, c, tiles, q, done[DONE_WEIGHTS_DELAY], granted, owner, swap,
                slot_free,
            )  # fmt: skip
            takes_exec, exec_done, block_done = _execute(
                w, exe, b_exe, c, cycle, execs, q, done[DONE_EXEC_DELAY], filled, bank_free
            )
            takes_post = post.idle(poster) and fetch.offers(q, POST)
            current = poster[post.COMMAND]
            begins = post.starts(poster, posts) and posts[current, P_BEGIN] != 0
            valid, end = poster[post.POOLED] != 0, poster[post.POOLED + VALUE] != 0
            ready = w[turns.STORES]
            _post(
                w, poster, b_poster, pooler, b_pooler, storer, c, posts, q, done[DONE_POST_DELAY],
                block_done,
            )  # fmt: skip
            sent, address, post_done = _store(
                w, storer, b_storer, c, turns.B_STORE, turns.STORES, posts, current, valid, end,
                begins, post_aw, post_w, post_answered,
            )  # fmt: skip
            if not has_window:
                bus_address, bus_sent = address, sent
            word, entered = fetch.NONE, fetch.NONE
            if (
                turns.is_awake(w, turns.B_FETCH) or owner == reads.FETCH
                or (fetcher[fetch.ASKING] != 0 and accepts)
            ):  # fmt: skip
                word, entered = fetch.fetch(
                    fetcher, q, c, accepts, owner == reads.FETCH, route, pooled
                )
                turns.rest(
                    w, turns.B_FETCH, turns.changed(fetcher, b_fetcher, fetch.SCALARS)
                )
            turns.command_queue(w, q, b_q, c, LOAD, word, entered, takes_load)
            turns.command_queue(w, q, b_q, c, WEIGHTS, word, entered, takes_weights)
            turns.command_queue(w, q, b_q, c, EXEC, word, entered, takes_exec)
            turns.command_queue(w, q, b_q, c, POST, word, entered, takes_post)
            if has_window:
                turns.command_queue(w, q, b_q, c, WLOAD, word, entered, takes_wload)
                turns.command_queue(w, q, b_q, c, WPARAM, word, entered, takes_wparam)
                turns.command_queue(w, q, b_q, c, WINDOW, word, entered, takes_window)

            supervise.count(
                counts, done[0], busy, starved, wait_bank, wait_weights,
                board[supervise.DRAINED] != 0, macs, read_beat, sent or window_sent, window_busy,
            )  # fmt: skip
            completed |= load_done << LOAD | weights_done << WEIGHTS | exec_done << EXEC
            completed |= post_done << POST
            if w[turns.SETTLING]:
                for delay in range(DONE_DELAYS, 0, -1):
                    done[delay] = done[delay - 1]
            count = done[0, 0] + done[0, 1] + done[0, 2] + done[0, 3] + done[0, 4]
            supervise.scoreboard(
                board, done[0], entered, completed, engines_idle, exec_idle, all_sent, pending,
                open_bus,
            )  # fmt: skip
            _settle(w, done, count)
            if turns.changed(board, b_board, supervise.SCALARS):
                w[turns.BUSY] = 1
            if master[reads.ARVALID] or rvalid or granted != reads.NOBODY or master[reads.MOVED]:
                w[turns.BUSY] = 1
                read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
                reads.master(master, arready, rvalid, rlast, granted, beats)
                memory.end(mem, c, drives, read_beats, bus_address, bus_sent)
            elif bus_address or bus_sent or answered:
                memory.end(mem, c, drives, 0, bus_address, bus_sent)
            if last:
                supervise.add(counts, 1)
                return cycle, number

            if skip and w[turns.BUSY] == 0 and w[turns.AWAKE] == 0:
                # Nothing but a steady exec engine: the next cycles are all like this one.
                cycles = min(steady_cycles(w, exe, c), execute.event(exe) - cycle - 1)
                cycles = min(cycles, window.event(unit) - cycle - 1, memory.rest(mem))
                cycles = min(cycles, max_cycles - cycle)
                if cycles > 0:
                    cycle += cycles
                    memory.pass_by(mem, c, cycles)
                    supervise.add(counts, cycles)
                    if w[turns.PIXELS]:
                        exe[execute.PIXELS_LEFT] -= cycles
                        exe[execute.LANE] += w[turns.LANES] * cycles
                        if steady_cycles(w, exe, c) == 0:
                            turns.wake(w, turns.B_EXEC)
        return -1, number if version else 0

    return run
