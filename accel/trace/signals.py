"""Which signals a waveform has: the header of a .vcd, the hierarchy of a .fst.

An FST file is a row of blocks: a byte that says what it is, the length of the rest in eight bytes,
and the rest.  Block 6 is the hierarchy, compressed by LZ4: the beginnings and ends of scopes, and
variables, each with a type, a direction, a name, a width and the number of another one that it is
the same as.
"""

import dataclasses
import pathlib
import re
import struct
from collections.abc import Iterator

_HIERARCHY = 6
#: Tags in the hierarchy; those below are variables.
_ATTRIBUTE, _ATTRIBUTE_END, _SCOPE, _SCOPE_END = 252, 253, 254, 255


@dataclasses.dataclass(frozen=True)
class Signal:
    """A signal: the dotted name of its scope, its own, its range of bits ("" of one bit), width."""

    scope: str
    name: str
    bits: str
    width: int

    @property
    def path(self) -> str:
        """Its name with its scope's."""
        return f"{self.scope}.{self.name}"

    @property
    def surfer(self) -> str:
        """As Surfer calls it: an array is a scope of its elements."""
        return re.sub(r"(\[\d+\])$", r".\1", self.path)

    @property
    def element(self) -> bool:
        """Whether it is an element of an array."""
        return self.name.endswith("]")

    @property
    def gtkwave(self) -> str:
        """As GTKWave calls it."""
        return f"{self.path}{self.bits}"


def of_file(path: pathlib.Path) -> list[Signal]:
    """All signals of a waveform."""
    if path.suffix == ".vcd":
        with path.open(encoding="utf-8") as file:
            return list(_of_vcd(file))
    return list(_of_hierarchy(_hierarchy(path.read_bytes())))


def _signal(scopes: list[str], name: str, width: int) -> Signal:
    name, _, bits = name.strip().partition(" ")
    # Amaranth's escaped names end in an array's index; in all others brackets are a range of bits.
    ranged = re.fullmatch(r"([^\\].*?)(\[\d+(?::\d+)?\])", name)
    if not bits and ranged:
        name, bits = ranged[1], ranged[2]
    return Signal(".".join(scopes), name, bits.strip(), width)


def _of_vcd(lines) -> Iterator[Signal]:
    scopes = []
    for line in lines:
        words = line.split()
        if words[:1] == ["$scope"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            yield _signal(scopes, " ".join(words[4 : words.index("$end")]), int(words[2]))
        elif words[:1] == ["$enddefinitions"]:
            return


def _hierarchy(content: bytes) -> bytes:
    """The hierarchy of an FST file, decompressed."""
    at = 0
    while at < len(content):
        kind, (length,) = content[at], struct.unpack(">Q", content[at + 1 : at + 9])
        if kind == _HIERARCHY:
            return decompress(content[at + 17 : at + 1 + length])
        at += 1 + length
    raise ValueError("the file has no hierarchy")


def decompress(block: bytes) -> bytes:
    """An LZ4 block's bytes."""
    out, at = bytearray(), 0

    def length(total: int) -> int:
        nonlocal at
        more = 255 if total == 15 else 0
        while more == 255:
            more = block[at]
            at += 1
            total += more
        return total

    while at < len(block):
        token = block[at]
        at += 1
        count = length(token >> 4)
        out += block[at : at + count]
        at += count
        if at >= len(block):
            break
        distance = block[at] | block[at + 1] << 8
        at += 2
        start = len(out) - distance
        for n in range(length(token & 15) + 4):  # what is copied may be what was just written
            out.append(out[start + n])
    return bytes(out)


def _of_hierarchy(data: bytes) -> Iterator[Signal]:
    at, scopes = 0, []

    def text() -> str:
        nonlocal at
        end = data.index(0, at)
        found, at = data[at:end].decode(), end + 1
        return found

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = data[at]
        at += 1
        if tag == _SCOPE:
            at += 1
            scopes.append(text())
            text()  # the module's name
        elif tag == _SCOPE_END:
            scopes.pop()
        elif tag == _ATTRIBUTE:
            at += 2
            text()
            number()
        elif tag != _ATTRIBUTE_END:
            at += 1  # the direction
            name, width = text(), number()
            number()
            yield _signal(scopes, name, width)
