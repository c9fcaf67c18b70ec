"""The blocks' turns in a cycle, and what they tell each other."""

import typing

from accel.cyclemodel import (
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
    wparams,
)
from accel.cyclemodel import window as walker
from accel.cyclemodel.commands import EXEC, LOAD, P_BEGIN, POST, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.cyclemodel.edge import NEVER, edge
from accel.cyclemodel.queues import VALUE, stream_slice_of
from accel.cyclemodel.shape import (
    CHUNK_SHIFT,
    DONE_DELAYS,
    DONE_LOAD_DELAY,
    DONE_WINDOW_DELAY,
    LANE_SHIFT,
    ROWS,
    TAPS,
    WINDOW_CHUNK_SHIFT,
    WINDOW_FILL_SHIFT,
)
from accel.cyclemodel.supervise import DONE, DONE_EXEC, DONE_POST, DONE_WINDOW
from accel.isa import RECORD_WORDS

#: What LOAD and WLOAD commands wait for.
_LOAD_WAITS = (DONE_EXEC, DONE_POST, DONE_WINDOW)


@edge
def request(fetcher, loader, weigher, wloader, wparamer, accepts):
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
def snapshot(storer, counts, written, number):
    """Keep the counters of this cycle if they become a record; how many records there are."""
    if store.snapshots(storer):
        written[number, 0] = storer[store.R_MARK_AT]
        for word in range(RECORD_WORDS):
            written[number, 1 + word] = counts[word]
        number += 1
    return number


@edge
def load_turn(w, s, before, c, table, q, done, granted, owner, client):
    """The turn of a load engine: the one of read client ``client``."""
    number = LOAD if client == reads.LOAD else WLOAD
    if not (turns.is_awake(w, 1 << number) or granted == client or owner == client):
        return False, False
    fill = c[LANE_SHIFT] if client == reads.LOAD else c[WINDOW_FILL_SHIFT]
    chunk = c[CHUNK_SHIFT] if client == reads.LOAD else c[WINDOW_CHUNK_SHIFT]
    delay = DONE_LOAD_DELAY if client == reads.LOAD else DONE_WINDOW_DELAY
    takes, completed = load.load(
        s, c, table, fetch.first(q, number), fetch.offers(q, number), done, delay, _LOAD_WAITS,
        fill,
        chunk, granted == client, owner == client,
    )  # fmt: skip
    known = owner == client or load.stirs(s)
    turns.rest(w, 1 << number, turns.changed_unless(known, s, before, load.SCALARS))
    return takes, completed


@edge
def weights_turn(w, s, before, c, table, q, done, granted, owner, swap, slot_free):
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
    known = owner == reads.WEIGHTS or weights.stirs(s)
    turns.rest(w, turns.B_WEIGHTS, turns.changed_unless(known, s, before, weights.SCALARS))
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
    turns.rest(w, turns.B_WPARAM, turns.changed(s, before, 0, wparams.SCALARS))
    return takes, completed


@edge
def execute_turn(w, s, before, c, cycle, table, q, done, filled, bank_free):
    """The turn of the exec engine; while it is steady, only pixels and lanes are counted."""
    if not (turns.is_awake(w, turns.B_EXEC) or bank_free or execute.event(s) == cycle):
        stream(w, s, c, 1)
        return False, False, False
    pixels, lane = s[execute.PIXELS_LEFT], s[execute.LANE]
    takes, completed, written = execute.execute(
        s, c, cycle, table, fetch.first(q, EXEC), fetch.offers(q, EXEC), done, filled, bank_free
    )
    before[execute.PIXELS_LEFT], before[execute.LANE] = s[execute.PIXELS_LEFT], s[execute.LANE]
    stirs = turns.changed_unless(execute.stirs(s), s, before, execute.SCALARS)
    w[turns.PIXELS] = s[execute.PIXELS_LEFT] == pixels - 1
    w[turns.LANES] = s[execute.LANE] == lane + 1
    still = s[execute.PIXELS_LEFT] == pixels and s[execute.LANE] == lane
    steady = w[turns.PIXELS] != 0 and (w[turns.LANES] != 0 or s[execute.LANE] == lane)
    if not (still or (steady and steady_cycles(w, s, c) > 0)):
        stirs = True
    turns.rest(w, turns.B_EXEC, stirs)
    return takes, completed, written


@edge
def stream(w, s, c, cycles):
    """Let a steady exec engine count pixels and lanes for so many cycles."""
    if w[turns.PIXELS]:
        s[execute.PIXELS_LEFT] -= cycles
        s[execute.LANE] += w[turns.LANES] * cycles
        if steady_cycles(w, s, c) == 0:
            turns.wake(w, turns.B_EXEC)


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
def post_turn(w, poster, before, pooler, pool_before, c, table, q, done, written):
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
    known = post.stirs(poster)
    stirs = turns.changed_unless(known, poster, before, post.SCALARS)
    if kind != 0 and turns.changed_unless(known, pooler, pool_before, pool.SCALARS):
        stirs = True
    turns.rest(w, turns.B_POST, stirs)


