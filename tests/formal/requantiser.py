"""Proofs of the requantiser: for every sum, multiplier and shift, in parts.

A 33 x 31 bit product is beyond any SAT solver once two circuits form it differently.  So the proof
is cut there, at places where a number has one meaning, and the parts fit together by school
arithmetic:

* ``normalise``: what is multiplied is the sum, shifted (and for both FLOAT rounded) as specified.
* ``partial_products``: for any values of the four small products, in the ranges that products of
  such factors have, what comes out is ``ll + (lh + hl) * 2**16 + hh * 2**32``.  That this is
  ``x * multiplier`` is the distributive law, and that each small product is one is the ``*`` in
  the source, which synthesis translates.
* ``rounding``: for every product in the range of products, every shift, rounding, zero point and
  clamp, the result is what the formula says of that product.

The formulas are written here once more, from their definitions (magnitudes, nearest, ties), not
from the RTL's additions and carries.
"""

from amaranth import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.hdl import Assume, Cover

from accel.isa import Rounding
from accel.params import REQUANT_LATENCY
from accel.rtl.post.normalise import MAX_RIGHT, NORMALISE_LATENCY
from accel.rtl.post.requantise import LOW
from tests.formal.prove import claim, constant, free, implies

#: A product's magnitude is at most this: |x << shift| <= 2**31, multiplier < 2**31.
LARGEST = (1 << 31) * ((1 << 31) - 1)
#: A product is there so many cycles after its sum came.
PRODUCT_LATENCY = 7


def delayed(m: Module, value, cycles: int, name: str) -> Signal:
    """``value`` so many cycles ago."""
    for cycle in range(cycles):
        later = Signal(Value.cast(value).shape(), name=f"{name}_{cycle + 1}_ago", reset_less=True)
        m.d.sync += later.eq(value)
        value = later
    return value


def magnitude(m: Module, value, name: str) -> Signal:
    """|value|, which has one bit less than a signed value and one more."""
    result = Signal(len(value), name=name)
    m.d.comb += result.eq(Mux(value < 0, -value, value)[: len(value)])
    return result


def nearest(m: Module, value, bits, name: str, odd: int = 0) -> Signal:
    """``value / 2**bits``, an unsigned value's nearest integer, halves to the even or odd one.

    ``value`` must be so wide that ``2**bits / 2`` fits, too.
    """
    whole, rest = Signal(len(value), name=f"{name}_whole"), Signal(len(value), name=f"{name}_rest")
    result = Signal(len(value), name=name)
    half = Signal(len(value), name=f"{name}_half")
    m.d.comb += [
        whole.eq(value >> bits),
        rest.eq((value - (whole << bits))[: len(value)]),
        half.eq((1 << bits) >> 1),
        result.eq(whole + ((rest > half) | ((rest == half) & (half != 0) & (whole[0] ^ odd)))),
    ]
    return result


def leading_shift(m: Module, x) -> tuple[Signal, Signal]:
    """How far x != 0 goes to the left in 32 bits, and x there.

    The solver chooses the shift; what it may choose is said, and only one is right.
    """
    shift = free(m, 5, "leading_shift")
    moved = Signal(signed(63), name="moved")
    m.d.comb += moved.eq(x << shift)
    fits = (moved >= -(1 << 31)) & (moved < 1 << 31)
    further = ((moved << 1) >= -(1 << 31)) & ((moved << 1) < 1 << 31)
    m.d.comb += Assume((x == 0) | (fits & ~further))
    return shift, moved


