"""From an int32 sum to an int8 activation, in integer arithmetic only."""

from amaranth import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accel.isa import Rounding
from accel.params import REQUANT_LATENCY
from accel.rtl.parts.compare import less, negative
from accel.rtl.parts.delay import Delay
from accel.rtl.post.normalise import NORMALISE_LATENCY, Normaliser

#: The product's lowest bits, of which only is kept whether any is set.
LOW = 16


class Requantiser(wiring.Component):
    """Scales a sum by ``multiplier * 2**(shift - 31)``, rounds, adds ``zero`` and clamps.

    With product ``p = (x << max(shift, 0)) * multiplier`` and ``r = max(-shift, 0)``, the scaled
    value is, for r = 0, ``(p + 2**30) >> 31`` (AWAY: one less before the shift if p < 0); and else

    * DOUBLE: ``t = (p + 2**30) >> 31``, then t / 2**r rounded, halves away from zero;
    * SINGLE: p / 2**(31 + r) rounded, halves up;
    * AWAY: p / 2**(31 + r) rounded, halves away from zero.

    FLOAT is float32's: the sum is rounded to 24 bits, so is its product with the multiplier, and
    then to an integer, each time halves to even.  FLOAT_ODD takes the last halves to odd.  x and r
    come from the Normaliser; ``t`` is p / 2**37 of 24 bits, or p / 2**38 of 24 bits doubled.

    All of them are two additions and two shifts: ``t = (p + c) >> n``, ``(t + h) >> r``.
    The 33 x 31 bit product is put together from four that fit an 18 x 18 bit multiplier each.
    A stage's registers rest unless there is a sum in front of it.

    Members:
        valid, x, multiplier, shift: a sum with its scale.  ``multiplier < 2**31``; ``shift`` from
            -31 to 31, positive ones so small that ``x << shift`` fits in 32 bits.  With both FLOAT,
            any such shift; the multiplier is 0 or at least 2**30, and its low 7 bits are 0.
        rounding, zero, lo, hi: constant from one cycle before a sum enters until it has left.
        valid_out, y: the result, clamped to lo..hi.

    Latency REQUANT_LATENCY, one sum a cycle, no back-pressure.
    """

    valid: In(1)
    x: In(signed(32))
    multiplier: In(32)
    shift: In(signed(8))
    rounding: In(3)
    zero: In(signed(8))
    lo: In(signed(8))
    hi: In(signed(8))
    valid_out: Out(1)
    y: Out(signed(8))

    def elaborate(self, platform):
        m = Module()
        self._sum_at = self._follow(m)
        floating = self._tell_rounding(m)
        m.submodules.normaliser = normaliser = Normaliser()
        m.submodules.multiplier = multiplier = Delay(
            31, NORMALISE_LATENCY, reset_less=True, gated=True
        )
        m.d.comb += [
            normaliser.floating.eq(floating),
            normaliser.enable.eq(self._enable(1, NORMALISE_LATENCY)),
            multiplier.enable.eq(self._enable(1, NORMALISE_LATENCY)),
            normaliser.x.eq(self.x),
            normaliser.shift.eq(self.shift),
            multiplier.i.eq(self.multiplier[:31]),
        ]
        rights = self._shifts(m, normaliser.right)
        product, low_any = self._multiply(m, normaliser.y, multiplier.o)
        scaled = self._round_product(m, floating, product, low_any, rights[0])
        self._clamp(m, self._shift_right(m, floating, scaled, *rights[1:]))
        return m

    def _tell_rounding(self, m):
        """Which rounding it is, in registers: the command may be held far away.

        Returns whether it is one of float32's.
        """
        floating = Signal()
        self._double, self._away, self._odd = double, away, odd = Signal(), Signal(), Signal()
        m.d.sync += [
            floating.eq(self.rounding >= Rounding.FLOAT),
            double.eq(self.rounding == Rounding.DOUBLE),
            away.eq(self.rounding == Rounding.AWAY),
            odd.eq(self.rounding == Rounding.FLOAT_ODD),
        ]
        return floating

    def _shifts(self, m, right):
        """The shift where it is needed: beside stages 8, 10 and 12."""
        rights = [right]
        for name, stage, cycles in (("right7", 5, 3), ("right9", 8, 2), ("right11", 10, 2)):
            m.submodules[name] = delay = Delay(5, cycles, reset_less=True, gated=True)
            m.d.comb += [delay.i.eq(rights[-1]), delay.enable.eq(self._enable(stage, cycles))]
            rights.append(delay.o)
        return rights[1:]

    def _follow(self, m):
        """For each stage from 1 on whether a sum is in front of it; item 0 is not used."""
        sum_at = [None, self.valid]
        for number in range(1, REQUANT_LATENCY):
            sum_at.append(Signal(name=f"sum_at_{number + 1}"))
            m.d.sync += sum_at[-1].eq(sum_at[-2])
        m.d.sync += self.valid_out.eq(sum_at[-1])
        return sum_at

    def _enable(self, stage, count):
        """The bits of ``count`` stages from ``stage`` on, side by side."""
        return Cat(self._sum_at[stage : stage + count])

    def _multiply(self, m, x, multiplier):
        """Stages 5 to 7: the product's bits 62 to 16, and whether any lower bit is set."""
        x_low, x_high = x[:16], x[16:].as_signed()
        m_low, m_high = multiplier[:16], multiplier[16:]
        low = Signal(32, reset_less=True)
        cross_a = Signal(31, reset_less=True)
        cross_b = Signal(signed(32), reset_less=True)
        high = Signal(signed(31), reset_less=True)
        with m.If(self._sum_at[5]):
            m.d.sync += [
                low.eq(x_low * m_low),
                cross_a.eq(x_low * m_high),
                # |x_high| <= 2**15
                cross_b.eq((x_high * m_low)[:32].as_signed()),
                high.eq((x_high * m_high)[:31].as_signed()),
            ]
        cross = Signal(signed(33), reset_less=True)
        outer = Signal(signed(47), reset_less=True)  # bits 62 to 16 of high * 2**32 + low
        outer_any = Signal(reset_less=True)
        with m.If(self._sum_at[6]):
            m.d.sync += [
                cross.eq((cross_a + cross_b)[:33].as_signed()),  # |cross| < 2**32
                outer.eq(Cat(low[LOW:], high).as_signed()),
                outer_any.eq(low[:LOW].any()),
            ]
        product = Signal(signed(47), reset_less=True)
        low_any = Signal(reset_less=True)
        with m.If(self._sum_at[7]):
            m.d.sync += [
                product.eq((outer + cross)[:47].as_signed()),  # |x * multiplier| < 2**62
                low_any.eq(outer_any),
            ]
        return product, low_any

    def _round_product(self, m, floating, product, low_any, right):
        """Stages 8 and 9: the product's upper bits, and what is carried into them."""
        upper = Signal(signed(32), reset_less=True)
        carried = Signal(signed(3), reset_less=True)
        with m.If(self._sum_at[8] & floating):
            m.d.sync += self._round_float(upper, carried, product, low_any)
        with m.Elif(self._sum_at[8]):
            m.d.sync += self._round_integer(upper, carried, product, low_any, right)
        scaled = Signal(signed(32), reset_less=True)
        with m.If(self._sum_at[9]):
            m.d.sync += scaled.eq((upper + carried)[:32].as_signed())
        return scaled

    def _round_integer(self, upper, carried, product, low_any, right):
        """``(p + c) >> 31`` as ``(p >> 31)`` plus what c carries out of the low bits.

        c is 2**30 where this is a rounding (else 0), less 1 for a negative product under AWAY.
        """
        nearest = self._double | (right == 0)
        less_one = self._away & negative(product)
        half, rest = product[30 - LOW], product[: 30 - LOW].any() | low_any
        up = nearest & half & (rest | ~less_one)
        down = ~nearest & less_one & ~half & ~rest
        return [
            upper.eq(product[31 - LOW :].as_signed()),
            carried.eq(Cat(up | down, down, down).as_signed()),
        ]

    def _round_float(self, upper, carried, product, low_any):
        """Of a product from 2**60 to 2**62 in magnitude 24 bits from its bit 37 or 38 on.

        (-2**61 passes for a small one, but has no bits to round.)
        """
        bits = product[36 - LOW :]
        large = product[61 - LOW] ^ negative(product)
        half, odd = Mux(large, bits[1], bits[0]), Mux(large, bits[2], bits[1])
        rest = product[: 36 - LOW].any() | low_any | (large & bits[0])
        up = half & (rest | odd)
        return [
            upper.eq(Cat(bits[1] & ~large, bits[2:]).as_signed()),
            carried.eq(Cat(up & ~large, up & large, C(0, 1)).as_signed()),
        ]

    def _shift_right(self, m, floating, scaled, right, late_right):
        """Stages 10 to 12: ``(t + h) >> r`` with h = 2**(r-1), or 1 less.

        It is 1 less if t < 0 under DOUBLE, and if the bit that becomes the lowest is 0 under FLOAT,
        1 under FLOAT_ODD.
        """
        addend, less_one = Signal.like(scaled, reset_less=True), Signal(reset_less=True)
        half, below_half = Signal(32, reset_less=True), Signal(32, reset_less=True)
        rounded = Signal(signed(33), reset_less=True)
        shifted = Signal(signed(33), reset_less=True)
        lowest = scaled.bit_select(right, 1)
        rests = lowest == self._odd  # what it is, a half leaves it
        with m.If(self._sum_at[10]):
            m.d.sync += [
                addend.eq(scaled),
                less_one.eq(Mux(floating, rests, self._double & negative(scaled))),
                half.eq((1 << right) >> 1),
                below_half.eq(((1 << right) - 1) >> 1),
            ]
        with m.If(self._sum_at[11]):
            m.d.sync += rounded.eq(addend + Mux(less_one, below_half, half).as_signed())
        with m.If(self._sum_at[12]):
            m.d.sync += shifted.eq(rounded >> late_right)
        return shifted

    def _clamp(self, m, value):
        """Stage 13 adds the zero point and compares as if it had done so; stage 14 chooses."""
        lowest = Signal(signed(9), reset_less=True)
        highest = Signal(signed(9), reset_less=True)
        below, above = Signal(reset_less=True), Signal(reset_less=True)
        moved = Signal(signed(8), reset_less=True)
        y = Signal(signed(8), reset_less=True)
        with m.If(self._sum_at[1]):  # any stage before they are used would do
            m.d.sync += [lowest.eq(self.lo - self.zero), highest.eq(self.hi - self.zero)]
        with m.If(self._sum_at[13]):
            m.d.sync += [
                below.eq(less(value, lowest)),
                above.eq(less(highest, value)),
                moved.eq((value + self.zero)[:8].as_signed()),
            ]
        with m.If(self._sum_at[14]):
            m.d.sync += y.eq(Mux(below, self.lo, Mux(above, self.hi, moved)))
        m.d.comb += self.y.eq(y)
