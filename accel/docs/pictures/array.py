"""The array cycle by cycle: which vector each cell multiplies, and by which tile's weight."""

import pathlib

from accel.docs.pictures import example
from accel.report.style import picture

#: Colours of successive weight tiles, and of a cell without a vector.
_TILES, _NONE = ("#56B4E9", "#E69F00"), "#F2F2F2"
#: Vectors of a tile here: just enough for the next tile's weights to be there.
_VECTORS = example.PARAMS.rows


def vector(row: int, column: int, cycle: int) -> int:
    """The number of the vector that a cell multiplies: lanes are skewed, and move on by a column
    each cycle, so vector n is at cell (r, c) in cycle n + r + c."""
    return cycle - row - column


def draw(path: pathlib.Path) -> None:
    """Six cycles of a 4x4 array, in which the second tile's weights take over along a diagonal."""
    from matplotlib.patches import Rectangle

    rows, cols = example.PARAMS.rows, example.PARAMS.cols
    cycles = (0, 2, 4, 6, 8, 10)
    with picture(path, 1, len(cycles), figsize=(12, 2.7)) as (figure, panels):
        for axes, cycle in zip(panels, cycles, strict=True):
            for row in range(rows):
                for column in range(cols):
                    number = vector(row, column, cycle)
                    there = 0 <= number < 2 * _VECTORS
                    tile = number // _VECTORS
                    axes.add_patch(Rectangle(
                        (column, row), 0.92, 0.92, linewidth=0,
                        color=_TILES[tile] if there else _NONE,
                    ))  # fmt: skip
                    if there:
                        axes.text(column + 0.46, row + 0.46, f"{tile}:{number % _VECTORS}",
                                  ha="center", va="center", fontsize=8)  # fmt: skip
            axes.set(xlim=(-0.1, cols), ylim=(rows, -0.1), aspect="equal")
            axes.set_title(f"cycle {cycle}", fontsize=9)
            axes.axis("off")
        figure.suptitle(
            f"tile:vector in each cell of a {rows}x{cols} array, two tiles of {_VECTORS} vectors; "
            "no cell idles where the weights change", fontsize=10,
        )  # fmt: skip
