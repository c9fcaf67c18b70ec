"""The roofline plot of a run: each layer's speed beside what array and memory allow."""

import pathlib

from accel.report.style import COLOURS, picture, plain, short, title

#: Layers that get their name: those that lose most cycles to the roof.
_NAMED = 12
#: From a dot to the left end of its name; from a roof to the bottom of its name.
_LINE = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5, "relpos": (0, 0.5)}
_ROOF_LINE = _LINE | {"relpos": (0.5, 0), "shrinkB": 0}
#: The axes reach this factor above all that is drawn: room for the roofs' names.
_ROOM = 2.5


def intensity(layer: dict) -> float:
    """MACs for each byte moved over the bus."""
    return layer["macs"] / (layer["bytes_read"] + layer["bytes_written"])


def roof(report: dict, macs_per_byte: float) -> float:
    """The most MACs a cycle that a layer can reach."""
    pes = report["array"]["rows"] * report["array"]["cols"]
    return min(pes, report["memory"]["bytes_per_cycle"] * macs_per_byte)


def time(report: dict, layer: dict) -> float:
    """A layer's cycles: its own ones, or those in which the bus moved its bytes if these are more.

    The bus moves a layer's first rows and weights while the array still has another layer, so it
    can take longer for a layer than the array does.  Neither can be faster than its roof: the array
    has at least the busy cycles that the multiplications need (accel.report.own), and the bus moves
    no more bytes a cycle than the memory.  So no layer is above the roofs.
    """
    moved = layer["bytes_read"] + layer["bytes_written"]
    return max(layer["own_cycles"], moved / report["memory"]["bytes_per_cycle"])


def speed(report: dict, layer: dict) -> float:
    """MACs a cycle."""
    return layer["macs"] / time(report, layer)


def lost(report: dict, layer: dict) -> float:
    """Cycles of a layer beyond those at the roof."""
    return time(report, layer) - layer["macs"] / roof(report, intensity(layer))


def shown(report: dict) -> list[dict]:
    """The array's layers that multiply; the window unit's run beside them, below another roof."""
    return [layer for layer in report["layers"] if layer["where"] == "array" and layer["macs"]]


def below(report: dict) -> list[dict]:
    """The layers that lose most cycles to the roof, worst first; none that loses no whole one."""
    layers = [layer for layer in shown(report) if round(lost(report, layer)) > 0]
    return sorted(layers, key=lambda layer: -lost(report, layer))[:_NAMED]


def tick(value: float, _position=None) -> str:
    """A power of two in whole digits; below 1 as a decimal fraction."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def roofline(report: dict, path: pathlib.Path) -> None:
    """Write the roofline plot of ``report`` to ``path`` (PNG); a dot's area is its cycles."""
    with picture(path, 1, 1, figsize=(10, 5.5)) as (figure, axes):
        draw(axes, report)
        figure.suptitle(title(report), fontsize=10)


def draw(axes, report: dict) -> None:
    """The roofs, a dot for each layer and the names of those below, on ``axes``."""
    layers = shown(report)
    times, speeds = ([of(report, layer) for layer in layers] for of in (time, speed))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    _roof(axes, report, [intensity(layer) for layer in layers])
    most = max(times, default=1)
    axes.scatter(
        [intensity(layer) for layer in layers],
        speeds,
        s=[12 + 150 * one / most for one in times],
        color=COLOURS["useful"], alpha=0.55, linewidths=0, zorder=3,
    )  # fmt: skip
    axes.set_ylim(top=_ROOM * report["array"]["rows"] * report["array"]["cols"])
    _names(axes, below(report), report)
    axes.set(xlabel="MACs per byte over the bus", ylabel="MACs per cycle")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(tick)
    axes.grid(alpha=0.25, linewidth=0.5)
    plain(axes)


def _roof(axes, report: dict, intensities: list[float]) -> None:
    """What memory allows, rising, and what the array allows, level.

    Their names are in the axes' upper corners, where nothing else is, however short a roof may be.
    """
    pes = report["array"]["rows"] * report["array"]["cols"]
    corner = pes / report["memory"]["bytes_per_cycle"]
    low, high = min([corner, *intensities]) / 2, max([corner, *intensities]) * 2
    places = [low, corner, high]
    axes.plot(places, [roof(report, place) for place in places], color="#333333", linewidth=1.2)
    for name, left, right, where, align in (
        (f"memory: {report['memory']['bytes_per_cycle']} bytes a cycle", low, corner, 0.01, "left"),
        (f"array: {pes:,} MACs a cycle", corner, high, 0.99, "right"),
    ):
        middle = (left * right) ** 0.5
        axes.annotate(
            name, (middle, roof(report, middle)), (where, 0.98), textcoords="axes fraction",
            ha=align, va="top", fontsize=8, arrowprops=_ROOF_LINE,
        )  # fmt: skip


def _names(axes, layers: list[dict], report: dict) -> None:
    """Names in a column at the right, from top to bottom as the dots are, each with a line."""
    if not layers:
        return
    layers = sorted(layers, key=lambda layer: -speed(report, layer))
    axes.text(1.02, 1.0, "most cycles below the roof:", transform=axes.transAxes, fontsize=8)
    for number, layer in enumerate(layers):
        axes.annotate(
            f"{short(layer['name'])}  {lost(report, layer):,.0f}",
            (intensity(layer), speed(report, layer)),
            (1.02, 0.95 - number * 0.9 / _NAMED), textcoords="axes fraction", va="center",
            fontsize=8, arrowprops=_LINE,
        )  # fmt: skip
