"""When each layer was completed and how busy the engines were until then, and the plot of it."""

import pathlib

from accel.report.style import COLOURS, MEANING, WINDOW, parts, picture, plain, short, title

UNITS = {"array": "array", "window": "window unit"}
#: The engines of ``report["engines"]``, from memory to memory, and what belongs to the window unit.
ENGINES = {
    "load": "loading rows", "weights": "loading weights", "exec": "array",
    "post": "post-processing", "wload": "loading rows, window unit",
    "wparam": "loading weights, window unit", "window": "window unit",
}  # fmt: skip
_BESIDE = ("wload", "wparam", "window")
#: Alternating, so that neighbours differ.
_BARS = {"array": ("#9EC9E8", "#D3E6F4"), "window": ("#8FD3BE", "#CDEBE1")}
#: A letter's width, and a line's height, in inches at the size of the names.
_SIZE, _LETTER, _LINE = 6.5, 0.062, 0.1
#: Letters of a name that fit where it stands upright.
_UPRIGHT = 15
_WIDTH = 13.0


def spans(report: dict) -> list[dict]:
    """The layers of ``report["timeline"]`` with ``begin``: the completion before on their own unit.

    A layer cannot have been its unit's oldest one before that; it may have begun later.
    """
    last = dict.fromkeys(UNITS, 0)
    found = []
    for event in report["timeline"]:
        found.append({**event, "begin": last[event["where"]]})
        last[event["where"]] = event["end"]
    return found


def draw(report: dict, path: pathlib.Path) -> None:
    """Write the timeline of the first batch of ``report`` to ``path`` (PNG).

    For the array and, where it is used, the window unit: the layers, and below them what share of
    the cycles between two completions the unit was busy, and what the array waited for.  Below
    all, where the report has it, when each engine had commands under way.
    """
    layers = spans(report)
    units = [unit for unit in UNITS if unit == "array" or report["total"]["window_busy"]]
    heights = [1.0, 1.2] * len(units)
    engines = {name: found for name, found in report.get("engines", {}).items() if found}
    if engines:
        heights.append(0.3 + 0.18 * len(engines))
    layout = {"figsize": (_WIDTH, 1.3 + sum(heights)), "sharex": True, "height_ratios": heights}
    with picture(path, len(heights), 1, **layout) as (figure, panels):
        for unit, names, busy in zip(units, panels[::2], panels[1::2], strict=False):
            _names(names, [layer for layer in layers if layer["where"] == unit], layers, unit)
            (_array if unit == "array" else _window)(busy, layers)
            busy.set(ylim=(0, 100), ylabel="%", yticks=(0, 50, 100))
            plain(busy)
        if engines:
            _engines(panels[-1], engines)
        panels[-1].set(xlabel="cycles from the start", xlim=(0, layers[-1]["end"] or 1))
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
        figure.suptitle(f"{title(report)}; first batch", fontsize=10)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)


def _names(axes, mine: list[dict], layers: list[dict], unit: str) -> None:
    """A unit's layers as bars, with their names where they fit."""
    scale = layers[-1]["end"] / (_WIDTH - 1)  # cycles an inch
    for number, layer in enumerate(mine):
        width = layer["end"] - layer["begin"]
        axes.barh(0, width, left=layer["begin"], color=_BARS[unit][number % 2], height=1)
        name = short(layer["name"])
        level = width > (len(name) + 1) * _LETTER * scale
        if level or width > _LINE * scale:
            axes.text(layer["begin"] + width / 2, 0, name if level else short(name, _UPRIGHT),
                      ha="center", va="center", rotation=0 if level else 90, fontsize=_SIZE)
    axes.set(ylim=(-0.5, 0.5), yticks=[0], yticklabels=[UNITS[unit]])
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=9, length=0, labelbottom=False)


def _engines(axes, engines: dict[str, list[list[int]]]) -> None:
    """When each engine had commands under way: what overlaps, lies one below the other."""
    shown = [name for name in ENGINES if name in engines]
    for row, name in enumerate(reversed(shown)):
        bars = [(begin, end - begin) for begin, end in engines[name]]
        colour = WINDOW if name in _BESIDE else COLOURS["useful"]
        axes.broken_barh(bars, (row - 0.4, 0.8), color=colour, linewidth=0)
    axes.set(ylim=(-0.6, len(shown) - 0.4), yticks=range(len(shown)),
             yticklabels=[ENGINES[name] for name in reversed(shown)])  # fmt: skip
    plain(axes, _SIZE)


def _edges(layers: list[dict]) -> list[int]:
    """The completions, behind the start."""
    return [0, *(layer["end"] for layer in layers)]


def _array(axes, layers: list[dict]) -> None:
    """What the array did between two completions, stacked."""
    floor = [0.0] * len(layers)
    for cause, colour in COLOURS.items():
        shares = [100 * parts(layer)[cause] / (layer["cycles"] or 1) for layer in layers]
        if not any(shares):
            continue
        top = [below + share for below, share in zip(floor, shares, strict=True)]
        axes.stairs(top, _edges(layers), baseline=floor, fill=True, color=colour,
                    label=MEANING[cause])  # fmt: skip
        floor = top


def _window(axes, layers: list[dict]) -> None:
    """How busy the window unit was between two completions."""
    shares = [100 * layer["window_busy"] / (layer["cycles"] or 1) for layer in layers]
    axes.stairs(shares, _edges(layers), fill=True, color=WINDOW, label="window unit busy")
