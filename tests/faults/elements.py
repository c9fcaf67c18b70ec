"""The registers and memories of a machine's flat Verilog, and C++ that flips one bit of them.

Every one gets Verilator's mark that somebody else may write it, so that it stays as it is and all
logic behind it is computed again after a flip.
"""

import dataclasses
import hashlib
import re

from accel.page.probes import cpp_name

_MARK = " /*verilator public_flat_rw*/ "
#: A declaration: the highest bit, an escaped name or a plain one, the highest word of a memory, the
#: first value.
_DECLARED = re.compile(
    r"^  (?:output )?reg(?: \[(\d+):0\])? (?:\\(\S+) |(\w+)) *(?:\[(\d+):0\] *)?(= [^;\n]*)?;$",
    re.M,
)  # fmt: skip
#: What a clock edge writes: names in front of "<=".
_WRITTEN = re.compile(
    r"^ *(?:if \([^\n]*\) )?(?:else )?(?:\\(\S+) |(\w+)) *(?:\[[^\n]*?\] *)?<= ", re.M
)
#: Rooms, by how a name begins; the first that fits.
ROOMS = {
    "fetch and decode": ("core.fetch", "control__fetch"),
    "weights": ("core.weights", "core.reads.weights"),
    "loads": ("core.load", "core.reads", "core.base_chain", "m_axi_ar"),
    "im2col": ("core.im2col", "core.entrance"),
    "array control": ("core.exec", "core.tag"),
    "array": ("core.array",),
    "accumulators": ("core.accumulator",),
    "post-processing": ("core.post",),
    "window unit": ("core.window",),
    "stores": ("core.writes", "core.store", "m_axi_aw", "m_axi_w"),
    "control": ("control", "core.counters", "core.scoreboard", "core.done", "irq", "s_axil"),
}
#: Registers whose names Yosys made.
OTHERS = "unnamed"


@dataclasses.dataclass(frozen=True)
class Element:
    """A register, or a memory of more than one word, of ``bits`` each."""

    name: str
    bits: int
    words: int
    room: str

    @property
    def kind(self) -> str:
        """Its class: what and where."""
        return f"{self.room}, {'memory' if self.words > 1 else 'register'}"


def find(text: str) -> tuple[list[Element], str]:
    """All elements of the Verilog, in its order; and the Verilog with marks."""
    begin, end = re.search(r"^module accelerator\(", text, re.M).start(), text.index("endmodule")
    written = {escaped or plain for escaped, plain in _WRITTEN.findall(text, begin, end)}
    elements, pieces, last = [], [], 0
    for one in _DECLARED.finditer(text, begin, end):
        high, escaped, plain, words, first = one.groups()
        name = escaped or plain
        if name not in written:
            continue  # what only combines others
        elements.append(Element(name, int(high or 0) + 1, int(words or 0) + 1, room_of(name)))
        at = one.start(5) if first else one.end() - 1
        pieces += [text[last:at].rstrip(" "), _MARK]
        last = at
    return elements, "".join((*pieces, text[last:]))


def room_of(name: str) -> str:
    """The room that a name of the netlist belongs to, or OTHERS."""
    bare = name.replace("$flatten\\", "").replace("\\", "")
    return next((room for room, starts in ROOMS.items() if bare.startswith(starts)), OTHERS)


def flipper(elements: list[Element]) -> str:
    """C++ of ``flip(root, element, word, bit)``."""
    cases = "\n".join(
        f"    case {number}: toggle<{_bytes(one.bits)}>(root.{cpp_name(one.name)}, word, bit);"
        " return;"
        for number, one in enumerate(elements)
    )
    return _FLIPPER.format(cases=cases)


def digest(text: str) -> str:
    """What tells one flipper from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def _bytes(bits: int) -> int:
    """Bytes that Verilator keeps a word of so many bits in."""
    for size in (1, 2, 4, 8):
        if bits <= 8 * size:
            return size
    return -(-bits // 32) * 4


_FLIPPER = """// Made by tests/faults/elements.py.

template <unsigned SIZE, typename Value>
inline void toggle(Value& value, unsigned word, unsigned bit) {{
    reinterpret_cast<unsigned char*>(&value)[word * SIZE + bit / 8] ^= 1 << bit % 8;
}}

inline void flip(Vaccelerator___024root& root, unsigned element, unsigned word, unsigned bit) {{
    switch (element) {{
{cases}
    }}
}}
"""
