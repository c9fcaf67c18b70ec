"""The machine's cycles, one by one, but for those in which nothing but time passes."""

from accel.compiled import compiled
from accel.cyclemodel import (
    array_side,
    blocks,
    memory,
    quiet,
    reads,
    signals,
    spans,
    supervise,
    turns,
    window_side,
)
from accel.cyclemodel.commands import WEIGHTS, WINDOW, WPARAM
from accel.cyclemodel.edge import OPTIONS
from accel.cyclemodel.shape import TAPS


@compiled(**OPTIONS)
def run(
    c, route, pooled, tables, states, befores, done, written, noted, max_cycles, skip
):
    """Run a program to its end.

    Args:
        c: the machine's shape.
        route, pooled, tables: its commands (accel.cyclemodel.commands).
        states, befores: of the blocks; the same, to compare with.
        done: int64 [1 + DONE_DELAYS, DONE], the done counts now and some cycles ago.
        written: int64 [layers, 1 + RECORD_WORDS], which gets the address and the words of each
            completion record.
        noted: room for the commands' spans (accel.cyclemodel.spans), or none.
        max_cycles: give up behind these.
        skip: without it every block has its turn in every cycle.

    Returns:
        Cycles, or -1; the number of records.
    """
    (mem, master, fetcher, q, loader, weigher, exe, poster, _, storer, board, counts, wloader,
     wparamer, _, wstorer, _, w) = states  # fmt: skip
    _, _, b_fetcher, b_q, _, _, _, _, _, _, b_board, _, _, _, _, _, _, _ = befores
    has_window, notes = c[TAPS] != 0, noted.size != 0
    number, cycle = 0, 0
    while cycle < max_cycles:
        cycle += 1
        turns.begin(w, skip)
        last = board[supervise.FINISHED] != 0
        drives = memory.begin(mem, c)
        awready, wready = drives & memory.AWREADY != 0, drives & memory.WREADY != 0
        answered = drives & memory.BVALID != 0
        accepts = reads.accepts(master, drives & memory.ARREADY != 0)
        granted, place, beats = blocks.request(fetcher, loader, weigher, wloader, wparamer, accepts)
        owner, read_beat = master[reads.BEAT_OWNER], master[reads.BEAT]
        told = signals.read(c, states)
        number = blocks.snapshot(storer, counts, written, number)
        window = window_side.WindowResult(
            False, False, 0, 0, 0, awready, wready, answered, 0, 0, False
        )
        if has_window:
            number = blocks.snapshot(wstorer, counts, written, number)
            if window_side.stirs(w, cycle, states, granted, owner, answered):
                window = window_side.turn(
                    w, c, cycle, tables, states, befores, done, granted, owner, awready,
                    wready, answered,
                )  # fmt: skip
        array = array_side.turn(
            w, c, cycle, tables, states, befores, done, granted, owner, told, window
        )
        word, entered = blocks.fetch_turn(
            w, fetcher, b_fetcher, q, c, route, pooled, owner, accepts
        )
        takes, completed = array.takes | window.takes, array.completed | window.completed
        blocks.queue_turns(w, q, b_q, c, word, entered, takes)
        supervise.count(
            counts, done, told.busy, told.starved, told.wait_bank, told.wait_weights,
            board[supervise.DRAINED] != 0, told.macs + window.macs, read_beat,
            array.sent or window.sent, window.busy,
        )  # fmt: skip
        if notes:
            begun = takes & (1 << WEIGHTS | 1 << WPARAM | 1 << WINDOW)
            spans.note(noted, cycle, begun, completed, loader, wloader, exe, poster)
        blocks.scoreboard_turn(w, board, b_board, done, entered, completed, told)
        to = window.to if has_window else array.to
        address = window.address if has_window else array.address
        bus_sent = window.bus_sent if has_window else array.sent
        blocks.bus_turn(
            w, mem, master, c, drives, granted, place, beats, to, address, bus_sent
        )
        if last:
            supervise.add(counts, 1)
            return cycle, number

        if skip and quiet.begins(w, states):
            cycle = quiet.pass_by(w, c, cycle, max_cycles, tables, states, befores, done)
        if skip:
            cycle = quiet.steady(w, c, cycle, max_cycles, states)
    return -1, number

