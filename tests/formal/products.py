"""Proofs that one multiplier forms two products exactly: rtl/array/pair.py.

That the two ways to form them agree, a SAT solver would have to find out of two circuits that have
nothing in common.  So the proof is in parts that fit together by school arithmetic: the factor is
``high * 2**SHIFT + low`` (``factor``), thus its product with an activation the sum of two products
by the distributive law; out of any two that may be products of bytes, and what else is known of
them, come the two (``separated``); and that are their low bits, too (``low_product``).
"""

from amaranth import C, Module, Signal, signed
from amaranth.hdl import Assume, Cover

from accel.rtl.array.pair import OVERLAP, SHIFT, PackedWeights
from tests.formal.prove import claim, free, implies
from tests.formal.requantiser import delayed

#: What products of two signed bytes lie between.
SMALLEST, LARGEST = -128 * 127, 128 * 128


def factor(of) -> Module:
    """Two weights in one factor, for every two bytes, -128 among them."""
    m = Module()
    low, high = free(m, signed(8), "low"), free(m, signed(8), "high")
    weights, wanted = Signal(PackedWeights, name="weights"), Signal(signed(20), name="wanted")
    m.d.comb += [weights.eq(of(low, high)), wanted.eq((high << SHIFT) + low)]
    claim(m, weights.factor == wanted, weights.above == high[:OVERLAP])
    m.d.comb += Cover((low < 0) & (high == -128))
    return m


def low_product(of) -> Module:
    """The low bits of a product, for every two bytes."""
    m = Module()
    m.submodules.dut = dut = of()
    a, b = free(m, signed(8), "a"), free(m, signed(8), "b")
    product = Signal(signed(16), name="product")
    m.d.comb += [dut.a.eq(a[:OVERLAP]), dut.b.eq(b[:OVERLAP]), product.eq(a * b)]
    told = delayed(m, C(1, 1), 2, "told")
    claim(m, implies(told, dut.product == delayed(m, product[:OVERLAP], 2, "product")))
    m.d.comb += Cover(told & (dut.product == 3))
    return m


def separated(of) -> Module:
    """Two products out of their packed sum, whatever they are."""
    m = Module()
    m.submodules.dut = dut = of()
    low, high = free(m, signed(16), "low"), free(m, signed(16), "high")
    differ = free(m, 1, "signs_differ")
    m.d.comb += [
        *(Assume((one >= SMALLEST) & (one <= LARGEST)) for one in (low, high)),
        Assume(implies(low < 0, differ)), Assume(implies(low > 0, ~differ)),
        dut.product.eq((high << SHIFT) + low), dut.above.eq(high[:OVERLAP]), dut.differ.eq(differ),
    ]  # fmt: skip
    told = delayed(m, C(1, 1), 2, "told")
    claim(
        m,
        implies(told, dut.low == delayed(m, low, 1, "low")),
        implies(told, dut.high == delayed(m, high, 2, "high")),
    )
    m.d.comb += Cover(told & (dut.low == LARGEST) & (dut.high == SMALLEST))
    return m
