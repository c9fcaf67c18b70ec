"""What a report says of a float network that was quantised on the way."""

import rich.box
import rich.table

from accel.report.words import counted


def line(quantised: dict) -> str:
    """How it was quantised, in a line."""
    scales = "per channel" if quantised["per_channel"] else "per layer"
    reduced = ", reduced range" if quantised["reduce_range"] else ""
    given = quantised.get("inputs") or f"of {quantised['given']:,} given"
    used = counted(quantised["images"], "image")
    kept = f"; {quantised['file']}" if quantised.get("file") else ""
    return (
        f"quantised on the way: {quantised['library']}, {quantised['method']} over {used} "
        f"({given}), weights {scales}{reduced}, {quantised['activations']} activations{kept}"
    )


def missing(operators) -> rich.table.Table | str:
    """What will not run on the machine, by operator (accel.frontend.coverage.Missing)."""
    if not operators:
        return "everything runs on the machine"
    table = rich.table.Table(title="not on the machine, but on the host", box=rich.box.SIMPLE_HEAD)
    for column in ("operator", "count", "MACs", "why, of the first"):
        table.add_column(column, overflow="fold",
                         justify="right" if column in ("count", "MACs") else "left")
    for one in operators:
        table.add_row(one.op, f"{one.count:,}", f"{one.share:.1%}", one.reason)
    return table
