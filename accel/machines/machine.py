"""A machine: the hardware, the memory behind it, and what a user calls it."""

import dataclasses
import os
from collections.abc import Mapping

from accel.errors import shown
from accel.machines.errors import MachineFileError
from accel.machines.fields import TABLES
from accel.machines.read import Fields, path_of, read
from accel.params import ParamError, Params
from accel.sim.engine import Memory


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine and its memory.

    ``name`` is a named machine's, what its file says, or the file's path; ``changed`` are the
    fields that options have changed, with their values.  ``given`` is what was said of the fields
    by table (the others follow from these), empty where the machine was not opened.
    """

    name: str
    params: Params
    memory: Memory
    changed: Mapping[str, int] = dataclasses.field(default_factory=dict)
    given: Fields = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @property
    def title(self) -> str:
        """The name, and that it is not quite that machine."""
        return f"{self.name}, changed" if self.changed else self.name


def open_machine(
    source: "str | os.PathLike[str] | Machine" = "default", changes: Mapping[str, int] | None = None
) -> Machine:
    """A machine by its name or its file, with some fields changed.

    Args:
        source: a name, such as "small", a path to a .toml file, or a machine.
        changes: values by the names of fields, of Params or of Memory.

    Raises:
        MachineFileError: the file cannot be used; names file, key, rule and value.
        ParamError: the changed machine cannot be built; names field, rule and value.

    >>> from accel.machines import open_machine
    >>> open_machine("small").params.rows
    8
    >>> open_machine("small", {"rows": 4, "cols": 4}).title
    'small, changed'
    """
    changes = dict(changes or {})
    before: Mapping[str, int] = {}
    if isinstance(source, Machine):
        name = source.name
        before = source.changed
        fields = {table: dict(given) for table, given in _given(source).items()}
    else:
        if not isinstance(source, (str, os.PathLike)):
            raise MachineFileError(
                f"machine must be a name, a path or a Machine, not {shown(source)}"
            )
        path = path_of(source)
        own_name, fields = read(path)
        name = own_name or os.fspath(source)
        try:
            _build(fields)
        except ParamError as error:
            raise MachineFileError(f"{path}: {error}") from error
    for key, value in changes.items():
        table = next((one for one, of in TABLES.items() if key in _keys(of)), None)
        if table is None:
            known = ", ".join(key for of in TABLES.values() for key in _keys(of))
            raise ParamError(f"{key} is no field of a machine: must be one of {known}")
        fields[table][key] = value
    try:
        params, memory = _build(fields)
    except ParamError as error:
        # Whether the value is the file's or the option's, both are named.
        where = "" if name == "default" else f"machine {name} with {_told(changes)}: "
        raise ParamError(f"{where}{error}") from error
    return Machine(name, params, memory, {**before, **changes}, fields)


def _given(machine: Machine) -> Fields:
    return machine.given or {
        "machine": dataclasses.asdict(machine.params), "memory": dataclasses.asdict(machine.memory)
    }  # fmt: skip


def _keys(of: type[Params] | type[Memory]) -> list[str]:
    return [field.name for field in dataclasses.fields(of)]


def _told(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {shown(value)}" for name, value in changes.items())


def _build(fields: Fields) -> tuple[Params, Memory]:
    """The hardware and its memory, checked."""
    memory = Memory(**fields["memory"])
    return Params(**fields["machine"]), memory
