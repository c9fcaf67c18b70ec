"""The table that ``accel hls`` prints."""

import pathlib

import rich.box
import rich.table

_COLUMNS = ("layer", "op", "shape", "MACs", "differing")
_TEXT = ("layer", "op")


def render(report: dict) -> rich.table.Table:
    """A table of the layers of ``report``, with how many of their bytes differ from golden."""
    notes = "".join(f"; {report[name]}" for name in ("weights", "inputs") if name in report)
    table = rich.table.Table(
        title=f"{report['network']} in C++: {_images(report)}{notes}", box=rich.box.SIMPLE_HEAD
    )
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _TEXT else "right", overflow="fold")
    for layer in report["layers"]:
        shape = "x".join(map(str, layer["output_shape"]))
        op = f"{layer['op']} (host)" if layer["where"] == "host" else layer["op"]
        table.add_row(layer["name"], op, shape, *_figures(layer))
    table.add_section()
    table.add_row("total", "", "", *_figures(report["total"]))
    return table


def notes(report: dict, folder: pathlib.Path) -> list[str]:
    """Lines below the table: what was left out, how it was compared, and where it is."""
    lines = []
    if report["left_out"]:
        names = ", ".join(f"{node['name']} ({node['op']})" for node in report["left_out"])
        lines.append(f"left to the host, not in the C++: {names}")
    check = report["check"]
    if "skipped" in check:
        lines.append(f"not compiled and not compared: {check['skipped']}")
    else:
        speed = report["total"]["macs"] / 1e9 / max(check["network_seconds"], 1e-9)
        lines.append(
            f"compiled in {check['compile_seconds']:.1f} s; {_images(report)} in "
            f"{check['network_seconds']:.3g} s ({speed:.2f} GMAC/s)"
        )
    sizes = report["bytes"]
    lines.append(
        f"C++ in {folder}: {sizes['weights']:,} bytes of weights, {sizes['memory']:,} of tensors "
        "between layers"
    )
    return lines


def _figures(counts: dict) -> tuple[str, str]:
    differing = counts["differing"]
    return f"{counts['macs']:,}", "-" if differing is None else f"{differing:,}"


def _images(report: dict) -> str:
    count = report["images"]
    return "1 image" if count == 1 else f"{count} images"
