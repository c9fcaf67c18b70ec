"""What the plots have in common: colours, titles, names, and writing the picture."""

import contextlib
import pathlib
from collections.abc import Iterator

import matplotlib

from accel.report.files import replacing
from accel.report.words import counted

#: What array cycles go to; colour-blind safe (Okabe and Ito), useful work first.
COLOURS = {
    "useful": "#0072B2",
    "edge": "#56B4E9",
    "fill": "#999999",
    "weight": "#E69F00",
    "memory": "#D55E00",
    "post": "#CC79A7",
    "sync": "#F0E442",
}
MEANING = {
    "useful": "multiplying",
    "edge": "incomplete tiles",
    "fill": "filling, draining",
    "weight": "loading weights",
    "memory": "waiting for memory",
    "post": "waiting for post-processing",
    "sync": "waiting for commands or layers",
}
#: The window unit, wherever it is shown.
WINDOW = "#009E73"
_LONGEST = 30


def parts(counts: dict) -> dict[str, float]:
    """Cycles by what the array spent them on; the parts add up to ``cycles``."""
    useful = {"useful": counts["busy"] - counts["edge"], "edge": counts["edge"]}
    return useful | counts["idle"]


def short(name: str, longest: int = _LONGEST) -> str:
    """A layer's name, its middle left out where it is too long."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def title(report: dict) -> str:
    """Network, images, machine and memory of a report."""
    array, memory = report["array"], report["memory"]
    return (
        f"{report['network']}, {counted(report['images'], 'image')}, batch {report['batch']}: "
        f"{array['rows']}x{array['cols']} array, {memory['bytes_per_cycle']} bytes/cycle, "
        f"{memory['latency_cycles']} cycles latency, engine {report['engine']}"
    )


@contextlib.contextmanager
def picture(path: pathlib.Path, rows: int, columns: int, **layout) -> Iterator[tuple]:
    """A figure and its axes, written to ``path`` (PNG) at the end of the block."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, layout="constrained", **layout)
    try:
        yield figure, axes
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=130, format="png")
    finally:
        pyplot.close(figure)


def plain(axes, size: float = 8) -> None:
    """Take away what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=size)