@edge
def store_turn(
    w, s, before, c, block, level, table, number, valid, end, begins, aw, ready, answered
):
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
    turns.rest(w, block, turns.changed_unless(store.stirs(s), s, before, store.SCALARS))
    return sent, address, completed


@edge
def _window(w, s, before, c, cycle, table, q, done, recorded, stored, completed):
    """The turn of the window unit."""
    if not (
        turns.is_awake(w, turns.B_WINDOW) or recorded or stored or completed
        or walker.event(s) == cycle
    ):  # fmt: skip
        return False
    takes = walker.window(
        s, c, cycle, table, fetch.first(q, WINDOW), fetch.offers(q, WINDOW), done, recorded,
        stored, completed,
    )  # fmt: skip
    stirs = turns.changed_unless(walker.stirs(s), s, before, walker.SCALARS)
    turns.rest(w, turns.B_WINDOW, stirs)
    return takes


class ArrayResult(typing.NamedTuple):
    """What comes of the engines around the array in a cycle.

    ``sent``: post-processing writes a beat; ``address``: beats of the burst that it announces;
    ``takes``, ``completed``: a bit for each engine.
    """

    sent: bool
    address: int
    takes: int
    completed: int


@edge
def array_side(w, c, cycle, tables, states, befores, done, granted, owner, told, window):
    """The turns of the engines around the array; ``window`` says who has the bus."""
    _, _, _, q, loader, weigher, exe, poster, pooler, storer, _, _, _, _, _, _, _, _ = states
    (_, _, _, _, b_loader, b_weigher, b_exe, b_poster, b_pooler, b_storer, _, _, _, _, _, _, _,
     _) = befores  # fmt: skip
    posts = tables[POST]
    takes_load, load_done = load_turn(
        w, loader, b_loader, c, tables[LOAD], q, done, granted, owner, reads.LOAD
    )
    takes_weights, weights_done = weights_turn(
        w, weigher, b_weigher, c, tables[WEIGHTS], q, done, granted, owner, told.swap,
        told.slot_free,
    )  # fmt: skip
    takes_exec, exec_done, block_done = execute_turn(
        w, exe, b_exe, c, cycle, tables[EXEC], q, done, told.filled, told.bank_free
    )
    takes_post = post.idle(poster) and fetch.offers(q, POST)
    current = poster[post.COMMAND]
    begins = post.starts(poster, posts) and posts[current, P_BEGIN] != 0
    valid, end = poster[post.POOLED] != 0, poster[post.POOLED + VALUE] != 0
    post_turn(w, poster, b_poster, pooler, b_pooler, c, posts, q, done, block_done)
    sent, address, post_done = store_turn(
        w, storer, b_storer, c, turns.B_STORE, turns.STORES, posts, current, valid, end, begins,
        window.aw, window.w, window.answered,
    )  # fmt: skip
    takes = takes_load << LOAD | takes_weights << WEIGHTS | takes_exec << EXEC | takes_post << POST
    completed = load_done << LOAD | weights_done << WEIGHTS | exec_done << EXEC | post_done << POST
    return ArrayResult(sent, address, takes, completed)


class WindowResult(typing.NamedTuple):
    """What comes of the window unit and the shared bus in a cycle.

    ``busy``: it computes; ``sent``: it writes a beat; ``macs``: its multiplications;
    ``takes``, ``completed``: a bit for each of its engines; ``aw``, ``w``, ``answered``: what the
    bus says to post-processing; ``address``, ``bus_sent``: what the memory takes.
    """

    busy: bool
    sent: bool
    macs: int
    takes: int
    completed: int
    aw: bool
    w: bool
    answered: bool
    address: int
    bus_sent: bool


@edge
def window_stirs(w, cycle, states, granted, owner, answered):
    """Whether the window unit or the shared bus has anything to do; else all stays as it is."""
    _, _, _, _, _, _, _, _, _, storer, _, _, _, _, unit, wstorer, shared, _ = states
    return (
        w[turns.AWAKE] & turns.WINDOW_UNIT != 0 or answered
        or granted in (reads.WPARAM, reads.WLOAD) or owner in (reads.WPARAM, reads.WLOAD)
        or walker.event(unit) == cycle or store.writes(storer) or store.writes(wstorer)
        or arbiter.writes(shared)
    )  # fmt: skip


