"""From what a caller says of a machine to the one machine that is meant, and to a report of it."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from accel.errors import shown
from accel.machines.machine import Machine, open_machine
from accel.params import ParamError, Params
from accel.sim.engine import Memory

#: What a machine may be given as: a name, a path to a .toml file, or one.
Source = str | os.PathLike[str] | Machine


def chosen(
    machine: Source | None = None,
    array: Sequence[int] | None = None,
    params: Params | None = None,
    memory: Memory | None = None,
) -> Machine:
    """The machine that a call means.

    Args:
        machine: as in :func:`accel.machines.open_machine`; "default" where nothing is said.
        array: rows and columns instead of the machine's own; not beside ``params``.
        params, memory: the hardware and the memory instead of the machine's own.

    Raises:
        ParamError: they contradict each other, or make no machine.
    """
    if params is not None and machine is not None:
        raise ParamError("params must not be given beside machine: both are the whole hardware")
    for name, given, kind in (("params", params, Params), ("memory", memory, Memory)):
        if given is not None and not isinstance(given, kind):
            raise ParamError(f"{name} must be accel.{kind.__name__}, not {shown(given)}")
    changes = {}
    if array is not None and params is None:
        changes = dict(zip(("rows", "cols"), shape(array), strict=True))
    found = open_machine("default" if machine is None else machine, changes)
    if params is not None:
        found = Machine("given in Python", params, found.memory)
    return found if memory is None else dataclasses.replace(found, memory=memory, given={})


def shape(array: Sequence[int]) -> tuple[int, int]:
    """An array's rows and columns.

    Raises:
        ParamError: it is no pair.
    """
    if isinstance(array, str) or not isinstance(array, Sequence) or len(array) != 2:
        raise ParamError(f"array must be rows and columns, not {shown(array)}")
    return array[0], array[1]


def report(machine: Machine) -> dict[str, Any]:
    """What report.json says of the machine: its name, and every field of it and its memory."""
    changed = {"changed": dict(machine.changed)} if machine.changed else {}
    return {
        "name": machine.name,
        **changed,
        "params": dataclasses.asdict(machine.params),
        "memory": dataclasses.asdict(machine.memory),
    }
