"""The harness itself: what it proves, refutes, and refuses to call a proof."""

import time

import pytest
from amaranth import Module, Signal
from amaranth.hdl import Assume, Cover

from tests.formal.inside import Inside
from tests.formal.planted import planted
from tests.formal.prove import Refuted, claim, constant, free, prove, search
from tests.formal.tools import Unproved, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing")


def counter(limit, start=0, *, invariant=True):
    """Counts from ``start`` to 5 and stays there; claims that it never exceeds ``limit``."""
    m = Module()
    count = Signal(4, init=start)
    with m.If(free(m, 1, "go") & (count != 5)):
        m.d.sync += count.eq(count + 1)
    claim(m, (count <= limit) if invariant else (count != limit))
    m.d.comb += Cover(count == 3)
    return m


def test_a_property_is_proved_for_all_time():
    proof = prove(counter(5), 1)
    assert proof.unbounded and proof.asserts == 1 and proof.depth == 1


def test_a_counterexample_is_a_table_of_cycles():
    with pytest.raises(Refuted) as refuted:
        search(counter(4), 8)
    table = [line.split() for line in str(refuted.value).splitlines()]
    assert ["count", "0", "1", "2", "3", "4", "5"] in table
    assert "false in the last cycle: claim_" in str(refuted.value)


def test_what_needs_an_invariant_is_not_proved_without_it():
    # 9 is never reached, but an induction may start at 8.
    with pytest.raises(Unproved, match="induction failed"):
        prove(counter(9, invariant=False), 1)
    assert not prove(counter(9, invariant=False), 8, bounded=True).unbounded


def test_contradictory_assumptions_prove_nothing():
    m = Module()
    value = constant(m, 4, "value")
    m.d.comb += [Assume(value < 3), Assume(value > 5), Cover(value == 1)]
    claim(m, value == 2)
    with pytest.raises(Unproved):
        prove(m, 2)


def test_a_design_without_a_claim_or_a_cover_is_refused():
    m = Module()
    claim(m, ~free(m, 1, "a") | 1)
    with pytest.raises(Unproved, match="0 covers: needs at least one of each"):
        prove(m, 1)


def test_the_solver_is_stopped_in_time():
    m = Module()
    a, b = constant(m, 48, "a"), constant(m, 48, "b")
    claim(m, a * b != (1 << 61) - 1)  # a prime
    m.d.comb += Cover(a == b)
    begun = time.monotonic()
    with pytest.raises(Unproved, match=r"no answer in 2 seconds"):
        prove(m, 1, timeout=2)
    assert time.monotonic() - begun < 20


def test_a_bug_that_cannot_be_planted_is_an_error():
    with pytest.raises(AssertionError, match="has 0 times 'no such text'"):
        planted(Inside, "no such text", "")
