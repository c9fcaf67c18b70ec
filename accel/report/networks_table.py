"""The table and the page that ``accel bench networks`` makes."""

import rich.table

from accel.report import bench_page

_COLUMNS = (
    "case", "MACs", "cycles", "utilisation", "differing bytes", "counters predicted wrongly",
    "simulated in", "targets",
)  # fmt: skip
_TEXT = ("case", "targets")
#: Published by others, to stand beside ours: machine, network, MACs, utilisation and where from.
PEERS = (
    ("NVDLA, 2048 MACs", "ResNet-50", "51 to 54 %",
     "269 frames/s at 1 GHz, int8 (table in the NVDLA Primer, nvdla.org/primer.html), an estimate "
     "of its makers; 3.86 to 4.09 GMAC an image, as one counts"),
    ("NVDLA, 512 MACs", "ResNet-50", "70 to 74 %", "93 frames/s at 1 GHz, same table"),
    ("Gemmini, 16x16", "ResNet-50", "54 %",
     "the best published figure we know of, at second hand; its README (ucb-bar/gemmini) has such "
     "networks take days in RTL simulation and minutes on FPGAs"),
    ("VTA, 16x16", "ResNet-18", "about 21 %", "at second hand, too"),
)  # fmt: skip


def render(report: dict) -> rich.table.Table:
    """A table of the cases."""
    title = f"{bench_page.machine(report)}; at most {report['peak_mb']:,} MB"
    table = bench_page.table(title, _COLUMNS, _TEXT)
    for row in report["figures"]:
        table.add_row(*_cells(row))
    return table


def markdown(report: dict, command: str) -> str:
    """The same as a Markdown page, with the command, the machine, the date and the peers."""
    lines = [
        "# Whole networks on the RTL", "",
        f"`{command}` on {bench_page.machine(report)}, {report['date']}; at most "
        f"{report['peak_mb']:,} MB.", "",
        "From start to interrupt, memory included. Cycles are the RTL's own counters. Weights "
        "are seeded random numbers, but for kws and resnet8. The simulator's build is not in the "
        "seconds.",
        "", *bench_page.lines(_COLUMNS, _TEXT, map(_cells, report["figures"])), "",
    ]  # fmt: skip
    lines += ["The machines:", "", *bench_page.hardware(report["figures"]), ""]
    lines += [
        "Where the array's other cycles went, and how busy layers kept the bus (beside commands) "
        "and the window unit:", "",
    ]  # fmt: skip
    causes = ("edges of tiles", *report["figures"][0]["idle"], "bus", "window unit")
    lines += bench_page.lines(("case", *causes), _TEXT, map(_shares, report["figures"]))
    lines += _apart(report["figures"])
    peers = ("machine", "network", "utilisation", "source")
    lines += ["", "Others, as published:", "", *bench_page.lines(peers, peers, PEERS)]
    return "\n".join(lines) + "\n"


def _apart(figures: list[dict]) -> list[str]:
    """What staying on the chip changes, for those of which something stays."""
    pairs = [(row, row["without_fusion"]) for row in figures]
    rows = [
        (row["case"], f"{apart['cycles']:,}", f"{row['cycles']:,}",
         f"{row['cycles'] / apart['cycles']:.3f}", f"{apart['bytes']:,}", f"{row['bytes']:,}",
         f"{row['bytes'] / apart['bytes']:.3f}")
        for row, apart in pairs
        if (apart["cycles"], apart["bytes"]) != (row["cycles"], row["bytes"])
    ]  # fmt: skip
    if not rows:
        return []
    columns = ("case", "cycles, all tensors in memory", "as it is", "ratio",
               "bytes moved, all tensors in memory", "as it is", "ratio")  # fmt: skip
    return ["", "With every tensor in memory (`--no-fusion`, predicted), and as it is:", "",
            *bench_page.lines(columns, _TEXT, rows)]  # fmt: skip


def _cells(row: dict) -> tuple[str, ...]:
    """What the table says of one case."""
    return (
        row["case"], f"{row['macs']:,}", f"{row['cycles']:,}", f"{row['utilisation']:.2%}",
        f"{row['mismatches']:,}", f"{row['counters_differing']:,} of {row['counters']:,}",
        f"{row['seconds']:.1f} s", "; ".join(_target(one) for one in row["targets"]) or "-",
    )  # fmt: skip


def _shares(row: dict) -> list[str]:
    """The shares of one case's cycles."""
    bus = row["bytes"] / row["bus_bytes"]
    parts = (row["edge"], *row["idle"].values(), bus, row["window_busy"])
    return [row["case"], *(f"{part / row['cycles']:.2%}" for part in parts)]


def _target(one: dict) -> str:
    """A value beside its bound."""
    verdict = "" if one["met"] else ", missed"
    if one["what"] == "seconds":
        return f"{one['value']:.0f} s <= {one['target']:g} s{verdict}"
    sign = ">=" if one["met"] else "<"
    return f"{one['what']}: {one['value']:.1%} {sign} {one['target']:.0%}{verdict}"
