"""A sample of the fault campaign, and that it sees what it should."""

import collections
import dataclasses

import numpy as np
import pytest

from accel.sim import verilator
from tests.faults import campaign, elements, report

VERILOG = r"""
module accelerator(clk, q);
  input clk;
  output reg [7:0] q = 8'h00;
  reg [3:0] \core.array.pe_0_0.right = 4'h0;
  reg [15:0] \core.im2col.bank_0 [31:0];
  reg mixed;
  wire [3:0] \core.array.sum ;
  always @*
    mixed = q[0];
  always @(posedge clk)
    \core.array.pe_0_0.right  <= q[3:0];
  always @(posedge clk)
    if (mixed) \core.im2col.bank_0 [q] <= 16'h0001;
  always @(posedge clk)
    q <= 8'h01;
endmodule
module clock_gate(input clk);
  reg open;
endmodule
"""


def test_elements_are_what_a_clock_edge_writes():
    found, text = elements.find(VERILOG)
    assert [(one.name, one.bits, one.words, one.kind) for one in found] == [
        ("q", 8, 1, "unnamed, register"),
        ("core.array.pe_0_0.right", 4, 1, "array, register"),
        ("core.im2col.bank_0", 16, 32, "im2col, memory"),
    ]
    assert text.count("public_flat_rw") == 3 and "reg mixed;" in text
    assert "[31:0] /*verilator public_flat_rw*/ ;" in text


def test_the_cost_is_told_beside_a_machine_without():
    def one(lut, **on):
        return {"machine": {"name": "m"}, "array": {"rows": 8, "cols": 4},
                "params": {"parity": False, "checksum": False} | on,
                **{kind: {"used": lut} for kind in ("lut", "ff", "dsp", "block_ram")}}  # fmt: skip

    text = report.cost([one(1000), one(1100, parity=True), one(990, parity=True, checksum=True)])
    assert "`m` (8x4)" in text and "| neither | 1,000 |" in text
    assert "| parity | 1,100 (+10.0%) |" in text
    assert "| parity and checksum | 990 (-1.0%) |" in text


@pytest.fixture(scope="module")
def faulty():
    if not verilator.available():
        pytest.skip("needs Verilator and a C++ compiler")
    return campaign.Faulty(never=1 << 21)


@pytest.fixture(scope="module")
def guarded(faulty):
    return campaign.Faulty(guarded=True, never=1 << 21)


def sample(machine) -> campaign.Campaign:
    """Of every class of elements the same number of faults."""
    faults = campaign.draw(machine.elements, machine.cycles, 100, 1)
    kinds = collections.Counter(machine.elements[fault.element].kind for fault in faults)
    assert len(set(kinds.values())) == 1 and len(kinds) == 20
    return campaign.Campaign(machine, [(fault, machine.run(fault)) for fault in faults])


def check(machine, ran) -> int:
    """None hangs, and the same fault ends alike again; of how many nobody would hear."""
    found = collections.Counter(end.outcome for _, end in ran.ended)
    assert not found["hang"] and found["masked"] > 50 and found["reported"] > 1
    assert found["wrong"] + found["inside"] > 0
    assert [machine.run(fault) for fault, _ in ran.ended[:5]] == [e for _, e in ran.ended[:5]]
    return found["wrong"] + found["inside"]


def test_a_sample(faulty):
    ran = sample(faulty)
    check(faulty, ran)
    text = report.render(ran, ran, "command")
    assert text.count("Faults that hang: none") == 2 and text.count("| array, register | ") == 2


@pytest.mark.campaign
def test_a_sample_with_and_without_parity(faulty, guarded):
    """With parity less goes unseen."""
    both = sample(faulty), sample(guarded)
    assert check(guarded, both[1]) < check(faulty, both[0])
    text = report.render(*both, "command")
    assert text.count("Faults that hang: none") == 2 and text.count("| array, register | ") == 2
    assert "| with parity and checksum | " in text and "x PARITY" in text


@pytest.mark.campaign
def test_parity_changes_no_cycle_and_no_byte(faulty, guarded):
    assert guarded.cycles == faulty.cycles
    assert guarded.counters == faulty.counters
    np.testing.assert_array_equal(guarded.clean, faulty.clean)


@pytest.mark.parametrize("which", ["faulty", pytest.param("guarded", marks=pytest.mark.campaign)])
def test_what_was_never_written_may_be_anything(which, request):
    """Hardware's memories begin as they like: a bit of every word, flipped before the start."""
    machine, rng = request.getfixturevalue(which), np.random.default_rng(4)
    for _ in range(3):
        every = [campaign.Fault(number, word, int(rng.integers(one.bits)), 5)
                 for number, one in enumerate(machine.elements) if one.words > 1
                 for word in range(one.words)]  # fmt: skip
        assert machine.run(*every).outcome == "masked"


def test_what_a_flip_does_is_seen(faulty):
    """Directed flips: a command's opcode, a number in the counters, a memory's word while used."""
    names = [one.name for one in faulty.elements]

    def outcomes(start, bits, cycles):
        numbers = [n for n, name in enumerate(names) if name.startswith(start)]
        return {faulty.run(campaign.Fault(n, 0, bit, cycle)).outcome
                for n in numbers for bit in bits for cycle in cycles
                if bit < faulty.elements[n].bits}  # fmt: skip

    assert outcomes("core.counters.total", [3], [4000]) == {"counters"}
    assert {"inside", "wrong"} & outcomes("core.array.pe_0_", [5], range(1000, 3000, 500))
    assert "reported" in outcomes("core.scoreboard.open_", [0], [1500])


@pytest.mark.parametrize("name, bit, cycle", [
    ("core.fetch.resting.fetcher.dispatch.load_queue.words.fifo.r_rdy", 0, 1175),
    ("core.exec.walker.y_again", 15, 5369),
    *(("control.state", bit, cycle) for bit in range(3) for cycle in (50, 3000)),
])  # fmt: skip
def test_the_budget_ends_what_would_not_end(faulty, name, bit, cycle):
    """Or what would go on for very long; and a control that does not know where it is."""
    (number,) = (n for n, one in enumerate(faulty.elements) if one.name == name)
    ended = faulty.run(campaign.Fault(number, 0, bit, cycle))
    assert ended.outcome in ("reported", "masked", "counters"), ended
    if name.startswith("core"):
        assert ended.said == "BUDGET"


def test_a_run_that_does_not_end_hangs_and_a_long_one_is_late(faulty, monkeypatch):
    fault = campaign.Fault(0, 0, 0, 10)
    monkeypatch.setattr(faulty, "_limit", faulty.cycles // 2)
    assert faulty.run(fault).outcome == "hang"
    monkeypatch.undo()
    monkeypatch.setattr(faulty, "_registers", {})
    monkeypatch.setattr(faulty, "cycles", faulty.cycles // 30)
    assert dataclasses.replace(faulty.run(fault), said="", cycles=0).outcome == "late"
