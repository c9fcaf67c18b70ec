"""A register slice: cuts the combinational paths of a stream in both directions."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class StreamSlice(wiring.Component):
    """Two registers between ``input`` and ``output``, so that neither ready nor valid passes.

    Parameters:
        shape: shape of an entry.

    Members:
        input, output: the entries.  ``input.ready`` and ``output.valid`` come from
            registers, ``output.payload`` from one of two.
        level: how many it holds.

    Latency: one cycle.  Throughput: an entry a cycle.
    """

    def __init__(self, shape):
        super().__init__(
            {
                "input": In(stream.Signature(shape)),
                "output": Out(stream.Signature(shape)),
                "level": Out(range(3)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Two places, filled and emptied in turn.  Whether the output is taken is known late: it
        # moves a pointer, while enabling a whole entry's registers would take wires of its own.
        places = [
            Signal.like(self.input.payload, reset_less=True, name=f"place{n}") for n in range(2)
        ]
        filled, emptied, spared, waits = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            self.output.payload.eq(Mux(emptied, places[1], places[0])),
            self.input.ready.eq(~spared),
            self.level.eq(self.output.valid + spared),
            waits.eq(self.output.valid & ~self.output.ready),
        ]
        # What a free place holds does not matter.
        with m.If(~spared & ~filled):
            m.d.sync += places[0].eq(self.input.payload)
        with m.If(~spared & filled):
            m.d.sync += places[1].eq(self.input.payload)
        m.d.sync += [
            filled.eq(filled ^ (self.input.valid & ~spared)),
            emptied.eq(emptied ^ (self.output.valid & self.output.ready)),
            self.output.valid.eq(waits | spared | self.input.valid),
            spared.eq(waits & (spared | self.input.valid)),
        ]
        return m
