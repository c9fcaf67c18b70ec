"""A machine as text: its file in full with a comment on each field, and a line about it."""

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import Any

from accel.machines.fields import TABLES, meaning
from accel.machines.machine import Machine

_WIDTH = 96


def written(machine: Machine) -> str:
    """The machine's file, every field with its value and what it means; can be read again."""
    lines = [f"# {describe(machine)}", f"name = {_value(machine.name)}"]
    parts = {"machine": machine.params, "memory": machine.memory}
    for table, values in parts.items():
        lines += ["", f"[{table}]"]
        told = meaning(table)
        for field in dataclasses.fields(TABLES[table]):
            lines += textwrap.wrap(
                told.get(field.name, ""), _WIDTH, initial_indent="# ", subsequent_indent="# "
            )
            lines.append(f"{field.name} = {_value(getattr(values, field.name))}")
    return "\n".join(lines) + "\n"


def _value(value: str | int) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = "".join(f"\\u{ord(one):04x}" if ord(one) < 32 or one in '"\\\x7f' else one
                   for one in value)  # fmt: skip
    return f'"{text}"'


def describe(machine: Machine) -> str:
    """The machine in one line."""
    title = "".join(one if one.isprintable() else " " for one in machine.title)
    fields = dataclasses.asdict(machine.params), dataclasses.asdict(machine.memory)
    return f"{title}: {in_words(*fields)}"


def in_words(params: Mapping[str, Any], memory: Mapping[str, Any] | None = None) -> str:
    """What decides a machine's cycles, from all its fields and its memory's, as reports have them.

    Without ``memory`` it is the hardware alone.
    """
    taps = params["window_taps"]
    unit = f"a window unit of {taps} taps" if taps else "no window unit"
    hardware = (
        f"{params['rows']}x{params['cols']} array, {_size(params['input_bytes'])} of input "
        f"buffer, {params['acc_rows']} accumulator rows, {unit}"
    )
    if memory is None:
        return f"{hardware}; bus of {params['bus_bytes']} bytes"
    rate = memory["bytes_per_cycle"] or params["bus_bytes"]
    chip = f", {memory['dram']} at {memory['clock_mhz']} MHz" if memory.get("dram") else ""
    return (
        f"{hardware}; memory of {rate} bytes a cycle, latency {memory['latency_cycles']}{chip}"
    )


def _size(size: int) -> str:
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} bytes"
