"""A fixed delay: how signals that belong together are brought back into step."""

import contextlib

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Delay(wiring.Component):
    """Delays a value by a constant number of cycles.

    Parameters:
        shape: shape of the value (anything a ``Signal`` takes).
        cycles: 0 is a wire, n is a chain of n registers.
        reset_less: leave the registers out of a reset.  Right for plain data; not for anything
            that is acted upon by itself, such as a valid bit.
        gated: registers move only when told so: those of a pipeline in which mostly nothing is
            under way rest then, which saves power, and time in a simulation.

    Members:
        i: the value.
        o: the value ``cycles`` cycles ago; zero until then.
        enable: if ``gated``, a bit for each register: take what is in front of it.

    One value a cycle, without back-pressure.
    """

    def __init__(self, shape, cycles: int, *, reset_less: bool = False, gated: bool = False):
        if not isinstance(cycles, int) or cycles < 0:
            raise ValueError(f"cycles must be an integer of at least 0, not {cycles!r}")
        self.shape, self.cycles, self.reset_less = shape, cycles, reset_less
        self.gated = gated
        enable = {"enable": In(cycles)} if gated else {}
        super().__init__({"i": In(shape), "o": Out(shape)} | enable)

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for n in range(1, self.cycles + 1):
            stage = Signal(self.shape, name=f"stage{n}", reset_less=self.reset_less)
            with m.If(self.enable[n - 1]) if self.gated else contextlib.nullcontext():
                m.d.sync += stage.eq(value)
            value = stage
        m.d.comb += self.o.eq(value)
        return m
