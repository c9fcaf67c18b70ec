"""What the blocks of both sides share in a cycle: commands, done counts, counters, the bus."""

from accel.cyclemodel import fetch, load, memory, reads, records, store, supervise, turns
from accel.cyclemodel.commands import EXEC, LOAD, POST, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.cyclemodel.edge import edge
from accel.cyclemodel.shape import DONE_DELAYS, TAPS
from accel.cyclemodel.supervise import DONE
from accel.isa import RECORD_WORDS


@edge
def request(fetcher, loader, weigher, wloader, wparamer, accepts):
    """Who has a burst taken, the first served first; where it begins, and how long it is."""
    if not accepts:
        return reads.NOBODY, 0, 0
    if fetcher[fetch.ASKING]:
        return reads.FETCH, fetcher[fetch.ASKED_AT], fetcher[fetch.ASKED]
    if records.requests(weigher):
        return reads.WEIGHTS, *reads.held(weigher, records.SPLIT)
    if records.requests(wparamer):
        return reads.WPARAM, *reads.held(wparamer, records.SPLIT)
    if load.requests(wloader):
        return reads.WLOAD, *reads.held(wloader, load.SPLIT)
    if load.requests(loader):
        return reads.LOAD, *reads.held(loader, load.SPLIT)
    return reads.NOBODY, 0, 0


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
def bus_turn(w, mem, master, c, drives, granted, place, beats, to, address, sent):
    """The turn of the read master, and the end of the memory's cycle.

    Args:
        drives: what the memory drives.
        granted, place, beats: whose burst is taken, where it begins and how long it is.
        to, address: place and beats of the burst to write that the memory takes.
        sent: it takes a beat.
    """
    rvalid, arready = drives & memory.RVALID != 0, drives & memory.ARREADY != 0
    if master[reads.ARVALID] or rvalid or granted != reads.NOBODY or master[reads.MOVED]:
        w[turns.BUSY] = 1
        read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
        memory.end(mem, c, drives, master[reads.ARPLACE], read_beats, to, address, sent)
        reads.master(master, arready, rvalid, drives & memory.RLAST != 0, granted, place, beats)
    elif address or sent or drives & memory.BVALID:
        memory.end(mem, c, drives, 0, 0, to, address, sent)
