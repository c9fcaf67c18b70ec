"""The utilisation plot of a run: how well each layer uses the array, and where the rest went."""

import pathlib
import textwrap

from accel.report import overlap
from accel.report.style import COLOURS, MEANING, WINDOW, parts, picture, plain, short, title

#: Height of a layer's row in inches and its font size, for few layers and for many.
_FEW, _MANY = (0.34, 8.0), (0.17, 6.5)
_MANY_ROWS = 40
#: Characters in a line below the left half.
_LINE = 48


def utilisation(report: dict, path: pathlib.Path) -> None:
    """Write the utilisation plot of ``report`` to ``path`` (PNG).

    Left: MAC utilisation of each layer, that is MACs / (rows * cols * cycles).  Right: the same
    cycles, from the completion before the layer's to its own, split by what the array did in them;
    a mark shows in how many of them the window unit computed.
    """
    rows = [layer for layer in report["layers"] if layer["where"] != "host"]
    rows.append({"name": "total", "where": "array", **report["total"]})
    step, size = _FEW if len(rows) <= _MANY_ROWS else _MANY
    layout = {"figsize": (11, 1.9 + step * len(rows)), "sharey": True, "width_ratios": (2, 3)}
    with picture(path, 1, 2, **layout) as (figure, (left, right)):
        _utilisations(left, rows, size)
        left.set_xlabel(caption(report))
        _causes(right, rows, size)
        for axes in (left, right):
            plain(axes, size)
            axes.margins(y=0.5 / len(rows))
        left.set_ylim(len(rows) - 0.4, -0.6)
        figure.suptitle(title(report), fontsize=10)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)


def caption(report: dict) -> str:
    """The utilisation axis's label; where layers are above 100 %, with the reason below it."""
    return "\n".join(["MAC utilisation, %", *textwrap.wrap(overlap.note(report), _LINE)])


def _utilisations(axes, rows: list[dict], size: float) -> None:
    places = range(len(rows))
    window = [row["where"] == "window" for row in rows]
    colours = [WINDOW if one else COLOURS["useful"] for one in window]
    axes.barh(places, [100 * min(row["utilisation"], 1) for row in rows], color=colours)
    for place, row in zip(places, rows, strict=True):
        axes.text(101, place, f"{row['utilisation']:.1%}", va="center", ha="left", fontsize=size)
    if any(window):
        axes.barh([0], [0], color=WINDOW, label="multiplying on the window unit")
    axes.set(xlim=(0, 100), yticks=list(places),
             yticklabels=[short(row["name"]) for row in rows])  # fmt: skip


def _causes(axes, rows: list[dict], size: float) -> None:
    places = range(len(rows))
    starts = [0.0] * len(rows)
    for cause, colour in COLOURS.items():
        widths = [100 * parts(row)[cause] / (row["cycles"] or 1) for row in rows]
        if not any(widths):
            continue
        axes.barh(places, widths, left=starts, color=colour, label=MEANING[cause])
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    marks = [
        (100 * row["window_busy"] / row["cycles"], place)
        for place, row in zip(places, rows, strict=True)
        if row["window_busy"]
    ]
    if marks:
        axes.plot(*zip(*marks, strict=True), "d", color=WINDOW, markeredgecolor="white",
                  markersize=size, label="window unit busy", clip_on=False)  # fmt: skip
    for place, row in zip(places, rows, strict=True):
        axes.text(101, place, f"{row['cycles']:,}", va="center", ha="left", fontsize=size)
    axes.set(xlim=(0, 100), xlabel="share of the layer's cycles, %  (right: cycles)")
