"""A fixed delay: how signals that belong together are brought back into step."""

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

    Members:
        i: the value.
        o: the value ``cycles`` cycles ago; zero until then.

    One value a cycle, without back-pressure.
    """

    def __init__(self, shape, cycles: int, *, reset_less: bool = False):
        if not isinstance(cycles, int) or cycles < 0:
            raise ValueError(f"cycles must be an integer of at least 0, not {cycles!r}")
        self.shape, self.cycles, self.reset_less = shape, cycles, reset_less
        super().__init__({"i": In(shape), "o": Out(shape)})

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for n in range(1, self.cycles + 1):
            stage = Signal(self.shape, name=f"stage{n}", reset_less=self.reset_less)
            m.d.sync += stage.eq(value)
            value = stage
        m.d.comb += self.o.eq(value)
        return m
