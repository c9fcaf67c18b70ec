"""Files and folders that are whole or absent under their names, whatever ends their maker.

    .NAME.accel-XXXXXXXX   what will be NAME, while it is made beside it

Its maker holds a lock on it, which ends with the process, killed or not.  So one that nobody holds
is what a killed process left, and the next that makes NAME removes it first.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import pathlib
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator

#: Behind the name of what is made, so that nobody else's file is taken for one.
_MARK = ".accel-"
#: Of renameat2: two names change places at once.
_AT_FDCWD, _EXCHANGE = -100, 2
#: In a folder that is made: the new one, and the old one while it gives its place.
_NEW, _OLD = "new", "old"


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a temporary file beside ``path`` that replaces it when the block succeeds.

    A link stays one, and what is no file (a pipe, /dev/null) is written itself.

    Raises:
        OSError: naming ``path``, whatever of it failed.
    """
    given, path = pathlib.Path(path), pathlib.Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        with _naming(given, path):
            yield path
        return
    with _naming(given, path.parent):
        _sweep(path)
        handle, name = _begin(path)
    temporary = pathlib.Path(name)
    try:
        with _naming(given, temporary):
            yield temporary
            temporary.chmod(0o644)
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing_folder(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give an empty folder that takes the place of ``folder`` when the block succeeds.

    Raises:
        OSError: naming the file that failed, or ``folder``.
    """
    given, folder = pathlib.Path(folder), pathlib.Path(os.path.realpath(folder))
    with _naming(given, folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        restore(folder)
        _sweep(folder)
        handle, name = _begin(folder, tempfile.mkdtemp)
    new = pathlib.Path(name) / _NEW
    try:
        with _naming(given, pathlib.Path(name)):
            new.mkdir()
            yield new
            if folder.exists():
                _exchange(new, folder)
            else:
                new.rename(folder)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        os.close(handle)


@contextlib.contextmanager
def workspace(folder: pathlib.Path, name: str) -> Iterator[pathlib.Path]:
    """Give an empty folder in ``folder``, for files that move out of it when they are whole.

    It goes at the end of the block; what a killed process left of one with this ``name`` goes now.

    Raises:
        OSError: naming the file that failed, as if it were in ``folder`` already.
    """
    folder = pathlib.Path(folder)
    with _naming(folder, folder):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder / name)
        handle, work = _begin(folder / name, tempfile.mkdtemp)
    new = pathlib.Path(work) / _NEW
    try:
        with _naming(folder, pathlib.Path(work)):
            new.mkdir()
            yield new
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(handle)


def restore(folder: pathlib.Path) -> None:
    """Give ``folder`` back what was there, if it was killed in the moment between two renames."""
    folder = pathlib.Path(os.path.realpath(folder))
    if folder.exists():
        return
    for left in _left_by_killed(folder):
        if (left / _OLD).is_dir():
            with contextlib.suppress(OSError):
                (left / _OLD).rename(folder)
                return


def _exchange(new: pathlib.Path, folder: pathlib.Path) -> None:
    """Let two folders change places: at once, or where the file system cannot, nearly so."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(new), os.fsencode(folder)
    if rename and rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0:
        return
    old = new.with_name(_OLD)
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise


def _begin(path: pathlib.Path, make=tempfile.mkstemp) -> tuple[int, str]:
    """Make what will be ``path``; return a handle that holds its lock, and its name."""
    while True:
        made = make(dir=path.parent, prefix=f".{path.name}{_MARK}")
        handle, name = (os.open(made, os.O_RDONLY), made) if isinstance(made, str) else made
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, name
        os.close(handle)  # another process has taken it for a killed one's


def _left_by_killed(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """What killed makers of ``path`` left beside it, each locked while the caller has it."""
    try:
        names = os.listdir(path.parent)
    except OSError:
        return
    pattern = re.compile(rf"\.{re.escape(path.name)}{re.escape(_MARK)}[a-z0-9_]{{8}}")
    for name in filter(pattern.fullmatch, names):
        left = path.with_name(name)
        with contextlib.suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield left
            finally:
                os.close(handle)


def _sweep(path: pathlib.Path) -> None:
    for left in _left_by_killed(path):
        if stat.S_ISDIR(left.lstat().st_mode):
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def _naming(path: pathlib.Path, temporary: pathlib.Path) -> Iterator[None]:
    """Let an error name ``path``, where it names nothing, or something temporary.

    What lies in the folder ``temporary`` is named as it will be in ``path``.
    """
    try:
        yield
    except OSError as error:
        names = [pathlib.Path(name) for name in (error.filename2, error.filename)
                 if isinstance(name, (str, os.PathLike))]  # of a copy the second is written
        ours = [name for name in names if name.is_relative_to(temporary)]
        if names and not ours:
            raise
        if ours and ours[0].is_relative_to(temporary / _NEW):
            path = path / ours[0].relative_to(temporary / _NEW)
        number = error.errno or errno.EIO
        said = error.strerror or str(error) or os.strerror(number)
        raise OSError(number, said, str(path)) from error
