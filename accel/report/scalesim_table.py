"""The table that ``accel estimate --scalesim`` prints, and the words that explain it."""

import rich.box
import rich.table

from accel.machines.text import in_words

_COLUMNS = (
    "layer", "M", "K", "N", "OS", "WS", "IS", "here", "utilisation", "padded", "WS less here",
)  # fmt: skip
#: What a cause of a difference is; the fill and the windows are SCALE-Sim's, the rest is ours.
MEANING = {
    "fill": "fill and drain",
    "windows": "incomplete windows",
    "repeated": "repeated pixels",
    "weight": "weight loading",
    "memory": "memory",
    "post": "post-processing",
    "sync": "commands",
}
NOTES = """\
OS, WS, IS: SCALE-Sim's cycles, output, weight and input stationary: M pixels, K multiplications
  each, N filters; no padding, output sizes rounded up, memory never stalls, no two folds overlap.
here: this machine, weight stationary, the same layer without padding, from start to interrupt with
  all memory traffic.
padded: the same with (kernel - 1) / 2 on every side, as most networks have it; the file has none.
WS less here, with its largest causes: fill and drain of every fold, which overlap here (shadow
  weights); incomplete windows, output pixels that only rounding up makes; what is negative, only
  this machine counts."""


def render(report: dict) -> rich.table.Table:
    """A table of a comparison's rows (see accel.scalesim.compare) and their totals."""
    machine = report["machine"]
    table = rich.table.Table(
        title=f"{report['topology']}: SCALE-Sim, and this machine, "
        f"{in_words(machine['params'], machine['memory'])}",
        box=rich.box.SIMPLE_HEAD,
    )
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "layer" else "right", overflow="fold")
    table.add_column("of which", overflow="fold")
    for row in report["layers"]:
        product = f"{row['m']:,}", f"{row['k']:,}", f"{row['n']:,}"
        table.add_row(row["name"], *product, *_figures(row), _why(row))
    table.add_section()
    table.add_row("total", "", "", "", *_figures(report["total"]), "")
    return table


def _figures(row: dict) -> tuple[str, ...]:
    """The cells that a layer and the total have in common."""
    ours, padded, scalesim = row["machine"], row["padded"], row["scalesim"]
    counts = tuple(f"{cycles:,}" for cycles in scalesim.values())
    if "cycles" not in ours:
        return (*counts, "-", "-", "-", "-")
    return (
        *counts,
        f"{ours['cycles']:,}",
        f"{ours['utilisation']:.1%}",
        f"{padded['cycles']:,}" if "cycles" in padded else "-",
        f"{scalesim['ws'] - ours['cycles']:+,}",
    )


def _why(row: dict) -> str:
    """The two largest causes of the difference, or why there is no figure."""
    if "error" in row["machine"]:
        return row["machine"]["error"]
    if not row["why"]:
        return "depthwise: on the window unit here"
    largest = sorted(row["why"].items(), key=lambda item: -abs(item[1]))[:2]
    return ", ".join(f"{count:+,} {MEANING[cause]}" for cause, count in largest if count)
