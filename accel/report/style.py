"""What the plots have in common: colours, titles, names, and writing the picture."""

import contextlib
import logging
import pathlib
import warnings
from collections.abc import Iterator

from accel.machines.text import in_words
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
#: The window unit, wherever it is shown; its cycles without a multiplication that counts, and idle.
WINDOW = "#009E73"
WINDOW_EDGE, WINDOW_IDLE = "#8FD3BE", "#E8E8E8"
_LONGEST = 30


def parts(counts: dict) -> dict[str, float]:
    """A time's cycles by what the array spent them on; the parts add up to ``cycles``."""
    useful = {"useful": counts["busy"] - counts["edge"], "edge": counts["edge"]}
    return useful | counts["idle"]


def own_parts(layer: dict) -> dict[str, float]:
    """A layer's own cycles by what its unit spent them on; the parts add up to ``own_cycles``."""
    useful = layer["own_utilisation"] * layer["own_cycles"]
    return {"useful": useful, "edge": layer["busy_cycles"] - useful} | layer["own_idle"]


def short(name: str, longest: int = _LONGEST) -> str:
    """A layer's name, its middle left out where it is too long."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def title(report: dict) -> str:
    """Network and images of a report, and in a line of its own the machine and its memory."""
    machine = report["machine"]
    changed = ", changed" if machine.get("changed") else ""
    return (
        f"{report['network']}, {counted(report['images'], 'image')}, batch {report['batch']}, "
        f"engine {report['engine']}, machine {machine['name']}{changed}\n"
        f"{in_words(machine['params'], machine['memory'])}"
    )


@contextlib.contextmanager
def picture(path: pathlib.Path, rows: int, columns: int, **layout) -> Iterator[tuple]:
    """A figure and its axes, written to ``path`` (PNG) at the end of the block.

    What Matplotlib has to say of itself (that it builds its font cache, that it has no glyph for a
    letter of a layer's name) is kept from the user.
    """
    with _silent(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        import matplotlib  # which looks for its folders at once

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(rows, columns, layout="constrained", **layout)
        try:
            yield figure, axes
            with replacing(path) as temporary:
                figure.savefig(temporary, dpi=130, format="png")
        finally:
            pyplot.close(figure)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let Matplotlib log errors only; its own level comes back at the end of the block."""
    logger = logging.getLogger("matplotlib")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def plain(axes, size: float = 8) -> None:
    """Take away what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=size)
