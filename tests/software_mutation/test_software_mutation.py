"""The harness of the software's mutants, with a handful of them; its drawing, lists and page."""

import json
import subprocess
import sys
import types

import pytest

from tests.software_mutation import references

WHY = "needs pip install '.[mutation]'"
draw = pytest.importorskip("tests.software_mutation.draw", reason=WHY)
trial = pytest.importorskip("tests.software_mutation.trial", reason=WHY)
campaign = pytest.importorskip("tests.software_mutation.campaign", reason=WHY)
report = pytest.importorskip("tests.software_mutation.report", reason=WHY)
verdicts = pytest.importorskip("tests.software_mutation.verdicts", reason=WHY)

SOURCE = '''\
import functools

LIMIT: int | None = 7


@functools.cache
def half(value: int | None = 3) -> int | None:
    for one in range(value):
        if one > 2 and \\
                one < LIMIT:
            return one // 2
    return -value
'''


def changes(path) -> list:
    """All that Cosmic Ray would change in a file."""
    found = []
    draw.init([path], types.SimpleNamespace(clear=found.clear, add_work_items=found.extend), {})
    return found


def test_notices_what_is_wrong_and_lets_live_what_is_not(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.software_mutation.sample", tmp_path],
        capture_output=True, text=True, cwd=references.ROOT, timeout=300,
    )  # fmt: skip
    said = json.loads(done.stdout) if done.returncode == 0 else pytest.fail(done.stderr)
    killed = {name: verdict[0] for name, verdict in said.items()}
    assert killed == {"nothing": False, "equal": False, "wrong": True, "endless": True,
                      "wrong kernel": True, "no import": True}  # fmt: skip
    assert said["nothing"][1] == "6 tests pass"
    assert "killed by tests/graph/test_shapes.py::" in said["wrong"][1]
    assert said["endless"][1] == "out of time"
    assert "importing" in said["no import"][1]


def test_draws_places_and_no_annotation_or_cache(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(SOURCE)
    found = changes(file)
    assert {item.mutations[0].start_pos[0] for item in found} >= {3, 6, 7}
    all_ = draw.draw(found, 1000, 1)
    starts = {item.mutations[0].start_pos for item in all_}
    assert (3, 20) in starts and (7, 29) in starts  # 7 and 3, not the bars between types
    assert len(starts & {(3, 11), (7, 20), (7, 36), (6, 0)}) == 0
    assert len(all_) == len({item.mutations[0].start_pos for item in all_}) > 5
    few = draw.draw(found, 3, 1)
    assert [item.job_id for item in few] == [item.job_id for item in all_[:3]]
    assert [item.job_id for item in draw.draw(found, 1000, 2)] != [item.job_id for item in all_]


def test_draws_only_exceptions_that_can_be_changed(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("import json\ntry:\n    pass\nexcept (json.JSONDecodeError, ValueError):\n"
                    "    pass\nexcept json.JSONDecodeError:\n    pass\n"
                    "except KeyError:\n    pass\n")
    drawn = [item.mutations[0] for item in draw.draw(changes(file), 100, 1)]
    changed = [one for one in drawn if "ExceptionReplacer" in one.operator_name]
    assert sorted(one.start_pos[0] for one in changed) == [4, 8]
    assert all("CosmicRayTestingException" in draw.mutated(one) for one in changed)


def test_a_mutant_keeps_its_name_when_other_lines_change(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(SOURCE)
    before = {item.job_id for item in draw.draw(changes(file), 1000, 1)}
    file.write_text('"""A module."""\n' + SOURCE.replace("one // 2", "one // 3"))
    after = {item.job_id for item in draw.draw(changes(file), 1000, 1)}
    assert {name.split("|")[2].strip() for name in before - after} == {"return one // 2"}
    assert {name.split("|")[2].strip() for name in after - before} == {"return one // 3"}


@pytest.mark.parametrize("line, lines, importing", [
    (3, [3], True),
    (6, [6], True),  # a decorator
    (7, [7], True),  # a default
    (8, [8], False),
    (10, [9, 10], False),  # a condition's second line
    (11, [11], False),
])  # fmt: skip
def test_the_lines_of_a_statement(line, lines, importing):
    found, imports = trial.statement_lines(SOURCE, line)
    assert (list(found), imports) == (lines, importing)


def test_different_tests_come_first():
    one, two, far = (f"tests/{name}.py::" for name in ("graph/test_one", "graph/test_two", "test"))
    seconds = {one + "a[1]": 1, one + "a[2]": 1.5, one + "a[3]": 2, one + "b": 2.5, two + "c": 2.2,
               two + "d": 2.4, far + "e": 1, far + "f": 0.1}  # fmt: skip
    assert trial.in_order(seconds, seconds, "accel/graph/ir.py") == [
        far + "f", one + "a[1]", one + "b", two + "c", two + "d", one + "a[2]", far + "e",
        one + "a[3]"]  # fmt: skip


def test_who_uses_a_kernel():
    kernel = references.definition_at("accel/golden/integer.py", 30)
    assert kernel.names == {"fold_bias"}
    assert {"_prepare"} in [user.names for user in references.users(kernel)]
    above = {(user.source, *user.names) for user in references.all_users(kernel)}
    assert ("accel/golden/integer.py", "conv") in above
    assert ("accel/golden/layers.py", "compute") in above  # by way of its table of functions
    assert ("accel/golden/integer.py", "_arrays") not in above


def test_a_change_and_its_verdict(tmp_path):
    assert verdicts.change("a = 1\n  b = 2\n", "a = 1\n  b = 3\n") == ("b = 2", "b = 3")
    file = tmp_path / "verdicts.toml"
    file.write_text('[[equivalent]]\nsource = "s.py"\nbefore = "b"\nafter = "c"\nwhy = "same"\n')
    known = verdicts.Verdicts(file)
    assert known.unknown() == [("s.py", "b", "c")]
    assert known.why("s.py", "b", "c") == "same" and known.why("s.py", "b", "d") is None
    assert known.unknown() == []


def test_every_verdict_is_about_a_line_that_is_there():
    known = verdicts.Verdicts()
    for source, before, _ in known.unknown():
        lines = {line.strip() for line in draw.text_of(source).splitlines()}
        assert before in lines, f"verdicts.toml: {source} has no line {before!r}"


def test_the_page():
    def one(killed, why=None, source="accel/graph/ir.py"):
        return campaign.Judged(source, 3, "a = 1", "a = 2", killed, "4 tests pass", why)

    text = report.render([one(True), one(True), one(False), one(False, "as good"),
                          one(True, source="accel/quant.py")], 95, 7, 10, "command")  # fmt: skip
    assert "5 (the first of 100; the same command goes on) changes" in text
    assert "| graph | 4 | 2 | 1 | 1 | 66.7% |" in text
    assert "| golden model | 1 | 1 | 0 | 0 | 100.0% |" in text
    assert "| **together** | 5 | 3 | 1 | 1 | 75.0% |" in text
    assert "accel/graph/ir.py:3: `a = 1` becomes `a = 2`: 4 tests pass" in text
    assert "`a = 1` becomes `a = 2`: as good" in text
