"""The utilisation plot of a run: how well each layer uses the array, and where the rest went."""

import pathlib

import matplotlib

from accel.report.files import replacing
from accel.report.summary import CAUSES

#: Colour-blind safe (Okabe and Ito), useful work first.
_COLOURS = {
    "useful": "#0072B2",
    "edge": "#56B4E9",
    "fill": "#999999",
    "weight": "#E69F00",
    "memory": "#D55E00",
    "post": "#CC79A7",
    "sync": "#F0E442",
}
_MEANING = {
    "useful": "multiplying",
    "edge": "incomplete tiles",
    "fill": "filling, draining",
    "weight": "loading weights",
    "memory": "waiting for memory",
    "post": "waiting for post-processing",
    "sync": "waiting for commands or layers",
}


def _parts(layer: dict) -> dict[str, float]:
    """A layer's cycles by what they were spent on; the parts add up to its cycles."""
    parts = {"useful": layer["busy"] - layer["edge"], "edge": layer["edge"]}
    return {**parts, **{cause: layer["idle"][cause] for cause in CAUSES}}


def utilisation(report: dict, path: pathlib.Path) -> None:
    """Write the utilisation plot of ``report`` to ``path`` (PNG).

    Left: MAC utilisation of each layer, that is MACs / (rows * cols * cycles).  Right: the same
    layer's cycles, split by what the array did in them.
    """
    matplotlib.use("Agg")
    from matplotlib import pyplot

    layers = [layer for layer in report["layers"] if layer["where"] == "array"]
    rows = [*layers, {"name": "total", **report["total"]}]
    names = [row["name"] for row in rows]
    height = 1.9 + 0.34 * len(rows)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, height), sharey=True, width_ratios=(2, 3), layout="constrained"
    )
    places = range(len(rows))
    left.barh(places, [100 * row["utilisation"] for row in rows], color=_COLOURS["useful"])
    for place, row in zip(places, rows, strict=True):
        left.text(
            101, place, f"{row['utilisation']:.1%}", va="center", ha="left", fontsize=8
        )
    left.set(xlim=(0, 100), xlabel="MAC utilisation, %", yticks=list(places), yticklabels=names)
    left.invert_yaxis()
    starts = [0.0] * len(rows)
    for cause, colour in _COLOURS.items():
        widths = [100 * _parts(row)[cause] / (row["cycles"] or 1) for row in rows]
        if not any(widths):
            continue
        right.barh(places, widths, left=starts, color=colour, label=_MEANING[cause])
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for place, row in zip(places, rows, strict=True):
        right.text(101, place, f"{row['cycles']:,}", va="center", ha="left", fontsize=8)
    right.set(xlim=(0, 100), xlabel="share of the layer's cycles, %  (right: cycles)")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    array, memory = report["array"], report["memory"]
    figure.suptitle(
        f"{report['network']}, {report['images']} images, batch {report['batch']}: "
        f"{array['rows']}x{array['cols']} array, {memory['bytes_per_cycle']} bytes/cycle, "
        f"{memory['latency_cycles']} cycles latency",
        fontsize=10,
    )
    figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    pyplot.close(figure)
