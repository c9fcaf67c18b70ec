"""Verilator's counts of a machine: which branches were taken, which bits rose and fell."""

import dataclasses
import pathlib
import re

import numpy as np

#: Of a line of a coverage file: what it is of, and how often.
_PLACE = re.compile(r"^C '(.*)' \d+$", re.M)
_COUNT = re.compile(rb"^C '.*' (\d+)$", re.M)
#: Verilator's encoding of names: two underscores, and any other character.
_ESCAPED = re.compile(r"__(?:_05F|0([0-9a-f]{2}))")
#: A toggle: a name, perhaps a bit, which way.
_TOGGLE = re.compile(r"^(.*?)(?:\[(\d+)\])?:(0->1|1->0)$")


@dataclasses.dataclass(frozen=True)
class Branch:
    """An arm of a decision: ``line`` of the Verilog, ``arm`` by Verilator's name."""

    line: int
    column: int
    arm: str


@dataclasses.dataclass(frozen=True)
class Toggle:
    """A bit of a named signal, and the way it changes: "0->1" or "1->0"."""

    name: str
    bit: int
    way: str


def places(path: pathlib.Path) -> list[Branch | Toggle]:
    """What each line of a coverage file counts, in its order, the same for every run."""
    return [_place(text) for text in _PLACE.findall(path.read_text(encoding="latin-1"))]


def counted(path: pathlib.Path) -> np.ndarray:
    """How often each was, in the same order, int64."""
    return np.array(_COUNT.findall(path.read_bytes()), np.int64)


def _place(text: str) -> Branch | Toggle:
    given = dict(part.split("\x02", 1) for part in text.split("\x01") if "\x02" in part)
    if not given["page"].startswith("v_toggle"):
        return Branch(int(given["l"]), int(given["n"]), given["o"])
    name, bit, way = _TOGGLE.match(given["o"]).groups()
    name = _ESCAPED.sub(lambda one: chr(int(one[1], 16)) if one[1] else "__", name)
    return Toggle(name, int(bit or 0), way)
