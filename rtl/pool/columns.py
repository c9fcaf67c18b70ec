"""The pooling unit's second half: windows across rows."""

from amaranth import Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect

from accel.isa import Pool
from accel.params import Params
from accel.rtl.parts.slice import StreamSlice
from accel.rtl.pool.rows import ROW_SUM_BITS, combine, partial_layout
from accel.rtl.pool.sequence import PoolSequence, plan_layout
from accel.rtl.pool.windows import PoolConfig

#: 255 row sums: the largest window.
SUM_BITS = ROW_SUM_BITS + 8
#: Entries of the queue behind this stage, and how many may be on their way into it.
QUEUE_DEPTH, IN_FLIGHT = 16, 6
#: Cycles from starting an operation to its entry being rewritten: address, memory, its output
#: register, result.
STAGES = 4


class PoolColumns(wiring.Component):
    """Combines the rows' partial results of each window: out_w x in_h becomes out_w x out_h.

    A window row that is open has out_w entries of a memory of ``params.pool_entries``.  The
    PoolSequence says which of them to combine each partial result with, which ones leave, and when.

    An entry is rewritten STAGES cycles after an operation on it starts; in images of fewer than
    STAGES pooled columns, an operation waits while an earlier one in its column is under way.

    Parameters:
        params: the machine.

    Members:
        config: constant from one cycle before ``begin`` until the last ``end`` has left.
        begin: start at the image's top left; only while nothing is inside.
        input: rows of out_w partial results, and ``end`` tokens.
        output: out_h rows of out_w results; ``end`` tokens behind everything before them.
        active: strobe: an operation starts.

    Latency 5 cycles; back-pressure through a queue.
    """

    def __init__(self, params: Params):
        self._params = params
        self._item = partial_layout(params, SUM_BITS)
        self._operation = data.StructLayout(
            {
                "opens": 1,  # replaces the entry instead of combining with it
                "keeps": 1,  # leaves the entry as it is
                "address": range(params.pool_entries),
                "column": range(STAGES),  # modulo STAGES
                "added": partial_layout(params, ROW_SUM_BITS),
            }
        )
        super().__init__(
            {
                "config": In(PoolConfig),
                "begin": In(1),
                "input": In(stream.Signature(partial_layout(params, ROW_SUM_BITS))),
                "output": Out(stream.Signature(self._item)),
                "active": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = SyncFIFO(width=self._item.size, depth=QUEUE_DEPTH)
        room = Signal()
        m.d.sync += room.eq(queue.level <= QUEUE_DEPTH - IN_FLIGHT)
        operation = Signal(self._operation)
        # Bit n of `uses` and `leaves` belongs to stage n, bit 0 to the operation that starts.
        uses, leaves = (Signal(STAGES + 1) for _ in range(2))
        stages = self._stages(m, operation)
        m.d.sync += [uses[1:].eq(uses), leaves[1:].eq(leaves)]
        clash = self._clash(m, stages, uses)
        plans = self._plans(m)
        plan, token, start = plans.payload, Signal(), Signal()
        m.d.comb += [
            token.eq(self.input.payload.end & ~plan.keeps),
            start.eq(plans.valid & (self.input.valid | plan.keeps) & room & ~clash),
            plans.ready.eq(start & ~token),
            self.input.ready.eq(start & (token | plan.takes)),
            uses[0].eq(start & ~token & plan.uses),
            leaves[0].eq(start & (token | plan.leaves)),
        ]
        self._fill(m, operation, plan, token)
        result = self._combine(m, stages, uses[STAGES])
        self._deliver(m, queue, result, leaves[STAGES])
        m.d.comb += self.active.eq(start)
        return m

    def _deliver(self, m, queue, result, leaves):
        """Put each ``result`` that ``leaves`` into the queue, which is the output."""
        m.d.comb += [
            queue.w_data.eq(result),
            queue.w_en.eq(leaves),
            self.output.payload.eq(queue.r_data),
            self.output.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.output.ready),
        ]

    def _stages(self, m, operation):
        """The operations that start and have started; returns one for each stage before STAGES."""
        stages = [operation]
        for n in range(1, STAGES):
            stages.append(Signal(self._operation, name=f"stage{n}", reset_less=True))
            m.d.sync += stages[n].eq(stages[n - 1])
        return stages

    def _clash(self, m, stages, uses):
        """Return whether an operation on the same entry as the first stage's is under way.

        An entry comes again after a whole row of others, soon enough to matter only in images
        narrower than STAGES.  There, comparing columns is enough, and short.
        """
        narrow = Signal()
        clash = Signal(STAGES - 1)
        m.d.sync += narrow.eq(self.config.out_w < STAGES)
        m.d.comb += [
            clash[n - 1].eq(narrow & uses[n] & (stages[n].column == stages[0].column))
            for n in range(1, STAGES)
        ]
        return clash.any()

    def _plans(self, m):
        """Have a PoolSequence plan the image; returns the stream of its plans.

        It goes up to two plans ahead, within cycles of the last one's use: long before another
        command's configuration comes.
        """
        m.submodules.sequence = sequence = PoolSequence(self._params)
        plans = StreamSlice(plan_layout(self._params))
        m.submodules.plans = ResetInserter(self.begin)(plans)
        connect(m, sequence.output, plans.input)
        m.d.comb += [sequence.config.eq(self.config), sequence.begin.eq(self.begin)]
        return plans.output

    def _fill(self, m, operation, plan, token):
        """Make ``operation`` of its plan and the partial result, or ``token``, at the input."""
        m.d.comb += [
            operation.opens.eq(plan.opens),
            operation.keeps.eq(plan.keeps),
            operation.address.eq(plan.address),
            operation.column.eq(plan.column[: len(operation.column)]),
            operation.added.eq(self.input.payload),
            operation.added.end.eq(token),  # if the operation keeps, whatever waits at the input
        ]

    def _combine(self, m, stages, rewrites):
        """Read the entry, register it, combine it with the row's result, write it back."""
        m.submodules.partial = memory = Memory(
            shape=self._item, depth=self._params.pool_entries, init=[]
        )
        read, write = memory.read_port(), memory.write_port()
        stored = Signal(self._item, reset_less=True)
        largest, compares, sums = Signal(), Signal(), Signal()
        m.d.comb += [read.addr.eq(stages[1].address), largest.eq(self.config.pool == Pool.MAX)]
        # What is done with the last stage, from registers beside it.
        before, last = stages[-2:]
        m.d.sync += [
            stored.eq(read.data),
            compares.eq(largest & ~before.keeps),
            sums.eq(~largest & ~before.keeps),
        ]

        updated = Signal(self._item)
        m.d.comb += [
            updated.end.eq(last.added.end),
            updated.count.eq(
                Mux(last.keeps, 0, last.added.count) + Mux(last.opens, 0, stored.count)
            ),
        ]
        for new, old, added in zip(updated.sums, stored.sums, last.added.sums, strict=True):
            m.d.comb += new.eq(combine(old, added, last.opens, compares, sums))

        result = Signal(self._item, reset_less=True)
        address = Signal.like(last.address, reset_less=True)
        m.d.sync += [result.eq(updated), address.eq(last.address)]
        m.d.comb += [write.addr.eq(address), write.data.eq(result), write.en.eq(rewrites)]
        return result
