"""The utilisation plot of a run: how well each layer uses its unit, and where the rest went."""

import pathlib
import textwrap

from accel.report import overlap
from accel.report.style import (
    COLOURS,
    MEANING,
    WINDOW,
    WINDOW_EDGE,
    WINDOW_IDLE,
    own_parts,
    parts,
    picture,
    plain,
    short,
    title,
)

#: Height of a layer's row in inches and its font size, for few layers and for many.
_FEW, _MANY = (0.34, 8.0), (0.17, 6.5)
_MANY_ROWS = 40
#: Characters in a line below a panel.
_LINE = 92
#: What a bar's parts are called and how they look, by the unit.
_WINDOW = {
    "useful": (WINDOW, "window unit multiplying"),
    "edge": (WINDOW_EDGE, "window unit busy, not multiplying"),
    "sync": (WINDOW_IDLE, "window unit waiting"),
}
_ARRAY = {cause: (colour, MEANING[cause]) for cause, colour in COLOURS.items()}


def utilisation(report: dict, path: pathlib.Path) -> None:
    """Write the utilisation plot of ``report`` to ``path`` (PNG).

    Left: what share of its unit's multipliers each layer uses in its own cycles (see
    accel.report.own), and the array's in total.  Right: the same cycles, split by what the unit
    did in them; the first part is as long as the bar at the left.
    """
    rows = shown(report)
    step, size = _FEW if len(rows) <= _MANY_ROWS else _MANY
    layout = {"figsize": (11, 1.9 + step * len(rows)), "sharey": True, "width_ratios": (2, 3)}
    with picture(path, 1, 2, **layout) as (figure, (left, right)):
        _utilisations(left, rows, size)
        _causes(right, rows, size)
        left.set_xlabel("multipliers in use, %", fontsize=8)
        right.set_xlabel(caption(report), fontsize=8)
        for axes in (left, right):
            plain(axes, size)
            axes.margins(y=0.5 / len(rows))
        left.set_ylim(len(rows) - 0.4, -0.6)
        figure.suptitle(title(report), fontsize=10)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)


def shown(report: dict) -> list[dict]:
    """A bar for each of the machine's layers, and one for the array in total.

    ``name``, ``where``, ``share`` (of the multipliers, where there is something to multiply),
    ``cycles`` and their ``parts``.
    """
    bars = [
        {"name": layer["name"], "where": layer["where"], "cycles": layer["own_cycles"],
         "share": layer["own_utilisation"] if layer["macs"] else None, "parts": own_parts(layer)}
        for layer in report["layers"] if layer["where"] != "host"
    ]  # fmt: skip
    total = report["total"]
    return [*bars, {"name": "total", "where": "array", "share": total["array_utilisation"],
                    "cycles": total["cycles"], "parts": parts(total)}]  # fmt: skip


def caption(report: dict) -> str:
    """The right axis's label; where layers overlap, with what own cycles are below it."""
    first = "share of the layer's own cycles, %  (right: cycles)"
    lines = textwrap.wrap(overlap.OWN, _LINE) if overlap.note(report) else []
    return "\n".join([first, *lines])


def _utilisations(axes, rows: list[dict], size: float) -> None:
    places = range(len(rows))
    colours = [WINDOW if row["where"] == "window" else COLOURS["useful"] for row in rows]
    axes.barh(places, [100 * (row["share"] or 0) for row in rows], color=colours)
    for place, row in zip(places, rows, strict=True):
        share = "-" if row["share"] is None else f"{row['share']:.1%}"
        axes.text(101, place, share, va="center", ha="left", fontsize=size)
    axes.set(xlim=(0, 100), yticks=list(places),
             yticklabels=[short(row["name"]) for row in rows])  # fmt: skip


def _causes(axes, rows: list[dict], size: float) -> None:
    for unit, looks in (("array", _ARRAY), ("window", _WINDOW)):
        mine = [(place, row) for place, row in enumerate(rows) if row["where"] == unit]
        starts = [0.0] * len(mine)
        for part, (colour, meaning) in looks.items():
            widths = [100 * row["parts"][part] / (row["cycles"] or 1) for _, row in mine]
            if not any(widths):
                continue
            places = [place for place, _ in mine]
            axes.barh(places, widths, left=starts, color=colour, label=meaning)
            starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for place, row in enumerate(rows):
        axes.text(101, place, f"{row['cycles']:,}", va="center", ha="left", fontsize=size)
    axes.set(xlim=(0, 100))
