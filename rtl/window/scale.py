"""Element-wise addition: two bytes, each brought to the scale of their sum.  And their product.

A difference is a sum with a number's complement: a - b = a + ~b + 1.  (A negative multiplier would
round the other way.)
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

#: Cycles from a byte to its scaled value.
SCALE_LATENCY = 6
#: LiteRT's left shift, which leaves room for the fractions.
LEFT_SHIFT = 20

#: How a byte is scaled: its zero point, multiplier and right shift, and what is added before that
#: shift to positive numbers and to negative ones.
ScaleConfig = data.StructLayout(
    {"zero": signed(8), "multiplier": 31, "right": 5, "half": signed(32), "below_half": signed(32)}
)


def scale_config(m, zero, multiplier, shift, offset, name) -> Signal:
    """Registers for the configuration of all scalers, from a command's fields; three cycles late.

    The ``offset`` of a result is added where its shift is rounded, so it takes no adder more.
    """
    config = Signal(ScaleConfig, name=name, reset_less=True)
    half, below_half = Signal(31, reset_less=True), Signal(31, reset_less=True)
    shifted = Signal(signed(32), reset_less=True)
    m.d.sync += [
        config.zero.eq(zero),
        config.multiplier.eq(multiplier),
        config.right.eq((-shift)[:5]),
        half.eq(((1 << config.right) >> 1)[:31]),
        below_half.eq((((1 << config.right) - 1) >> 1)[:31]),
        shifted.eq((Value.cast(offset) << config.right)[:32].as_signed()),
        config.half.eq((half + shifted)[:32].as_signed()),
        config.below_half.eq((below_half + shifted)[:32].as_signed()),
    ]
    return config


class ByteScaler(wiring.Component):
    """(x - zero) * 2**20 * multiplier * 2**(-right - 31), rounded twice as LiteRT does.

    With p = (x - zero) * multiplier, the high half of the doubled product of LiteRT's
    SaturatingRoundingDoublingHighMul is ``t = (p * 2**20 + 2**30) >> 31 = (p + 2**10) >> 11``; it
    rounds halves up, nothing saturates.  Then ``t / 2**right`` is rounded with halves away from 0:
    ``(t + h) >> right`` with h = 2**(right - 1), less 1 if t < 0; and ``offset << right`` more.

    As |p| < 2**39, |t| <= 2**28: sums of two results are far from overflow.  An offset comes with
    right <= 22 only (rtl/control/rules.py), so it moves the result by 2**29 >> right at most.

    With ``product``, it is (x - zero) * other: the multiplier takes the other byte's difference
    instead, and with a multiplier and a shift of 0 all that follows leaves the product as it is.

    Members:
        config: constant from before x enters until its result has left.
        product: constant likewise.
        inverted: constant likewise; y is then the complement of the result.
        valid: a bit for each stage: the stage's input is to be taken.
        x: the byte.
        other: what to multiply with, as x comes.
        y: the result, SCALE_LATENCY cycles later.

    One byte a cycle; no back-pressure.
    """

    config: In(ScaleConfig)
    product: In(1)
    inverted: In(1)
    other: In(signed(9))
    valid: In(SCALE_LATENCY)
    x: In(signed(8))
    y: Out(signed(30))

    def elaborate(self, platform):
        m = Module()
        config = self.config
        difference = Signal(signed(9), reset_less=True)
        factor = Signal(signed(17), reset_less=True)
        low = Signal(signed(25), reset_less=True)
        high = Signal(signed(24), reset_less=True)
        doubled = Signal(signed(30), reset_less=True)
        moved = Signal(signed(32), reset_less=True)
        y = Signal(signed(30), reset_less=True)
        # Two products that fit an 18 x 18 bit multiplier each.  An FPGA's multipliers lie far from
        # its adders, so there is a register on either side of the way.
        low_late, high_late = Signal.like(low), Signal.like(high)
        rounding = Const(1 << 30 - LEFT_SHIFT, 16)
        total = Cat(rounding, high_late).as_signed() + low_late
        scaled = (total >> 31 - LEFT_SHIFT)[:30].as_signed()
        away = Mux(doubled[-1], config.below_half, config.half)
        stages = (
            [difference.eq(self.x - config.zero),
             factor.eq(Mux(self.product, self.other, config.multiplier[:16]))],
            [low.eq((difference * factor)[:25].as_signed()),
             high.eq(difference * config.multiplier[16:])],
            [low_late.eq(low), high_late.eq(high)],
            [doubled.eq(Mux(self.product, low_late, scaled))],
            [moved.eq((doubled + away)[:32].as_signed())],
            [y.eq(((moved >> config.right)[:30] ^ self.inverted.replicate(30)).as_signed())],
        )  # fmt: skip
        for number, statements in enumerate(stages):
            with m.If(self.valid[number]):
                m.d.sync += statements
        m.d.comb += self.y.eq(y)
        return m
