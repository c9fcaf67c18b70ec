"""The table and the page that ``accel bench networks`` makes."""

import rich.box
import rich.table

_COLUMNS = (
    "case", "MACs", "cycles", "utilisation", "differing bytes", "counters predicted wrongly",
    "simulated in", "targets",
)  # fmt: skip
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
    one = report["machine"]
    table = rich.table.Table(
        title=f"{one['cpu']}, {one['cores']} cores; at most {report['peak_mb']:,} MB",
        box=rich.box.SIMPLE_HEAD,
    )
    for name in _COLUMNS:
        text = name in ("case", "targets")
        table.add_column(name, justify="left" if text else "right", overflow="fold")
    for row in report["figures"]:
        table.add_row(*_cells(row))
    return table


def markdown(report: dict, command: str) -> str:
    """The same as a Markdown page, with the command, the machine, the date and the peers."""
    one = report["machine"]
    lines = [
        "# Whole networks on the RTL", "",
        f"`{command}` on {one['cpu']}, {one['cores']} cores, {report['date']}; at most "
        f"{report['peak_mb']:,} MB.", "",
        "An array of NxN with N bytes/cycle of memory at 32 cycles latency, 128 KiB of input "
        "buffer, 1024 accumulator rows; from start to interrupt, memory included. Cycles are the "
        "RTL's own counters. Weights are seeded random numbers, but for kws and resnet8. The "
        "simulator's build is not in the seconds.",
        "", f"| {' | '.join(_COLUMNS)} |", "|---|---:|---:|---:|---:|---:|---:|---|",
    ]  # fmt: skip
    lines += [f"| {' | '.join(_cells(row))} |" for row in report["figures"]]
    causes = list(report["figures"][0]["idle"])
    lines += ["", "Where the array's other cycles went, and how busy layers kept the bus (beside "
              "commands) and the window unit:", "",
              f"| case | edges of tiles | {' | '.join(causes)} | bus | window unit |",
              "|---|---:" + "|---:" * (3 + len(causes)) + "|"]  # fmt: skip
    for row in report["figures"]:
        bus = row["bytes"] / row["bus_bytes"]
        parts = [row["edge"], *row["idle"].values(), bus, row["window_busy"]]
        shares = " | ".join(f"{part / row['cycles']:.2%}" for part in parts)
        lines.append(f"| {row['case']} | {shares} |")
    lines += ["", "Others, as published:", "", "| machine | network | utilisation | source |",
              "|---|---|---|---|"]  # fmt: skip
    lines += [f"| {' | '.join(peer)} |" for peer in PEERS]
    return "\n".join(lines) + "\n"


def _cells(row: dict) -> tuple[str, ...]:
    """What the table says of one case."""
    return (
        row["case"], f"{row['macs']:,}", f"{row['cycles']:,}", f"{row['utilisation']:.2%}",
        f"{row['mismatches']:,}", f"{row['counters_differing']:,} of {row['counters']:,}",
        f"{row['seconds']:.1f} s", "; ".join(_target(one) for one in row["targets"]) or "-",
    )  # fmt: skip


def _target(one: dict) -> str:
    """A value beside its bound."""
    verdict = "" if one["met"] else ", missed"
    if one["what"] == "seconds":
        return f"{one['value']:.0f} s <= {one['target']:g} s{verdict}"
    sign = ">=" if one["met"] else "<"
    return f"{one['what']}: {one['value']:.1%} {sign} {one['target']:.0%}{verdict}"