@edge
def window_side(
    w, c, cycle, tables, states, befores, done, granted, owner, awready, wready, answered
):
    """The window unit's turns, and the bus that it shares with post-processing."""
    _, _, _, q, _, _, _, _, _, storer, _, _, wloader, wparamer, unit, wstorer, shared, _ = states
    _, _, _, _, _, _, _, _, _, _, _, _, b_wloader, b_wparamer, b_unit, b_wstorer, _, _ = befores
    busy, slot_free = walker.issues(unit), walker.slot_free(unit, cycle)
    macs, recorded = unit[walker.MACS], wparamer[wparams.COMPLETED] != 0
    # Who may show his address and data in this cycle.
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
    address = shared[arbiter.AWBEATS] if shared[arbiter.AWVALID] and awready else 0
    bus_sent = shared[arbiter.WVALID] != 0 and wready
    valid, current = walker.offers(unit), unit[walker.COMMAND]
    stored = valid and w[turns.WSTORES] != 0
    sent, _, window_done = store_turn(
        w, wstorer, b_wstorer, c, turns.B_WSTORE, turns.WSTORES, tables[WINDOW], current, valid,
        walker.is_end(unit), walker.begins(unit), taken == 1, port == 1 and room,
        answered and answer == 1,
    )  # fmt: skip
    takes_window = _window(
        w, unit, b_unit, c, cycle, tables[WINDOW], q, done, recorded, stored, window_done
    )
    takes_wload, wload_done = load_turn(
        w, wloader, b_wloader, c, tables[WLOAD], q, done, granted, owner, reads.WLOAD
    )
    takes_wparam, wparam_done = _params(
        w, wparamer, b_wparamer, c, tables[WPARAM], q, done, granted, owner, slot_free
    )
    arbiter.arbiter(shared, taken, length, port, shown, closes, awready, wready, answered)
    w[turns.BUSY] = 1
    return WindowResult(
        busy, sent, macs, takes_wload << WLOAD | takes_wparam << WPARAM | takes_window << WINDOW,
        wload_done << WLOAD | wparam_done << WPARAM | window_done << WINDOW, taken == 0,
        port == 0 and room, answered and answer == 0, address, bus_sent,
    )  # fmt: skip


@edge
def fetch_turn(w, s, before, q, c, route, pooled, owner, accepts):
    """The turn of the fetcher: whose queue gets a word of a command, and whose the last one."""
    comes = owner == reads.FETCH
    if not (turns.is_awake(w, turns.B_FETCH) or comes or (s[fetch.ASKING] != 0 and accepts)):
        return fetch.NONE, fetch.NONE
    word, entered = fetch.fetch(s, q, c, accepts, comes, route, pooled)
    stirs = turns.changed_unless(fetch.stirs(s), s, before, fetch.SCALARS)
    turns.rest(w, turns.B_FETCH, stirs)
    return word, entered


@edge
def queue_turns(w, q, before, c, word, entered, takes):
    """The turns of the command queues; ``takes``: a bit for each engine that takes a command."""
    turns.command_queue(w, q, before, c, LOAD, word, entered, takes >> LOAD & 1 != 0)
    turns.command_queue(w, q, before, c, WEIGHTS, word, entered, takes >> WEIGHTS & 1 != 0)
    turns.command_queue(w, q, before, c, EXEC, word, entered, takes >> EXEC & 1 != 0)
    turns.command_queue(w, q, before, c, POST, word, entered, takes >> POST & 1 != 0)
    if c[TAPS]:
        for engine in (WLOAD, WPARAM, WINDOW):
            turns.command_queue(w, q, before, c, engine, word, entered, takes >> engine & 1 != 0)


@edge
def scoreboard_turn(w, s, before, done, entered, completed, told):
    """The turn of the scoreboard, and of the done counts on their way to the engines."""
    if w[turns.SETTLING]:
        for delay in range(DONE_DELAYS, 0, -1):
            for engine in range(DONE):
                done[delay, engine] = done[delay - 1, engine]
    count = done[0, 0] + done[0, 1] + done[0, 2] + done[0, 3] + done[0, 4]
    supervise.scoreboard(
        s, done, entered, completed, told.engines_idle, told.exec_idle, told.all_sent,
        told.pending, told.open_bus,
    )  # fmt: skip
    _settle(w, done, count)
    if turns.changed(s, before, 0, supervise.SCALARS):
        w[turns.BUSY] = 1


@edge
def _settle(w, done, count):
    """Done counts reach the engines one by one, some cycles after they changed."""
    if done[0, 0] + done[0, 1] + done[0, 2] + done[0, 3] + done[0, 4] != count:
        w[turns.SETTLING] = DONE_DELAYS + 1
    if w[turns.SETTLING]:
        w[turns.SETTLING] -= 1
        w[turns.BUSY] = 1
        turns.wake(w, turns.WAITING)


@edge
def bus_turn(w, mem, master, c, drives, granted, beats, address, sent):
    """The turn of the read master, and the end of the memory's cycle.

    Args:
        drives: what the memory drives.  granted, beats: whose burst is taken, and how long it is.
        address: beats of the burst to write that the memory takes.  sent: it takes a beat.
    """
    rvalid, arready = drives & memory.RVALID != 0, drives & memory.ARREADY != 0
    if master[reads.ARVALID] or rvalid or granted != reads.NOBODY or master[reads.MOVED]:
        w[turns.BUSY] = 1
        read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
        reads.master(master, arready, rvalid, drives & memory.RLAST != 0, granted, beats)
        memory.end(mem, c, drives, read_beats, address, sent)
    elif address or sent or drives & memory.BVALID:
        memory.end(mem, c, drives, 0, address, sent)
