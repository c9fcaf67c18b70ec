"""A folder of things that take long to make: each is whole or absent, and made once.

    KIND/KEY/         an entry; what decides its contents is hashed into its key
    KIND/KEY.begun/   one that is being made, or whose maker was killed: the next goes on with it
    KIND/KEY.lock     held by the process that makes it; the others wait

A key says all that matters, so what a killed process finished is as good as new.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import time
from collections.abc import Callable, Iterator

from accel.sim.engine import SimulationError

#: Entries of a kind that are kept; beyond that the longest unused ones go.
_KEPT = 64
#: Seconds after which nobody goes on with what a killed process began.
_ABANDONED = 24 * 3600


def cache_directory() -> pathlib.Path:
    """Return where builds are kept: ``$XDG_CACHE_HOME/accel`` or ``~/.cache/accel``."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "accel"


def key_of(*parts: str) -> str:
    """Return the name of an entry that ``parts`` decide."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class Cache:
    """The entries below the folder ``root``."""

    def __init__(self, root: pathlib.Path):
        self._root = root

    def entry(self, kind: str, key: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
        """Return the directory of an entry; if it is new, ``make(directory)`` fills it.

        The directory may hold what a killed process made: all files of their final names are
        whole if ``make`` makes them under others (see :func:`whole`).

        Raises:
            SimulationError: the folder cannot be used; whatever ``make`` raises.
        """
        entry = self._root / kind / key
        try:
            if not entry.is_dir():
                entry.parent.mkdir(parents=True, exist_ok=True)
                with _locked(entry.with_suffix(".lock")):
                    if not entry.is_dir():
                        _fill(entry, make)
            os.utime(entry)
        except OSError as error:
            raise SimulationError(f"cannot use the cache {self._root}: {error}") from error
        return entry


@contextlib.contextmanager
def whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a name to make a file or folder under, and then rename it to ``path``.

    The name is this process's own: a killed one may have left a compiler that still writes.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    yield new
    new.rename(path)


def _fill(entry, make):
    begun = entry.with_suffix(".begun")
    begun.mkdir(exist_ok=True)
    try:
        make(begun)
    except Exception:
        shutil.rmtree(begun, ignore_errors=True)
        raise
    for leftover in begun.glob("*.new"):  # a killed process's
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    begun.rename(entry)
    _tidy(entry.parent)


def _tidy(folder):
    """Remove the longest unused entries, and what nobody went on with for a day."""
    names = [name for name in os.listdir(folder) if re.fullmatch(r"[0-9a-f]+", name)]
    entries = [folder / name for name in names]
    for old in sorted(entries, key=lambda path: -path.stat().st_mtime)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    for begun in folder.glob("*.begun"):
        with contextlib.suppress(FileNotFoundError):  # somebody else's, finished by now
            if time.time() - begun.stat().st_mtime > _ABANDONED:
                shutil.rmtree(begun, ignore_errors=True)


@contextlib.contextmanager
def _locked(path):
    """Hold an exclusive lock on the file ``path`` (which stays: removing it would race)."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
