"""Which registers of the machine the page can look at, and the C++ that hands them over.

The Verilog that Verilator gets is one flat module in which every register still has its block's
name: ``\\core.array.pe_0_0.working``.  Those named here get Verilator's mark that somebody reads
them, so it keeps them as they are; then a generated C++ function copies them, one behind the other,
to where JavaScript finds them.  Only the page's build has marks: the ordinary simulator stays as
fast as it is.

A *group* is what the page knows by one name: the same register of every cell or column, or a
memory.  Registers that Yosys found equal to others have one name of several; where a picture wants
such a one, the name that stayed is used here, with the reason beside it.
"""

import dataclasses
import re

from accel.isa import RECORD
from accel.params import Params
from accel.registers import Reg
from accel.sim.engine import SimulationError
from accel.sim.host import RESULTS

#: Behind these names in a declaration, Verilator's mark.
_MARK = " /*verilator public_flat_rd*/ "
#: A declaration: the highest bit, the name, the highest word of a memory, the first value.
_DECLARED = re.compile(
    r"^  (?:reg|wire)(?: \[(\d+):0\])? \\(\S+) +(?:\[(\d+):0\] *)?(= [^;\n]*)?;$", re.M
)
_QUEUES = "core.fetch.resting.fetcher.dispatch.{}_queue.held"
#: C++ integers that hold a value of so many bits, by their bytes.
_WORD_BITS = 32


@dataclasses.dataclass(frozen=True)
class Group:
    """Registers of one width.

    Attributes:
        name: what the page calls them.
        signals: their names in the Verilog; one alone may be a memory.  Of names with a bar
            between them, the first that is there.
        signed: whether they hold signed numbers.
    """

    name: str
    signals: tuple[str, ...]
    signed: bool = False


def groups(params: Params) -> tuple[Group, ...]:
    """What the page looks at in a machine."""
    rows, cols = range(params.rows), range(params.cols)

    def cells(register):
        return tuple(f"core.array.pe_{r}_{c}.{register}" for r in rows for c in cols)

    def columns(register):
        return tuple(f"core.accumulator.column_{c}.{register}" for c in cols)

    found = [
        # What the multiplier is given, of `left * right`: the first of two registers that Amaranth
        # made in one line got no name.  The next cell's activation always equals it, and Yosys
        # keeps one of the two.
        Group("activation", tuple(
            f"core.array.pe_{r}_{c}.$signal|core.array.pe_{r}_{c + 1}.activation"
            for r in rows for c in cols
        ), signed=True),
        # ... and the second: the working weight, a cycle later.
        Group("weight", cells("right"), signed=True),
        Group("shadow", cells("shadow"), signed=True),
        # Row 0 adds to nothing, so its sums are a register of 16 bits, and no register of 32.
        Group("first_sum", cells("total")[: params.cols], signed=True),
        Group("sum", cells("total")[params.cols :], signed=True),
        *(Group(f"buffer{r}", (f"core.im2col.bank_{r}",), signed=True) for r in rows),
        # The row each bank reads, in cycle 3 of a vector's way through the buffer.
        Group("bank_row", tuple(f"core.im2col.row_{r}" for r in rows)),
        Group("first_bank", ("core.im2col.first_bank_3",)),
        Group("bank_read", ("core.im2col.valid_3",)),
        *(Group(f"sums{bank}_{c}", (f"core.accumulator.column_{c}.bank{bank}",), signed=True)
          for bank in range(2) for c in cols),
        Group("bias", columns("bias"), signed=True),
        # The tag that each column adds by: accel.rtl.array.accumulator, stage ADD.
        Group("adding", tuple(f"core.accumulator.tag{c + 2}" for c in cols)),
        Group("held", tuple(_QUEUES.format(name) for name in queues(params))),
        Group("done", tuple(f"core.counters.done.{name}" for name in done(params))),
        Group("reading", ("core.post.resting.reader.left",)),
        Group("read_row", ("core.post.resting.reader.acc__row",)),
        Group("read_bank", ("core.post.control.acc__bank",)),
        Group("requantised", ("core.post.resting.reader.queue.level",)),
        Group("row_results", ("core.post.resting.pool.rows.queue.level",)),
        Group("pooled", ("core.post.resting.pool.columns.queue.level",)),
        Group("windows", ("core.post.resting.pool.rows.open",)),
        Group("issued", ("core.exec.busy",)),
        Group("swap", ("core.exec.swap",)),
        Group("base", ("core.exec.read__base",)),
        Group("waits", tuple(f"core.exec.wait_{what}" for what in ("load", "bank", "weights"))),
        Group("free_banks", ("core.exec.free",)),
        Group("weight_row", ("core.weights.user.row__valid", "core.weights.user.row__index")),
        Group("counters", tuple(f"control.core__record[{RECORD[name]}]" for name in COUNTED)),
        Group("macs", ("core.counters.total",)),
    ]  # fmt: skip
    return tuple(found)


#: What a cycle is charged to, as JavaScript numbers it from 1 on.
CAUSES = ("busy", "fill", "weight", "memory", "post", "sync")
#: The words of a completion record that count, in their order; the done counts are a group, too.
COUNTED = ("cycles", "busy", "fill", "weight", "memory", "post", "sync", "read_beats",
           "write_beats", "window_busy")  # fmt: skip


def queues(params: Params) -> tuple[str, ...]:
    """The engines with a command queue."""
    window = ("wload", "wparam", "window") if params.window_taps else ()
    return ("load", "weights", "exec", "post", *window)


