"""The fields that describe a machine, with what each of them means and may be."""

import dataclasses
import inspect
import re

from accel.dram import CHIPS
from accel.params import Params
from accel.sim.engine import Memory

#: The tables of a machine's file, and the class whose fields are their keys.
TABLES: dict[str, type[Params] | type[Memory]] = {"machine": Params, "memory": Memory}
#: The memory's fields in a line each.
_MEMORY = {
    "latency_cycles": "cycles from a read's address to its first beat, and from a write's last "
                      "beat to its response.",
    "bytes_per_cycle": "bytes that reads and writes together move in a cycle; 0 means the bus "
                       "width.",
    "stall_seed": "of random stalls, for tests; 0 means none.",
    "stall_percent": "share of the cycles in which each channel stalls then.",
    "dram": "the DRAM chip whose rows, refreshes and turn-arounds data waits for, before the "
            f"latency; empty for none, or one of {', '.join(CHIPS)}.",
    "clock_mhz": "the machine's clock in MHz, which tells how fast a DRAM is beside it.",
    "fail_read": "an address whose reads answer an error, for tests; -1 means none.",
    "fail_write": "an address whose writes answer an error, for tests; -1 means none.",
    "dead": "whether the memory never answers, for tests.",
}  # fmt: skip


def meaning(table: str) -> dict[str, str]:
    """What each field of a table means."""
    if table == "memory":
        return dict(_MEMORY)
    # Params' docstring explains its attributes; without docstrings (-OO) there are no comments.
    text = (inspect.getdoc(Params) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", text, re.M)
    return {name: " ".join(words.split()) for name, words in found}


def wrong_type(table: str, name: str, value: object) -> str | None:
    """The rule that the type of a value breaks, or None."""
    field = next(one for one in dataclasses.fields(TABLES[table]) if one.name == name)
    if field.type is bool:
        return None if isinstance(value, bool) else "must be true or false"
    if field.type is str:
        return None if isinstance(value, str) else "must be a string"
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole else "must be an integer"
