"""The four roundings beside each other: a quarter of small sums, where halves are frequent."""

import pathlib

import numpy as np

from accel import quant
from accel.isa import Rounding
from accel.report.style import picture

_SUMS = np.arange(-10, 11)
#: A quarter: half of 2**31, and a shift to the right.
_MULTIPLIER, _SHIFT = 1 << 30, -1


def draw(path: pathlib.Path) -> None:
    """A table: what each rounding makes of each sum; coloured where not all agree."""
    results = {
        way.name: quant.requantise(_SUMS[:, None], _MULTIPLIER, _SHIFT, way)[:, 0]
        for way in Rounding
    }
    everywhere = np.all(np.diff(list(results.values()), axis=0) == 0, axis=0)
    rows = [("sum", _SUMS), ("sum / 4", [f"{one / 4:g}" for one in _SUMS]), *results.items()]
    with picture(path, 1, 1, figsize=(11, 2.6)) as (_, axes):
        cells = [[str(value) for value in values] for _, values in rows]
        colours = [
            ["#FFFFFF" if number < 2 or same else "#FBE3B5" for same in everywhere]
            for number in range(len(rows))
        ]
        drawn = axes.table(cells, cellColours=colours, rowLabels=[name for name, _ in rows],
                           cellLoc="center", loc="center")  # fmt: skip
        drawn.auto_set_font_size(False)
        drawn.set_fontsize(8)
        drawn.scale(1, 1.5)
        axes.axis("off")
        axes.set_title("A quarter of a sum, rounded in four ways; coloured: they differ",
                       fontsize=10)  # fmt: skip
