"""What keeps cells from lying on one another: they are charges that repel each other.

The field of all charges is that of a box whose walls let nothing out, found by cosine transforms
(Lu et al., ePlace: Electrostatics-Based Placement, 2015).  Rows without logic hold a charge that
stays, and fillers, which are cells without wires, take the room that is to stay free.
"""

import numpy as np

from accel.compiled import compiled
from accel.floorplan.grid import Grid

#: Tiles to the side of a bin in which charges are counted.
BIN = 2
#: LUTs or flip-flops in a tile, and the share of them that cells and fillers take together.
TILE, SHARE = 8.0, 0.75
#: Tiles at each edge without logic.
EDGE = 2


class Density:
    """The field of one kind of area: LUTs, or flip-flops.

    Parameters:
        grid: the FPGA.
        areas: of all cells; the fillers' come behind them.

    Attributes:
        areas: of cells and fillers.
        fillers: slice of the fillers.
        overflow: share of the cells' area that lies where there is no room, after ``field``.
        weight: how strong the field is against the wires.
    """

    def __init__(self, grid: Grid, areas: np.ndarray, others: int):
        room = np.zeros((-(-grid.width // BIN) * BIN, -(-grid.height // BIN) * BIN))
        room[EDGE : grid.width - EDGE, EDGE : grid.height - EDGE] = TILE
        room[:, [*grid.multiplier_rows, *grid.memory_rows]] = 0
        self._shape = room.shape[0] // BIN, room.shape[1] // BIN
        self._room = room.reshape(self._shape[0], BIN, self._shape[1], BIN).sum((1, 3))
        self._full = TILE * BIN * BIN
        self._cells = len(areas)
        count = max(0, int((SHARE * room.sum() - areas.sum()) / TILE))
        self.fillers = slice(len(areas) + others, len(areas) + others + count)
        self.areas = np.concatenate([areas, np.zeros(others), np.full(count, TILE)])
        self._cosines = [_cosines(size) for size in self._shape]
        waves = [np.pi * np.arange(size) / size for size in self._shape]
        self._squares = waves[0][:, None] ** 2 + waves[1] ** 2
        self._squares[0, 0] = np.inf  # the mean pushes nobody
        self.overflow, self.weight = 1.0, 0.0

    def field(self, xs, ys):
        """The potential's slope along both axes in all bins; measures the overflow, too."""
        count = np.zeros(self._shape)
        _deposit(xs[: self._cells], ys[: self._cells], self.areas, count, BIN)
        total = self.areas[: self._cells].sum()
        self.overflow = np.maximum(count - self._room, 0).sum() / max(total, 1.0)
        count += (self._full - self._room) * SHARE
        _deposit(xs[self.fillers], ys[self.fillers], self.areas[self.fillers], count, BIN)
        across, along = self._cosines
        waves = across @ (count / self._full) @ along.T
        return np.gradient(across.T @ (waves / self._squares) @ along)

    def push(self, slopes, xs, ys, gradients):
        """Add to both ``gradients`` what the field does to each cell and filler."""
        _gather(xs, ys, self.areas * self.weight, *slopes, *gradients, BIN)


def _cosines(size):
    """The orthonormal matrix of the cosine transform (DCT-II)."""
    angles = np.pi * np.outer(np.arange(size), np.arange(size) + 0.5) / size
    matrix = np.cos(angles) * np.sqrt(2 / size)
    matrix[0] /= np.sqrt(2)
    return matrix


@compiled
def _deposit(xs, ys, areas, bins, size):
    """Share each area among the four bins around its place."""
    for cell in range(len(xs)):
        if areas[cell] != 0:
            u, v = xs[cell] / size - 0.5, ys[cell] / size - 0.5
            left, low = int(np.floor(u)), int(np.floor(v))
            for x in range(left, left + 2):
                for y in range(low, low + 2):
                    part = areas[cell] * (1 - abs(u - x)) * (1 - abs(v - y))
                    bins[_inside(x, bins.shape[0]), _inside(y, bins.shape[1])] += part


@compiled
def _gather(xs, ys, charges, slope_x, slope_y, gradient_x, gradient_y, size):
    """What the slopes in the four bins around its place do to each charge."""
    for cell in range(len(xs)):
        if charges[cell] != 0:
            u, v = xs[cell] / size - 0.5, ys[cell] / size - 0.5
            left, low = int(np.floor(u)), int(np.floor(v))
            for x in range(left, left + 2):
                for y in range(low, low + 2):
                    part = charges[cell] * (1 - abs(u - x)) * (1 - abs(v - y))
                    i, j = _inside(x, slope_x.shape[0]), _inside(y, slope_x.shape[1])
                    gradient_x[cell] += part * slope_x[i, j]
                    gradient_y[cell] += part * slope_y[i, j]


@compiled
def _inside(index, size):
    return min(max(index, 0), size - 1)
