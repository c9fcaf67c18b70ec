"""The requantiser's front end: how a sum's bits lie when it is multiplied."""

from amaranth import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accel.rtl.parts.compare import less, negative
from accel.rtl.parts.delay import Delay

#: Cycles from a sum to what is multiplied.
NORMALISE_LATENCY = 4
#: The lowest bits of a normalised sum, which a float32 has no place for.
DROPPED = 7
#: Right shifts are from 0 to this.
MAX_RIGHT = 31
#: A sum's leading bit is looked for in groups of this many bits.
GROUP = 4


class Normaliser(wiring.Component):
    """Shifts a sum left before its multiplication, and says how far right to shift the product.

    An integer requantisation shifts by ``shift``: the sum if to the left, the product if to the
    right.

    One in float32 (``floating``) shifts the sum as far left as it goes and rounds it to 24 bits,
    halves to even: a float32's mantissa, from 2**30 to 2**31 in magnitude.  With a multiplier from
    2**30, y * multiplier / 2**(37 + right) is then sum * multiplier * 2**(shift - 31), but for a
    ``right`` at its limits.  There a result far beyond an int8 stays so, and one far below 1/2 too.

    Members:
        floating: constant from one cycle before a sum enters until it has left.
        enable: a bit for each stage: there is a sum in front of it.
        x, shift: a sum; a shift from -31 to 31, as in the Requantiser.
        y: what to multiply; right: the product's shift.

    Latency NORMALISE_LATENCY, a sum a cycle.
    """

    floating: In(1)
    enable: In(NORMALISE_LATENCY)
    x: In(signed(32))
    shift: In(signed(8))
    y: Out(signed(33))
    right: Out(range(MAX_RIGHT + 1))

    def elaborate(self, platform):
        m = Module()
        leading = self._leading(m)
        x, shift = self._delayed(m)
        early_shift = Signal(signed(8), reset_less=True)
        with m.If(self.enable[0]):
            m.d.sync += early_shift.eq(self.shift)

        # Stage 2 chooses the shift to the left, stage 3 shifts.
        left, late_leading = Signal(5, reset_less=True), Signal(5, reset_less=True)
        shifted = Signal(signed(32), reset_less=True)
        right = Signal(signed(8), reset_less=True)
        to_left = Mux(negative(early_shift), 0, early_shift[:5])
        with m.If(self.enable[1]):
            m.d.sync += [left.eq(Mux(self.floating, leading, to_left)), late_leading.eq(leading)]
        with m.If(self.enable[2]):
            m.d.sync += [
                shifted.eq((x << left)[:32].as_signed()),
                # Normalised, 1 is 2**30, and comes out of a product with 2**30 as 2**23.
                right.eq((Mux(self.floating, late_leading - 6, 0) - shift)[:8].as_signed()),
            ]
        self._round(m, shifted)
        limited = Signal.like(self.right, reset_less=True)
        too_far = less(MAX_RIGHT, right)
        with m.If(self.enable[3]):
            m.d.sync += limited.eq(Mux(negative(right), 0, Mux(too_far, MAX_RIGHT, right[:5])))
        m.d.comb += self.right.eq(limited)
        return m

    def _delayed(self, m):
        """The sum and its shift, for stage 3."""
        m.submodules.x = x = Delay(signed(32), 2, reset_less=True, gated=True)
        m.submodules.shift = shift = Delay(signed(8), 2, reset_less=True, gated=True)
        m.d.comb += [
            x.i.eq(self.x),
            x.enable.eq(self.enable[:2]),
            shift.i.eq(self.shift),
            shift.enable.eq(self.enable[:2]),
        ]
        return x.o, shift.o

    def _leading(self, m):
        """How far the sum goes to the left: the bits behind its sign that repeat it.

        Known during stage 2; stage 1 looks at the groups one by one.
        """
        # The bit behind the last ends the search.
        different = Cat(1, self.x[:-1] ^ self.x[-1].replicate(31))
        groups = len(different) // GROUP
        found = Signal(groups, reset_less=True)
        leading = Signal(5)
        for n in range(groups):  # from the lowest: a higher one overrides it
            bits = different.word_select(n, GROUP)
            place = Signal(range(GROUP), name=f"place{n}", reset_less=True)
            with m.If(self.enable[0]):
                m.d.sync += [
                    found[n].eq(bits.any()),
                    place.eq(Mux(bits[3], 0, Mux(bits[2], 1, Mux(bits[1], 2, 3)))),
                ]
            with m.If(found[n]):
                m.d.comb += leading.eq(Cat(place, C(groups - 1 - n, 3)))
        return leading

    def _round(self, m, shifted):
        """Stage 4: to 24 bits."""
        half, rest = shifted[DROPPED - 1], shifted[: DROPPED - 1]
        up = Signal()
        y = Signal.like(self.y, reset_less=True)
        kept = shifted[DROPPED:].as_signed()
        m.d.comb += up.eq(self.floating & half & (rest.any() | kept[0]))
        with m.If(self.enable[3]):
            m.d.sync += y.eq(
                Cat(Mux(self.floating, 0, shifted[:DROPPED]), kept + up)[:33].as_signed()
            )
        m.d.comb += self.y.eq(y)
