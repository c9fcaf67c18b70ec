"""Runs the examples of a page: Python in ``pycon`` fences, commands in ``console`` fences.

A page's steps run one after the other in a folder of their own, which begins with the files that
lie in the folder of the page's name.  What Python prints is doctest's to compare, ``...`` stands
for anything.  A command is a line that begins with ``$ ``; ``accel`` runs in this process, which
has imported everything already.  One that fails must be followed by ``$ echo $?``.
"""

import contextlib
import dataclasses
import doctest
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import click.testing

from accel.report.files import write_text

_FENCE = re.compile(r"^```(pycon|console)\n(.*?)^```$", re.M | re.S)
#: What accel.progress says every ten seconds, on a machine that takes so long.
_PROGRESS = re.compile(r"^\d+ s: .*\n", re.M)
_OPTIONS = doctest.ELLIPSIS
#: Seconds that a command other than accel may take.
_PATIENCE = 120


@dataclasses.dataclass(frozen=True)
class Step:
    """Something to run and what it must print; ``line`` is where the page has it."""

    kind: str
    source: str
    expected: str
    line: int


class StepError(AssertionError):
    """A step printed something else, or failed."""


def steps(text: str) -> Iterator[Step]:
    """The steps of a page, in order."""
    for fence in _FENCE.finditer(text):
        kind, body = fence.groups()
        first = text.count("\n", 0, fence.start(2)) + 1
        if kind == "pycon":
            for example in doctest.DocTestParser().get_examples(body):
                yield Step(kind, example.source, example.want, first + example.lineno)
            continue
        for command in re.finditer(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", body, re.M):
            line = first + body.count("\n", 0, command.start())
            yield Step(kind, command[1], command[2], line)


class Runner:
    """Runs steps in a folder; Python's names and the last command's exit code stay."""

    def __init__(self, folder: pathlib.Path):
        self._folder, self._names, self._code = folder, {"__name__": "__main__"}, 0

    def run(self, step: Step) -> str:
        """What a step prints.

        Raises:
            StepError: a command failed, and the one before was not asked about.
        """
        if step.kind == "pycon":
            return self._python(step)
        if step.source.strip() == "echo $?":
            code, self._code = self._code, 0
            return f"{code}\n"
        if self._code:
            raise StepError(f"the command before line {step.line} ended with {self._code}")
        words = shlex.split(step.source)
        self._code, printed = (_accel if words[0] == "accel" else self._shell)(step.source)
        return printed

    def _python(self, step: Step) -> str:
        example = doctest.Example(step.source, step.expected, lineno=step.line - 1)
        test = doctest.DocTest([example], self._names, "page", "page", 0, None)
        runner = _Listener(optionflags=_OPTIONS)
        runner.run(test, out=lambda _: None, clear_globs=False)
        self._names = test.globs
        return runner.printed

    def _shell(self, command: str) -> tuple[int, str]:
        scripts = str(pathlib.Path(sys.executable).parent)
        done = subprocess.run(
            ["bash", "-c", command], cwd=self._folder, text=True, check=False, timeout=_PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip
        return done.returncode, done.stdout


def _accel(command: str) -> tuple[int, str]:
    from accel.cli import main

    done = click.testing.CliRunner().invoke(main, shlex.split(command)[1:])
    return done.exit_code, _PROGRESS.sub("", done.output)


class _Listener(doctest.DocTestRunner):
    """Keeps what an example printed, or the traceback that doctest would compare."""

    printed = ""

    def report_success(self, out, test, example, got):
        """Keep it."""
        self.printed = got

    def report_failure(self, out, test, example, got):
        """Keep it."""
        self.printed = got

    def report_unexpected_exception(self, out, test, example, exc_info):
        """Pass it on: no example of a page fails."""
        raise StepError(f"line {example.lineno + 1}: {exc_info[1]!r}") from exc_info[1]


def agrees(step: Step, printed: str) -> bool:
    """Whether a step printed what the page says; spaces at the ends of lines do not count."""
    want, got = (re.sub(r"[ \t]+$", "", text, flags=re.M) for text in (step.expected, printed))
    return doctest.OutputChecker().check_output(want, got, _OPTIONS)


@contextlib.contextmanager
def _inside(folder: pathlib.Path) -> Iterator[None]:
    before = pathlib.Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run(page: pathlib.Path, folder: pathlib.Path,
        each: Callable[[Step, str], None] | None = None) -> int:  # fmt: skip
    """Run a page's steps in ``folder``, which must be empty.

    Args:
        page: the Markdown file.
        folder: to run in.
        each: told of each step and what it printed; by default one that differs is an error.

    Returns:
        How many steps there were.

    Raises:
        StepError: naming the page, the line, and both outputs.
    """
    files = page.with_suffix("")
    if files.is_dir():
        shutil.copytree(files, folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    found, runner = list(steps(page.read_text(encoding="utf-8"))), Runner(folder)
    with _inside(folder):
        for step in found:
            printed = runner.run(step)
            if each is not None:
                each(step, printed)
            elif not agrees(step, printed):
                raise StepError(
                    f"{page.name}, line {step.line}: {step.source}must print\n{step.expected}\n"
                    f"and prints\n{printed}\n"
                    f"(python -m accel.docs --write {page} writes what it prints)"
                )
    return len(found)


def rewrite(page: pathlib.Path, folder: pathlib.Path) -> None:
    """Run a page's steps and write what they print into the page; what agrees stays as it is."""
    text, lines = page.read_text(encoding="utf-8"), []
    run(page, folder, lambda step, printed: lines.append((step, printed)))
    parts = text.splitlines(keepends=True)
    for step, printed in reversed(lines):
        if not agrees(step, printed):
            first = step.line - 1 + step.source.count("\n")
            count = step.expected.count("\n")
            parts[first : first + count] = [_lasting(printed)]
    write_text("".join(parts), page)


def _lasting(printed: str) -> str:
    """What is the same whenever it is printed: no spaces at the ends of lines, no times."""
    text = re.sub(r"[ \t]+$", "", printed, flags=re.M)
    return re.sub(r" in [\d.]+ s \([\d,]+ cycles/s\)", " in ... s (... cycles/s)", text)
