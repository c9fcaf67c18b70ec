"""A netlist as what a placement needs of it: cells with areas, and which of them a net joins."""

import collections

import numpy as np

from accel.floorplan.grid import KINDS

#: What cells take of a tile's eight LUTs; a tile has as many flip-flops.
_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
_FLIPFLOPS = {"TRELLIS_FF": 1}


class Hypergraph:
    """The cells and nets of a module of a Yosys JSON netlist.

    The net with the most cells is the clock, which has wires of its own, and is left out.

    Attributes:
        names: of all cells.
        starts, pins: net n joins the cells pins[starts[n] : starts[n + 1]].
        degrees: in how many nets each cell is.
        luts, flipflops: what each cell takes.
        macros: indices of multipliers and block RAMs.
        kinds: of each macro, its index in KINDS.
        macro_starts, macro_nets: macro m is in the nets macro_nets[macro_starts[m] : ...].
    """

    def __init__(self, module: dict):
        cells = module["cells"]
        self.names = list(cells)
        types = [cell["type"] for cell in cells.values()]
        nets = _nets(cells)
        self.starts, self.pins = _ragged(nets)
        self.degrees = np.bincount(self.pins, minlength=len(types)).astype(float)
        self.luts = np.array([float(_LUTS.get(kind, 0)) for kind in types])
        self.flipflops = np.array([float(_FLIPFLOPS.get(kind, 0)) for kind in types])
        self.macros = np.array([n for n, kind in enumerate(types) if kind in KINDS], np.int64)
        self.kinds = np.array([KINDS.index(types[n]) for n in self.macros], np.int64)
        joined = collections.defaultdict(list)
        for number, net in enumerate(nets):
            for cell in net:
                joined[cell].append(number)
        self.macro_starts, self.macro_nets = _ragged([joined[n] for n in self.macros])


def _nets(cells) -> list[list[int]]:
    """Each net's cells, of all nets but the clock that join two or more."""
    nets = collections.defaultdict(set)
    for number, cell in enumerate(cells.values()):
        for bits in cell["connections"].values():
            for bit in bits:
                if isinstance(bit, int):
                    nets[bit].add(number)
    by_size = sorted(nets.values(), key=len, reverse=True)[1:]
    return [sorted(net) for net in by_size if len(net) > 1]


def _ragged(lists):
    """Lists of different lengths as one array, and where in it each of them starts."""
    starts = np.zeros(len(lists) + 1, np.int64)
    starts[1:] = np.cumsum([len(one) for one in lists])
    return starts, np.array([item for one in lists for item in one], np.int64)
