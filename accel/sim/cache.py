"""A folder of things that take long to make: each is whole or absent, and made once.

    KIND/KEY/         an entry; what decides its contents is hashed into its key
    KIND/KEY.begun/   one that is being made, or whose maker was killed: the next goes on with it
    KIND/KEY.gone/    one that is being removed
    KIND/KEY.lock     held by the process that makes or removes it; the others wait

A key says all that matters, so what a killed process finished is as good as new.  Whoever may not
write into the folder still uses what is there; what is not he makes in another one (accel.caches).
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
from collections.abc import Callable, Iterator

from accel.caches import cache_directory, writable_directory
from accel.errors import why
from accel.sim.engine import SimulationError

#: Entries of a kind that are kept; beyond that the longest unused ones go.
_KEPT = 64
#: Seconds after which nobody goes on with what a killed process began.
_ABANDONED = 24 * 3600


def key_of(*parts: str) -> str:
    """Return the name of an entry that ``parts`` decide."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class Cache:
    """The entries below the folder ``root``; without one, below the user's usual folder."""

    def __init__(self, root: pathlib.Path | None = None):
        self._root = root

    def entry(self, kind: str, key: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
        """Return the directory of an entry; if it is new, ``make(directory)`` fills it.

        The directory may hold what a killed process made: all files of their final names are
        whole if ``make`` makes them under others (see :func:`whole`).

        Raises:
            SimulationError: the folder cannot be used; whatever ``make`` raises.
        """
        root = self._root or cache_directory()
        try:
            entry = root / kind / key
            if self._root is None and not _is_there(entry):
                root = writable_directory()
                entry = root / kind / key
            if not _is_there(entry):
                entry.parent.mkdir(parents=True, exist_ok=True)
                with _locked(entry.with_suffix(".lock")):
                    if not _is_there(entry):
                        _fill(entry, make)
                _tidy(entry.parent)
            with contextlib.suppress(OSError):  # somebody else's, for all to read
                os.utime(entry)
        except OSError as error:
            where = root if error.filename else f"{root}, or {tempfile.gettempdir()}"
            raise SimulationError(f"cannot use the cache {where}: {why(error, root)}") from error
        return entry


@contextlib.contextmanager
def whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a name to make a file or folder under, and then rename it to ``path``.

    The name is this process's own: a killed one may have left a compiler that still writes.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    if new.is_dir():  # of a killed process that had this one's number
        shutil.rmtree(new)
    yield new
    new.rename(path)


def discard(folder: pathlib.Path, suffix: str = ".new") -> None:
    """Remove a folder: at once it has another name, under which nobody takes the rest of it."""
    gone = folder.with_name(f"{folder.name}{suffix}")
    if gone.exists():  # what a killed process left of another
        shutil.rmtree(gone, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(gone)
    # A killed process's compiler may still make files there: the rest goes with the next one.
    shutil.rmtree(gone, ignore_errors=True)


def _is_there(entry: pathlib.Path) -> bool:
    """Whether an entry is there; of those that earlier versions removed a folder may be left."""
    try:
        return any(entry.iterdir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False


def _fill(entry, make):
    begun = entry.with_suffix(".begun")
    begun.mkdir(exist_ok=True)
    try:
        make(begun)
    except Exception:
        discard(begun, ".gone")
        raise
    for leftover in begun.glob("*.new"):  # a killed process's
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    begun.rename(entry)


def _tidy(folder):
    """Remove the longest unused entries, and what nobody went on with for a day.

    What another process is at is left to it.
    """
    names = os.listdir(folder)
    entries = {name: _used(folder / name) for name in names if re.fullmatch(r"[0-9a-f]+", name)}
    old = sorted(entries, key=entries.get, reverse=True)[_KEPT:]
    begun = [name.removesuffix(".begun") for name in names if name.endswith(".begun")]
    abandoned = [key for key in begun if time.time() - _used(folder / f"{key}.begun") > _ABANDONED]
    gone = [name.removesuffix(".gone") for name in names if name.endswith(".gone")]
    locks = [name.removesuffix(".lock") for name in names if name.endswith(".lock")]
    unused = [key for key in locks if key not in entries and key not in begun]
    for key in {*old, *abandoned, *gone, *unused}:
        with contextlib.suppress(OSError), _locked(folder / f"{key}.lock", wait=False) as lock:
            if key in old:
                discard(folder / key, ".gone")
            if key in abandoned:
                discard(folder / f"{key}.begun", ".gone")
            shutil.rmtree(folder / f"{key}.gone", ignore_errors=True)
            if not (folder / key).exists() and not (folder / f"{key}.begun").exists():
                lock.unlink()


def _used(path: pathlib.Path) -> float:
    """When an entry was last used; now, if somebody has just removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


@contextlib.contextmanager
def _locked(path: pathlib.Path, wait: bool = True) -> Iterator[pathlib.Path]:
    """Hold an exclusive lock on the file ``path``, which only its holder may remove.

    Raises:
        OSError: somebody else holds it, and nobody is to ``wait``.
    """
    while True:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            try:
                same = os.path.samestat(os.fstat(file.fileno()), path.stat())
            except FileNotFoundError:
                same = False
            if same:  # not removed by who held it before
                yield path
                return
