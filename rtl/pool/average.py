"""Average pooling's division: sums to int8 by way of one requantiser."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accel.params import POOL_TABLE, REQUANT_LATENCY, Params
from accel.rtl.interfaces import vector_layout
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.eager import EagerFIFO
from accel.rtl.pool.columns import SUM_BITS
from accel.rtl.pool.rows import partial_layout
from accel.rtl.pool.windows import PoolConfig
from accel.rtl.post.requantise import Requantiser

#: Cycles from a vector's last sum to the averages.
LATENCY = REQUANT_LATENCY + 4

#: A write into the table of scales by element count.
TableWrite = wiring.Signature(
    {"valid": Out(1), "index": Out(range(POOL_TABLE)), "multiplier": Out(32),
     "shift": Out(signed(8))}
)  # fmt: skip


class Average(wiring.Component):
    """Scales a window's C sums one after another by the table's entry for its element count.

    Averages are due only once per window, so one requantiser is enough.

    Parameters:
        params: the machine.

    Members:
        config: constant while anything is inside.
        table: writes one entry of the table; only while nothing is inside.
        input: sums with their counts, and ``end`` tokens.
        output: int8 averages; an ``end`` token behind everything before it.
        active: strobe: a sum is taken.

    A vector takes C cycles, and LATENCY more to come out.
    """

    def __init__(self, params: Params):
        self._params = params
        # Vectors that may be under way or waiting to be taken: enough for one every C cycles.
        self._vectors = 2 + LATENCY // params.cols
        super().__init__(
            {
                "config": In(PoolConfig),
                "table": In(TableWrite),
                "input": In(stream.Signature(partial_layout(params, SUM_BITS))),
                "output": Out(stream.Signature(vector_layout(params))),
                "active": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = vector_layout(self._params)
        depth = 1 << ceil_log2(self._vectors)
        m.submodules.queue = queue = EagerFIFO(width=layout.size, depth=depth)
        m.d.comb += [
            self.output.payload.eq(queue.r_data),
            self.output.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.output.ready),
        ]
        issue, end, column = self._take(m)
        value, valid = self._scale(m, issue, self.input.payload, column)
        gathered, complete = self._gather(m, value, valid)
        m.d.comb += [queue.w_data.eq(gathered), queue.w_en.eq(end | complete)]
        return m

    def _take(self, m):
        """Take a sum a cycle, as long as the whole vector has a place in the queue.

        Returns whether a sum is taken, whether an ``end`` token is, and the sum's column.
        """
        cols = self._params.cols
        pending = Signal(range(self._vectors + 1))
        column = Signal(range(cols))
        item = self.input.payload
        issue, begun, end = Signal(), Signal(), Signal()
        m.d.comb += [
            issue.eq(self.input.valid & ~item.end & ((column != 0) | (pending != self._vectors))),
            begun.eq(issue & (column == 0)),
            end.eq(self.input.valid & item.end & (pending == 0)),
            self.input.ready.eq((issue & (column == cols - 1)) | end),
            self.active.eq(issue),
        ]
        m.d.sync += pending.eq(pending + (begun | end) - (self.output.valid & self.output.ready))
        with m.If(issue):
            m.d.sync += column.eq(column + 1)  # cols is a power of two
        return issue, end, column

    def _gather(self, m, value, valid):
        """Put a vector together from its averages; returns it, and whether it is complete.

        The columns before the last wait in a shift register.  What is not complete can only be an
        ``end`` token, for which nothing else is under way.
        """
        cols = self._params.cols
        gathered = Signal(vector_layout(self._params))
        done = Signal(range(cols))
        waiting = Signal(data.ArrayLayout(signed(8), cols - 1), reset_less=True)
        complete = valid & (done == cols - 1)
        m.d.comb += [gathered.end.eq(~complete), gathered.data[cols - 1].eq(value)]
        m.d.comb += [gathered.data[n].eq(waiting[n]) for n in range(cols - 1)]
        with m.If(valid):
            m.d.sync += [
                done.eq(done + 1),
                waiting[cols - 2].eq(value),
                *(waiting[n].eq(waiting[n + 1]) for n in range(cols - 2)),
            ]
        return gathered, complete

    def _scale(self, m, issue, item, column):
        """Look up the count and select the column, then requantise."""
        scale = data.StructLayout({"multiplier": 32, "shift": signed(8)})
        m.submodules.table = memory = Memory(shape=scale, depth=POOL_TABLE, init=[])
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            write.addr.eq(self.table.index),
            write.data.multiplier.eq(self.table.multiplier),
            write.data.shift.eq(self.table.shift),
            write.en.eq(self.table.valid),
            read.addr.eq(item.count),
        ]
        m.submodules.requantiser = requantiser = Requantiser()
        m.submodules.valid = valid = Delay(1, 2)
        # Selected in two steps: one of two, then one of the pairs.
        pairs = data.ArrayLayout(signed(SUM_BITS), self._params.cols // 2)
        paired, pair = Signal(pairs, reset_less=True), Signal(len(column) - 1, reset_less=True)
        x = Signal(signed(SUM_BITS), reset_less=True)
        looked_up = Signal(scale, reset_less=True)
        m.d.sync += [
            *(one.eq(Mux(column[0], item.sums[2 * n + 1], item.sums[2 * n]))
              for n, one in enumerate(paired)),
            pair.eq(column[1:]),
            x.eq(paired[pair]),
            looked_up.eq(read.data),
        ]  # fmt: skip
        m.d.comb += [
            valid.i.eq(issue),
            requantiser.valid.eq(valid.o),
            requantiser.x.eq(x),
            requantiser.multiplier.eq(looked_up.multiplier),
            requantiser.shift.eq(looked_up.shift),
            requantiser.rounding.eq(self.config.pool_rounding),
            requantiser.zero.eq(self.config.pool_out_zero),
            requantiser.lo.eq(-128),
            requantiser.hi.eq(127),
        ]
        return requantiser.y, requantiser.valid_out
