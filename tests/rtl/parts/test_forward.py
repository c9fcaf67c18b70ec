"""Forwarded members: every kind of member, in both directions."""

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from accel.rtl.parts.forward import forward


class Inner(wiring.Component):
    """Adds one to what it is given."""

    sink: In(stream.Signature(4))
    source: Out(stream.Signature(4))
    bias: In(4)
    sum: Out(5)
    hidden: Out(1, init=1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.source.payload.eq(self.sink.payload),
            self.source.valid.eq(self.sink.valid),
            self.sink.ready.eq(self.source.ready),
            self.sum.eq(self.bias + 1),
        ]
        return m


class Outer(wiring.Component):
    """Shows all of it but ``hidden``."""

    sink: In(stream.Signature(4))
    source: Out(stream.Signature(4))
    bias: In(4)
    sum: Out(5)
    hidden: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Inner()
        forward(m, self, inner, ("sink", "source", "bias", "sum"))
        return m


def test_members_arrive_and_others_do_not():
    outer = Outer()

    async def bench(ctx):
        for value, valid, ready in ((5, 1, 0), (9, 0, 1), (15, 1, 1)):
            ctx.set(outer.sink.payload, value)
            ctx.set(outer.sink.valid, valid)
            ctx.set(outer.source.ready, ready)
            ctx.set(outer.bias, value)
            assert ctx.get(outer.source.payload) == value
            assert ctx.get(outer.source.valid) == valid
            assert ctx.get(outer.sink.ready) == ready
            assert ctx.get(outer.sum) == value + 1
            assert ctx.get(outer.hidden) == 0

    simulator = Simulator(outer)
    simulator.add_testbench(bench)
    simulator.run()
