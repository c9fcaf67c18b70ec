"""Mutants of a small machine: those that change nothing are proved to, and no other is."""

import pytest
from amaranth import Cat, Module, Mux, Signal
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tests.mutation import netlist
from tests.mutation.equivalent import proof
from tests.mutation.graph import Netlist
from tests.mutation.netlist import Mutant

pytestmark = pytest.mark.skipif(not netlist.available(), reason="needs Yosys")


class Pipeline(wiring.Component):
    """A number that is doubled and kept in two registers, which rest without one; and a memory."""

    x: In(4)
    valid: In(1)
    y: Out(4)
    valid_out: Out(1)
    stored: Out(4)
    turn: Out(3)
    flag: In(1)
    kept: Out(4)
    count: Out(4)
    either: Out(1)

    def elaborate(self, platform):
        m = Module()
        first, second, late = Signal(4, name="first"), Signal(4), Signal()
        m.d.sync += [late.eq(self.valid), self.valid_out.eq(late)]
        with m.If(self.valid):
            m.d.sync += first.eq(self.x)
        with m.If(late):
            m.d.sync += second.eq(first + first)
        both = Signal(2, name="both")
        m.d.sync += [both.eq(self.x[:2]), self.either.eq(both.any())]
        # 0, 1, 2, 0, ...: the highest bit is never set.
        with m.If(self.valid):
            m.d.sync += self.turn.eq(self.turn + 1)
            with m.If(self.turn >= 2):
                m.d.sync += self.turn.eq(0)
        # From 0 to 5, where a flag holds it; from 6 it would go on to 15.
        stop = Signal(name="stop")
        with m.If(self.flag):
            m.d.sync += [self.count.eq(0), stop.eq(0)]
        with m.Elif(self.valid & ~stop):
            m.d.sync += [self.count.eq(self.count + 1), stop.eq(self.count == 4)]
        m.submodules.memory = memory = Memory(shape=4, depth=4, init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        m.d.comb += [
            self.y.eq(second), write.addr.eq(second[:2]), write.data.eq(first), write.en.eq(late),
            read.addr.eq(second[2:]), self.stored.eq(read.data),
        ]  # fmt: skip
        # A queue's words: bits that count only beside a flag.
        m.submodules.words = words = Memory(shape=5, depth=4, init=[])
        write, read = words.write_port(), words.read_port(domain="comb")
        place, word = Signal(2), Signal(5, name="word")
        m.d.sync += [place.eq(place + 1), word.eq(Cat(Mux(self.flag, self.x, 3), self.flag))]
        m.d.comb += [
            write.addr.eq(place), write.data.eq(word), write.en.eq(1), read.addr.eq(place + 1),
            self.kept.eq(Mux(read.data[4], read.data[:4], 0)),
        ]  # fmt: skip
        return m


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flat")
    (folder / "machine.il").write_text(rtlil.convert(Pipeline(), name="accelerator"))
    netlist.yosys(folder, netlist.FLATTEN)
    return Netlist(folder / "flat.json")


def register(net, name: str) -> str:
    """The register whose output is a wire of this name."""
    bits = net.module["netnames"][name]["bits"]
    return next(net.driver[bit] for bit in bits if not isinstance(bit, str))


def proved(net, cell: str, port: str, bit: int, mode: str, control: int = -1) -> bool:
    return bool(proof(net, Mutant(1, mode, cell, port, bit, control, "", "")))


def test_a_register_that_does_not_rest_changes_nothing(net):
    first = register(net, "first")
    assert proved(net, first, "EN", 0, "const1")
    assert not proved(net, first, "EN", 0, "const0")
    assert not proved(net, first, "EN", 0, "inv")
    # Nor does the second, as it follows the first one, from the beginning on.
    assert proved(net, register(net, "y"), "EN", 0, "const1")
    assert not proved(net, register(net, "turn"), "EN", 0, "const1")


def test_what_reaches_a_register_changes_something(net):
    for mode in ("inv", "const0", "const1"):
        assert not proved(net, register(net, "first"), "D", 1, mode)
        assert not proved(net, register(net, "y"), "Q", 1, mode)
    assert not proved(net, register(net, "first"), "D", 1, "cnot1", 2)


def test_what_another_bit_of_a_register_hides_changes_nothing(net):
    both = register(net, "both")
    assert proved(net, both, "Q", 0, "cnot1", 1)
    assert not proved(net, both, "Q", 0, "cnot0", 1)
    assert not proved(net, both, "Q", 1, "inv")


def test_what_is_written_to_a_memory_counts_where_it_is_written(net):
    ((write,), (read,)) = net.memories["\\memory"]
    assert not proved(net, write, "DATA", 0, "inv")
    assert not proved(net, write, "EN", 0, "const1")
    assert not proved(net, read, "ADDR", 0, "inv")
    assert not proved(net, read, "DATA", 0, "const0")


def test_what_never_happens_changes_nothing(net):
    turn = register(net, "turn")
    assert proved(net, turn, "Q", 2, "const0")
    assert proved(net, turn, "Q", 0, "cnot1", 2)
    assert not proved(net, turn, "Q", 1, "const0")
    assert not proved(net, turn, "Q", 2, "const1")
    assert not proved(net, turn, "Q", 2, "cnot1", 1)


def test_what_an_invariant_rules_out_changes_nothing(net):
    count, stop = register(net, "count"), register(net, "stop")
    assert proof(net, Mutant(1, "const0", count, "Q", 3, -1, "", "")).startswith("by PDR")
    assert proved(net, count, "Q", 0, "cnot1", 3)
    assert not proved(net, count, "Q", 2, "const0")
    assert not proved(net, count, "Q", 0, "cnot0", 3)
    assert not proved(net, stop, "Q", 0, "const0")


def test_what_counts_only_beside_a_flag_may_differ_in_memories(net):
    word = register(net, "word")
    choice = next(name for name, cell in net.cells.items() if cell["type"] == "$mux"
                  and "1" in cell["connections"]["A"])  # fmt: skip
    bits = net.module["netnames"]["word"]["bits"]
    one, flag = (net.cells[word]["connections"]["Q"].index(bits[n]) for n in (1, 4))
    assert proved(net, choice, "A", 0, "inv")
    assert proved(net, word, "D", one, "cnot0", flag)
    assert not proved(net, choice, "B", 0, "inv")
    assert not proved(net, word, "D", one, "cnot1", flag)
    assert not proved(net, word, "D", flag, "inv")
