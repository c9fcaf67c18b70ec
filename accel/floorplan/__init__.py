"""Seats for the multipliers and block RAMs of a netlist on a Lattice ECP5, found before nextpnr.

An FPGA has its multipliers and memories in a few rows, far from one another.  nextpnr's static
placer first lets them float, and then moves each one to a free seat that it finds by chance near
by: that alone adds up to as much wire as there was.  Here the whole netlist is placed roughly,
with the seats in mind, and only where multipliers and memories come to sit is kept: nextpnr
places all the rest around them.

    Netlist (hypergraph)                      accel.floorplan.hypergraph
       v
    wires pull, densities push                accel.floorplan.wire, accel.floorplan.density
       v
    pulled to seats, more and more            accel.floorplan.analytic
       v
    seats exchanged while wire gets shorter   accel.floorplan.seats

Nothing here is exact, and nothing depends on it but wire: any seats give the same machine.
"""

import numpy as np

from accel.floorplan.analytic import place
from accel.floorplan.grid import GRIDS, KINDS
from accel.floorplan.hypergraph import Hypergraph


def seat(module: dict, size: str, seed: int = 1) -> dict[str, str]:
    """Say where nextpnr has to put the multipliers and block RAMs of a Yosys JSON netlist's module.

    Their attribute ``BEL`` is set in place; returned are these names by the cells' own.  Nothing is
    done if there is none, or if they are more than the FPGA has: nextpnr then says so.

    Args:
        module: synthesised for an ECP5.
        size: thousands of LUTs of the FPGA: "25", "45" or "85".
        seed: of the seats; the same one gives the same seats.
    """
    cells, grid = module["cells"], GRIDS[size]
    graph = Hypergraph(module)
    if not len(graph.macros) or any(
        np.count_nonzero(graph.kinds == kind) > len(grid.seats(name))
        for kind, name in enumerate(KINDS)
    ):
        return {}
    chosen = place(graph, grid, seed)
    for name, bel in chosen.items():
        cells[name].setdefault("attributes", {})["BEL"] = bel
    return chosen