def done(params: Params) -> tuple[str, ...]:
    """The engines whose completed commands are counted."""
    return ("load", "exec", "post", *(("wload", "window") if params.window_taps else ()))


@dataclasses.dataclass(frozen=True)
class Place:
    """Where JavaScript finds a group: ``count`` numbers of ``size`` bytes from ``offset`` on.

    Numbers of more than 8 bytes are words of 4 bytes, the lowest first.  ``bits`` of each count.
    """

    offset: int
    size: int
    count: int
    bits: int
    signed: bool


class Marked:
    """A machine's Verilog in which the registers of all groups are marked.

    Attributes:
        text: the Verilog.
        places: where each group will be, by its name.
        reader: C++ of ``gather(root, to)``, which copies every group to its place.

    Raises SimulationError if a register is not there.
    """

    def __init__(self, text: str, params: Params):
        self._verilog = text
        self._declared = {found[2]: found for found in _DECLARED.finditer(text)}
        self.places: dict[str, Place] = {}
        end, found, copies = 0, {}, []
        for group in groups(params):
            registers = [self._register(name, group.name) for name in group.signals]
            widths = [int(one[1] or 0) + 1 for one in registers]
            counts = [int(one[3] or 0) + 1 for one in registers]
            size, at = _bytes(max(widths)), -(-end // 8) * 8
            self.places[group.name] = Place(at, size, sum(counts), max(widths), group.signed)
            for register, count in zip(registers, counts, strict=True):
                name = cpp_name(register[2])
                copies.append(f"    copy<{size}, {count}>(root.{name}, to + {at});")
                at += size * count
            end = at
            found[group.name] = registers
        marked = {one for registers in found.values() for one in registers}
        self.text = self._with_marks(sorted(marked, key=lambda one: one.start()))
        self.reader = _reader(end, copies, {
            name: [f"root.{cpp_name(one[2])}" for one in registers]
            for name, registers in found.items()
        })  # fmt: skip

    def _register(self, name: str, group: str) -> re.Match:
        """The declaration of a register; of a wire that shows just one, that register's."""
        name = next((one for one in name.split("|") if one in self._declared), name)
        found = self._declared.get(name)
        if found is not None and found[0].startswith("  wire"):
            behind = re.search(
                rf"^  assign [^=\n]*\\{re.escape(name)} [^=\n]*= \\(\S+) ;$", self._verilog, re.M
            )
            found = behind and self._declared.get(behind[1])
        if found is None:
            raise SimulationError(
                f"accel.page.probes: group {group!r} reads the register {name}, which the Verilog "
                "of the machine has not: name the one that took its place"
            )
        return found

    def _with_marks(self, registers: list[re.Match]) -> str:
        pieces, last = [], 0
        for one in registers:
            before_value = one.start(4) if one[4] else one.end() - 1
            pieces += [self._verilog[last:before_value].rstrip(" "), _MARK]
            last = before_value
        return "".join((*pieces, self._verilog[last:]))


def _reader(size: int, copies: list[str], expressions: dict[str, list[str]]) -> str:
    """C++ that copies ``size`` bytes; ``expressions`` are its names of each group's registers."""
    counted = dict(zip(COUNTED, expressions["counters"], strict=True))
    return _READER.format(
        bytes=size,
        copies="\n".join(copies),
        causes=", ".join(counted[name] for name in CAUSES),
        count=len(CAUSES),
        issued=expressions["issued"][0],
        swap=expressions["swap"][0],
        registers=", ".join(f"{one.name} = {int(one)}" for one in Reg),
        results=", ".join(str(int(one)) for one in RESULTS),
    )


def _bytes(bits: int) -> int:
    """Bytes that Verilator keeps a value of so many bits in."""
    for size in (1, 2, 4, 8):
        if bits <= 8 * size:
            return size
    return -(-bits // _WORD_BITS) * 4


_READER = """// Made by accel/page/probes.py: the registers that the page looks at.

#include <array>

constexpr unsigned GATHERED = {bytes};

enum {{ {registers} }};
constexpr uint32_t RESULTS[] = {{{results}}};

using Root = Vaccelerator___024root;
using Causes = std::array<uint32_t, {count}>;

inline Causes causes(const Root& root) {{ return {{{causes}}}; }}
inline bool issues(const Root& root) {{ return {issued}; }}
inline bool swaps(const Root& root) {{ return {swap}; }}

// A register, or a memory of so many words, of the model.  One narrower than its group's widest is
// filled up with zeroes.
template <unsigned SIZE, unsigned COUNT, typename Value>
inline void copy(const Value& value, unsigned char* to) {{
    static_assert(sizeof(Value) <= SIZE * COUNT, "not the width that the Verilog says");
    static_assert(COUNT == 1 || sizeof(Value) == SIZE * COUNT, "words without gaps");
    memcpy(to, &value, sizeof(Value));
}}

inline void gather(const Root& root, unsigned char* to) {{
{copies}
}}
"""


def cpp_name(name: str) -> str:
    """What Verilator calls a signal of the machine in C++: its encoding of escaped names."""
    encoded = re.sub(
        r"__|[^A-Za-z0-9_]",
        lambda found: "___05F" if found[0] == "__" else f"__0{ord(found[0]):02x}",
        name,
    )
    return f"simulated__DOT__machine__DOT__{encoded}"
