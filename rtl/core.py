"""Everything behind the control: command fetch, engines, array, memory ports, counters."""

from amaranth import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.params import IM2COL_LATENCY, SWAP_LATENCY, Params
from accel.rtl.array.accumulator import Accumulator
from accel.rtl.array.systolic import SystolicArray
from accel.rtl.array.weights import WeightEngine
from accel.rtl.control.control import core_port
from accel.rtl.control.counters import Counters
from accel.rtl.control.fetch import Fetch
from accel.rtl.control.scoreboard import Scoreboard
from accel.rtl.im2col.buffer import Im2colBuffer
from accel.rtl.im2col.entrance import Im2colEntrance
from accel.rtl.im2col.exec import ExecEngine
from accel.rtl.im2col.load import LoadEngine
from accel.rtl.interfaces import axi_read, axi_write, tag_layout
from accel.rtl.memory.read import ReadMaster
from accel.rtl.memory.write_arbiter import WriteArbiter
from accel.rtl.parts.checksum import Total
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.reset import ResetChain, distribute
from accel.rtl.post.post import PostEngine
from accel.rtl.window.unit import WindowUnit


class Core(wiring.Component):
    """The blocks of the machine and the wires between them, and nothing else.

                      Fetch ----> queues of LOAD, WEIGHTS, EXEC, POST
                                    |       |        |       |
        memory -> ReadMaster -> LoadEngine  |    ExecEngine  |
                      |       Im2colEntrance|        |       |
                      |         ^   v       |        v tags  |
                      |         | Im2colBuffer -> SystolicArray -> Accumulator
                      |                     v  ^weights      v        |
                      +-------------> WeightEngine       PostEngine <-+ -+-> memory
                      |                                   near |         |
                      |                       +----------------+         |
                      |                       v                          |
                      +-------------> WindowUnit ---------> WriteArbiter +

    With ``params.window_taps`` of 0 there is no window unit, and nothing to arbitrate.

    Readers of memory, the first served first: the fetcher, because nothing runs without commands
    and they are few; then the weights and the window unit's parameters, whose queues are short and
    soon full; then the loads, which may run far ahead, into the smaller buffer first.

    Parameters:
        params: the machine.

    Members:
        control: see accel.rtl.control.control.core_port.  A program may be started once after a
            reset.
        reset: clears everything; held for RESET_CYCLES, and as long again before a start.
        axi_read, axi_write: AXI4 master.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "control": In(core_port(params)),
                "reset": In(1),
                "axi_read": Out(axi_read(params)),
                "axi_write": Out(axi_write(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params, chain = self._params, ResetChain(m, self.reset)
        fetch = chain.add("fetch", Fetch(params))
        load = chain.add("load", LoadEngine(params))
        weights = chain.add("weights", WeightEngine(params))
        exe = chain.add("exec", ExecEngine(params))
        post = chain.add("post", PostEngine(params))
        scoreboard = chain.add("scoreboard", Scoreboard(params))
        counters = chain.add("counters", Counters())
        engines = {"load": load, "weights": weights, "exec": exe, "post": post}

        for name, engine in engines.items():
            connect(m, getattr(fetch, name), engine.command)
            self._keep_score(m, scoreboard, name, engine.completed, engine.idle)
        window = {}
        if params.window_taps:
            window = {"window": self._window_unit(m, chain, fetch, scoreboard, counters)}
            m.d.comb += window["window"].near.eq(post.near)
        small = [port for one in window.values() for port in (one.param_client, one.load_client)]
        clients = (fetch.client, weights.client, *small, load.client)
        writers = (post, *window.values())
        reads = self._ports(m, chain, clients, writers)
        engines |= window
        # Counts that only grow may come late; the exec engine waits for them most.
        distribute(m, platform, "done", scoreboard.done, {"exec": exe, **engines})
        self._order(m, platform, {"fetch": fetch, "reads": reads, **engines})
        placed = self._datapath(m, chain, load, weights, exe, post, window)
        self._supervision(m, fetch, reads, scoreboard, counters, writers)
        self._compare_sums(m, chain, fetch, weights, *window.values())
        self._activity(m, scoreboard, counters, load, weights, exe, placed)
        return m

    def _order(self, m, platform, units):
        """What the control tells all: to stop, and where memory begins for those who ask for it."""
        distribute(m, platform, "halt", self.control.halt, units)
        # Changes long before a start.
        asking = {name: one for name, one in units.items() if name in ("reads", "post", "window")}
        distribute(m, platform, "base", self.control.base, asking)

    def _keep_score(self, m, scoreboard, name, completed, idle):
        """What the scoreboard is told of an engine."""
        m.d.comb += [scoreboard.completed[name].eq(completed), scoreboard.idle[name].eq(idle)]

    def _activity(self, m, scoreboard, counters, load, weights, exe, placed):
        """What the array and its sources do in this cycle."""
        m.d.comb += [
            scoreboard.activity.place.eq(placed.enable.any()),
            scoreboard.activity.row.eq(weights.row.valid),
            scoreboard.activity.param.eq(weights.param.valid),
            scoreboard.activity.exec.eq(exe.busy),
            *(
                getattr(counters, name).eq(getattr(exe, name))
                for name in ("busy", "wait_load", "wait_bank", "wait_weights", "macs")
            ),
            counters.load_active.eq(load.active),
            counters.fifo_empty.eq(weights.fifo_empty),
        ]

    def _window_unit(self, m, chain, fetch, scoreboard, counters):
        """The window unit, with its commands and what it tells of itself."""
        unit = chain.add("window", WindowUnit(self._params))
        for name in ("wload", "wparam", "window"):
            connect(m, getattr(fetch, name), getattr(unit, name))
            self._keep_score(m, scoreboard, name, unit.completed[name], unit.idle[name])
        m.d.comb += [
            scoreboard.activity.window.eq(unit.load_activity | unit.param_activity | unit.busy),
            counters.window_busy.eq(unit.busy),
            counters.window_macs.eq(unit.macs),
        ]
        return unit

    def _ports(self, m, chain, clients, writers):
        """Readers, in the order of their turns, and writers of memory; returns the read master."""
        reads = chain.add("reads", ReadMaster(self._params, clients=len(clients)))
        for number, client in enumerate(clients):
            connect(m, client, reads.clients[number])
        connect(m, reads.axi, flipped(self.axi_read))
        if len(writers) == 1:
            connect(m, writers[0].axi, flipped(self.axi_write))
        else:
            writes = chain.add("writes", WriteArbiter(self._params))
            for number, writer in enumerate(writers):
                connect(m, writer.axi, writes.masters[number])
            connect(m, writes.axi, flipped(self.axi_write))
        return reads

    def _datapath(self, m, chain, load, weights, exe, post, window):
        """Pixels, weights, sums; and what keeps the four engines in step.

        Returns what writes the im2col buffer.
        """
        params = self._params
        im2col = chain.add("im2col", Im2colBuffer(params))
        array = chain.add("array", SystolicArray(params))
        accumulator = chain.add("accumulator", Accumulator(params))
        swap = chain.add("swap", Delay(1, SWAP_LATENCY))
        tag = chain.add("tag", Delay(tag_layout(params), IM2COL_LATENCY))
        placed = load.write
        if params.window_feeds_array:
            entrance = chain.add("entrance", Im2colEntrance(params))
            connect(m, load.write, entrance.copies)
            m.d.comb += [entrance.near.eq(window["window"].back), load.stall.eq(entrance.stall)]
            placed = entrance.write
        connect(m, placed, im2col.write)
        connect(m, exe.read, im2col.read)
        connect(m, weights.row, array.weight)
        connect(m, weights.param, accumulator.param, post.param)
        connect(m, post.acc, accumulator.read)
        m.d.comb += [
            array.lanes.eq(im2col.lanes),
            accumulator.psums.eq(array.psums),
            tag.i.eq(exe.tag),
            accumulator.tag.eq(tag.o),
            swap.i.eq(exe.swap),
            array.swap.eq(swap.o),
            weights.swap.eq(exe.swap),
            exe.weights_ready.eq(weights.ready),
            exe.bank_free.eq(post.bank_free),
            weights.slot_free.eq(post.slot_free),
            post.block_done.eq(accumulator.block_done),
        ]
        if params.parity:
            used = Cat(exe.lanes > lane for lane in range(params.rows))
            m.d.comb += [im2col.used.eq(used), im2col.used_bytes.eq(1)]
        return placed

    def _compare_sums(self, m, chain, *summing):
        """With checksums: what came from memory, beside what the program should sum up to."""
        if not self._params.checksum:
            return
        sums = [block.checksum for block in summing]
        total = chain.add("total", Total([len(one) for one in sums]))
        m.d.comb += [
            total.sums.eq(Cat(sums)),
            total.expected.eq(self.control.checksum),
            self.control.wrong_checksum.eq(total.wrong),
        ]

    def _supervision(self, m, fetch, reads, scoreboard, counters, writers):
        """What the control is told, and what is counted."""
        control = self.control

        def any_of(name):
            return Cat(getattr(writer, name) for writer in writers).any()

        m.d.comb += [
            fetch.start.eq(control.start),
            fetch.program.eq(control.program),
            fetch.commands.eq(control.commands),
            control.finished.eq(scoreboard.finished),
            control.fetch_error.eq(fetch.error),
            control.fetch_code.eq(fetch.code),
            control.fetch_where.eq(fetch.where),
            control.read_error.eq(reads.error),
            control.write_error.eq(any_of("error")),
            control.outstanding.eq(scoreboard.outstanding),
            control.progress.eq(scoreboard.progress),
            control.record.eq(counters.record),
            scoreboard.dispatched.eq(fetch.dispatched),
            scoreboard.dispatch_finished.eq(fetch.finished),
            scoreboard.exec_pending.eq(fetch.pending.exec),
            scoreboard.outstanding_read.eq(reads.outstanding),
            scoreboard.outstanding_write.eq(any_of("outstanding")),
            scoreboard.activity.axi_read.eq(reads.progress),
            scoreboard.activity.axi_write.eq(any_of("progress")),
            counters.run.eq(control.run),
            counters.drained.eq(scoreboard.drained),
            counters.read_beat.eq(reads.beats),
            # Only one of them has the port in any cycle.
            counters.write_beat.eq(any_of("beats")),
            counters.done.eq(scoreboard.done),
            *(writer.record.eq(counters.record) for writer in writers),
        ]
