"""The table that ``accel sweep`` prints: the points that nothing else beats."""

import rich.box
import rich.table

from accel.pareto import cycles_per_image, optimal

_COLUMNS = (
    "array", "input KiB", "sums", "weight tiles", "bus bytes", "latency", "batch", "buffer KiB",
    "cycles an image", "utilisation",
)  # fmt: skip


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
