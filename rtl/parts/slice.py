"""A register slice: cuts the combinational paths of a stream in both directions."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class StreamSlice(wiring.Component):
    """Two registers between ``input`` and ``output``, so that neither ready nor valid passes.

    Parameters:
        shape: shape of an entry.

    Members:
        input, output: the entries.  ``input.ready`` and ``output`` come from registers.
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
        # What comes in the cycle in which the output turns out to be held up.
        spare, spared, moves = Signal.like(self.input.payload, reset_less=True), Signal(), Signal()
        output = Signal.like(self.input.payload, reset_less=True)
        m.d.comb += [
            self.output.payload.eq(output),
            self.input.ready.eq(~spared),
            self.level.eq(self.output.valid + spared),
            moves.eq(~self.output.valid | self.output.ready),
        ]
        with m.If(~spared):
            m.d.sync += spare.eq(self.input.payload)
        with m.If(moves):
            m.d.sync += [
                self.output.valid.eq(spared | self.input.valid),
                output.eq(Mux(spared, spare, self.input.payload)),
                spared.eq(0),
            ]
        with m.Elif(self.input.valid):
            m.d.sync += spared.eq(1)
        return m
