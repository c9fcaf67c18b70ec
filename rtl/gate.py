"""Holds an engine's next command until everything that it waits for has been done."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import Op
from rtl.interfaces import Done, command_layout, waits_met


class CommandGate(wiring.Component):
    """A command register that opens when the command's ``wait_*`` counts are reached.

    The comparison is registered, which costs a cycle but keeps three 24-bit carry chains out of
    the engines' control logic.  A registered answer cannot be wrong: *done* counters only grow.

    Parameters:
        op: which command; gives the layout.

    Members:
        input: commands from the queue.
        done: the completion counters.
        output: the held command, valid from two cycles after it was taken at the earliest.  An
            engine may read the payload for as long as it likes and take it when it has finished.
        held: a command is in the register, whether or not it may start.

    Throughput: one command in two cycles.
    """

    def __init__(self, op: Op):
        command = stream.Signature(command_layout(op))
        super().__init__(
            {"input": In(command), "done": In(Done), "output": Out(command), "held": Out(1)}
        )

    def elaborate(self, platform):
        m = Module()
        command = Signal.like(self.output.payload, reset_less=True)
        met = Signal()
        taken = met & self.output.ready
        m.d.comb += [
            self.output.valid.eq(met),
            self.output.payload.eq(command),
            self.input.ready.eq(~self.held | taken),
        ]
        m.d.sync += met.eq(self.held & waits_met(command, self.done) & ~taken)
        with m.If(self.input.ready):
            m.d.sync += [self.held.eq(self.input.valid), command.eq(self.input.payload)]
        return m
