"""The rough placement of all cells: wires pull, densities push, and seats pull more and more."""

import numpy as np

from accel.floorplan.density import Density
from accel.floorplan.grid import Grid
from accel.floorplan.hypergraph import Hypergraph
from accel.floorplan.seats import Seats
from accel.floorplan.wire import pull

#: Seats are first thought of when this share of the cells still lies on others: earlier, and
#: what belongs together has not found together; later, and it can no longer move.
SPREAD = 0.25
#: Spread as well as it needs to be.
SETTLED = 0.08
#: The field's first strength against the wires, and how much stronger it gets with each step.
FIRST_WEIGHT, GROWTH = 0.02, 1.02
#: Steps in which cells spread at most: those of a netlist that does not fit never do.
LONGEST = 1500
#: The pull of the seats against that of a wire: rounds of it, of how many steps each.
ANCHORS, ROUND = tuple(0.05 * 1.6**n for n in range(9)), 20
#: Heat of each exchange of seats for shorter wires, after as many steps of the other cells.
HEATS, REST = (150.0, 80.0, 40.0, 20.0), 60


def place(graph: Hypergraph, grid: Grid, seed: int) -> dict[str, str]:
    """Return a seat for each multiplier and block RAM: nextpnr's name of it, by the cell's."""
    cloud, seats = Cloud(graph, grid, seed), Seats(graph, grid, seed)
    for _ in range(LONGEST):
        if cloud.overflow < SPREAD:
            break
        cloud.step()
    for anchor in ANCHORS:
        seats.take_nearest(cloud.xs, cloud.ys)
        for _ in range(ROUND):
            cloud.step(seats, anchor)
    seats.take_nearest(cloud.xs, cloud.ys)
    for heat in HEATS:
        for _ in range(REST):
            cloud.sit(seats)
            cloud.step()
        seats.shorten(cloud.xs, cloud.ys, heat)
    return seats.names()


class Cloud:
    """All cells and fillers, and where they are.

    Steps are those of Adam (Kingma and Ba, 2015): along the mean of past gradients, each cell's
    over how large its own have been.
    """

    MEAN, SQUARE = 0.9, 0.99

    def __init__(self, graph: Hypergraph, grid: Grid, seed: int):
        self._graph, self._limits = graph, (grid.width - 1, grid.height - 1)
        luts = Density(grid, graph.luts, 0)
        flipflops = Density(grid, graph.flipflops, luts.fillers.stop - luts.fillers.start)
        self._fields = luts, flipflops
        count, cells = flipflops.fillers.stop, len(graph.names)
        luts.areas = np.pad(luts.areas, (0, count - len(luts.areas)))
        self._degrees = np.pad(graph.degrees, (0, count - cells))
        random = np.random.default_rng(seed)
        self.xs = random.uniform(1, self._limits[0], count)
        self.ys = random.uniform(1, self._limits[1], count)
        self.xs[:cells] = grid.width / 2 + random.normal(size=cells)
        self.ys[:cells] = grid.height / 2 + random.normal(size=cells)
        self._moments = np.zeros((2, 2, count))
        self._steps = 0

    @property
    def overflow(self) -> float:
        """Share of the cells' area that lies where there is no room."""
        return max(field.overflow for field in self._fields)

    def sit(self, seats: Seats) -> None:
        """Put multipliers and block RAMs on their seats."""
        self.xs[self._graph.macros], self.ys[self._graph.macros] = seats.xs, seats.ys

    def step(self, seats: Seats | None = None, anchor: float = 0.0) -> None:
        """Move everything a little, macros towards their seats if there are any yet."""
        graph, axes = self._graph, (self.xs, self.ys)
        gradients = np.zeros((2, len(self.xs)))
        smooth = 0.7 + 8 * min(1.0, max(0.0, self.overflow - 0.05))
        for at, gradient in zip(axes, gradients, strict=True):
            pull(graph.starts, graph.pins, at, smooth, gradient)
        scale = self._degrees.copy()
        for field in self._fields:
            self._push(field, gradients, scale)
        if seats is not None:
            for at, gradient, there in zip(axes, gradients, (seats.xs, seats.ys), strict=True):
                way = np.clip(at[graph.macros] - there, -1, 1)
                gradient[graph.macros] += anchor * graph.degrees[graph.macros] * way
        self._move(gradients / np.maximum(scale, 1))

    def _push(self, field, gradients, scale):
        """Add what a density does; it gets stronger as long as too much lies on others."""
        slopes = field.field(*self._axes())
        if not field.weight:
            field.weight, alone = 1.0, np.zeros_like(gradients)
            field.push(slopes, *self._axes(), alone)
            cells = len(self._graph.names)
            field.weight = FIRST_WEIGHT * np.abs(gradients).sum()
            field.weight /= max(np.abs(alone[:, :cells]).sum(), 1e-9)
        field.push(slopes, *self._axes(), gradients)
        scale += field.weight * field.areas
        if field.overflow > SETTLED:
            field.weight *= GROWTH

    def _move(self, gradients):
        self._steps += 1
        means, squares = self._moments
        means += (1 - self.MEAN) * (gradients - means)
        squares += (1 - self.SQUARE) * (gradients**2 - squares)
        mean = means / (1 - self.MEAN**self._steps)
        size = np.sqrt(squares / (1 - self.SQUARE**self._steps))
        length = 1.0 if self.overflow > 0.5 else 0.5 if self.overflow > SPREAD else 0.25
        way = length * mean / (size + 1e-3)
        for at, step, limit in zip(self._axes(), way, self._limits, strict=True):
            np.clip(at - step, 1, limit, out=at)

    def _axes(self):
        return self.xs, self.ys
