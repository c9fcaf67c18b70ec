"""The processing element: one weight, one multiplier, one adder."""

from amaranth import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class PE(wiring.Component):
    """One cell of the weight-stationary systolic array.

    Activations travel right, partial sums travel down.  The cell holds two weights: the
    *working* one multiplies, the *shadow* one is loaded meanwhile with the next tile's weight.
    The swap that makes the shadow weight the working one travels right like an activation, one
    cycle ahead of the first vector of the new tile; so every cell changes tiles just before it
    multiplies that vector, and the array never has to drain.

    Parameters:
        sum_bits: width of the sums; they wrap there.

    Members:
        a_in, a_out: an activation, and the same one cycle later for the cell to the right.
        swap_in, swap_out: take the shadow weight in the next cycle; the same one cycle later.
        load, weight_in: store this shadow weight now.  With ``swap_out`` in the same cycle, the old
            one becomes the working weight.
        psum_in, psum_out: the sum of the rows above, PE_LATENCY - 1 cycles later than the
            activation it belongs to, and the sum with this row, one cycle after that.

    Latency: ``PE_LATENCY`` = 5 cycles from ``a_in`` to ``psum_out``: two registers in front of the
    multiplier, two behind it and one behind the adder.  An FPGA's multipliers lie far from all the
    rest, so the registers next to them have nothing else to do and can be placed beside them.  One
    activation a cycle, without back-pressure.
    """

    def __init__(self, sum_bits: int):
        self._sum_bits = sum_bits
        super().__init__(
            {
                "a_in": In(signed(8)),
                "a_out": Out(signed(8)),
                "swap_in": In(1),
                "swap_out": Out(1),
                "load": In(1),
                "weight_in": In(signed(8)),
                "psum_in": In(signed(sum_bits)),
                "psum_out": Out(signed(sum_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Only the swap acts by itself; everything else is data that needs no reset.
        activation = Signal(signed(8), reset_less=True)
        shadow = Signal(signed(8), reset_less=True)
        working = Signal(signed(8), reset_less=True)
        left, right = Signal(signed(8), reset_less=True), Signal(signed(8), reset_less=True)
        product = Signal(signed(16), reset_less=True)
        addend = Signal(signed(16), reset_less=True)
        total = Signal(signed(self._sum_bits), reset_less=True)
        swap = Signal()

        with m.If(self.load):
            m.d.sync += shadow.eq(self.weight_in)
        with m.If(swap):
            m.d.sync += working.eq(shadow)
        m.d.sync += [
            activation.eq(self.a_in),
            swap.eq(self.swap_in),
            left.eq(activation),
            right.eq(working),
            product.eq(left * right),
            addend.eq(product),
            total.eq((self.psum_in + addend)[: self._sum_bits].as_signed()),
        ]
        m.d.comb += [
            self.a_out.eq(activation),
            self.swap_out.eq(swap),
            self.psum_out.eq(total),
        ]
        return m
