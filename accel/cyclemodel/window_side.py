"""The turns of the window unit's engines, and of the bus that it shares with post-processing."""

import typing

from accel.cyclemodel import arbiter, fetch, reads, shared_turns, store, turns, wparams
from accel.cyclemodel import window as walker
from accel.cyclemodel.commands import WINDOW, WLOAD, WPARAM
from accel.cyclemodel.edge import edge


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


class WindowResult(typing.NamedTuple):
    """What comes of the window unit and the shared bus in a cycle.

    ``busy``: it computes; ``sent``: it writes a beat; ``macs``: its multiplications;
    ``takes``, ``completed``: a bit for each of its engines; ``aw``, ``w``, ``answered``: what the
    bus says to post-processing; ``to``, ``address``, ``bus_sent``: what the memory takes.
    """

    busy: bool
    sent: bool
    macs: int
    takes: int
    completed: int
    aw: bool
    w: bool
    answered: bool
    to: int
    address: int
    bus_sent: bool


@edge
def stirs(w, cycle, states, granted, owner, answered):
    """Whether the window unit or the shared bus has anything to do; else all stays as it is."""
    _, _, _, _, _, _, _, _, _, storer, _, _, _, _, unit, wstorer, shared, _ = states
    return (
        w[turns.AWAKE] & turns.WINDOW_UNIT != 0 or answered
        or granted in (reads.WPARAM, reads.WLOAD) or owner in (reads.WPARAM, reads.WLOAD)
        or walker.event(unit) == cycle or store.writes(storer) or store.writes(wstorer)
        or arbiter.writes(shared)
    )  # fmt: skip


@edge
def turn(
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
    shown, closes, length, place = False, False, 0, 0
    if port == 1:
        shown, closes = store.shows(wstorer), wstorer[store.LEFT] == 1
        length, place = wstorer[store.AWBEATS], wstorer[store.AWPLACE]
    elif port == 0:
        shown, closes = store.shows(storer), storer[store.LEFT] == 1
        length, place = storer[store.AWBEATS], storer[store.AWPLACE]
    to = shared[arbiter.AWPLACE]
    address = shared[arbiter.AWBEATS] if shared[arbiter.AWVALID] and awready else 0
    bus_sent = shared[arbiter.WVALID] != 0 and wready
    valid, current = walker.offers(unit), unit[walker.COMMAND]
    stored = valid and w[turns.WSTORES] != 0
    sent, _, window_done = shared_turns.store_turn(
        w, wstorer, b_wstorer, c, turns.B_WSTORE, turns.WSTORES, tables[WINDOW], current, valid,
        walker.is_end(unit), walker.begins(unit), taken == 1, port == 1 and room,
        answered and answer == 1,
    )  # fmt: skip
    takes_window = _window(
        w, unit, b_unit, c, cycle, tables[WINDOW], q, done, recorded, stored, window_done
    )
    takes_wload, wload_done = shared_turns.load_turn(
        w, wloader, b_wloader, c, tables[WLOAD], q, done, granted, owner, reads.WLOAD,
        storer[store.NEAR] != 0,
    )
    takes_wparam, wparam_done = _params(
        w, wparamer, b_wparamer, c, tables[WPARAM], q, done, granted, owner, slot_free
    )
    arbiter.arbiter(
        shared, taken, place, length, port, shown, closes, awready, wready, answered
    )
    w[turns.BUSY] = 1
    return WindowResult(
        busy, sent, macs, takes_wload << WLOAD | takes_wparam << WPARAM | takes_window << WINDOW,
        wload_done << WLOAD | wparam_done << WPARAM | window_done << WINDOW, taken == 0,
        port == 0 and room, answered and answer == 0, to, address, bus_sent,
    )  # fmt: skip
