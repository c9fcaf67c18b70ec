"""The columns of a sweep's results, and the Parquet file that holds them."""

import pathlib

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from accel.errors import shortened, shown
from accel.pareto import optimal
from accel.report.files import replacing

_INTEGERS = (
    "rows", "cols", "input_bytes", "acc_rows", "weight_tiles", "bus_bytes", "latency", "batch",
    "pool_entries", "post_lanes", "window_taps", "window_bytes", "window_lanes", "addr_bits",
    "load_beats", "queue_depth", "timeout_cycles", "bytes_per_cycle", "pes", "buffer_bytes", "macs",
    "cycles", "busy", "fill", "weight", "memory", "post", "sync",
    "window_busy", "read_beats", "write_beats", "bytes_read", "bytes_written",
)  # fmt: skip
#: A failed point has nulls from ``pes`` on; ``pareto`` is what accel.pareto says.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.int64()) for name in _INTEGERS),
        *(pa.field(name, pa.bool_()) for name in ("packed_products", "parity", "checksum")),
        pa.field("utilisation", pa.float64()),
        pa.field("pareto", pa.bool_()),
        pa.field("status", pa.string()),
        pa.field("error", pa.string()),
        pa.field("seconds", pa.float64()),
    ]
)


#: What a finished point must have, for others to be held against it.
_COMPARED = ("pes", "buffer_bytes", "cycles", "batch")


def check(row: dict) -> None:
    """Hold a row that somebody else may have written against the columns.

    Raises:
        ValueError: a column that must be there is not, or a value is of another type.
    """
    if row.get("status") not in ("ok", "failed"):
        raise ValueError(f"status must be 'ok' or 'failed', not {shown(row.get('status'))}")
    if row["status"] == "ok":
        for name in _COMPARED:
            if not isinstance(row.get(name), int) or row[name] < 1:
                raise ValueError(f"{name} must be a positive integer, not {shown(row.get(name))}")
    try:
        pa.Table.from_pylist([row], SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
        raise ValueError(shortened(" ".join(str(error).split()))) from error


def read(path: pathlib.Path) -> list[dict]:
    """The rows of a file that :func:`write` wrote."""
    return pa.parquet.read_table(path).to_pylist()


def write(rows: list[dict], identity: dict[str, str], path: pathlib.Path) -> None:
    """Write rows, as Parquet and as CSV beside it, each whole or not at all.

    ``identity`` goes into the Parquet file's metadata.
    """
    best = optimal(rows)
    rows = [{**row, "pareto": good} for row, good in zip(rows, best, strict=True)]
    table = pa.Table.from_pylist(rows, SCHEMA.with_metadata(identity))
    with replacing(path) as temporary:
        pa.parquet.write_table(table, temporary)
    with replacing(path.with_suffix(".csv")) as temporary:
        pa.csv.write_csv(table, temporary)
