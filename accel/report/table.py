"""The per-layer table that a run prints."""

import rich.box
import rich.table

from accel.report import overlap
from accel.report.words import counted

_COLUMNS = (
    "layer", "op", "shape", "MACs", "cycles", "own cycles", "utilisation", "bound", "mismatches",
)  # fmt: skip
#: Parts of the host whose reasons are given.
_NAMED = 4
_TEXT = ("layer", "op", "bound")


def render(report: dict) -> rich.table.Table:
    """A table of the layers of ``report`` and their total, ready to print.

    A layer's utilisation is that of its own unit in its own cycles (accel.report.own); the total's
    that of the array.
    """
    array = report["array"]
    notes = "".join(f"; {report[name]}" for name in ("weights", "inputs") if name in report)
    table = rich.table.Table(
        title=f"{report['network']}: {counted(report['images'], 'image')} on the "
        f"{array['rows']}x{array['cols']} array{_machine(report)}, "
        f"engine {report['engine']}{notes}",
        box=rich.box.SIMPLE_HEAD,
        caption=overlap.note(report) or None,
        caption_justify="left",
    )
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _TEXT else "right", overflow="fold")
    for layer in report["layers"]:
        shape = "x".join(map(str, layer["output_shape"]))
        if layer["where"] == "host":
            macs = f"{layer['host_macs']:,}" if layer.get("host_macs") else "-"
            table.add_row(layer["name"], layer["op"], shape, macs, "-", "-", "-", "host", "-")
            continue
        own = f"{layer['own_cycles']:,}", _utilisation(layer), layer["bound"]
        table.add_row(layer["name"], layer["op"], shape, *_counts(layer), *own, _differ(layer))
    table.add_section()
    total = report["total"]
    used = f"{total['array_utilisation']:.1%}"
    table.add_row("total", "", "", *_counts(total), "", used, "", _differ(total))
    return table


def _machine(report: dict) -> str:
    """Which machine, where it is not just the default one with another array."""
    machine = report.get("machine", {"name": "default"})
    changed = sorted(machine.get("changed", {}).keys() - {"rows", "cols"})
    if machine["name"] == "default" and not changed:
        return ""
    fields = machine["params"] | machine["memory"]
    told = ", ".join(f"{name} {fields[name]}" for name in changed)
    return f" of machine {machine['name']}{' with ' if told else ''}{told}"


def hosted(report: dict) -> str | None:
    """What the host computed of the network, and why, in a line; None if the machine did all."""
    parts = [layer for layer in report["layers"] if "reason" in layer]
    if not parts:
        return None
    total = report["total"]
    why = "; ".join(f"{layer['name']}: {layer['reason']}" for layer in parts[:_NAMED])
    more = f"; and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return (
        f"host: {counted(len(parts), 'part')}, {1 - total['machine_share']:.1%} of the MACs, "
        f"{total['host_seconds']:.3g} s ({why}{more})"
    )


def searched(search: dict) -> str:
    """What a search of a mapping brought, in a line."""
    first, best, tried = search["first_cycles"], search["cycles"], search["programs"]
    end = "no single change is faster" if search["done"] else "more might be faster"
    return (
        f"mapping: {first:,} to {best:,} cycles a batch ({best / first - 1:+.2%}), programs tried: "
        f"{tried}; {end}"
    )


def _counts(row: dict) -> tuple[str, str]:
    """MACs and cycles, of a layer or in total."""
    return f"{row['macs']:,}", f"{row['cycles']:,}"


def _utilisation(layer: dict) -> str:
    """Of the layer's own unit, which is named where it is not the array."""
    if layer["where"] == "array":
        return f"{layer['own_utilisation']:.1%}"
    return f"window unit {layer['own_utilisation']:.1%}" if layer["macs"] else "window unit"


def _differ(row: dict) -> str:
    """Bytes that differ, where any were compared."""
    return "-" if row["mismatches"] is None else f"{row['mismatches']:,}"
