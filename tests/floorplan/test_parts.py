"""Wires, densities and seats, each against what it is by definition."""

import itertools

import numpy as np
import pytest

from accel.floorplan.density import Density
from accel.floorplan.grid import GRIDS, KINDS
from accel.floorplan.hypergraph import Hypergraph
from accel.floorplan.seats import Seats
from accel.floorplan.wire import lengths, pull
from tests.floorplan.netlists import netlist


def random_places(count, seed=3):
    random = np.random.default_rng(seed)
    return random.uniform(5, 90, count), random.uniform(5, 60, count)


def test_lengths_are_those_of_rectangles_around_the_cells():
    graph = Hypergraph(netlist(multipliers=6, memories=4))
    xs, ys = random_places(len(graph.names))
    for number, length in enumerate(lengths(graph.starts, graph.pins, xs, ys)):
        cells = graph.pins[graph.starts[number] : graph.starts[number + 1]]
        assert length == pytest.approx(np.ptp(xs[cells]) + np.ptp(ys[cells]))


def smooth_length(graph, at, smooth):
    total = 0.0
    for begin, end in itertools.pairwise(graph.starts):
        net = at[graph.pins[begin:end]]
        high, low = np.exp((net - net.max()) / smooth), np.exp((net.min() - net) / smooth)
        total += (high * net).sum() / high.sum() - (low * net).sum() / low.sum()
    return total


def test_the_pull_is_the_slope_of_the_smooth_length():
    graph = Hypergraph(netlist(multipliers=6, memories=4))
    at, _ = random_places(len(graph.names))
    gradient = np.zeros(len(at))
    pull(graph.starts, graph.pins, at, 4.0, gradient)
    for cell in range(0, len(at), 7):
        step = np.zeros(len(at))
        step[cell] = 1e-4
        slope = smooth_length(graph, at + step, 4.0) - smooth_length(graph, at - step, 4.0)
        assert gradient[cell] == pytest.approx(slope / 2e-4, abs=1e-5)


def test_the_clock_pulls_nobody():
    module = netlist(multipliers=2, memories=1)
    graph = Hypergraph(module)
    flipflops = sum(cell["type"] == "TRELLIS_FF" for cell in module["cells"].values())
    assert np.diff(graph.starts).max() < flipflops


def test_charges_push_each_other_apart_and_out_of_rows_without_logic():
    grid = GRIDS["85"]
    density = Density(grid, np.full(400, 1.0), 0)
    places = np.zeros((2, len(density.areas)))
    places[0], places[1] = 30.0, 58.5  # all fillers in one place, too: they do not count here
    places[0, :400], places[1, :400] = 60.5, np.where(np.arange(400) < 200, 61.0, 66.0)
    density.fillers, density.weight = slice(0, 0), 1.0
    gradients = np.zeros((2, len(density.areas)))
    density.push(density.field(*places), *places, gradients)
    # Two steep heaps: each cell goes away from the other heap, against its gradient.
    assert (gradients[1, :200] > 0).all()
    assert (gradients[1, 200:400] < 0).all()
    assert density.overflow == pytest.approx(1 - 8 * 8 * 4 / 400, abs=0.2)


def test_spread_charges_overflow_nowhere():
    grid = GRIDS["25"]
    xs, ys = (axis.ravel() for axis in np.meshgrid(np.arange(4, 68, 2.0), np.arange(4, 12, 2.0)))
    density = Density(grid, np.full(len(xs), 2.0), 0)
    count = len(density.areas) - len(xs)
    density.field(np.append(xs, np.full(count, 20.0)), np.append(ys, np.full(count, 40.0)))
    assert density.overflow == 0


@pytest.mark.parametrize("size, counts", [("25", (28, 56)), ("45", (72, 108)), ("85", (156, 208))])
def test_as_many_seats_as_the_data_sheet_has(size, counts):
    grid = GRIDS[size]
    for kind, count in zip(KINDS, counts, strict=True):
        seats = grid.seats(kind)
        assert len({seat.bel for seat in seats}) == len(seats) == count
        assert all(0 < seat.x < grid.width and 0 < seat.y < grid.height for seat in seats)


def crowded(seed):
    """A graph of as many multipliers as there are seats, and random places."""
    graph = Hypergraph(netlist(multipliers=28, memories=5))
    return graph, *random_places(len(graph.names), seed)


def test_the_nearest_seats_are_nearly_the_best_ones():
    optimize = pytest.importorskip("scipy.optimize")
    graph, xs, ys = crowded(5)
    grid = GRIDS["25"]
    seats = Seats(graph, grid, seed=1)
    seats.take_nearest(xs, ys)
    for kind, name in enumerate(KINDS):
        macros = graph.macros[graph.kinds == kind]
        far = np.array([
            [abs(xs[m] - s.x - 0.5) + abs(ys[m] - s.y - 0.5) for s in grid.seats(name)]
            for m in macros
        ]) * graph.degrees[macros][:, None]  # fmt: skip
        best = far[optimize.linear_sum_assignment(far)].sum()
        mine = graph.kinds == kind
        found = np.abs(xs[macros] - seats.xs[mine]) + np.abs(ys[macros] - seats.ys[mine])
        assert best <= (found * graph.degrees[macros]).sum() + 1e-6 < 1.1 * best + 1e-3


def test_annealing_shortens_the_wires_and_gives_no_seat_twice():
    graph, xs, ys = crowded(6)
    seats = Seats(graph, GRIDS["25"], seed=1)

    def wire():
        here = xs.copy(), ys.copy()
        here[0][graph.macros], here[1][graph.macros] = seats.xs, seats.ys
        return lengths(graph.starts, graph.pins, *here).sum()

    seats.take_nearest(xs, ys)
    before = wire()
    seats.shorten(xs, ys, hot=20.0, tries=100_000)
    assert wire() < 0.97 * before
    assert len(set(seats.of)) == len(seats.of)
    kinds = ["EBR" in bel for bel in seats.names().values()]
    assert kinds == [kind == KINDS.index("DP16KD") for kind in graph.kinds]
