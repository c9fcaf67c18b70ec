"""Reading a machine's file: what it says, and one clear error about what it may not say."""

import dataclasses
import difflib
import os
import pathlib
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from accel.errors import shown
from accel.machines.errors import MachineFileError
from accel.machines.fields import TABLES, wrong_type

_HERE = pathlib.Path(__file__).parent
#: Bytes of a machine's file, which has a few lines; and characters of a machine's name.
_LARGEST, _LONGEST_NAME = 1 << 20, 80
Fields = dict[str, dict[str, Any]]


def names() -> list[str]:
    """The machines with names, from the smallest to the largest."""
    order = ["ecp5", "small", "default", "large"]
    found = sorted(path.stem for path in _HERE.glob("*.toml"))
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def path_of(source: str | os.PathLike[str]) -> pathlib.Path:
    """The file of a machine that is given by its name or by a path.

    Raises:
        MachineFileError: it is neither.
    """
    if isinstance(source, str) and source in names():
        return _HERE / f"{source}.toml"
    if pathlib.Path(source).suffix != ".toml":
        raise MachineFileError(
            f"machine must be one of {', '.join(names())} or a file ending in .toml, "
            f"not {os.fspath(source)!r}"
        )
    return pathlib.Path(source)


def read(path: pathlib.Path) -> tuple[str | None, Fields]:
    """A file's name for its machine, and its fields by table; values are of the right type.

    Raises:
        MachineFileError: naming file, key, rule and value.
    """
    try:
        content = tomllib.loads(_text(path))
    except OSError as error:
        raise MachineFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or an integer too long
        raise MachineFileError(f"{path}: is not TOML: {' '.join(str(error).split())}") from error
    name = content.pop("name", None)
    if name is not None and not _is_name(name):
        raise MachineFileError(
            f"{path}: name must be a string of 1 to {_LONGEST_NAME} printable characters, "
            f"not {shown(name)}"
        )
    _known(f"{path}: ", "table", content, TABLES)
    for table, given in content.items():
        if not isinstance(given, dict):
            raise MachineFileError(f"{path}: {table} must be a table, not {shown(given)}")
        known = [field.name for field in dataclasses.fields(TABLES[table])]
        _known(f"{path}: [{table}] ", "key", given, known)
        for key, value in given.items():
            if rule := wrong_type(table, key, value):
                raise MachineFileError(f"{path}: [{table}] {key} {rule}, not {shown(value)}")
    return name, {table: dict(content.get(table, {})) for table in TABLES}


def _text(path: pathlib.Path) -> str:
    """A file's text, with or without a byte order mark; a device or a pipe might never end."""
    if path.exists() and not path.is_file():
        what = "Is a directory" if path.is_dir() else "must be a file, not a device or a pipe"
        raise OSError(None, what)
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(None, f"must be of at most {_LARGEST} bytes, and is larger")
    return content.decode("utf-8-sig").replace("\r\n", "\n")


def _is_name(text: object) -> bool:
    return isinstance(text, str) and text.isprintable() and 1 <= len(text) <= _LONGEST_NAME


def _known(where: str, kind: str, given: Mapping[str, object], known: Collection[str]) -> None:
    """Refuse what is not among ``known``, with what may have been meant."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            rule = f"did you mean {near[0]}?" if near else f"must be one of {', '.join(known)}"
            name = key if _is_name(key) else shown(key)
            raise MachineFileError(
                f"{where}{name} is no {kind} ({rule}), with value {shown(given[key])}"
            )
