"""The turns of the engines that both sides have: load and store."""

from accel.cyclemodel import fetch, load, reads, store, turns
from accel.cyclemodel.commands import LOAD, WLOAD
from accel.cyclemodel.edge import edge
from accel.cyclemodel.shape import (
    CHUNK_SHIFT,
    DONE_LOAD_DELAY,
    DONE_WINDOW_DELAY,
    LANE_SHIFT,
    WINDOW_CHUNK_SHIFT,
    WINDOW_FILL_SHIFT,
)
from accel.cyclemodel.supervise import DONE_EXEC, DONE_POST, DONE_WINDOW

#: What LOAD and WLOAD commands wait for.
_LOAD_WAITS = (DONE_EXEC, DONE_POST, DONE_WINDOW)


@edge
def load_turn(w, s, before, c, table, q, done, granted, owner, client, stalled):
    """The turn of a load engine: the one of read client ``client``.

    ``stalled``: what it would place comes a cycle later, as post-processing has the port.
    """
    number = LOAD if client == reads.LOAD else WLOAD
    if not (turns.is_awake(w, 1 << number) or granted == client or owner == client):
        return False, False
    fill = c[LANE_SHIFT] if client == reads.LOAD else c[WINDOW_FILL_SHIFT]
    chunk = c[CHUNK_SHIFT] if client == reads.LOAD else c[WINDOW_CHUNK_SHIFT]
    delay = DONE_LOAD_DELAY if client == reads.LOAD else DONE_WINDOW_DELAY
    takes, completed = load.load(
        s, c, table, fetch.first(q, number), fetch.offers(q, number), done, delay, _LOAD_WAITS,
        fill, chunk, granted == client, owner == client, stalled,
    )  # fmt: skip
    known = owner == client or stalled or load.stirs(s)
    turns.rest(w, 1 << number, turns.changed_unless(known, s, before, load.SCALARS))
    return takes, completed


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
