"""Everything behind the control: command fetch, engines, array, memory ports, counters."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.params import IM2COL_LATENCY, SWAP_LATENCY, Params
from rtl.accumulator import Accumulator
from rtl.array import SystolicArray
from rtl.axi import ReadMaster
from rtl.control import core_port
from rtl.counters import Counters
from rtl.delay import Delay
from rtl.exec import ExecEngine
from rtl.fetch import Fetch
from rtl.im2col import Im2colBuffer
from rtl.interfaces import axi_read, axi_write, tag_layout
from rtl.load import LoadEngine
from rtl.post import PostEngine
from rtl.reset import ResetChain, distribute
from rtl.scoreboard import Scoreboard
from rtl.weights import WeightEngine


class Core(wiring.Component):
    """The blocks of the machine and the wires between them, and nothing else.

                      Fetch ----> queues of LOAD, WEIGHTS, EXEC, POST
                                    |       |        |       |
        memory -> ReadMaster -> LoadEngine  |    ExecEngine  |
                      |             v       |        v tags  |
                      |       Im2colBuffer -|-> SystolicArray|-> Accumulator
                      |                     v  ^weights      v        |
                      +-------------> WeightEngine       PostEngine <-+ -> memory

    Readers of memory, the first served first: the fetcher, because nothing runs without commands
    and they are few; then the weights, whose queue is short and soon full; then the loads,
    which may run far ahead.

    Parameters:
        params: the machine.

    Members:
        control: see :func:`rtl.control.core_port`.  A program may be started once after a reset.
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
        params = self._params
        chain = ResetChain(m, self.reset)
        fetch = chain.add("fetch", Fetch(params))
        load = chain.add("load", LoadEngine(params))
        weights = chain.add("weights", WeightEngine(params))
        exe = chain.add("exec", ExecEngine(params))
        post = chain.add("post", PostEngine(params))
        reads = chain.add("reads", ReadMaster(params, clients=3))
        scoreboard = chain.add("scoreboard", Scoreboard())
        counters = chain.add("counters", Counters())
        engines = {"load": load, "weights": weights, "exec": exe, "post": post}

        for name, engine in engines.items():
            connect(m, getattr(fetch, name), engine.command)
            m.d.comb += [
                scoreboard.completed[name].eq(engine.completed),
                scoreboard.idle[name].eq(engine.idle),
            ]
        for number, reader in enumerate((fetch, weights, load)):
            connect(m, reader.client, reads.clients[number])
        connect(m, reads.axi, flipped(self.axi_read))
        connect(m, post.axi, flipped(self.axi_write))
        # Counts that only grow may come late; the exec engine waits for them most.
        distribute(m, "done", scoreboard.done, {"exec": exe, **engines})
        distribute(m, "halt", self.control.halt, {"fetch": fetch, "reads": reads, **engines})

        self._datapath(m, chain, load, weights, exe, post)
        self._supervision(m, fetch, reads, scoreboard, counters, post)
        m.d.comb += [
            scoreboard.activity.place.eq(load.write.enable.any()),
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
        return m

    def _datapath(self, m, chain, load, weights, exe, post):
        """Pixels, weights, sums; and what keeps the four engines in step."""
        params = self._params
        im2col = chain.add("im2col", Im2colBuffer(params))
        array = chain.add("array", SystolicArray(params))
        accumulator = chain.add("accumulator", Accumulator(params))
        swap = chain.add("swap", Delay(1, SWAP_LATENCY))
        tag = chain.add("tag", Delay(tag_layout(params), IM2COL_LATENCY))
        connect(m, load.write, im2col.write)
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

    def _supervision(self, m, fetch, reads, scoreboard, counters, post):
        """What the control is told, and what is counted."""
        control = self.control
        m.d.comb += [
            fetch.start.eq(control.start),
            fetch.program.eq(control.program),
            fetch.commands.eq(control.commands),
            control.finished.eq(scoreboard.finished),
            control.fetch_error.eq(fetch.error),
            control.fetch_code.eq(fetch.code),
            control.fetch_where.eq(fetch.where),
            control.read_error.eq(reads.error),
            control.write_error.eq(post.error),
            control.outstanding.eq(scoreboard.outstanding),
            control.progress.eq(scoreboard.progress),
            control.record.eq(counters.record),
            scoreboard.dispatched.eq(fetch.dispatched),
            scoreboard.dispatch_finished.eq(fetch.finished),
            scoreboard.exec_pending.eq(fetch.pending.exec),
            scoreboard.outstanding_read.eq(reads.outstanding),
            scoreboard.outstanding_write.eq(post.outstanding),
            scoreboard.activity.axi_read.eq(reads.progress),
            scoreboard.activity.axi_write.eq(post.progress),
            counters.run.eq(control.run),
            counters.drained.eq(scoreboard.drained),
            counters.read_beat.eq(reads.beats),
            counters.write_beat.eq(post.beats),
            counters.done.eq(scoreboard.done),
            post.record.eq(counters.record),
        ]
