"""Counts, points, waivers and page, quickly; a small campaign behind the marker."""

import collections

import pytest

from accel.isa import Op, unpack
from accel.sim import verilator
from tests.coverage import campaign, counts, ends, points, report, waits
from tests.coverage.backlog import backlogs
from tests.coverage.directed import directed
from tests.coverage.waivers import Waived, Waiver, description, waivers
from tests.faults.subject import PARAMS
from tests.mutation import singles
from tests.mutation.cases import cases
from tests.support.machine import Machine

LINES = (
    "# SystemC::Coverage-3\n"
    "C '\x01f\x02a.v\x01l\x0220\x01n\x025\x01t\x02branch\x01page\x02v_branch/a\x01o\x02if' 2912\n"
    "C '\x01f\x02a.v\x01l\x0220\x01n\x026\x01t\x02branch\x01page\x02v_branch/a\x01o\x02else' 0\n"
    "C '\x01f\x02a.v\x01l\x0210\x01n\x0215\x01t\x02toggle\x01page\x02v_toggle/a"
    "\x01o\x02core__02efetch__02eprogram___05Faddr__02480[3]:0->1' 7\n"
    "C '\x01f\x02a.v\x01l\x0211\x01n\x0215\x01t\x02toggle\x01page\x02v_toggle/a"
    "\x01o\x02irq:1->0' 1\n"
)
TEXT = [""] * 19 + [
    r"    if (\core.halt ) begin",
    r"      \$flatten\core.\post.\resting.$21 [3:0] = 4'h0;",
    "    end",
]
TAKEN = {counts.Branch(20, 5, "if"): 9, counts.Branch(20, 6, "else"): 0,
         counts.Toggle("core.fetch.left", 3, "0->1"): 0,
         counts.Toggle("core.fetch.left", 2, "0->1"): 4}  # fmt: skip


def covered() -> campaign.Covered:
    return campaign.Covered(1, 100, TAKEN, TEXT, {"POST: near = True": 0, "idle: fill": 2})


def test_verilators_counts(tmp_path):
    path = tmp_path / "counts.dat"
    path.write_bytes(LINES.encode("latin-1"))
    assert counts.counted(path).tolist() == [2912, 0, 7, 1]
    assert counts.places(path) == [
        counts.Branch(20, 5, "if"), counts.Branch(20, 6, "else"),
        counts.Toggle("core.fetch.program__addr$80", 3, "0->1"), counts.Toggle("irq", 0, "1->0"),
    ]  # fmt: skip


def test_the_page_names_what_was_not_reached():
    waived = report.judge(covered(), [])
    text = report.render(covered(), "command", waived)
    assert "| post-processing | 2 | 1 | 0 | 50.0% | 0 | 0 | 0 | - |" in text
    assert "1 of\n2 seen, 0 waived" in text and "- POST: near = True\n" in text
    assert "- fetch and decode: 1: `core.fetch.left` 1\n" in text
    assert report.shares(covered(), waived) == {"branches": 0.5, "toggles": 0.5, "points": 0.5}


def test_the_page_gives_the_reasons_of_waivers():
    listed = [Waiver("toggle", r"core\.fetch\.left\[3\] .*", "small programs"),
              Waiver("branch", r"core\.post.* else: .*halt.*", "never"),
              Waiver("point", "POST: near = True", "never")]  # fmt: skip
    waived = report.judge(covered(), listed)
    text = report.render(covered(), "command", waived)
    assert not waived.wrong
    assert "| post-processing | 2 | 1 | 1 | 100.0% | 0 | 0 | 0 | - |" in text
    assert "- 1 (fetch and decode 1): small programs\n" in text
    assert "- 2 (points 1, post-processing 1): never\n" in text
    assert "## Not reached\n\nNothing.\n" in text
    assert {*report.shares(covered(), waived).values()} == {1}
    assert report.waiver_share(covered(), waived) == 0.5


def test_waivers_of_nothing_and_of_what_is_reached_are_wrong():
    things = {"one": ("toggle", "a[1] 0->1", 0), "other": ("toggle", "a[0] 0->1", 5)}
    assert not Waived([Waiver("toggle", r"a\[1\].*", "why")], things).wrong
    assert Waived([Waiver("toggle", r"a.*", "why")], things).wrong
    assert Waived([Waiver("toggle", r"b.*", "why")], things).wrong
    assert Waived([Waiver("branch", r"a\[1\].*", "why")], things).wrong


def test_descriptions_tell_what_is_meant():
    branch, toggle = counts.Branch(20, 6, "else"), counts.Toggle("irq", 0, "1->0")
    assert description(branch, "core.x", TEXT) == ("branch", r"core.x else: if (\core.halt ) begin")
    assert description(toggle, "irq", TEXT) == ("toggle", "irq[0] 1->0")


def test_every_waiver_has_a_reason():
    for waiver in waivers():
        assert len(waiver.reason) > 30 and waiver.reason.endswith("."), waiver
        assert waiver.pattern not in ("", ".*")


def test_points_of_every_case():
    """What commands say, without running them; each name was listed before."""
    found = points.Points(PARAMS)
    listed = len(found.seen)
    commands = collections.Counter()
    for case in cases():
        if "broken" not in case.name and "unaligned" not in case.name:
            commands += found.commands(case)
    for command in [*singles.commands(PARAMS), *ends.commands(PARAMS)]:
        found.single(command, campaign.breaks_a_rule(command))
    for one in waits.waiting(PARAMS):
        found.count(one.name)
    assert len(found.seen) == listed > 750
    assert {*commands} == {*Op}
    # What is left needs a run.
    unseen = {name.split(":")[0] for name, count in found.seen.items() if not count}
    assert {name for name in unseen if not name.startswith("queue of")} <= {
        "idle", "ended", "memory", "EXEC", "ACTIVATION", "LOAD"}  # fmt: skip


def test_single_commands_at_the_ends_of_their_fields_are_sound():
    for command in ends.commands(PARAMS):
        assert not campaign.breaks_a_rule(command), unpack(command)


def test_directed_programs_have_one_result_in_any_order():
    programs = [(name, program) for name, program, _ in directed(PARAMS)]
    for name, program in [*programs, *((case.name, one) for case, one in backlogs(PARAMS))]:
        left = []
        for seed in (1, 2):
            machine = Machine(program.program(PARAMS), {}, seed)
            machine.run()
            left.append(machine.memory)
        assert program.same(*left), name


@pytest.mark.campaign
def test_a_small_campaign():
    """Building takes minutes; all is reached but what is waived, and no waiver is wrong."""
    if not verilator.available():
        pytest.skip("needs Verilator and a C++ compiler")
    small = campaign.run(2, 1)
    waived = report.judge(small)
    assert not waived.wrong
    assert min(report.shares(small, waived).values()) > 0.99
    assert report.waiver_share(small, waived) < report.MOST_WAIVED
