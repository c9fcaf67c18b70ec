"""From an int32 sum to an int8 activation, in integer arithmetic only."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accel.isa import Rounding
from accel.params import REQUANT_LATENCY
from rtl.compare import less
from rtl.delay import Delay


class Requantiser(wiring.Component):
    """Scales a sum by ``multiplier * 2**(shift - 31)``, rounds, adds ``zero`` and clamps.

    With product ``p = (x << max(shift, 0)) * multiplier`` and ``r = max(-shift, 0)``, the scaled
    value is, for r = 0, ``(p + 2**30) >> 31`` (AWAY: one less before the shift if p < 0); and else

    * DOUBLE: ``t = (p + 2**30) >> 31``, then t / 2**r rounded, halves away from zero;
    * SINGLE: p / 2**(31 + r) rounded, halves up;
    * AWAY: p / 2**(31 + r) rounded, halves away from zero.

    All of them are two additions and two shifts: ``t = (p + c) >> 31``, ``(t + h) >> r``.
    The 32 x 32 bit product is put together from four that fit an 18 x 18 bit multiplier each.

    Members:
        valid, x, multiplier, shift: a sum with its scale.  ``multiplier < 2**31``; ``shift`` from
            -31 to 31, positive ones so small that ``x << shift`` fits in 32 bits.
        rounding, zero, lo, hi: constant from one cycle before a sum enters until it has left.
        valid_out, y: the result, clamped to lo..hi.

    Latency REQUANT_LATENCY, one sum a cycle, no back-pressure.
    """

    valid: In(1)
    x: In(signed(32))
    multiplier: In(32)
    shift: In(signed(8))
    rounding: In(2)
    zero: In(signed(8))
    lo: In(signed(8))
    hi: In(signed(8))
    valid_out: Out(1)
    y: Out(signed(8))

    def elaborate(self, platform):
        m = Module()
        m.submodules.valid = valid = Delay(1, REQUANT_LATENCY)
        m.d.comb += [valid.i.eq(self.valid), self.valid_out.eq(valid.o)]
        x, multiplier, right, negative = self._shift_left(m)
        m.submodules.right = right_delay = Delay(5, 3, reset_less=True)
        m.submodules.negative = negative_delay = Delay(1, 3, reset_less=True)
        m.d.comb += [right_delay.i.eq(right), negative_delay.i.eq(negative)]
        high, low_any = self._multiply(m, x, multiplier)
        scaled = self._round_product(m, high, low_any, right_delay.o, negative_delay.o)
        self._clamp(m, self._shift_right(m, scaled, right_delay.o))
        return m

    def _shift_left(self, m):
        """Stage 1: a left shift goes before the multiplication, a right shift after it."""
        x = Signal(signed(32), reset_less=True)
        multiplier = Signal(31, reset_less=True)
        right = Signal(5, reset_less=True)
        negative = Signal(reset_less=True)
        to_right = Signal()
        m.d.comb += to_right.eq(self.shift[-1])
        m.d.sync += [
            x.eq((self.x << Mux(to_right, 0, self.shift[:5]))[:32].as_signed()),
            multiplier.eq(self.multiplier[:31]),
            right.eq(Mux(to_right, (-self.shift)[:5], 0)),
            negative.eq(self.x[-1] & self.multiplier[:31].any()),
        ]
        return x, multiplier, right, negative

    def _multiply(self, m, x, multiplier):
        """Stages 2 to 4: the product's bits 62 to 16, and whether any lower bit is set."""
        x_low, x_high = x[:16], x[16:].as_signed()
        m_low, m_high = multiplier[:16], multiplier[16:]
        low = Signal(32, reset_less=True)
        cross_a = Signal(31, reset_less=True)
        cross_b = Signal(signed(32), reset_less=True)
        high = Signal(signed(31), reset_less=True)
        m.d.sync += [
            low.eq(x_low * m_low),
            cross_a.eq(x_low * m_high),
            cross_b.eq(x_high * m_low),
            high.eq(x_high * m_high),
        ]
        cross = Signal(signed(33), reset_less=True)
        outer = Signal(signed(47), reset_less=True)  # bits 62 to 16 of high * 2**32 + low
        outer_any = Signal(reset_less=True)
        m.d.sync += [
            cross.eq((cross_a + cross_b)[:33].as_signed()),  # |cross| < 2**32
            outer.eq(Cat(low[16:], high).as_signed()),
            outer_any.eq(low[:16].any()),
        ]
        product = Signal(signed(47), reset_less=True)
        low_any = Signal(reset_less=True)
        m.d.sync += [
            product.eq((outer + cross)[:47].as_signed()),  # |x * multiplier| < 2**62
            low_any.eq(outer_any),
        ]
        return product, low_any

    def _round_product(self, m, product, low_any, right, negative):
        """Stage 5: ``(p + c) >> 31`` as ``(p >> 31)`` plus what c carries out of the low bits.

        c is 2**30 where this is a rounding (else 0), less 1 for a negative product under AWAY.
        """
        nearest, less_one, half, rest = Signal(), Signal(), Signal(), Signal()
        up, down = Signal(), Signal()
        m.d.comb += [
            nearest.eq((self.rounding == Rounding.DOUBLE) | (right == 0)),
            less_one.eq((self.rounding == Rounding.AWAY) & negative),
            half.eq(product[14]),  # bit 30 of the product
            rest.eq(product[:14].any() | low_any),
            up.eq(nearest & half & (rest | ~less_one)),
            down.eq(~nearest & less_one & ~half & ~rest),
        ]
        scaled = Signal(signed(32), reset_less=True)
        carried = Cat(up | down, down).as_signed()
        m.d.sync += scaled.eq((product[15:].as_signed() + carried)[:32].as_signed())
        return scaled

    def _shift_right(self, m, scaled, right):
        """Stages 6 and 7: ``(t + h) >> r`` with h = 2**(r-1), less 1 if t < 0 under DOUBLE."""
        half, below_half = Signal(32, reset_less=True), Signal(32, reset_less=True)
        right_delay = Delay(5, 2, reset_less=True)
        m.submodules.right_late = right_delay
        rounded = Signal(signed(33), reset_less=True)
        shifted = Signal(signed(33), reset_less=True)
        # Sign bits rather than comparisons with 0, which become subtractions.
        towards_zero = (self.rounding == Rounding.DOUBLE) & scaled[-1]
        m.d.comb += right_delay.i.eq(right)
        m.d.sync += [
            # Beside stage 5, from the amount that goes with it.
            half.eq((1 << right) >> 1),
            below_half.eq(((1 << right) - 1) >> 1),
            rounded.eq(scaled + Mux(towards_zero, below_half, half).as_signed()),
            shifted.eq(rounded >> right_delay.o),
        ]
        return shifted

    def _clamp(self, m, value):
        """Stage 8 adds the zero point and compares as if it had done so; stage 9 chooses."""
        lowest = Signal(signed(9), reset_less=True)
        highest = Signal(signed(9), reset_less=True)
        below, above = Signal(reset_less=True), Signal(reset_less=True)
        moved = Signal(signed(8), reset_less=True)
        y = Signal(signed(8), reset_less=True)
        m.d.sync += [
            lowest.eq(self.lo - self.zero),
            highest.eq(self.hi - self.zero),
            below.eq(less(value, lowest)),
            above.eq(less(highest, value)),
            moved.eq((value + self.zero)[:8].as_signed()),
            y.eq(Mux(below, self.lo, Mux(above, self.hi, moved))),
        ]
        m.d.comb += self.y.eq(y)
