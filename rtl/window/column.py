"""A column of the window unit: what one channel's elements come to."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.rtl.parts.compare import less


class WindowColumn(wiring.Component):
    """Multiplies T elements a cycle by weights, and adds up or compares the products of an output.

    A tree of registers combines the T products, and an accumulator the groups:

    * sums: products are added to ``start``;
    * ``largest``: the greatest of the products (all of them bytes);
    * ``largest`` and ``pair``: products 0 and 1, bytes, side by side; 0 in the low byte;
    * ``largest`` and ``smaller``: the smaller one of products 0 and 1, the only ones.

    Parameters:
        taps: T, a power of two of at least 2.

    Members:
        x, weights: the elements and their factors.
        largest, pair, smaller: what to do; constant while anything is on its way.
        rights: for each node of the tree, level by level, whether its right side holds elements
            of the window (heeded by ``largest``; sums rely on weights of 0).
        valid: a bit for each stage: the products (2), the levels of the tree, the accumulator.
        first: the group in the accumulator's stage is its output's first.
        start: where its sum starts.
        total: the result so far.

    Latency 3 + log2(T) cycles from ``x`` to ``total``.  One group a cycle; no back-pressure.
    """

    def __init__(self, taps: int):
        self._taps = taps
        super().__init__(
            {
                "x": In(data.ArrayLayout(signed(8), taps)),
                "weights": In(data.ArrayLayout(signed(8), taps)),
                "largest": In(1),
                "pair": In(1),
                "smaller": In(1),
                "rights": In(taps - 1),
                "valid": In(column_latency(taps)),
                "first": In(1),
                "start": In(signed(32)),
                "total": Out(signed(32)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        values = []
        for tap in range(self._taps):
            product = Signal(signed(16), name=f"product{tap}", reset_less=True)
            value = Signal(signed(16), name=f"value{tap}", reset_less=True)
            with m.If(self.valid[0]):
                m.d.sync += product.eq(self.x[tap] * self.weights[tap])
            # An FPGA's multipliers lie far from its adders.
            with m.If(self.valid[1]):
                m.d.sync += value.eq(product)
            values.append(value)
        node = 0
        for level in range(exact_log2(self._taps)):
            pairs = zip(values[::2], values[1::2], strict=True)
            values = []
            for left, right in pairs:
                values.append(self._node(m, node, left, right, self.valid[2 + level]))
                node += 1
        self._accumulate(m, *values)
        return m

    def _node(self, m, number, left, right, valid):
        """Combine two values, one register on."""
        value = Signal(signed(len(left) + 1), name=f"node{number}", reset_less=True)
        below = less(_byte(left), _byte(right))
        if number == 0:
            below ^= self.smaller
        greater = Mux(self.rights[number] & below, right, left)
        if number == 0:
            greater = Mux(self.pair, Cat(left[:8], right[:8]).as_signed(), greater)
        with m.If(valid):
            m.d.sync += value.eq(Mux(self.largest, greater, left + right))
        return value

    def _accumulate(self, m, value):
        """Combine the groups of an output."""
        total = Signal(signed(32), reset_less=True)
        added = (Mux(self.first, self.start, total) + value)[:32].as_signed()
        greater = Mux(self.first | less(_byte(total), _byte(value)), value, total)
        m.d.comb += self.total.eq(total)
        with m.If(self.valid[-1]):
            m.d.sync += total.eq(Mux(self.largest, greater, added))


def column_latency(taps: int) -> int:
    """Cycles from a group's elements to the result so far."""
    return 3 + exact_log2(taps)


def _byte(value):
    return value[:8].as_signed()
