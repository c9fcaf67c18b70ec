"""The machine's cycles, one by one, but for those in which nothing but time passes."""

import functools

from accel.compiled import compiled
from accel.model import (
    blocks,
    execute,
    fetch,
    load,
    memory,
    post,
    quiet,
    reads,
    spans,
    store,
    supervise,
    turns,
    weights,
)
from accel.model import window as walker
from accel.model.commands import EXEC, LOAD, P_BEGIN, POST, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.model.edge import OPTIONS
from accel.model.queues import VALUE
from accel.model.shape import (
    DONE_DELAYS,
    TAPS,
)
from accel.model.supervise import DONE


@functools.cache
def machine(skip: bool, notes: bool):
    """The compiled loop.

    Without ``skip`` every block has its turn in every cycle; with ``notes`` it notes the commands'
    spans.  Each is code of its own: the usual one has nothing of what it does not need.
    """

    @compiled(**OPTIONS)
    def run(c, route, pooled, tables, states, befores, done, written, noted, max_cycles):
        """Run a program to its end.

        Args:
            c: the machine's shape.
            route, pooled, tables: its commands (accel.model.commands).
            states, befores: of the blocks; the same, to compare with.
            done: int64 [1 + DONE_DELAYS, DONE], the done counts now and some cycles ago.
            written: int64 [layers, 1 + RECORD_WORDS], which gets the address and the words of each
                completion record.
            noted: room for the commands' spans (accel.model.spans), or none.
            max_cycles: give up behind these.

        Returns:
            Cycles, or -1; the number of records.
        """
        (mem, master, fetcher, q, loader, weigher, exe, poster, pooler, storer, board, counts,
         wloader, wparamer, unit, wstorer, _, w) = states  # fmt: skip
        (_, _, b_fetcher, b_q, b_loader, b_weigher, b_exe, b_poster, b_pooler, b_storer, b_board, _,
         _, _, _, _, _, _) = befores  # fmt: skip
        loads, tiles, execs, posts = tables[LOAD], tables[WEIGHTS], tables[EXEC], tables[POST]
        has_window = c[TAPS] != 0
        number, cycle = 0, 0
        while cycle < max_cycles:
            cycle += 1
            turns.begin(w, skip)
            last = board[supervise.FINISHED] != 0
            drives = memory.begin(mem, c)
            arready, awready = drives & memory.ARREADY != 0, drives & memory.AWREADY != 0
            wready, answered = drives & memory.WREADY != 0, drives & memory.BVALID != 0
            rvalid, rlast = drives & memory.RVALID != 0, drives & memory.RLAST != 0
            accepts = reads.accepts(master, arready)
            granted, beats = blocks.request(fetcher, loader, weigher, wloader, wparamer, accepts)
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
            engines_idle = exec_idle and blocks.array_idle(q, loader, weigher, poster, storer)
            open_bus = reads.outstanding(master) or store.outstanding(storer)
            pending, all_sent = fetch.pending(q, EXEC), fetch.finished(fetcher)
            number = blocks.snapshot(storer, counts, written, number)
            if has_window:
                engines_idle = engines_idle and blocks.window_idle(
                    q, wloader, wparamer, unit, wstorer
                )
                open_bus = open_bus or store.outstanding(wstorer)
                number = blocks.snapshot(wstorer, counts, written, number)
            window = blocks.WindowResult(False, False, 0, 0, 0, awready, wready, answered, 0, False)
            if has_window and blocks.window_stirs(w, cycle, states, granted, owner, answered):
                window = blocks.window_side(
                    w, c, cycle, tables, states, befores, done, granted, owner, awready, wready,
                    answered,
                )  # fmt: skip
                macs += window.macs

            takes_load, load_done = blocks.load_turn(
                w, loader, b_loader, c, loads, q, done, granted, owner, reads.LOAD
            )
            takes_weights, weights_done = blocks.weights_turn(
                w, weigher, b_weigher, c, tiles, q, done, granted, owner, swap,
                slot_free,
            )  # fmt: skip
            takes_exec, exec_done, block_done = blocks.execute_turn(
                w, exe, b_exe, c, cycle, execs, q, done, filled, bank_free
            )
            takes_post = post.idle(poster) and fetch.offers(q, POST)
            current = poster[post.COMMAND]
            begins = post.starts(poster, posts) and posts[current, P_BEGIN] != 0
            valid, end = poster[post.POOLED] != 0, poster[post.POOLED + VALUE] != 0
            blocks.post_turn(
                w, poster, b_poster, pooler, b_pooler, c, posts, q, done,
                block_done,
            )  # fmt: skip
            sent, address, post_done = blocks.store_turn(
                w, storer, b_storer, c, turns.B_STORE, turns.STORES, posts, current, valid, end,
                begins, window.aw, window.w, window.answered,
            )  # fmt: skip
            if has_window:
                address, bus_sent = window.address, window.bus_sent
            else:
                bus_sent = sent
            word, entered = fetch.NONE, fetch.NONE
            if (
                turns.is_awake(w, turns.B_FETCH) or owner == reads.FETCH
                or (fetcher[fetch.ASKING] != 0 and accepts)
            ):  # fmt: skip
                word, entered = fetch.fetch(
                    fetcher, q, c, accepts, owner == reads.FETCH, route, pooled
                )
                known = fetch.stirs(fetcher)
                turns.rest(
                    w, turns.B_FETCH,
                    turns.changed_unless(known, fetcher, b_fetcher, fetch.SCALARS),
                )  # fmt: skip
            turns.command_queue(w, q, b_q, c, LOAD, word, entered, takes_load)
            turns.command_queue(w, q, b_q, c, WEIGHTS, word, entered, takes_weights)
            turns.command_queue(w, q, b_q, c, EXEC, word, entered, takes_exec)
            turns.command_queue(w, q, b_q, c, POST, word, entered, takes_post)
            if has_window:
                for engine in (WLOAD, WPARAM, WINDOW):
                    takes = window.takes >> engine & 1 != 0
                    turns.command_queue(w, q, b_q, c, engine, word, entered, takes)

            supervise.count(
                counts, done, busy, starved, wait_bank, wait_weights,
                board[supervise.DRAINED] != 0, macs, read_beat, sent or window.sent, window.busy,
            )  # fmt: skip
            completed = load_done << LOAD | weights_done << WEIGHTS | exec_done << EXEC
            completed |= post_done << POST | window.completed
            if notes:
                begun = takes_weights << WEIGHTS | window.takes & (1 << WPARAM | 1 << WINDOW)
                spans.note(noted, cycle, begun, completed, loader, wloader, exe, poster)
            if w[turns.SETTLING]:
                for delay in range(DONE_DELAYS, 0, -1):
                    for engine in range(DONE):
                        done[delay, engine] = done[delay - 1, engine]
            count = done[0, 0] + done[0, 1] + done[0, 2] + done[0, 3] + done[0, 4]
            supervise.scoreboard(
                board, done, entered, completed, engines_idle, exec_idle, all_sent, pending,
                open_bus,
            )  # fmt: skip
            blocks.settle(w, done, count)
            if turns.changed(board, b_board, 0, supervise.SCALARS):
                w[turns.BUSY] = 1
            if master[reads.ARVALID] or rvalid or granted != reads.NOBODY or master[reads.MOVED]:
                w[turns.BUSY] = 1
                read_beats = master[reads.ARBEATS] if master[reads.ARVALID] and arready else 0
                reads.master(master, arready, rvalid, rlast, granted, beats)
                memory.end(mem, c, drives, read_beats, address, bus_sent)
            elif address or bus_sent or answered:
                memory.end(mem, c, drives, 0, address, bus_sent)
            if last:
                supervise.add(counts, 1)
                return cycle, number

            if skip and quiet.begins(w, states):
                cycle = quiet.pass_by(w, c, cycle, max_cycles, tables, states, befores, done)
            if skip and w[turns.BUSY] == 0 and w[turns.NEXT] == 0:
                # Nothing but a steady exec engine: the next cycles are all like this one.
                cycles = min(blocks.steady_cycles(w, exe, c), execute.event(exe) - cycle - 1)
                cycles = min(cycles, walker.event(unit) - cycle - 1, memory.rest(mem))
                cycles = min(cycles, max_cycles - cycle)
                if cycles > 0:
                    cycle += cycles
                    memory.pass_by(mem, c, cycles)
                    supervise.add(counts, cycles)
                    blocks.stream(w, exe, c, cycles)
        return -1, number

    return run
