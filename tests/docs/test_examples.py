"""The examples of the pages: each is run, and prints what the page says."""

import shutil

import pytest

from accel.docs import stage, steps
from accel.sim import verilator

PAGES = [page for page in sorted(stage.PAGES.rglob("*.md"))
         if any(steps.steps(page.read_text(encoding="utf-8")))]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_it_says(page, tmp_path):
    if not verilator.available() or shutil.which("gcc") is None:
        pytest.skip("needs Verilator and a C and C++ compiler")
    assert steps.run(page, tmp_path) >= 3


def test_there_are_six_tutorials_with_examples():
    assert len([page for page in PAGES if page.parent.name == "tutorials"]) == 6


def page(folder, *lines):
    file = folder / "page.md"
    file.write_text("\n".join(("# A page", "", *lines, "")))
    (folder / "work").mkdir(exist_ok=True)
    return file, folder / "work"


def test_an_output_that_differs_is_found(tmp_path):
    lines = ["```pycon", ">>> x = 2", ">>> x + 2", "5", "```"]
    with pytest.raises(steps.StepError, match=r"(?s)page\.md, line 5: x \+ 2.*prints\n4"):
        steps.run(*page(tmp_path, *lines))
    lines[3] = "4"
    assert steps.run(*page(tmp_path, *lines)) == 2


def test_an_exception_is_no_output(tmp_path):
    with pytest.raises(steps.StepError, match="line 4: ZeroDivisionError"):
        steps.run(*page(tmp_path, "```pycon", ">>> 1 / 0", "```"))


def test_a_command_that_fails_must_be_asked_about(tmp_path):
    lines = ["```console", "$ ls nothing-here", "...", "$ echo one", "one", "```"]
    with pytest.raises(steps.StepError, match="before line 6 ended with 2"):
        steps.run(*page(tmp_path, *lines))
    assert steps.run(*page(tmp_path, *lines[:3], "$ echo $?", "2", *lines[3:])) == 3


def test_accel_runs_in_the_folder_with_the_pages_files(tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "mine.toml").write_text("[machine]\nrows = 6\n")
    lines = ["```console", "$ accel machine mine.toml",
             "Error: mine.toml: rows must be a power of two from 4 to 128, not 6", "$ echo $?",
             "2", "```"]  # fmt: skip
    assert steps.run(*page(tmp_path, *lines)) == 2


def test_outputs_are_written_and_what_agrees_stays(tmp_path):
    lines = ["```pycon", ">>> print('a b')", "a...", ">>> 3", "old", "older", "```", "",
             "```console", "$ echo new", "```"]  # fmt: skip
    file, work = page(tmp_path, *lines)
    steps.rewrite(file, work)
    text = file.read_text()
    assert "a...\n>>> 3\n3\n```" in text and "$ echo new\nnew\n```" in text
    assert steps.run(file, work) == 3


def test_times_are_not_written(tmp_path):
    line = "simulated in 0.25 s (1,234 cycles/s); report in out"
    file, work = page(tmp_path, "```console", f"$ echo '{line}'", "```")
    steps.rewrite(file, work)
    assert "simulated in ... s (... cycles/s); report in out\n" in file.read_text()


def test_a_slow_machines_progress_is_no_output():
    text = "10 s: epoch 1/1\nshallow: 1 epoch\n120 s: predicting, 50%\nin 10 s: done\n"
    assert steps._PROGRESS.sub("", text) == "shallow: 1 epoch\nin 10 s: done\n"
