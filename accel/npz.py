"""Arrays out of an .npz file that a user brings; whatever is wrong with it is one clear line."""

import os
import pathlib
import struct
import zipfile
import zlib

import numpy as np

from accel.errors import AccelError, shortened, shown

_ZIP, _NPY = (b"PK\x03\x04", b"PK\x05\x06"), b"\x93NUMPY"
#: What reading a damaged archive, or one that is packed in a way not known here, raises.
DAMAGE = (
    OSError, ValueError, EOFError, KeyError, AttributeError, RuntimeError, struct.error,
    zipfile.BadZipFile, zlib.error, MemoryError,
)  # fmt: skip


class NpzError(AccelError, ValueError):
    """A file that is no .npz file, or lacks an array; the message names file, rule and value."""


def read(path: str | os.PathLike, *needed: str, optional=(), instead=False) -> dict:
    """The arrays ``needed`` and, where the file has them, ``optional``, by name.

    ``instead``: where it lacks one that is needed, all arrays that it has, if they are several.

    Raises:
        NpzError: the file cannot be read, is in another format, or lacks an array.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as raw:
            _check_format(path, raw.read(len(_NPY)))
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                missing = sorted(set(needed) - set(file.files))
                if missing and instead and len(set(file.files) - set(optional)) > 1:
                    return {name: _array(path, file, name) for name in file.files}
                if missing:
                    held = shortened(str(file.files))
                    raise NpzError(f"{path}: must hold {missing}, has {held}")
                wanted = [*needed, *(name for name in optional if name in file.files)]
                return {name: _array(path, file, name) for name in wanted}
    except NpzError:
        raise
    except DAMAGE as error:
        text = shortened(str(error))  # which may repeat a name of thousands of characters
        raise NpzError(f"{path}: is not a readable .npz file: {text}") from error


def _check_format(path: pathlib.Path, start: bytes) -> None:
    """Tell by its first bytes what numpy would read as something else than an .npz file."""
    if start == _NPY:
        raise NpzError(
            f"{path}: is not a readable .npz file, but a single array (.npy); write it with "
            "numpy.savez, each array by its name"
        )
    if not start.startswith(_ZIP):
        raise NpzError(f"{path}: is not a readable .npz file: it is no zip archive")


def _array(path: pathlib.Path, file, name: str) -> np.ndarray:
    """One array; numpy gives what is no array in the archive as bytes."""
    try:
        found = file[name]
    except (ValueError, MemoryError) as error:  # a header may claim more than any memory holds
        text = shortened(str(error))
        raise NpzError(f"{path}: array {shown(name)} cannot be read: {text}") from error
    if not isinstance(found, np.ndarray):
        raise NpzError(f"{path}: {shown(name)} is no array")
    return found
