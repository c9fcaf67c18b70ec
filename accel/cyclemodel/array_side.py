"""The turns of the engines around the array, and what they tell the others."""

import typing

from accel.cyclemodel import (
    execute,
    fetch,
    pool,
    post,
    reads,
    shared_turns,
    store,
    turns,
    weights,
)
from accel.cyclemodel.commands import EXEC, LOAD, P_BEGIN, POST, WEIGHTS
from accel.cyclemodel.edge import NEVER, edge
from accel.cyclemodel.queues import VALUE, stream_slice_of
from accel.cyclemodel.shape import ROWS


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


class ArrayResult(typing.NamedTuple):
    """What comes of the engines around the array in a cycle.

    ``sent``: post-processing writes a beat; ``to``, ``address``: place and beats of the burst that
    it announces; ``takes``, ``completed``: a bit for each engine.
    """

    sent: bool
    to: int
    address: int
    takes: int
    completed: int


@edge
def turn(w, c, cycle, tables, states, befores, done, granted, owner, told, window):
    """The turns of the engines around the array; ``window`` says who has the bus."""
    _, _, _, q, loader, weigher, exe, poster, pooler, storer, _, _, _, _, _, _, _, _ = states
    (_, _, _, _, b_loader, b_weigher, b_exe, b_poster, b_pooler, b_storer, _, _, _, _, _, _, _,
     _) = befores  # fmt: skip
    posts = tables[POST]
    takes_load, load_done = shared_turns.load_turn(
        w, loader, b_loader, c, tables[LOAD], q, done, granted, owner, reads.LOAD, told.back
    )
    takes_weights, weights_done = weights_turn(
        w, weigher, b_weigher, c, tables[WEIGHTS], q, done, granted, owner, told.swap,
        told.slot_free,
    )  # fmt: skip
    to = storer[store.AWPLACE]
    takes_exec, exec_done, block_done = execute_turn(
        w, exe, b_exe, c, cycle, tables[EXEC], q, done, told.filled, told.bank_free
    )
    takes_post = post.idle(poster) and fetch.offers(q, POST)
    current = poster[post.COMMAND]
    begins = post.starts(poster, posts) and posts[current, P_BEGIN] != 0
    valid, end = poster[post.POOLED] != 0, poster[post.POOLED + VALUE] != 0
    post_turn(w, poster, b_poster, pooler, b_pooler, c, posts, q, done, block_done)
    sent, address, post_done = shared_turns.store_turn(
        w, storer, b_storer, c, turns.B_STORE, turns.STORES, posts, current, valid, end, begins,
        window.aw, window.w, window.answered,
    )  # fmt: skip
    takes = takes_load << LOAD | takes_weights << WEIGHTS | takes_exec << EXEC | takes_post << POST
    completed = load_done << LOAD | weights_done << WEIGHTS | exec_done << EXEC | post_done << POST
    return ArrayResult(sent, to, address, takes, completed)
