"""The exec engine: issues the im2col vectors of EXEC commands."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.isa import Op
from accel.params import IM2COL_LATENCY, Params
from accel.rtl.im2col.offsets import OffsetGenerator
from accel.rtl.im2col.walker import PixelWalker
from accel.rtl.interfaces import Done, buffer_read, command_layout, tag_layout
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.slice import StreamSlice

#: Accumulator banks: one is filled while post-processing empties the other.
BANKS = 2
#: Cycles from a vector's issue to its share of ``ExecEngine.macs``.
MACS_LATENCY = 2


class ExecEngine(wiring.Component):
    """Decides in every cycle whether the next vector goes into the array.

    Nothing behind this point ever stalls.  So a tile's first vector is held back until the
    tile's weights and lane offsets are there, a block's first one also until an accumulator bank is
    free; a command's waits come before anything of it.  Everything else flows at one vector a
    cycle, from one tile or command to the next without a gap.  All outputs come from registers:
    what is called the cycle of issue is the one after the decision.

    Members:
        command, done: EXEC commands in their order, and what has been completed so far.
        weights_ready, swap: a weight tile is in the shadow registers; take it (a tile's
            first vector is issued); ``weights_ready`` has two cycles to answer that.
        read: a vector's address in the im2col buffer, and its lanes' offsets a cycle later.
        tag: the same vector's destination.
        bank_free: strobe, post-processing has emptied a bank.
        completed: strobe, a command's last vector has been read; IM2COL_LATENCY after its issue.
        halt: decide to issue nothing more.
        busy, wait_load, wait_bank, wait_weights, idle: at most one of these.  A vector is issued;
            a command is held that waits for a done count (or just came); the next vector lacks an
            accumulator bank; it lacks weights or offsets; no command is held.
        lanes: with ``read.valid``, rows of the array that do useful work on it; only with parity.
        macs: multiplications of the vector issued MACS_LATENCY ago, without those by the zeroes
            that fill a tile up; 0 if there was none.
    """

    def __init__(self, params: Params):
        self.params = params
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(Op.EXEC))),
                "done": In(Done),
                "weights_ready": In(1),
                "swap": Out(1),
                "read": Out(buffer_read(params)),
                "tag": Out(tag_layout(params)),
                "bank_free": In(1),
                "completed": Out(1),
                "halt": In(1),
                "busy": Out(1),
                "wait_load": Out(1),
                "wait_bank": Out(1),
                "wait_weights": Out(1),
                "idle": Out(1, init=1),
                "macs": Out(16),
            }
            | ({"lanes": Out(bits_for(params.rows))} if params.parity else {})
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = PixelWalker(self.params)
        m.submodules.offsets = offsets = OffsetGenerator(self.params)
        self._fork(m, walker, offsets)
        vectors = self._walk_ahead(m, walker)
        vector, valid = vectors.payload, vectors.valid

        issue, bank, slot = Signal(), Signal.like(self.tag.bank), Signal.like(self.tag.slot)
        starts = issue & vector.starts
        lacks_bank = vector.opens & ~self._bank_available(m, issue & vector.opens)
        lacks_weights = vector.starts & ~self._tile_available(m, offsets, starts)
        m.d.comb += [
            issue.eq(valid & ~lacks_bank & ~lacks_weights & ~self.halt),
            vectors.ready.eq(issue),
            walker.done.eq(self.done),
        ]
        # The decision is registered: it goes to all corners of the machine.
        self._swap(m, offsets, starts)
        m.d.sync += [self.read.valid.eq(issue), self.read.base.eq(vector.base)]
        self._tag(m, issue, vector, bank, slot)
        self._report(m, walker, valid, lacks_bank, lacks_weights)
        with m.If(issue & vector.closes):
            m.d.sync += [bank.eq(~bank), slot.eq((slot + 1)[: len(slot)])]

        m.submodules.completion = completion = Delay(1, IM2COL_LATENCY + 1)
        m.d.comb += [completion.i.eq(issue & vector.ends), self.completed.eq(completion.o)]
        self._count_macs(m, issue, vector)
        return m

    def _fork(self, m, walker, offsets):
        """Give every command to both the walker and the offset generator.

        Each takes it when it can, the generator usually first: it works a tile ahead.
        """
        readies, has = [], Signal(2)
        for number, taker in enumerate((walker, offsets)):
            port, had = taker.command, has[number]
            m.d.comb += port.valid.eq(self.command.valid & ~had)
            m.d.sync += had.eq((had | (port.valid & port.ready)) & ~self.command.ready)
            readies.append(had | port.ready)
        m.d.comb += [
            self.command.ready.eq(readies[0] & readies[1]),
            walker.command.payload.eq(self.command.payload),
            *(
                offsets.command.payload[name].eq(self.command.payload[name])
                for name in ("k", "seg", "seg_skip")
            ),
        ]

    def _walk_ahead(self, m, walker):
        """Let the walker go up to two vectors ahead of the decision; return its vectors."""
        names = ("base", "row", "starts", "opens", "first", "ends", "closes", "lanes", "cols")
        layout = data.StructLayout({name: getattr(walker, name).shape() for name in names})
        m.submodules.ahead = ahead = StreamSlice(layout)
        m.d.comb += [
            ahead.input.valid.eq(walker.valid),
            walker.issue.eq(walker.valid & ahead.input.ready),
            *(ahead.input.payload[name].eq(getattr(walker, name)) for name in names),
        ]
        return ahead.output

    def _bank_available(self, m, taken):
        """Count free accumulator banks; return whether there is one."""
        free = Signal(range(BANKS + 1), init=BANKS)
        m.d.sync += free.eq((free + self.bank_free - taken)[: len(free)])
        return free != 0

    def _tile_available(self, m, offsets, taken):
        """Whether the weights and the offsets of the next tile are there.

        The answer about the weights is too old for two cycles after a tile was taken; but the next
        one's offsets are not there until R cycles after that.
        """
        weights, lanes = Signal(), Signal()
        m.d.sync += [weights.eq(self.weights_ready), lanes.eq((lanes & ~taken) | offsets.soon)]
        return weights & lanes

    def _swap(self, m, offsets, starts):
        """Register that a tile's first vector is issued: its weights and offsets are taken."""
        take = Signal(reset_less=True)  # as `swap`; without a reset, no synthesiser merges them
        m.d.sync += [self.swap.eq(starts), take.eq(starts)]
        m.d.comb += [
            offsets.swap.eq(self.swap),
            offsets.take.eq(take),
            self.read.offsets.eq(offsets.offsets),
        ]

    def _tag(self, m, issue, vector, bank, slot):
        """Register where a vector's sums go."""
        m.d.sync += [
            self.tag.valid.eq(issue),
            self.tag.first.eq(vector.first),
            self.tag.done.eq(vector.closes),
            self.tag.bank.eq(bank),
            self.tag.slot.eq(slot),
            self.tag.row.eq(vector.row),
        ]

    def _report(self, m, walker, valid, lacks_bank, lacks_weights):
        """Register why no vector is issued, if none is."""
        m.d.sync += [
            self.wait_load.eq(~valid & (walker.valid | walker.waiting)),
            self.wait_bank.eq(valid & lacks_bank),
            self.wait_weights.eq(valid & ~lacks_bank & lacks_weights),
            self.idle.eq(~valid & ~walker.valid & ~walker.waiting),
        ]
        m.d.comb += self.busy.eq(self.read.valid)

    def _count_macs(self, m, issue, vector):
        """Multiply useful rows by useful columns, with registers on both sides."""
        lanes = Signal.like(vector.lanes, reset_less=True)
        cols = Signal.like(vector.cols, reset_less=True)
        product = Signal.like(self.macs, reset_less=True)
        m.d.sync += [
            lanes.eq(Mux(issue, vector.lanes, 0)),
            cols.eq(vector.cols),
            product.eq(lanes * cols),
            self.macs.eq(product),
        ]
        if self.params.parity:
            m.d.comb += self.lanes.eq(lanes)
