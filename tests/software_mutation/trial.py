"""One mutant's trial: the tests that run its line, one after the other, until one fails."""

import ast
import collections
import dataclasses
import heapq

import pytest
from cosmic_ray.work_item import MutationSpec

from tests.software_mutation import draw, planted, warm
from tests.software_mutation.references import (
    Definition,
    all_users,
    definition_at,
    is_kernel,
    users,
)
from tests.software_mutation.rooms import ROOT
from tests.software_mutation.touch import PYTEST, Touch

#: Seconds of tests, as measured without a mutant, that a mutant must outlive, by default.
ENOUGH = 10
#: ... of which the import of a file of tests counts for so many.
IMPORT = 0.3
#: How much slower a test counts that is in another folder than the source's.
FOREIGN = 3
#: Tests of a first batch, which kills most; files of later tests are not even imported then.
FIRST = 8
#: A mutant hangs if a test computes for TIMES its seconds and SPARE; COMPILING is what compiling
#: kernels anew may take besides, and LONGEST the most that all may take, computing or waiting.
TIMES, SPARE, COMPILING, LONGEST = 5, 10, 20, 300


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether it was killed, and by what; how many tests it was given."""

    killed: bool
    said: str
    tests: int


def statement_lines(text: str, line: int) -> tuple[range, bool]:
    """The lines of the innermost statement at a line (a compound one's head), and whether it runs
    while the module is imported."""
    found, inside = ast.parse(text), False

    def visit(node, within):
        nonlocal found, inside
        for child in ast.iter_child_nodes(node):
            decorators = getattr(child, "decorator_list", ())
            if any(one.lineno <= line <= one.end_lineno for one in decorators):
                return  # found where the function or class is made
            if isinstance(child, ast.stmt) and child.lineno <= line <= child.end_lineno:
                found, inside = child, within
                body = getattr(child, "body", None)
                deeper = isinstance(child, ast.FunctionDef) and line >= body[0].lineno
                visit(child, within or deeper)
            elif not isinstance(child, ast.stmt | ast.expr):
                visit(child, within)

    visit(found, False)
    if isinstance(found, ast.Module | ast.ClassDef) or not inside:
        return range(line, line + 1), True
    body = getattr(found, "body", None)
    last = body[0].lineno - 1 if body and body[0].lineno > found.lineno else found.end_lineno
    return range(found.lineno, max(last, line) + 1), False


def choose(touch: Touch, source: str, line: int) -> list[str]:
    """The tests for a change in a line: those that run it.

    Where no test is seen to (Numba's code, a module's constants) those that run what uses it.
    """
    lines, importing = statement_lines(draw.text_of(source), line)
    tests = touch.tests(source, lines)
    definition = definition_at(source, line)
    if definition is None:  # an import: whoever runs anything
        tests = touch.tests(source, touch.lines.get(source, ()))
    elif importing:  # a default, a class's field, a constant
        tests = tests | touch.tests(source, range(definition.first + 1, definition.last + 1))
        tests |= _tests_of(touch, users(definition))
        own = _folder(source)  # some look at what a module has, and run nothing of it
        tests |= {test for test in touch.seconds if test.startswith(own)}
    if definition and (not tests or is_kernel(definition)):
        tests = tests | _callers_tests(touch, definition)
    return in_order(tests, touch.seconds, source)


def _callers_tests(touch: Touch, definition: Definition) -> set[str]:
    """Those that run what uses a definition; or if that is compiled or never seen, uses this."""
    tests, seen, left = set(), {definition}, [definition]
    while left:
        for user in users(left.pop()) - seen:
            found = _tests_of(touch, [user])
            tests, seen = tests | found, seen | {user}
            if is_kernel(user) or not found:
                left.append(user)
    return tests


def _folder(source: str) -> str:
    """Where a source's own tests are."""
    return f"tests/{source.split('/')[1]}"


def in_order(tests, seconds: dict[str, float], source: str) -> list[str]:
    """The tests that cost least first.

    Those of other folders than the source's count as slower, and so do more cases of one function:
    what ten of them have not noticed, a test of something else rather will.  A file of tests has to
    be imported once.
    """
    own = _folder(source)
    files, before = collections.defaultdict(list), collections.Counter()
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        file, function = test.partition("::")[0], test.partition("[")[0]
        before[function] += 1
        cost = seconds[test] * before[function] * (1 if test.startswith(own) else FOREIGN)
        files[file].append((cost, test))
    for costs in files.values():
        costs.sort()
    waiting = [(costs[0][0] + IMPORT, file, 0) for file, costs in files.items()]
    heapq.heapify(waiting)
    found = []
    while waiting:
        _, file, number = heapq.heappop(waiting)
        found.append(files[file][number][1])
        if number + 1 < len(files[file]):
            heapq.heappush(waiting, (files[file][number + 1][0], file, number + 1))
    return found


def _tests_of(touch: Touch, definitions) -> set[str]:
    return set().union(
        *(touch.tests(one.source, range(one.first + 1, one.last + 1)) for one in definitions)
    )


class _Only:
    """Leaves the chosen tests of what was collected, in their order, and reports each end."""

    def __init__(self, tests: dict[str, float], send):
        self._place = {test: number for number, test in enumerate(tests)}
        self._allowed, self._send = tests, send

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted(
            (item for item in items if item.nodeid in self._place),
            key=lambda item: self._place[item.nodeid],
        )

    def pytest_runtest_logstart(self, nodeid):
        warm.allow(self._allowed[nodeid])

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self._send(f"\nkilled by {report.nodeid}")
        elif report.when == "call":
            self._send(".")

    def pytest_collectreport(self, report):
        if report.failed:
            self._send(f"\nkilled by importing {report.nodeid}")


def run(source: str, line: int, text: str, tests: dict[str, float], send) -> None:
    """Plant a mutant in this process and send what the tests say, a dot for each that passes.

    ``tests``: in order, with the seconds that each may compute.
    """
    planted.plant(source, line, text)
    names = list(tests)
    for batch in (names[:FIRST], names[FIRST:]):
        if batch:
            warm.allow(SPARE)  # for imports
            files = dict.fromkeys(str(ROOT / test.partition("::")[0]) for test in batch)
            only = _Only({test: tests[test] for test in batch}, send)
            code = pytest.main([*PYTEST, *files], plugins=[only])
            if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                send(f"\nkilled: pytest ends with {int(code)}")
                return
    send("\nlived")


def judge(touch: Touch, mutation: MutationSpec, enough: float = ENOUGH) -> Verdict:
    """Try one mutant with tests of ``enough`` seconds."""
    source, line = str(mutation.module_path), mutation.start_pos[0]
    return judge_text(touch, source, line, draw.mutated(mutation), enough)


def judge_text(
    touch: Touch, source: str, line: int, text: str, enough: float = ENOUGH
) -> Verdict:
    """Try a change of a line, given as the whole new text."""
    try:
        compile(text, source, "exec")
    except SyntaxError as error:
        return Verdict(True, f"no Python: {error.msg}", 0)
    kernels = any(is_kernel(one) for one in all_users(definition_at(source, line)))
    tests, files, spent = {}, set(), 0.0
    for test in choose(touch, source, line):
        file = test.partition("::")[0]
        spent += touch.seconds[test] + (0 if file in files else IMPORT)
        files.add(file)
        if tests and spent > enough:
            break
        tests[test] = SPARE + TIMES * touch.seconds[test] + COMPILING * kernels
    if not tests:
        return Verdict(False, "no test runs it", 0)
    said, _ = warm.call(lambda send: run(source, line, text, tests, send), LONGEST)
    last = said.rpartition("\n")[2]
    if last == "lived":
        return Verdict(False, f"{said.count('.')} tests pass", len(tests))
    first = next((one for one in said.split("\n") if one.startswith("killed by")), last)
    return Verdict(True, first.lstrip("."), len(tests))
