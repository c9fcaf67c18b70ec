"""The table that ``accel bench`` prints."""

import rich.table

from accel.report import bench_page


def render(report: dict) -> rich.table.Table:
    """A table of a benchmark's figures, their targets and whether they are met."""
    title = (
        f"{bench_page.machine(report)}; threads: {report['threads']}, best of {report['repeats']}"
    )
    columns = ("what", "ours", "ORT", "ratio", "target", "GMAC/s", "met")
    table = bench_page.table(title, columns, ("what", "met"))
    kind = None
    for row in report["figures"]:
        if kind not in (None, row["kind"]):
            table.add_section()
        kind = row["kind"]
        table.add_row(*_cells(row))
    return table


def markdown(report: dict, command: str) -> str:
    """The same as a Markdown page, with the command, the machine and the date."""
    one, versions = report["machine"], report["versions"]
    lines = [
        "# The golden model's speed", "",
        f"`{command}` on {one['cpu']}, {one['cores']} cores, {report['date']}; best of "
        f"{report['repeats']}; " + ", ".join(f"{name} {of}" for name, of in versions.items()) + ".",
        "", "| what | ours | ONNX Runtime | ratio | target | GMAC/s | met |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]  # fmt: skip
    for row in report["figures"]:
        lines.append(f"| {' | '.join(_cells(row))} |")
    return "\n".join(lines) + "\n"


def _cells(row: dict) -> tuple[str, ...]:
    """What the table says of one figure."""
    return (
        f"{row['kind']}, {row['what']}", f"{row['ours']:.3g} {row['unit']}",
        _figure(row["ort"], f" {row['unit']}"), _figure(row["ratio"]), _target(row),
        _figure(row.get("gmacs_per_second")), "yes" if row["met"] else "no",
    )  # fmt: skip


def _figure(value, unit: str = "") -> str:
    return "" if value is None else f"{value:,.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"


def _target(row: dict) -> str:
    """A bound on the ratio, or on the time where there is no ratio."""
    if row["kind"] == "seven loops":
        return f">= {row['target']:g}"
    return f"<= {row['target']:g}" if row["ratio"] else f"< {row['target']:g} {row['unit']}"
