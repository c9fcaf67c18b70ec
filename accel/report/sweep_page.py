"""``index.html`` beside a sweep's results: its points to filter and to open, one file.

What the page shows is results.parquet's own; the machine of a point is shown in full, as the file
that ``--machine`` takes, with the command that estimates it.
"""

import dataclasses
import functools
import pathlib
import shlex

from accel import machines
from accel.dse.point import Point
from accel.machines.fields import TABLES, meaning
from accel.page import bundle
from accel.params import ParamError
from accel.report.files import write_text
from accel.report.page import STYLES

_WEB = pathlib.Path(__file__).parent / "web"
_SCRIPTS = (
    bundle.WEB / "basics.js", _WEB / "svg.js", _WEB / "points.js", _WEB / "scatter.js",
    _WEB / "point.js", _WEB / "sweep.js",
)  # fmt: skip
#: What a point calls a machine's field; the others have their own names.
_OF_POINT = {"latency_cycles": "latency"}
#: A machine's fields that `accel estimate` has an option for.
_OPTIONS = {
    "bus_bytes": "--bus-bytes", "latency_cycles": "--latency", "input_bytes": "--input-bytes",
    "acc_rows": "--acc-rows", "window_taps": "--window-taps", "post_lanes": "--post-lanes",
}  # fmt: skip
#: The file that a page offers to save a machine in.
FILE = "machine.toml"


def render(rows: list[dict], network: str, title: str, command: str | None, engine: str) -> str:
    """The page of a sweep.

    Args:
        rows: of accel.dse.rows, those that failed too.
        network: as a command is given it: a name or a path.
        title: what the network is called.
        command: that made the sweep, or None.
        engine: that counted the cycles.
    """
    data = {
        "rows": rows, "title": title, "command": command, "engine": engine,
        "network": shlex.quote(network), "commands": [command_of(row, network) for row in rows],
        "fields": _fields(), "file": FILE, "made": bundle.made_by(),
    }  # fmt: skip
    styles = *STYLES, _WEB / "sweep.css"
    return bundle.page(_WEB / "sweep.html", styles, _SCRIPTS, SWEEP=data)


def write(path: pathlib.Path, *arguments) -> None:
    """Write the page of a sweep; the arguments are those of :func:`render`."""
    write_text(render(*arguments), path)


def _fields() -> list[dict]:
    """The fields of a machine's file: table, name there, name of a point, meaning."""
    return [
        {"table": table, "name": one.name, "point": _OF_POINT.get(one.name, one.name),
         "meaning": meaning(table).get(one.name, "")}
        for table, kind in TABLES.items()
        for one in dataclasses.fields(kind)
    ]  # fmt: skip


def command_of(row: dict, network: str) -> str:
    """The command that estimates a point: of a named machine with options, or of a file."""
    words = ["accel", "estimate", network]
    if row["batch"] > 1:
        words += ["--batch", str(row["batch"])]
    found = [options for name in machines.names() if (options := _options(row, name)) is not None]
    return shlex.join(words + min(found, key=len, default=["--machine", FILE]))


@functools.cache
def _base(name: str) -> machines.Machine:
    """A named machine, its file read once for thousands of points."""
    return machines.open_machine(name)


def _options(row: dict, name: str) -> list[str] | None:
    """The options that make a point of the machine ``name``; None if there are none."""
    point = Point(**{one.name: row[one.name] for one in dataclasses.fields(Point)})
    base = _base(name)
    size = {"rows": point.rows, "cols": point.cols}
    if (base.params.rows, base.params.cols) == (point.rows, point.cols):
        size = {}
    try:
        resized = machines.open_machine(base, size)  # with what follows from the array
        known = dataclasses.asdict(resized.params) | dataclasses.asdict(resized.memory)
        wanted = {field: row[_OF_POINT.get(field, field)] for field in _OPTIONS}
        changes = {field: value for field, value in wanted.items() if value != known[field]}
        machine = machines.open_machine(base, size | changes)
        if (machine.params, machine.memory) != (point.params(), point.memory()):
            return None
    except ParamError:  # one that cannot be built
        return None
    options = [] if name == "default" else ["--machine", name]
    options += ["--array", f"{point.rows}x{point.cols}"] if size else []
    for field, value in changes.items():
        options += [_OPTIONS[field], str(value)]
    return options
