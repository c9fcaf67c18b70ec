"""The plot of a sweep: cycles for an image over the array's size and over the buffers'."""

import pathlib

from accel.pareto import cycles_per_image, optimal
from accel.report.style import picture

#: Colour-blind safe (Okabe and Ito); arrays from the smallest on.  When all have been used, they
#: come again with the next marker.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_MARKERS = "os^DvPX<>*"
#: Arrays in a row of the legend, and that row's height in inches.
_COLUMNS, _ROW = 10, 0.18
_AXES = {"pes": "multipliers (rows x columns)", "buffer_bytes": "data buffers"}
#: More values than these on an axis do not each get a tick.
_TICKS = 6


def draw(rows: list[dict], title: str, path: pathlib.Path) -> None:
    """Write the plot of the finished points among ``rows`` (see accel.dse.rows) to ``path`` (PNG).

    Each panel has its own front: the points that are not beaten in cycles and in its axis.
    """
    rows = [row for row in rows if row["status"] == "ok"]
    arrays = sorted({(row["pes"], row["rows"], row["cols"]) for row in rows})
    size = 11, 5 + _ROW * (len(arrays) // _COLUMNS)
    with picture(path, 1, 2, figsize=size, sharey=True) as (figure, panels):
        for axes, cost in zip(panels, _AXES, strict=True):
            for number, (_, height, width) in enumerate(arrays):
                colour, marker = look(number)
                mine = [row for row in rows if (row["rows"], row["cols"]) == (height, width)]
                axes.scatter(
                    [row[cost] for row in mine], [cycles_per_image(row) for row in mine], s=18,
                    color=colour, marker=marker, alpha=0.6, linewidths=0, zorder=2,
                    label=f"{height}x{width}",
                )  # fmt: skip
            _front(axes, rows, cost)
            _style(axes, cost, sorted({row[cost] for row in rows}))
        panels[0].set_ylabel("cycles for an image")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=_COLUMNS, fontsize=8,
                      frameon=False)  # fmt: skip
        figure.suptitle(title, fontsize=10)


def look(number: int) -> tuple[str, str]:
    """Colour and marker of an array, counted from 0; no two of the first 80 share both."""
    again, colour = divmod(number, len(_COLOURS))
    return _COLOURS[colour], _MARKERS[again % len(_MARKERS)]


def _front(axes, rows: list[dict], cost: str) -> None:
    """The front as steps, its points ringed."""
    chosen = optimal(rows, (cost,))
    front = sorted(
        {(row[cost], cycles_per_image(row)) for row, good in zip(rows, chosen, strict=True) if good}
    )
    if front:
        places, cycles = zip(*front, strict=True)
        axes.step(places, cycles, where="post", color="#333333", linewidth=1, zorder=1,
                  label="not beaten")  # fmt: skip
        axes.scatter(places, cycles, s=50, facecolors="none", edgecolors="#333333", zorder=3)


def _style(axes, cost: str, values: list[int]) -> None:
    from matplotlib import ticker

    axes.set_xscale("log", base=2)
    if len(values) <= _TICKS:
        axes.xaxis.set_major_locator(ticker.FixedLocator(values))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    axes.xaxis.set_major_formatter(_size if cost == "buffer_bytes" else "{x:,.0f}")
    axes.set_xlabel(_AXES[cost])
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _size(value: float, _position) -> str:
    """Bytes in KiB or MiB."""
    return f"{value / (1 << 20):.3g} MiB" if value >= 1 << 20 else f"{value / 1024:.3g} KiB"
