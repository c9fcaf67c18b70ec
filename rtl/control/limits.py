"""What ends a run that does not end by itself: a watchdog for silence, a budget for all of it."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Watchdog(wiring.Component):
    """Strobes ``expired`` in the cycle that is the ``limit`` + 1st in a row without ``progress``.

    Only cycles with ``enable`` count; without it the watchdog starts anew.
    """

    enable: In(1)
    progress: In(1)
    limit: In(32)
    expired: Out(1)

    def elaborate(self, platform):
        m = Module()
        left = Signal.like(self.limit)
        # Whether `left` is 0: a register, as comparing 32 bits takes time.
        none = Signal(init=1)
        idle = Signal()
        m.d.comb += [
            idle.eq(self.enable & ~self.progress),
            self.expired.eq(idle & none),
        ]
        m.d.sync += [
            left.eq(Mux(idle, left - 1, self.limit)),
            none.eq(Mux(idle, left == 1, self.limit == 0)),
        ]
        return m


class Budget(wiring.Component):
    """Strobes ``expired`` in the ``limit``-th cycle behind ``start``, unless the run has ended.

    It takes nothing from the machine but that end, so that nothing in there can hold it up.

    Members:
        start: strobe; samples ``limit``, which must have stood for a cycle.
        limit: 0 is none.
        ended: level: no run, or it is over; in the cycle of a ``start`` it does not matter.
        expired: strobe.
    """

    start: In(1)
    limit: In(32)
    ended: In(1)
    expired: Out(1)

    def elaborate(self, platform):
        m = Module()
        left, armed, last = Signal.like(self.limit), Signal(), Signal()
        # What comparisons with 32 bits give is registered first.
        limited, one = Signal(), Signal()
        m.d.comb += self.expired.eq(armed & last)
        m.d.sync += [limited.eq(self.limit != 0), one.eq(self.limit == 1)]
        with m.If(self.start):
            m.d.sync += [left.eq(self.limit), last.eq(one), armed.eq(limited)]
        with m.Elif(armed):
            m.d.sync += [left.eq(left - 1), last.eq(left == 2)]
            with m.If(self.ended | self.expired):
                m.d.sync += armed.eq(0)
        return m
