"""The registers of counters that may begin high, in a netlist with mutants and in its simulator."""

import json
import pathlib
import re

from accel.isa import RECORD
from accel.page.probes import cpp_name
from accel.params import DONE_BITS
from accel.rtl.interfaces import Done
from accel.sim.verilog import TOP

WORD_BITS = 32
#: The counters: a record's words, done counts, the number of the next command; a simulator's
#: counters.h numbers them so.
COUNTERS = "record", "done", "index"
#: The last one's register, which has no name of its own.
INDEX = r"core\.fetch\.fetcher\.\$signal\$\d+"
_MARK = "/*verilator public_flat_rw*/ "


def registers(verilog: str, flat: pathlib.Path) -> dict[tuple[str, int], tuple[str, int]]:
    """The registers of the counters that may begin high (tests.mutation.high), by the counter and
    its lowest bit there: a register's name in the Verilog, and the bit in it.

    ``flat``: the folder with the netlist (tests.mutation.netlist).  A register that has a mutant
    at its output has its cell's name; who reads it sees what it is set to only in the next cycle,
    so one that changes in every cycle (the MACs' count) stays what it was.
    """
    module = json.loads((flat / "flat.json").read_text())["modules"][TOP]
    nets = {name: net["bits"] for name, net in module["netnames"].items()}
    cells = {name: cell["connections"]["Q"] for name, cell in module["cells"].items()
             if "Q" in cell["connections"]}  # fmt: skip
    (index,) = (name for name, bits in nets.items()
                if re.fullmatch(INDEX, name) and len(bits) == DONE_BITS)  # fmt: skip
    firsts = {("record", WORD_BITS * number): nets["core.counters.record"][WORD_BITS * number]
              for name, number in RECORD.items() if not name.startswith("done_")}  # fmt: skip
    firsts |= {("done", DONE_BITS * number): nets[f"core.counters.done.{name}"][0]
               for number, name in enumerate(Done.members)}  # fmt: skip
    firsts["index", 0] = nets[index][0]
    found = {}
    for place, bit in firsts.items():
        ((cell, kept),) = ((cell, bits) for cell, bits in cells.items() if bit in bits)
        names = [cell, *(name for name, bits in nets.items() if bits == kept)]
        (name,) = (name for name in names if _declared(name).search(verilog))
        found[place] = name, kept.index(bit)
    return found


def marked(verilog: str, flat: pathlib.Path) -> str:
    """The Verilog, in which they are within a test's reach."""
    for name, _ in registers(verilog, flat).values():
        if f"\\{name} {_MARK}" not in verilog:
            verilog = _declared(name).sub(rf"\g<0>{_MARK}", verilog, count=1)
    return verilog


def _declared(name: str) -> re.Pattern:
    """The declaration of a register, up to its name."""
    return re.compile(rf"^  reg \[\d+:0\] \\{re.escape(name)} ", re.M)


def header(verilog: str, flat: pathlib.Path) -> str:
    """Their places in the simulator, as high.h asks for them."""
    found = registers(verilog, flat)
    places = {f"counter == {COUNTERS.index(counter)} && low == {low}": (cpp_name(name), bit)
              for (counter, low), (name, bit) in found.items()}  # fmt: skip
    return places_header(places, cpp_name(found["record", WORD_BITS * RECORD["cycles"]][0]))


def places_header(places: dict[str, tuple[str, int | str]], cycles: str) -> str:
    """counters.h, in front of high.h.

    Args:
        places: by what is true of ``counter`` and ``low``, in C++: the register's member, and the
            bit in it where the bit ``low`` of the counter is.
        cycles: what is not 0 once a cycle of a run was counted.
    """
    cases = "".join(f"    if ({asked}) return {{&root.{name}, {bit}}};\n"
                    for asked, (name, bit) in places.items())  # fmt: skip
    return _PLACES.format(cases=cases, cycles=cycles)


_PLACES = """// Made by tests/mutation/counters.py.

struct Place {{
    void* bits;
    unsigned low;
}};

inline Place place(Vaccelerator___024root& root, unsigned counter, unsigned low) {{
{cases}    return {{nullptr, 0}};
}}

inline bool running(Vaccelerator___024root& root) {{ return root.{cycles}; }}
"""
