"""The table that ``accel bench sim`` prints."""

import rich.table

from accel.report import bench_page

_COLUMNS = (
    "array", "machine cycles/s", "busy", "bare array", "share", "pysim", "times", "Verilog",
    "C++ build", "met",
)  # fmt: skip
_TEXT = ("array", "met")


def render(report: dict) -> rich.table.Table:
    """A table of the simulators' speeds, with targets and whether they are met."""
    title = f"{bench_page.machine(report)}; best of {report['repeats']}"
    table = bench_page.table(title, _COLUMNS, _TEXT)
    for row in report["figures"]:
        table.add_row(*_cells(row))
    return table


def markdown(report: dict, command: str) -> str:
    """The same as a Markdown page, with the command, the machine and the date."""
    versions = ", ".join(f"{name} {of}" for name, of in report["versions"].items())
    lines = [
        "# The simulators' speed", "",
        f"`{command}` on {bench_page.machine(report)}, {report['date']}; best of "
        f"{report['repeats']}; {versions}.", "",
        "Cycles a second of processor time, of the whole machine on convolutions, of its array "
        "alone, and of pysim; seconds from nothing to Verilog and from there to a library.",
        "", *bench_page.lines(_COLUMNS, _TEXT, map(_cells, report["figures"])),
        "", "The machines:", "",
        *bench_page.hardware(report["figures"]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cells(row: dict) -> tuple[str, ...]:
    """What the table says of one array."""
    bound = f" (< {row['build_target']:g})" if row["build_target"] else ""
    met = [row[f"{name}_met"] for name in ("of_bare", "of_pysim", "build")]
    return (
        f"{row['array']['rows']}x{row['array']['cols']}", f"{row['full']:,.0f}",
        f"{row['busy']:.1%}", f"{row['bare']:,.0f}",
        f"{row['of_bare']:.2f} (>= {row['of_bare_target']:g})", f"{row['pysim']:,.0f}",
        f"{row['of_pysim']:,.0f} (>= {row['of_pysim_target']:g})", f"{row['emit_seconds']:.1f} s",
        f"{row['build_seconds']:.1f} s{bound}", "yes" if all(met) else "no",
    )  # fmt: skip
