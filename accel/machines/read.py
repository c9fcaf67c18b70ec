"""Reading a machine's file: what it says, and one clear error about what it may not say."""

import dataclasses
import difflib
import os
import pathlib
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from accel.machines.errors import MachineFileError
from accel.machines.fields import TABLES, wrong_type

_HERE = pathlib.Path(__file__).parent
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
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MachineFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MachineFileError(f"{path}: is not TOML: {' '.join(str(error).split())}") from error
    name = content.pop("name", None)
    if name is not None and not isinstance(name, str):
        raise MachineFileError(f"{path}: name must be a string, not {name!r}")
    _known(f"{path}: ", "table", content, TABLES)
    for table, given in content.items():
        if not isinstance(given, dict):
            raise MachineFileError(f"{path}: {table} must be a table, not {given!r}")
        known = [field.name for field in dataclasses.fields(TABLES[table])]
        _known(f"{path}: [{table}] ", "key", given, known)
        for key, value in given.items():
            if rule := wrong_type(table, key, value):
                raise MachineFileError(f"{path}: [{table}] {key} {rule}, not {value!r}")
    return name, {table: dict(content.get(table, {})) for table in TABLES}


def _known(where: str, kind: str, given: Mapping[str, object], known: Collection[str]) -> None:
    """Refuse what is not among ``known``, with what may have been meant."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            rule = f"did you mean {near[0]}?" if near else f"must be one of {', '.join(known)}"
            raise MachineFileError(f"{where}{key} is no {kind} ({rule}), with value {given[key]!r}")
