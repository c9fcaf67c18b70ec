"""Pictures of the machine, drawn from its parameters, its latencies and its compiled programs."""

import pathlib
from collections.abc import Callable

from accel.docs.pictures import array, buffer, plots, rounding, times

#: Who draws what, by the picture's name.
PICTURES: dict[str, Callable[[pathlib.Path], None]] = {
    "array": array.draw, "banks": buffer.draw, "way": times.way, "engines": times.engines,
    "rounding": rounding.draw, "roofline": plots.roofline, "timeline": plots.timeline,
    "pareto": plots.sweep,
}  # fmt: skip


def draw_all(folder: pathlib.Path) -> None:
    """Write every picture into ``folder`` as NAME.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        draw(folder / f"{name}.png")