def normalise(component) -> Module:
    """The factor of the multiplication, and the shift of the product, for every sum and shift."""
    m = Module()
    m.submodules.dut = dut = component()
    x, shift = free(m, signed(32), "x"), free(m, signed(8), "shift")
    valid, floating = free(m, 1, "valid"), constant(m, 1, "float_mode")
    left, moved = Signal(5, name="left"), Signal(signed(63), name="to_left")
    m.d.comb += [
        left.eq(Mux(shift > 0, shift, 0)),
        moved.eq(x << left),
        Assume((shift >= -31) & (shift <= 31)),
        Assume(floating | ((moved >= -(1 << 31)) & (moved < 1 << 31))),
    ]
    follow = [valid]
    for stage in range(1, NORMALISE_LATENCY + 1):
        follow.append(Signal(name=f"valid_{stage}"))
        m.d.sync += follow[stage].eq(follow[stage - 1])
    m.d.comb += [
        dut.floating.eq(floating), dut.enable.eq(Cat(follow[:NORMALISE_LATENCY])),
        dut.x.eq(x), dut.shift.eq(shift),
    ]  # fmt: skip
    most, normal = leading_shift(m, x)
    # Both FLOAT: 24 of the 31 bits of the magnitude, and how far right in the end.
    rounded = Signal(signed(34), name="rounded")
    kept = nearest(m, magnitude(m, normal[:32].as_signed(), "size"), 7, "kept")
    size = Signal(33, name="kept_size")
    right, limited = Signal(signed(8), name="right"), Signal(5, name="limited")
    m.d.comb += [
        size.eq(kept << 7),
        rounded.eq(Mux(normal < 0, -size, size)),
        right.eq(Mux(floating, most - 6, 0) - shift),
        limited.eq(Mux(right < 0, 0, Mux(right > MAX_RIGHT, MAX_RIGHT, right))),
    ]
    y = Signal(signed(34), name="y_now")
    m.d.comb += y.eq(Mux(floating, Mux(x == 0, 0, rounded), moved))
    y_then = delayed(m, y, NORMALISE_LATENCY, "y")
    right_then = delayed(m, Mux(floating & (x == 0), 0, limited)[:5], NORMALISE_LATENCY, "right")
    zero_then = delayed(m, floating & (x == 0), NORMALISE_LATENCY, "zero")
    claim(
        m,
        implies(follow[-1], dut.y == y_then),
        implies(follow[-1] & ~zero_then, dut.right == right_then),
    )
    m.d.comb += [Cover(follow[-1] & floating & (y_then == 1 << 30)), Cover(follow[-1] & ~floating)]
    return m


class Factor:
    """Part of a factor: multiplied with one of another factor, it gives any number in range."""

    def __init__(self, m, products, name, low, high):
        self._m, self._products = m, products
        self._name, self._low, self._high = name, low, high

    def as_signed(self):
        return self

    def __mul__(self, other):
        ends = [a * b for a in (self._low, self._high) for b in (other._low, other._high)]
        low, high = min(ends), max(ends)
        product = free(self._m, signed(34), f"{self._name}_{other._name}")
        self._m.d.comb += Assume((product >= low) & (product <= high))
        self._products[self._name + other._name] = product
        return product


class Halves:
    """A factor of which only is known how its lower and upper half may be."""

    def __init__(self, low, high):
        self._low, self._high = low, high

    def __getitem__(self, part):
        return self._high if part.start else self._low


def partial_products(component):
    """The product's upper bits, and whether a lower one is set, from any four small products."""

    class Alone(component):
        """Of the requantiser only stages 5 to 7."""

        def elaborate(self, platform):
            m = Module()
            self._sum_at = [None] * 5 + [free(m, 1, "sum_at_5"), Signal(), Signal(), Signal()]
            for stage in (6, 7, 8):
                m.d.sync += self._sum_at[stage].eq(self._sum_at[stage - 1])
            products = {}
            x = Halves(
                Factor(m, products, "l", 0, 2**16 - 1), Factor(m, products, "h", -(2**15), 2**15)
            )
            multiplier = Halves(
                Factor(m, products, "l", 0, 2**16 - 1), Factor(m, products, "h", 0, 2**15 - 1)
            )
            product, low_any = self._multiply(m, x, multiplier)
            _claim_total(m, products, product, low_any, self._sum_at[8])
            return m

    return Alone()


def _claim_total(m, products, product, low_any, valid):
    total = Signal(signed(70), name="total")
    cross = products["lh"] + products["hl"]
    m.d.comb += [
        total.eq(products["ll"] + (cross << 16) + (products["hh"] << 32)),
        Assume((total <= LARGEST) & (total >= -LARGEST)),
    ]
    then = delayed(m, total, 3, "total")
    claim(m, implies(valid, (product == then >> LOW) & (low_any == then[:LOW].any())))
    m.d.comb += Cover(valid & low_any & (product < -5))


def given_product(component):
    """A requantiser whose product is given to it, in the cycle in which it would be there."""

    class GivenProduct(component):
        """Its multiplier's outputs come from ``given``."""

        def __init__(self):
            super().__init__()
            self.given = Signal(signed(64))

        def _multiply(self, m, x, multiplier):
            return self.given[LOW:63].as_signed(), self.given[:LOW].any()

    return GivenProduct()


