"""A deep queue in block RAM with a register behind it."""

from amaranth import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for


class RamQueue(wiring.Component):
    """A first-in first-out queue whose output may go straight into logic.

    Block RAM takes half a clock period from clock to output; the register behind it gives the
    reader a whole one.

    Parameters:
        shape: shape of an entry.
        depth: entries; a power of two of at least 4.

    Members:
        input, output: the entries.
        level: how many it holds, up to depth + 2.

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
                "level": Out(bits_for(depth + 2)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        entry = Signal(len(Value.cast(self.output.payload)), reset_less=True)
        # One more for the FIFO's own output latch: the RAM then has `depth` words exactly.
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=len(entry), depth=self._depth + 1)
        connect(m, flipped(self.input), fifo.w_stream)
        m.d.comb += [
            self.output.payload.eq(entry),
            fifo.r_en.eq(~self.output.valid | self.output.ready),
            self.level.eq(fifo.level + self.output.valid),
        ]
        with m.If(fifo.r_en):
            m.d.sync += [self.output.valid.eq(fifo.r_rdy), entry.eq(fifo.r_data)]
        return m
