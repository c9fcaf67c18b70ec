"""The folder of a sweep: every finished point is on disk before the next one counts.

``sweep.json`` says what the results are of, ``journal.jsonl`` gets a line for each finished point
at once, and ``results.parquet`` is made of it.  An interrupted sweep continues from the journal.
"""

import contextlib
import dataclasses
import fcntl
import json
import pathlib
import time

from accel.dse import rows
from accel.dse.errors import SweepError
from accel.dse.point import Point
from accel.errors import shown, why
from accel.report.files import write_json

#: Seconds between two versions of the Parquet file while the sweep runs.
_PERIOD = 5.0
_FIELDS = tuple(field.name for field in dataclasses.fields(Point))
#: What rows of every version have; in older ones the other fields had their defaults.
_ALWAYS = _FIELDS[: _FIELDS.index("batch") + 1]


class Store(contextlib.AbstractContextManager):
    """The results of a sweep on disk.

    Parameters:
        folder: is made where it is not there yet.
        identity: of the sweep, see accel.dse.identity.

    Raises:
        SweepError: the folder holds another sweep or cannot be written, another process is at
            it, or its journal is damaged.
    """

    def __init__(self, folder: pathlib.Path, identity: dict[str, str]):
        self._identity, self.parquet = identity, folder / "results.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._journal = (folder / "journal.jsonl").open("a+", encoding="utf-8")
        except OSError as error:
            raise SweepError(f"{folder}: cannot hold a sweep: {why(error, folder)}") from error
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _claim(folder / "sweep.json", identity)
            self._rows = _replay(self._journal)
        except BlockingIOError as error:
            self._journal.close()
            raise SweepError(f"{folder}: another sweep is writing here") from error
        except OSError as error:
            self._journal.close()
            raise SweepError(f"{folder}: cannot hold a sweep: {why(error, folder)}") from error
        except BaseException:
            self._journal.close()
            raise
        self._written = time.monotonic()

    @property
    def rows(self) -> list[dict]:
        """All rows so far, the latest of each point."""
        return list(self._rows.values())

    def row(self, point: Point) -> dict | None:
        """The row of a finished point."""
        return self._rows.get(point)

    def add(self, row: dict) -> None:
        """Keep a finished point.

        Raises:
            SweepError: there is no room for it; what was kept before still is.
        """
        with self._named():
            self._journal.write(json.dumps(row) + "\n")
            self._journal.flush()
        self._rows[_point(row)] = row
        if time.monotonic() - self._written > _PERIOD:
            self.write()

    def write(self) -> None:
        """Write the Parquet file."""
        with self._named():
            rows.write(self.rows, self._identity, self.parquet)
        self._written = time.monotonic()

    def __exit__(self, *exception) -> None:
        try:
            self.write()
        finally:
            with contextlib.suppress(OSError):  # a line's rest, of which add() has told
                self._journal.close()

    @contextlib.contextmanager
    def _named(self):
        """Say what cannot be written, and that nothing before it is lost."""
        try:
            yield
        except OSError as error:
            raise SweepError(
                f"{self.parquet.parent}: cannot hold more of the sweep: "
                f"{why(error, self.parquet.parent)}; then the same command continues it"
            ) from error


def _claim(path: pathlib.Path, identity: dict[str, str]) -> None:
    """Write what the sweep is of, or hold it against what is there."""
    if not path.exists():
        write_json(identity, path)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SweepError(f"{path}: is damaged: {error}") from error
    if not isinstance(found, dict):
        raise SweepError(f"{path}: is damaged: must be an object, not {shown(found)}")
    for name, value in identity.items():
        if found.get(name) != value:
            raise SweepError(
                f"{path.parent}: holds a sweep with another {name.replace('_', ' ')}, "
                f"{found.get(name)!r} instead of {value!r}: choose another --out"
            )


def _point(row: dict) -> Point:
    return Point(**{name: row[name] for name in _FIELDS if name in row or name in _ALWAYS})


def _replay(journal) -> dict[Point, dict]:
    """The rows of a journal; a last line that an interruption left incomplete is cut off."""
    journal.seek(0)
    try:
        text = journal.read()
    except ValueError as error:
        raise SweepError(f"{journal.name}: is damaged: {error}") from error
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        journal.truncate(len(whole.encode()))
    found = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"must be an object, not {shown(row)}")
            rows.check(row)
            point = _point(row)
            found[point] = dataclasses.asdict(point) | row
        except (ValueError, KeyError, TypeError) as error:
            raise SweepError(f"{journal.name}, line {number}: is damaged: {error}") from error
    return found
