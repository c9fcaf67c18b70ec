"""The mutants' list and page, quickly; a sample of mutants as a campaign."""

import types

import pytest

from accel.sim import verilator
from tests.mutation import campaign, netlist, report, results

LINE = (
    r"mutate -ctrl mutant 16 12 -mode cnot0 -module accelerator "
    r"-cell $flatten\core.\window.\compute.$241 -port A -portbit 11 -ctrlbit 16 "
    r"-src /somewhere/rtl/top.py:57 -src /somewhere/rtl/window/compute.py:59"
)
REGISTER = (
    r"mutate -ctrl mutant 16 13 -mode const1 -module accelerator -cell $auto$ff.cc:266:slice$1038 "
    r"-port Q -portbit 0 -wire core.post.pool.average.place2 -wirebit 3 -src /x/rtl/top.py:57"
)


def test_a_mutants_line():
    mutant = netlist.mutant_of(LINE)
    assert (mutant.number, mutant.mode, mutant.wire) == (12, "cnot0", "")
    assert (mutant.port, mutant.bit, mutant.control) == ("A", 11, 16)
    assert netlist.mutant_of(REGISTER).wire == "core.post.pool.average.place2[3]"


def test_the_page_counts_by_room_and_lists_what_nothing_noticed(tmp_path, monkeypatch):
    register = netlist.mutant_of(REGISTER)
    judged = [campaign.Judged(netlist.mutant_of(LINE), None),
              campaign.Judged(register, "layer 3"),
              campaign.Judged(register, None, "in 2 cycles"),
              campaign.Judged(register, None, left=7, unproved=True)]  # fmt: skip
    judge = types.SimpleNamespace(cycles=1000, cases={}, mutants=[0] * 9, netlist="this one")
    monkeypatch.setattr(report, "LOOKED", tmp_path / "looked.toml")
    report.LOOKED.write_text('netlist = "this one"\n[mutants]\n12 = "Nobody reads it."\n')
    text = report.render(judge, judged, "command")
    assert "| window unit | 1 | 0 | 0 | 1 | 0.0% |" in text
    assert "| post-processing | 3 | 1 | 1 | 1 | 50.0% |" in text and "**33.3%** of" in text
    assert "layer 1" in text and "rtl/window/compute.py:59" in text and "/somewhere" not in text
    assert ": in 2 cycles\n" in text and "\n5 more are not tried yet" in text
    assert ": no case notices it, a proof is yet to be tried. Nobody reads it.\n" in text
    assert ": 7 cases to go, every proof fails\n" in text
    assert "\n1 are not tried with all cases yet" in text
    judge.netlist = "another"
    assert "Nobody reads it" not in report.render(judge, judged, "command")


@pytest.mark.campaign
def test_a_sample():
    """Building takes half a minute; most mutants are noticed, and without one all is right."""
    if not verilator.available() or not netlist.available():
        pytest.skip("needs Verilator, a C++ compiler and a Yosys with its pass mutate")
    judge, judged = campaign.run(24, 3, 1)
    assert [one.mutant for one in judged] == judge.mutants and len(judged) == 24
    assert sum(one.noticed_by is not None for one in judged) >= 12


def test_verdicts_are_kept_and_only_what_is_new_is_tried(tmp_path):
    path = tmp_path / "results.json"
    first = results.Results(path, "netlist")
    assert first.left("1", ("a", "b")) == ("a", "b") and first.of("1", ("a",)) is False
    first.add("1", "b", ("a", "b"))
    first.add("2", None, ("a", "b"))
    first.save()
    again = results.Results(path, "netlist")
    assert again.left("1", ("a", "b", "c")) == () and again.of("1", ("b", "c")) == "b"
    assert again.left("1", ("a", "c")) == ("a", "c")  # what noticed it is gone
    assert again.left("2", ("a", "c")) == ("c",) and again.of("2", ("b",)) is None
    assert again.of("2", ("b", "c")) is False
    again.proofs["2"] = "in a cycle"  # no case will notice it
    assert again.left("2", ("a", "c")) == () and again.of("2", ("b", "c")) is None
    again.save()
    assert results.Results(path, "netlist").proofs == {"2": "in a cycle"}
    assert results.Results(path, "another").left("1", ("a",)) == ("a",)


def test_each_mutant_says_whether_it_would_change_its_bit():
    text = "".join(
        f"  cell $eq $auto$mutate.cc:631:mutate_ctrl${number}\n    parameter \\A_WIDTH 16\n"
        f"    connect \\A \\mutant\n    connect \\B 16'{number:016b}\n"
        f"    connect \\Y $is{number}\n  end\n"
        f"  cell $mux $auto$mutate.cc:641:mutate_ctrl_mux${number}\n    parameter \\WIDTH 1\n"
        f"    connect \\A \\old [{number}]\n    connect \\B \\new [{number}]\n"
        f"    connect \\S $is{number}\n    connect \\Y $out{number}\n  end\n" for number in (3, 7)
    )  # fmt: skip
    made = netlist.with_infected(f"module \\m\n{text}\nend\n", [3, 7])
    assert "connect \\A { \\old [7] \\old [3] }" in made  # the lowest bit is the last
    assert "connect \\B { \\new [7] \\new [3] }" in made and made.endswith("  end\nend\n")
