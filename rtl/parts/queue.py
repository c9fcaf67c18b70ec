"""A deep queue in block RAM with a register behind it."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.rtl.parts.parity import Guards, with_parity
from accel.rtl.parts.slice import StreamSlice


class RamQueue(wiring.Component):
    """A first-in first-out queue whose output may go straight into logic.

    With Guards (accel.rtl.parts.parity) its words have parity.

    Block RAM takes half a clock period from clock to output; the register slice behind it gives
    the reader a whole one, and keeps the reader's ready from the RAM's many enables.

    Parameters:
        shape: shape of an entry.
        depth: entries; a power of two of at least 4.

    Members:
        input, output: the entries.
        level: how many it holds, up to depth + 3.

    Latency: LATENCY cycles through an empty queue.  Throughput: an entry in and out each cycle.
    """

    LATENCY = 3

    def __init__(self, shape, depth: int):
        if not isinstance(depth, int) or depth < 4 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two of at least 4, not {depth!r}")
        self._depth = depth
        super().__init__(
            {
                "input": In(stream.Signature(shape)),
                "output": Out(stream.Signature(shape)),
                "level": Out(bits_for(depth + 3)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        width = len(Value.cast(self.output.payload))
        guarded = isinstance(platform, Guards)
        # One more for the FIFO's own output latch: the RAM then has `depth` words exactly.
        m.submodules.fifo = fifo = SyncFIFOBuffered(
            width=width + guarded, depth=self._depth + 1
        )
        m.submodules.slice = last = StreamSlice(width)
        entered = self.input.valid & self.input.ready
        left = self.output.valid & self.output.ready
        with m.If(entered ^ left):  # when `left` is known, what comes of it is, too
            m.d.sync += self.level.eq(Mux(entered, self.level + 1, self.level - 1))
        self._announce_room(m, entered, fifo, last.input.ready)
        m.d.comb += [
            fifo.w_data.eq(
                with_parity(self.input.payload, width) if guarded else self.input.payload
            ),
            fifo.w_en.eq(entered),
            last.input.payload.eq(fifo.r_data[:width]),
            last.input.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(last.input.ready),
            self.output.payload.eq(last.output.payload),
            self.output.valid.eq(last.output.valid),
            last.output.ready.eq(self.output.ready),
        ]
        if guarded:
            platform.check(m, [fifo.r_data], fifo.r_rdy)
        return m

    def _announce_room(self, m, entered, fifo, read):
        """Let ``input.ready`` be a register: the RAM has a place.

        It counts what the FIFO's own ``w_rdy`` compares with the depth on the writer's time.
        """
        stored = Signal(range(self._depth + 1))
        fetched = (stored != 0) & (~fifo.r_rdy | read)  # into the FIFO's output latch
        full = Signal()
        with m.If(entered & ~fetched):
            m.d.sync += [stored.eq(stored + 1), full.eq(stored == self._depth - 1)]
        with m.Elif(fetched & ~entered):
            m.d.sync += [stored.eq(stored - 1), full.eq(0)]
        m.d.comb += self.input.ready.eq(~full)
