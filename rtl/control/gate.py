"""Keeps an engine from its next command until everything that it waits for has been done."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import Op
from accel.rtl.interfaces import Done, command_layout, waits_met


class CommandGate(wiring.Component):
    """A gate that opens when the command's ``wait_*`` counts are reached.

    The comparison is registered, which costs a cycle but keeps three 24-bit carry chains out of
    the engines' control logic.  A registered answer cannot be wrong: *done* counters only grow.

    Parameters:
        op: which command; gives the layout.

    Members:
        input: commands from the queue, which holds one while it is offered.
        done: the completion counters.
        output: the command, valid from the cycle after it was offered at the earliest.  An
            engine may read the payload for as long as it likes and take it when it has finished.
        held: a command is there, whether or not it may start.

    Throughput: one command in two cycles.
    """

    def __init__(self, op: Op):
        command = stream.Signature(command_layout(op))
        super().__init__(
            {"input": In(command), "done": In(Done), "output": Out(command), "held": Out(1)}
        )

    def elaborate(self, platform):
        m = Module()
        met = Signal()
        taken = met & self.output.ready
        m.d.comb += [
            self.held.eq(self.input.valid),
            self.output.valid.eq(met),
            self.output.payload.eq(self.input.payload),
            self.input.ready.eq(taken),
        ]
        m.d.sync += met.eq(self.held & waits_met(self.input.payload, self.done) & ~taken)
        return m
