"""The table that ``accel sweep`` prints: the points that nothing else beats."""

import rich.box
import rich.table

from accel.pareto import cycles_per_image, optimal

_COLUMNS = (
    "array", "input KiB", "sums", "weight tiles", "bus bytes", "latency", "batch", "buffer KiB",
    "cycles an image", "utilisation",
)  # fmt: skip


#: What decides a point's cycles, by what a title calls it.
_FIELDS = {
    "input_bytes": "input buffer", "acc_rows": "accumulator rows", "bus_bytes": "bus bytes",
    "bytes_per_cycle": "memory's bytes a cycle (0: the bus)", "latency": "latency",
    "window_taps": "window taps", "batch": "batch",
}  # fmt: skip
#: More values than these are told as their range.
_MOST = 4


def machines(rows: list[dict]) -> str:
    """The machines of a sweep's points in a line: the values of each field."""
    arrays = sorted({(row["rows"] * row["cols"], row["rows"], row["cols"]) for row in rows})
    shapes = [f"{height}x{width}" for _, height, width in arrays]
    parts = [f"array {_values(shapes)}"]
    for field, name in _FIELDS.items():
        # A machine that cannot be built leaves open what follows from its array.
        found = {row[field] for row in rows} - {None}
        parts.append(f"{name} {_values([str(one) for one in sorted(found)])}")
    return "; ".join(parts)


def _values(values: list[str]) -> str:
    if len(values) <= _MOST:
        return ", ".join(values)
    return f"{values[0]} to {values[-1]} ({len(values)} values)"


def render(rows: list[dict], title: str) -> rich.table.Table:
    """A table of the Pareto front of ``rows`` (see accel.dse.rows), fastest first."""
    table = rich.table.Table(title=title, box=rich.box.SIMPLE_HEAD)
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    front = [row for row, good in zip(rows, optimal(rows), strict=True) if good]
    for row in sorted(front, key=cycles_per_image):
        table.add_row(
            f"{row['rows']}x{row['cols']}", f"{row['input_bytes'] / 1024:g}",
            str(row["acc_rows"]), str(row["weight_tiles"]), str(row["bus_bytes"]),
            str(row["latency"]), str(row["batch"]), f"{row['buffer_bytes'] / 1024:,.4g}",
            f"{cycles_per_image(row):,.0f}", f"{row['utilisation']:.1%}",
        )  # fmt: skip
    return table
