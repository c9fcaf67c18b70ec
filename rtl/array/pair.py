"""Two processing elements beside each other that share one multiplier of 18 x 18 bits.

An FPGA's multiplier takes operands of 18 bits, and a cell's are bytes.  Cells of neighbouring
columns multiply the same activation, so one product has both of theirs in it:

    a * (high * 2**9 + low) = a * high * 2**9 + a * low

    bits    24 ............... 9 8 ......... 0
            [    a * high       ]
                     [      a * low          ]

They overlap in the bits 9 to 15: there lies ``a * high`` plus what ``a * low`` is shifted right by
9, a number from -32 to 32.  The low 6 bits of ``a * high`` follow from the low 6 bits of its
factors alone, and some LUTs make those.  Taken off, they leave that number modulo 64, and its sign
is known: the factors' signs differ or not.

With 9 bits in between, every two weights fit into a factor.  With 10, 5 bits of LUTs would do, but
-128 * 2**10 - 1 has 19 bits: weights of -128 would have to be refused.
"""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

#: How far the upper weight lies above the lower one.
SHIFT = 9
#: Bits of the upper product that are made again: those where both products overlap.
OVERLAP = 15 - SHIFT

#: Two weights: as one factor, and the low bits of the upper one, which are not to be seen in it.
PackedWeights = data.StructLayout({"factor": signed(18), "above": OVERLAP})


def packed(low, high):
    """The weights of a pair of cells, each a signed byte."""
    factor = ((high << SHIFT) + low)[:18]
    return Cat(factor, high[:OVERLAP])


class LowProduct(wiring.Component):
    """The low bits of a product, of LUTs alone: two rows of it at a time, then the rows' sums.

    Members:
        a, b: the factors' low bits.
        product: theirs, 2 cycles later.

    One product a cycle.
    """

    a: In(OVERLAP)
    b: In(OVERLAP)
    product: Out(OVERLAP)

    def elaborate(self, platform):
        m = Module()
        total, product = 0, Signal(OVERLAP, reset_less=True)
        for low in range(0, OVERLAP, 2):
            bits = OVERLAP - low
            rows = Signal(bits, name=f"rows_{low}", reset_less=True)
            first = Mux(self.b[low], self.a[:bits], 0)
            second = Mux(self.b[low + 1], self.a[: bits - 1], 0)
            # The lowest bit is added to nothing.
            m.d.sync += rows.eq(Cat(first[0], (first[1:] + second)[: bits - 1]))
            # So are those below the rows.
            total = Cat(total[:low], (total[low:] + rows)[:bits]) if low else rows
        m.d.sync += product.eq(total)
        m.d.comb += self.product.eq(product)
        return m


class Separator(wiring.Component):
    """Takes the two products out of the packed one.

    Members:
        product: ``high * 2**SHIFT + low``, both products of two signed bytes.
        above: the low bits of ``high``.
        differ: the signs of the factors of ``low`` differ.
        low: in the next cycle.
        high: in the cycle after that.

    One product a cycle.
    """

    product: In(signed(26))
    above: In(OVERLAP)
    differ: In(1)
    low: Out(signed(16))
    high: Out(signed(16))

    def elaborate(self, platform):
        m = Module()
        difference = Signal(OVERLAP + 1)
        negative, borrow = Signal(), difference[-1]
        low, high = Signal(signed(16), reset_less=True), Signal(signed(16), reset_less=True)
        upper = Signal(16 - OVERLAP, reset_less=True)
        above = Signal(OVERLAP, reset_less=True)
        step = Signal(signed(2), reset_less=True)
        overlapping = self.product[SHIFT : SHIFT + OVERLAP]
        m.d.comb += [
            difference.eq(overlapping - self.above),
            # Of 0 to 32 only 32 itself looks like a negative number: (-128) * (-128).
            negative.eq(difference[OVERLAP - 1] & self.differ),
        ]
        m.d.sync += [
            low.eq(Cat(self.product[:SHIFT], difference[:OVERLAP], negative).as_signed()),
            upper.eq(self.product[SHIFT + OVERLAP : SHIFT + 16]),
            above.eq(self.above),
            # What the overlapping bits have carried into the upper ones, to be taken back.
            step.eq(Cat(negative ^ borrow, borrow & ~negative).as_signed()),
            high.eq(Cat(above, (upper + step)[: len(upper)]).as_signed()),
        ]
        m.d.comb += [self.low.eq(low), self.high.eq(high)]
        return m


class PairPE(wiring.Component):
    """The cells of two neighbouring columns, as two of :class:`accel.rtl.array.pe.PE` would be.

    The left cell's product is the lower one; the right cell works a cycle later, as its product
    comes a cycle later.  Only their weights come, and are swapped, together.

    Parameters:
        sum_bits: as for PE.

    Members:
        a_in, swap_in: to the left cell.  a_out, swap_out: from the right one, 2 cycles later.
        load, weight_in: store these shadow weights now.
        psum_in, psum_out: of both cells; the right one's a cycle later.
    """

    def __init__(self, sum_bits: int):
        self._sum_bits = sum_bits
        sums = data.ArrayLayout(signed(sum_bits), 2)
        super().__init__(
            {
                "a_in": In(signed(8)),
                "a_out": Out(signed(8)),
                "swap_in": In(1),
                "swap_out": Out(1),
                "load": In(1),
                "weight_in": In(PackedWeights),
                "psum_in": In(sums),
                "psum_out": Out(sums),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Only the swap acts by itself; everything else is data that needs no reset.
        activation, passed = (
            Signal(signed(8), name=name, reset_less=True) for name in ("activation", "passed")
        )
        swap, swap_passed = Signal(), Signal()
        m.d.sync += [
            activation.eq(self.a_in), passed.eq(activation),
            swap.eq(self.swap_in), swap_passed.eq(swap),
        ]  # fmt: skip
        m.d.comb += [self.a_out.eq(passed), self.swap_out.eq(swap_passed)]
        self._sums(m, activation, self._weights(m, swap))
        return m

    def _weights(self, m: Module, swap: Signal) -> Signal:
        """The working weights: the shadow ones, once they are swapped."""
        shadow = Signal(PackedWeights, reset_less=True)
        working = Signal(PackedWeights, reset_less=True)
        with m.If(self.load):
            m.d.sync += shadow.eq(self.weight_in)
        with m.If(swap):
            m.d.sync += working.eq(shadow)
        return working

    def _sums(self, m: Module, activation: Signal, working: Signal) -> None:
        """Multiply once, take the products apart, and add each to its sum from above."""
        left, right = Signal(signed(8), reset_less=True), Signal(signed(18), reset_less=True)
        product = Signal(signed(26), reset_less=True)
        differ = Signal(reset_less=True)
        totals = Signal.like(self.psum_out, name="totals", reset_less=True)
        m.submodules.low_product = low_product = LowProduct()
        m.submodules.separator = separator = Separator()

        m.d.sync += [
            left.eq(activation),
            right.eq(working.factor),
            product.eq(left * right),
            differ.eq(left[-1] ^ right[7]),
        ]
        for cell, addend in enumerate((separator.low, separator.high)):
            total = self.psum_in[cell] + addend
            m.d.sync += totals[cell].eq(total[: self._sum_bits].as_signed())
        m.d.comb += [
            low_product.a.eq(activation[:OVERLAP]),
            low_product.b.eq(working.above),
            separator.product.eq(product),
            separator.above.eq(low_product.product),
            separator.differ.eq(differ),
            self.psum_out.eq(totals),
        ]
