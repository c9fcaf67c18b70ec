"""Activation functions of an int8: a table with an entry for each of its values."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from accel.rtl.parts.parity import watch

#: Entries of a table: one for each int8.
ENTRIES = 256
#: Cycles through a table: block RAM, and a register behind it.
ACTIVATION_LATENCY = 2

#: A write into a table; entry n is what n - 128 becomes.
ActivationWrite = wiring.Signature(
    {"valid": Out(1), "index": Out(range(ENTRIES)), "value": Out(8)}
)


class ActivationTable(wiring.Component):
    """Replaces each value by its entry in a table, or lets it pass.

    Members:
        table: writes an entry; only while nothing is inside.
        enable: use the table; constant while anything is inside.
        valid: there is a value.
        x, y: the values.

    Latency ACTIVATION_LATENCY, with and without the table; a value a cycle.
    """

    table: In(ActivationWrite)
    enable: In(1)
    valid: In(1)
    x: In(signed(8))
    y: Out(signed(8))

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=signed(8), depth=ENTRIES, init=[])
        read, write = memory.read_port(), memory.write_port()
        passing = Signal.like(self.x, reset_less=True)
        y = Signal.like(self.y, reset_less=True)
        there = Signal()  # in the second stage
        m.d.comb += [
            write.addr.eq(self.table.index),
            write.data.eq(self.table.value.as_signed()),
            write.en.eq(self.table.valid),
            read.addr.eq(Cat(self.x[:-1], ~self.x[-1])),  # x + 128
            read.en.eq(self.valid),
            self.y.eq(y),
        ]
        m.d.sync += there.eq(self.valid)
        watch(platform, read, there & self.enable)
        with m.If(self.valid):
            m.d.sync += passing.eq(self.x)
        with m.If(there):
            m.d.sync += y.eq(Mux(self.enable, read.data, passing))
        return m
