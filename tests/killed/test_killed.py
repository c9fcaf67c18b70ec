"""A sample of the campaign, and that it would notice."""

import json
import signal
import sys

import pytest

from tests.killed import campaign, files, process, report, works

SAMPLE = [("build", 4), ("models", 1)]


@pytest.mark.parametrize("kind, seed", SAMPLE)
def test_a_sample(tmp_path, kind, seed):
    trial = campaign.Campaign(tmp_path).run(kind, seed)
    assert trial.problems == [], trial
    assert f"| {kind} | 1 |" in report.render([trial])


PLANTED = """
import json, os, pathlib
with open("report.json", "w") as file:
    file.write('{"whole": ')
    file.flush()
    pathlib.Path("other").touch()
    file.write("true}")
"""


def test_a_writer_that_writes_in_place_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text(PLANTED)
    environment = process.environment

    def with_planted(folder, home):
        found = environment(folder, home)
        return found | {"PYTHONPATH": f"{found['PYTHONPATH']}:{tmp_path}"}

    monkeypatch.setattr(process, "environment", with_planted)
    monkeypatch.setitem(works.WORKS, "planted", works.Work((), module="planted"))
    trials = campaign.Campaign(tmp_path)
    usual = trials.reference("planted")
    found = []
    for moment in range(1, usual.operations + 1):
        folder = tmp_path / f"killed{moment}"
        folder.mkdir()
        made = process.start(folder, works.WORKS["planted"], moment, signal.SIGKILL)
        assert made.wait(60) == -signal.SIGKILL
        found.append(trials._damage(campaign.Trial("planted", 0), folder, usual))
    assert found[0] == [] and found[-1][0].startswith("report.json is not whole")


@pytest.mark.parametrize("number, code, said", [(signal.SIGTERM, 143, "terminated"),
                                                (signal.SIGINT, 130, "interrupted")])  # fmt: skip
def test_who_is_asked_to_end_leaves_nothing_behind(tmp_path, number, code, said):
    trials = campaign.Campaign(tmp_path / "trials")
    usual = trials.reference("hls")
    (tmp_path / "here").mkdir()
    # Of the operations some are the caches', and not all of those come every time.
    made = process.start(tmp_path / "here", works.WORKS["hls"], usual.operations // 2, number,
                         home=tmp_path / "trials" / "home")  # fmt: skip
    assert made.wait(process.PATIENCE) == code
    assert process.said(tmp_path / "here").splitlines()[-1] == f"Error: {said}"
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["tmp"]


def test_what_is_temporary():
    for name in (".report.json.accel-a1b2c3d4", "machine/ab.begun/work", "x.nbc.tmp.1234", "a.new"):
        assert files.temporary(name)
    assert not any(map(files.temporary, ("report.json", ".report.json.mine", "a.newer")))


def test_times_are_not_compared_and_all_else_is():
    one, other, wrong = (
        json.dumps({"cycles": cycles, "simulation": {"seconds": seconds}}).encode()
        for cycles, seconds in ((7, 0.1), (7, 0.2), (8, 0.1))
    )
    assert files.same("report.json", one, other)
    assert not files.same("report.json", one, wrong)


def test_both_ways_of_starting_python(tmp_path):
    """The victim runs a module as Python itself does."""
    work = works.Work(("--version",))
    assert process.start(tmp_path, work).wait(60) == 0
    assert "version" in process.said(tmp_path), sys.version
