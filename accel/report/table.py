"""The per-layer table that a run prints."""

import rich.box
import rich.table

from accel.report import overlap
from accel.report.words import counted

_COLUMNS = ("layer", "op", "shape", "MACs", "cycles", "utilisation", "bound", "mismatches")
_TEXT = ("layer", "op", "bound")


def render(report: dict) -> rich.table.Table:
    """A table of the layers of ``report`` and their total, ready to print."""
    array = report["array"]
    notes = "".join(f"; {report[name]}" for name in ("weights", "inputs") if name in report)
    table = rich.table.Table(
        title=f"{report['network']}: {counted(report['images'], 'image')} on the "
        f"{array['rows']}x{array['cols']} array, engine {report['engine']}{notes}",
        box=rich.box.SIMPLE_HEAD,
        caption=overlap.note(report) or None,
    )
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _TEXT else "right", overflow="fold")
    for layer in report["layers"]:
        shape = "x".join(map(str, layer["output_shape"]))
        if layer["where"] == "host":
            table.add_row(layer["name"], layer["op"], shape, "-", "-", "-", "host", "-")
            continue
        table.add_row(layer["name"], layer["op"], shape, *_figures(layer, layer["bound"]))
    table.add_section()
    table.add_row("total", "", "", *_figures(report["total"], ""))
    return table


def searched(search: dict) -> str:
    """What a search of a mapping brought, in a line."""
    first, best, tried = search["first_cycles"], search["cycles"], search["programs"]
    end = "no single change is faster" if search["done"] else "more might be faster"
    return (
        f"mapping: {first:,} to {best:,} cycles a batch ({best / first - 1:+.2%}), programs tried: "
        f"{tried}; {end}"
    )


def _figures(counts: dict, bound: str) -> tuple[str, ...]:
    """The cells that a layer and the total have in common."""
    return (
        f"{counts['macs']:,}",
        f"{counts['cycles']:,}",
        f"{counts['utilisation']:.1%}",
        bound,
        "-" if counts["mismatches"] is None else f"{counts['mismatches']:,}",
    )
