"""The mutants' list and page, quickly; a sample of mutants as a campaign."""

import types

import pytest

from accel.sim import verilator
from tests.mutation import campaign, netlist, report

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


def test_the_page_counts_by_room_and_lists_what_nothing_noticed():
    judged = [campaign.Judged(netlist.mutant_of(LINE), None),
              campaign.Judged(netlist.mutant_of(REGISTER), "layer 3"),
              campaign.Judged(netlist.mutant_of(REGISTER), None, "in 2 cycles")]  # fmt: skip
    text = report.render(types.SimpleNamespace(cycles=1000, cases={}), judged, "command")
    assert "| window unit | 1 | 0 | 0 | 1 | 0.0% |" in text
    assert "| post-processing | 2 | 1 | 1 | 0 | 100.0% |" in text and "**50.0%** of" in text
    assert "layer 1" in text and "rtl/window/compute.py:59" in text and "/somewhere" not in text
    assert ": in 2 cycles\n" in text


@pytest.mark.campaign
def test_a_sample():
    """Building takes half a minute; most mutants are noticed, and without one all is right."""
    if not verilator.available() or not netlist.available():
        pytest.skip("needs Verilator, a C++ compiler and a Yosys with its pass mutate")
    judge, judged = campaign.run(24, 3, 1)
    assert [one.mutant for one in judged] == judge.mutants and len(judged) == 24
    assert sum(one.noticed_by is not None for one in judged) >= 12
