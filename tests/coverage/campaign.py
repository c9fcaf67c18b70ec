"""Runs programs on a machine that counts, and adds the counts."""

import ctypes
import dataclasses
import pathlib
import tempfile

import numpy as np

from accel.sim import verilator
from tests.coverage import counts, netlist, points
from tests.faults.elements import room_of
from tests.faults.subject import PARAMS
from tests.mutation.cases import LONGEST, cases, drawn
from tests.support.random_chains import random_chain
from tests.support.random_layers import random_graph


@dataclasses.dataclass
class Covered:
    """What the programs reached.

    Attributes:
        programs, cycles: how much was run.
        taken: how often each branch was, and each bit of hardware rose or fell.
        text: the Verilog's lines.
        functional: the points' names, and how often each was seen.
    """

    programs: int
    cycles: int
    taken: dict[counts.Branch | counts.Toggle, int]
    text: list[str]
    functional: dict[str, int]

    def of(self, kind: type) -> dict[str, tuple[int, int]]:
        """By room: how many there are of a kind, and how many of them were reached."""
        found: dict[str, list[int]] = {}
        for place, count in self.taken.items():
            if isinstance(place, kind):
                have = found.setdefault(self.room(place), [0, 0])
                have[0] += 1
                have[1] += count > 0
        return {room: (count, reached) for room, (count, reached) in sorted(found.items())}

    def room(self, place) -> str:
        """The room of the machine that a branch or a bit belongs to."""
        return room_of(self.name(place))

    def name(self, place) -> str:
        """The signal that toggles, or that the branch decides."""
        if isinstance(place, counts.Toggle):
            return place.name
        return decided(self.text, place.line)


def decided(text: list[str], line: int) -> str:
    """What the statement at a line assigns: the next target from there on, without escapes."""
    for one in text[line - 1 : line + 40]:
        assigned = netlist.ASSIGNED.search(one)
        if assigned:
            return (assigned[1] or assigned[2]).replace("$flatten\\", "").replace("\\", "")
    return ""


def run(layers: int, chains: int, seed: int = 1) -> Covered:
    """The mutation campaign's programs, and so many random layers and chains more."""
    library = verilator.load(netlist.simulator(PARAMS))
    library.accel_counts.argtypes = (ctypes.c_char_p,)
    rng = np.random.default_rng([seed, 181])
    programs = [*cases(), *drawn("layer", random_graph, layers, rng),
                *drawn("chain", random_chain, chains, rng)]  # fmt: skip
    places, total, cycles = None, None, 0
    functional = points.Points(PARAMS)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "counts.dat"
        library.accel_counts(str(path).encode())
        for case in programs:
            ended = case.end(library, LONGEST)
            cycles += ended.cycles
            functional.see(case, ended)
            if places is None:
                places, total = counts.places(path), 0
            total += counts.counted(path)
    hardware = netlist.toggling(PARAMS)
    taken = {
        place: int(count) for place, count in zip(places, total, strict=True)
        if not isinstance(place, counts.Toggle) or place.bit in hardware.get(place.name, ())
    }  # fmt: skip
    return Covered(len(programs), cycles, taken, netlist.text(PARAMS), functional.seen)
