"""The seats of a whole netlist: all different, of the right kind, and with less wire."""

import copy
import re

import numpy as np

from accel.floorplan import seat
from accel.floorplan.analytic import Cloud
from accel.floorplan.grid import GRIDS, KINDS
from accel.floorplan.hypergraph import Hypergraph
from accel.floorplan.seats import Seats
from tests.floorplan.netlists import chain, netlist


def chain_length(seats):
    """From each macro's seat to the next one's along the chain."""
    places = [[int(n) for n in re.findall(r"\d+", seats[name])[:2]] for name in chain(len(seats))]
    return np.abs(np.diff(np.array(places), axis=0)).sum()


def test_every_macro_has_a_seat_of_its_kind_and_a_chain_stays_together():
    module = netlist(multipliers=40, memories=20)
    chosen = seat(module, "85")
    for name, cell in module["cells"].items():
        if cell["type"] in KINDS:
            assert cell["attributes"]["BEL"] == chosen[name]
            assert ("EBR" in chosen[name]) == (cell["type"] == "DP16KD")
        else:
            assert "BEL" not in cell["attributes"]
    assert len(set(chosen.values())) == 60
    in_order = Seats(Hypergraph(module), GRIDS["85"], seed=1).names()
    assert chain_length(chosen) < 0.5 * chain_length(in_order)


def test_the_same_seed_gives_the_same_seats():
    module = netlist(multipliers=10, memories=5)
    first, again, other = (seat(copy.deepcopy(module), "25", seed) for seed in (1, 1, 2))
    assert first == again != other


def test_nothing_is_said_where_there_is_no_macro_or_too_many():
    for module in (netlist(29, 0), netlist(0, 57), {"cells": {}, "ports": {}}):
        before = copy.deepcopy(module)
        assert seat(module, "25") == {}
        assert module == before


def test_cells_spread_until_little_lies_on_others():
    graph, grid = Hypergraph(netlist(multipliers=60, memories=30)), GRIDS["25"]
    cloud = Cloud(graph, grid, seed=1)
    cloud.step()
    assert cloud.overflow > 0.5
    for _ in range(400):
        cloud.step()
    assert cloud.overflow < 0.3
    assert cloud.xs.min() >= 1
    assert cloud.xs.max() <= grid.width - 1
