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
        "", *_kernels(report), "| what | ours | ONNX Runtime | ratio | target | GMAC/s | met |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]  # fmt: skip
    for row in report["figures"]:
        lines.append(f"| {' | '.join(_cells(row))} |")
    return "\n".join([*lines, *_shares(report)]) + "\n"


def _kernels(report: dict) -> list[str]:
    """What was compared, if the report tells."""
    if "kernels" not in report:
        return []
    ours, theirs = report["kernels"]["golden"], report["kernels"]["onnxruntime"]
    times = "processor time of the one thread" if report["threads"] == 1 else "time on the wall"
    return [f"Golden model {ours}. ONNX Runtime {theirs}. Times are {times}.", ""]


def _shares(report: dict) -> list[str]:
    """Where whole networks' time goes, by kind of layer."""
    lines = []
    for row in report["figures"]:
        if "parts" not in row:
            continue
        lines += [
            "", f"## {row['what']}", "",
            "Every layer gives ONNX Runtime's bytes, given its input; "
            f"{row['differing'] or 'no'} element(s) of sums are a step apart. "
            "Best times of the layers, one by one, in ms; the share is of our whole time.", "",
            "| layers | ours | share | ONNX Runtime | ratio |", "|---|---:|---:|---:|---:|",
        ]  # fmt: skip
        for part in row["parts"]:
            ratio = _figure(part["ours"] / part["ort"]) if part["ort"] > 0 else ""
            lines.append(
                f"| {part['kind']} | {part['ours']:.3f} | {part['ours'] / row['ours']:.0%} "
                f"| {part['ort']:.3f} | {ratio} |"
            )
    return lines


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
