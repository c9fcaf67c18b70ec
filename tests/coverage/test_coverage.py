"""Counts, points and page, quickly; a small campaign behind the marker."""

import collections

import pytest

from accel.isa import Op, Pool, Rounding, WindowMode
from accel.sim import verilator
from tests.coverage import campaign, counts, points, report
from tests.faults.subject import PARAMS
from tests.mutation.cases import cases

LINES = (
    "# SystemC::Coverage-3\n"
    "C '\x01f\x02a.v\x01l\x0220\x01n\x025\x01t\x02branch\x01page\x02v_branch/a\x01o\x02if' 2912\n"
    "C '\x01f\x02a.v\x01l\x0220\x01n\x026\x01t\x02branch\x01page\x02v_branch/a\x01o\x02else' 0\n"
    "C '\x01f\x02a.v\x01l\x0210\x01n\x0215\x01t\x02toggle\x01page\x02v_toggle/a"
    "\x01o\x02core__02efetch__02eprogram__02480[3]:0->1' 7\n"
    "C '\x01f\x02a.v\x01l\x0211\x01n\x0215\x01t\x02toggle\x01page\x02v_toggle/a"
    "\x01o\x02irq:1->0' 1\n"
)
TEXT = [""] * 19 + [
    r"    if (\core.halt ) begin",
    r"      \$flatten\core.\post.\resting.$21 [3:0] = 4'h0;",
    "    end",
]


def test_verilators_counts(tmp_path):
    path = tmp_path / "counts.dat"
    path.write_bytes(LINES.encode("latin-1"))
    assert counts.counted(path).tolist() == [2912, 0, 7, 1]
    assert counts.places(path) == [
        counts.Branch(20, 5, "if"), counts.Branch(20, 6, "else"),
        counts.Toggle("core.fetch.program$80", 3, "0->1"), counts.Toggle("irq", 0, "1->0"),
    ]  # fmt: skip


def test_the_page_names_what_was_not_reached():
    taken = {counts.Branch(20, 5, "if"): 9, counts.Branch(20, 6, "else"): 0,
             counts.Toggle("core.fetch.left", 3, "0->1"): 0}  # fmt: skip
    covered = campaign.Covered(1, 100, taken, TEXT, {"POST: near = True": 0, "idle: fill": 2})
    text = report.render(covered, "command")
    assert "| post-processing | 2 | 1 | 50.0% | 0 | 0 | - |" in text
    assert "1 of 2 seen" in text and "- POST: near = True\n" in text
    assert "- fetch and decode: 1: `core.fetch.left` 1\n" in text
    assert report.shares(covered) == {"branches": 0.5, "toggles": 0.0}


def test_points_of_every_case():
    """What commands say, without running them; each name was listed before."""
    found = points.Points(PARAMS)
    listed = len(found.seen)
    commands = collections.Counter()
    for case in cases():
        if "broken" not in case.name and "unaligned" not in case.name:
            commands += found.commands(case)
    assert len(found.seen) == listed > 150
    assert {*commands} == {*Op}
    assert found.seen["POST: activate = True"] and found.seen["POST: near = True"]
    for mode in WindowMode:
        assert any(count for name, count in found.seen.items() if f"mode = {mode.name}" in name)
    for rounding in Rounding:
        for pool in Pool:
            assert found.seen[f"POST: rounding = {rounding.name}, pool = {pool.name}"], rounding


@pytest.mark.campaign
def test_a_small_campaign():
    """Building takes minutes; most is reached."""
    if not verilator.available():
        pytest.skip("needs Verilator and a C++ compiler")
    covered = campaign.run(2, 1)
    assert min(report.shares(covered).values()) > 0.8
