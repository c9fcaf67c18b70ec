"""What was built before: folders by a hash of everything that decides what is in them.

An entry is built in a temporary directory and renamed into place, so it is whole or absent; a
lock keeps two processes from building the same one at once.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable

from accel.sim.engine import SimulationError

#: Entries of a kind kept in the cache; beyond that the longest unused ones go.
_KEPT = 64
#: Seconds after which what is not finished belongs to a process that was killed.
_ABANDONED = 24 * 3600


def cache_directory() -> pathlib.Path:
    """Return where builds are kept: ``$XDG_CACHE_HOME/accel`` or ``~/.cache/accel``."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "accel"


def hashed(*parts: str) -> str:
    """A name for an entry that all of ``parts`` decide."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class Cache:
    """The cache in ``directory``, by default the user's."""

    def __init__(self, directory: pathlib.Path | None = None):
        self.directory = pathlib.Path(directory) if directory else cache_directory()

    def entry(self, kind: str, key: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
        """Return the folder of an entry, filled by ``make(folder)`` if it is new.

        Raises:
            SimulationError: the cache cannot be used.
        """
        entry = self.directory / kind / key
        try:
            if not entry.is_dir():
                entry.parent.mkdir(parents=True, exist_ok=True)
                with _locked(entry.with_suffix(".lock")):
                    if not entry.is_dir():
                        _fill(entry, make)
            os.utime(entry)
        except OSError as error:
            raise SimulationError(f"cannot use the cache {self.directory}: {error}") from error
        return entry


def _fill(entry, make):
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix="new-") as new:
        directory = pathlib.Path(new) / "entry"
        directory.mkdir()
        make(directory)
        directory.rename(entry)
    names = [name for name in os.listdir(entry.parent) if re.fullmatch(r"[0-9a-f]+", name)]
    entries = [entry.parent / name for name in names]
    for old in sorted(entries, key=lambda path: -path.stat().st_mtime)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    for begun in entry.parent.glob("new-*"):
        with contextlib.suppress(FileNotFoundError):  # somebody else's, finished by now
            if time.time() - begun.stat().st_mtime > _ABANDONED:
                shutil.rmtree(begun, ignore_errors=True)


@contextlib.contextmanager
def _locked(path):
    """Hold an exclusive lock on the file ``path`` (which stays: removing it would race)."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
