"""Which test runs which line: coverage.py with a context for each test, file of tests by file."""

import dataclasses
import hashlib
import json
import pathlib
import time

import coverage
import pytest

from tests.software_mutation import warm
from tests.software_mutation.rooms import BUILD, ROOT, sources, test_files

#: Seconds for one file of tests.
LIMIT = 300
#: Options of every pytest here.
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "-n", "0", "--rootdir", str(ROOT))


@dataclasses.dataclass(frozen=True)
class Touch:
    """The seconds each test computed when it was measured, and the tests that run a line."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, frozenset[str]]]

    def tests(self, source: str, lines) -> set[str]:
        """The tests that run one of ``lines``."""
        known = self.lines.get(source, {})
        return set().union(*(known.get(line, ()) for line in lines))


class _Contexts:
    """Tells coverage.py which test runs, and keeps how long each took."""

    def __init__(self, measured: coverage.Coverage):
        self._measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self._measured.switch_context(item.nodeid)
        begun = time.process_time()  # whatever else the machine does
        yield
        self.seconds[item.nodeid] = time.process_time() - begun
        self._measured.switch_context("")
        return True


def digest(*files: str) -> str:
    """Of the contents of files, named from the project's root."""
    parts = [(ROOT / name).read_bytes() if (ROOT / name).exists() else b"" for name in files]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def measure(file: str, wanted: list[str]) -> dict:
    """Run a file of tests in this process; the lines of ``wanted`` that each runs."""
    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[str(ROOT / name) for name in wanted]
    )
    contexts = _Contexts(measured)
    measured.start()
    code = pytest.main([*PYTEST, str(ROOT / file)], plugins=[contexts])
    measured.stop()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise AssertionError(f"{file}: the tests must pass before a mutant is planted ({code})")
    data, numbers = measured.get_data(), {name: i for i, name in enumerate(contexts.seconds)}
    lines = {}
    for path in data.measured_files():
        name = str(pathlib.Path(path).relative_to(ROOT))
        lines[name] = {
            line: [numbers[test] for test in tests if test in numbers]
            for line, tests in data.contexts_by_lineno(path).items()
        }
    return {"seconds": contexts.seconds, "lines": lines, "sources": {n: digest(n) for n in lines},
            "file": digest(file)}  # fmt: skip


def refresh(tell=print) -> Touch:
    """Measure files of tests that changed, or whose sources did, and return what all touch."""
    folder = BUILD / "touch"
    folder.mkdir(parents=True, exist_ok=True)
    wanted, found = sources(), []
    for file in test_files():
        kept = folder / (file.replace("/", ".") + ".json")
        known = json.loads(kept.read_text()) if kept.exists() else None
        if known is None or _changed(file, known):
            text, took = warm.call(lambda send, f=file: send(json.dumps(measure(f, wanted))), LIMIT)
            try:
                known = json.loads(text)
            except ValueError:  # too slow, or a test fails: it has no say
                tell(f"{file}: not measured: {text[-2000:]}")
                known = {"seconds": {}, "lines": {}, "sources": {}, "file": digest(file)}
            kept.write_text(json.dumps(known))
            tell(f"{file}: {len(known['seconds'])} tests measured in {took:.1f} s")
        found.append(known)
    return join(found)


def _changed(file: str, known: dict) -> bool:
    return known["file"] != digest(file) or any(
        digest(name) != was for name, was in known["sources"].items()
    )


def join(measured: list[dict]) -> Touch:
    """What several files' tests touch, together."""
    seconds, lines = {}, {}
    for one in measured:
        names = list(one["seconds"])
        seconds |= one["seconds"]
        for source, touched in one["lines"].items():
            into = lines.setdefault(source, {})
            for line, tests in touched.items():
                into.setdefault(int(line), set()).update(names[number] for number in tests)
    frozen = {
        source: {line: frozenset(tests) for line, tests in touched.items()}
        for source, touched in lines.items()
    }
    return Touch(seconds, frozen)