def rounding(component, modes=tuple(Rounding)) -> Module:
    """From a product to an int8, for every product, shift, zero point and clamp."""
    m = Module()
    m.submodules.dut = dut = given_product(component)
    mode = constant(m, 3, "mode")
    m.d.comb += Assume(Cat(mode == one for one in modes).any())
    zero, lo, hi = (constant(m, signed(8), name) for name in ("zero_point", "lowest", "highest"))
    x, shift, product = (
        free(m, signed(bits), name) for bits, name in ((32, "x"), (8, "shift"), (64, "product"))
    )
    size = magnitude(m, product, "size")
    floating = (mode == Rounding.FLOAT) | (mode == Rounding.FLOAT_ODD)
    started = Signal()  # mode and clamp must be there a cycle before a sum
    valid = free(m, 1, "valid") & started
    most, _ = leading_shift(m, x)
    x_was_0 = delayed(m, x == 0, PRODUCT_LATENCY, "x_is_0")
    m.d.sync += started.eq(1)
    m.d.comb += [
        dut.rounding.eq(mode), dut.zero.eq(zero), dut.lo.eq(lo), dut.hi.eq(hi),
        dut.valid.eq(valid), dut.x.eq(x), dut.shift.eq(shift), dut.given.eq(product),
        Assume((shift >= -31) & (shift <= 31)),
        Assume(size <= LARGEST),
        # Normalised factors are at least 2**30, unless the sum or the multiplier is 0.
        Assume(~floating | (size == 0) | ((size >= 1 << 60) & ~x_was_0)),
    ]  # fmt: skip
    right = Signal(signed(8), name="right")
    m.d.comb += right.eq(Mux(floating, most - 6 - shift, Mux(shift < 0, -shift, 0)))
    late = delayed(m, right, PRODUCT_LATENCY, "right")
    values = {Rounding.FLOAT: _float, Rounding.DOUBLE: _double, Rounding.SINGLE: _single,
              Rounding.AWAY: _away, Rounding.FLOAT_ODD: _float_odd}  # fmt: skip
    scaled = Signal(signed(64), name="scaled")
    for one in modes:
        with m.If(mode == one):
            m.d.comb += scaled.eq(values[one](m, product, size, late))
    expected = Signal(signed(8), name="expected")
    moved = Signal(signed(65), name="with_zero_point")
    m.d.comb += [
        moved.eq(scaled + zero),
        expected.eq(Mux(moved < lo, lo, Mux(moved > hi, hi, moved))),
    ]
    then = delayed(m, expected, REQUANT_LATENCY - PRODUCT_LATENCY, "expected")
    claim(m, implies(dut.valid_out, dut.y == then))
    m.d.comb += Cover(dut.valid_out & (then == 77))
    return m


def _signed(m, negative, size):
    value = Signal(signed(66))
    m.d.comb += value.eq(Mux(negative, -size, size))
    return value


def _double(m, product, size, right):
    """High half, nearest, half up; then nearest, half away from zero."""
    high = Signal(signed(35), name="high")
    m.d.comb += high.eq((product + (1 << 30)) >> 31)
    high_size = magnitude(m, high, "high_size")
    half = Mux(right > 0, C(1, 32) << (right - 1)[:5], 0)
    return _signed(m, high < 0, (high_size + half) >> right[:5])


def _single(m, product, size, right):
    """Nearest, half up."""
    return (product + (C(1, 64) << (30 + right)[:6])) >> (31 + right)[:6]


def _away(m, product, size, right):
    """Nearest, half away from zero."""
    return _signed(m, product < 0, (size + (C(1, 64) << (30 + right)[:6])) >> (31 + right)[:6])


def _float(m, product, size, right, odd=0):
    """The product as a float32; that, scaled down by 37 + right bits, to the nearest integer.

    A float32 product is the exact product of its factors, rounded to 24 bits; the factors' powers
    of two only move it.  No factor is so large or small here that a float32 could not hold it.
    """
    large = Signal(name="large")
    m.d.comb += large.eq(size >= 1 << 61)
    kept = nearest(m, size, Mux(large, C(38, 6), C(37, 6)), "kept")
    mantissa = Signal(34, name="mantissa")  # as wide as half of 2**31
    m.d.comb += mantissa.eq(Mux(large, kept << 1, kept))
    # Beyond these, it is so large that every clamp holds it, or less than a half.
    near = nearest(m, mantissa, right[:5], "near", odd)
    value = Mux(right < 0, C(1 << 23, 34), Mux(right > 31, C(0, 34), near))
    value = Mux(size == 0, 0, value)
    return _signed(m, product < 0, value)


def _float_odd(m, product, size, right):
    """The same, the last halves to odd."""
    return _float(m, product, size, right, 1)
