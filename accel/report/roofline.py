"""The roofline plot of a run: each layer's speed beside what array and memory allow."""

import pathlib

from accel.report.style import COLOURS, picture, plain, short, title

#: Layers that get their name: those that lose most cycles to the roof.
_NAMED = 12
#: From a dot to the left end of its name.
_LINE = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5, "relpos": (0, 0.5)}


def intensity(layer: dict) -> float:
    """MACs for each byte moved over the bus."""
    return layer["macs"] / (layer["bytes_read"] + layer["bytes_written"])


def roof(report: dict, macs_per_byte: float) -> float:
    """The most MACs a cycle that a layer can reach."""
    pes = report["array"]["rows"] * report["array"]["cols"]
    return min(pes, report["memory"]["bytes_per_cycle"] * macs_per_byte)


def lost(report: dict, layer: dict) -> float:
    """Cycles of a layer beyond those at the roof."""
    return layer["cycles"] - layer["macs"] / roof(report, intensity(layer))


def shown(report: dict) -> list[dict]:
    """The array's layers that multiply.

    The window unit's run beside them; the cycles between two completions are not theirs alone.
    """
    return [
        layer
        for layer in report["layers"]
        if layer["where"] == "array" and layer["macs"] and layer["cycles"]
    ]


def roofline(report: dict, path: pathlib.Path) -> None:
    """Write the roofline plot of ``report`` to ``path`` (PNG); a dot's area is its cycles.

    A layer's first cycles may lie before the completion that its count begins with: where layers
    overlap, one can seem to be above the roof.
    """
    layers = shown(report)
    with picture(path, 1, 1, figsize=(10, 5.5)) as (figure, axes):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        _roof(axes, report, [intensity(layer) for layer in layers])
        most = max((layer["cycles"] for layer in layers), default=1)
        axes.scatter(
            [intensity(layer) for layer in layers],
            [layer["macs"] / layer["cycles"] for layer in layers],
            s=[12 + 150 * layer["cycles"] / most for layer in layers],
            color=COLOURS["useful"], alpha=0.55, linewidths=0, zorder=3,
        )  # fmt: skip
        _names(axes, sorted(layers, key=lambda layer: -lost(report, layer))[:_NAMED], report)
        axes.set(xlabel="MACs per byte over the bus", ylabel="MACs per cycle")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,.3g}")
        axes.grid(alpha=0.25, linewidth=0.5)
        plain(axes)
        figure.suptitle(title(report), fontsize=10)


def _roof(axes, report: dict, intensities: list[float]) -> None:
    """What memory allows, rising, and what the array allows, level."""
    pes = report["array"]["rows"] * report["array"]["cols"]
    corner = pes / report["memory"]["bytes_per_cycle"]
    low, high = min([corner, *intensities]) / 2, max([corner, *intensities]) * 2
    places = [low, corner, high]
    axes.plot(places, [roof(report, place) for place in places], color="#333333", linewidth=1.2)
    axes.annotate(f"array: {pes:,} MACs a cycle", (high, pes), (0, 16), ha="right",
                  textcoords="offset points", fontsize=8)  # fmt: skip
    axes.annotate(
        f"memory: {report['memory']['bytes_per_cycle']} bytes a cycle",
        ((low * corner) ** 0.5, roof(report, (low * corner) ** 0.5)), (-4, 4),
        textcoords="offset points", ha="right", va="bottom", fontsize=8,
    )  # fmt: skip


def _names(axes, layers: list[dict], report: dict) -> None:
    """Names in a column at the right, from top to bottom as the dots are, each with a line."""
    layers = sorted(layers, key=lambda layer: -layer["macs"] / layer["cycles"])
    axes.text(1.02, 1.0, "most cycles below the roof:", transform=axes.transAxes, fontsize=8)
    for number, layer in enumerate(layers):
        axes.annotate(
            f"{short(layer['name'])}  {lost(report, layer):,.0f}",
            (intensity(layer), layer["macs"] / layer["cycles"]),
            (1.02, 0.95 - number * 0.9 / _NAMED), textcoords="axes fraction", va="center",
            fontsize=8, arrowprops=_LINE,
        )  # fmt: skip
