"""Memories with byte enables, for Verilator: one masked write instead of one for each byte.

Yosys writes a memory's write port as so many statements as there are enables,

    if (en [0])
      bank [row][7:0] <= data [7:0];
    if (en [1])
      bank [row][15:8] <= data [15:8];

and Verilator looks at each of them in every cycle, twice: whether it writes, and when it does.  As
one statement under "if any" it is looked at once, and the mask is only made where something is
written.
"""

import itertools
import re

#: A port's write of some bits of a word under an enable of their own.
_WRITE = re.compile(
    r" *if \((?P<enable>.+)\)\n"
    r" *(?P<word>\S+ \[.+\])\[(?P<high>\d+):(?P<low>\d+)\] <= (?P<data>.+);\n"
)
#: Several of them behind each other.
_WRITES = re.compile(f"(?:{re.sub(r'P<[a-z]+>', ':', _WRITE.pattern)}){{2,}}")


def merge_enables(text: str) -> str:
    """Return Verilog in which a word whose parts are written under enables is written at once."""
    return _WRITES.sub(_merged, text)


def _merged(found: re.Match) -> str:
    """Consecutive writes, those of one word as one."""
    writes = _WRITE.finditer(found[0])
    words = itertools.groupby(writes, lambda write: write["word"])
    return "".join(_masked(word, [*parts]) for word, parts in words)


def _masked(word: str, parts: list[re.Match]) -> str:
    """A write of a ``word`` whose ``parts`` lie behind each other from bit 0 on; else as it was."""
    ends = [-1, *(int(part["high"]) for part in parts)]
    if [int(part["low"]) - 1 for part in parts] != ends[:-1]:
        return "".join(part[0] for part in parts)
    upper = parts[::-1]  # a concatenation begins with its highest bits
    some = ", ".join(part["enable"] for part in upper)
    data = ", ".join(part["data"] for part in upper)
    mask = ", ".join(
        f"{{{int(part['high']) - int(part['low']) + 1}{{{part['enable']}}}}}" for part in upper
    )
    return f"    if ({{{some}}})\n      {word} <= {word} ^ (({word} ^ {{{data}}}) & {{{mask}}});\n"
