"""The points of a sweep: a machine, the memory behind it and a batch size."""

import contextlib
import dataclasses
import itertools
from collections.abc import Mapping

from accel.dse.errors import SweepError
from accel.params import ParamError, Params
from accel.sim.engine import Memory

_HARDWARE = tuple(field.name for field in dataclasses.fields(Params))
#: Of Params: what follows from the array unless something is said.
_DERIVED = ("post_lanes", "window_taps", "window_bytes", "window_lanes")
#: Of a point: what only concerns the memory.
MEMORY = ("latency", "bytes_per_cycle")


@dataclasses.dataclass(frozen=True)
class Point:
    """What is evaluated; whether such a machine can be built shows when it is.

    The names are those of accel.params.Params, in bytes, rows or tiles; the memory moves
    ``bytes_per_cycle`` (0: the bus width), ``latency`` cycles after it was asked.  Lanes and taps
    that follow from the array where nothing is said are those that follow.
    """

    rows: int = 16
    cols: int = 16
    input_bytes: int = Params.input_bytes
    acc_rows: int = Params.acc_rows
    weight_tiles: int = Params.weight_tiles
    bus_bytes: int = Params.bus_bytes
    latency: int = Memory.latency_cycles
    batch: int = 1
    pool_entries: int = Params.pool_entries
    post_lanes: int = Params.post_lanes
    window_taps: int | None = Params.window_taps
    window_bytes: int = Params.window_bytes
    window_lanes: int = Params.window_lanes
    addr_bits: int = Params.addr_bits
    load_beats: int = Params.load_beats
    queue_depth: int = Params.queue_depth
    timeout_cycles: int = Params.timeout_cycles
    packed_products: bool = Params.packed_products
    parity: bool = Params.parity
    checksum: bool = Params.checksum
    bytes_per_cycle: int = Memory.bytes_per_cycle

    def __post_init__(self):
        with contextlib.suppress(ParamError):  # it shows when the point is evaluated
            params = self.params()
            for name in _DERIVED:
                object.__setattr__(self, name, getattr(params, name))

    def params(self) -> Params:
        """The machine.

        Raises:
            accel.params.ParamError: it cannot be built.
        """
        return Params(**{name: getattr(self, name) for name in _HARDWARE})

    def memory(self) -> Memory:
        """The memory behind it."""
        return Memory(latency_cycles=self.latency, bytes_per_cycle=self.bytes_per_cycle)


def grid(
    arrays: list[tuple[int, int]], base: Mapping[str, int] | None = None, **axes: list[int]
) -> list[Point]:
    """Every combination of the ``arrays`` (rows, cols) and of the values of each other field.

    Fields that are no axis are as in ``base``.  Points that only differ in the memory follow each
    other: they share a program.
    """
    base = {name: value for name, value in (base or {}).items() if name not in axes}
    names = sorted(axes, key=lambda name: name in MEMORY)
    axes = {name: list(dict.fromkeys(axes[name])) for name in names}
    return [
        Point(rows, cols, **base, **dict(zip(axes, values, strict=True)))
        for rows, cols in dict.fromkeys(arrays)
        for values in itertools.product(*axes.values())
    ]


def from_machine(
    machine, arrays: list[tuple[int, int]] | None, axes: Mapping[str, list[int]]
) -> list[Point]:
    """The grid of what is swept, around a machine.

    Args:
        machine: accel.machines.Machine: the fields that are no axis.
        arrays: rows and columns; by default the machine's.
        axes: the values of each other field.

    Raises:
        SweepError: there is no such field, or the memory is one that no model knows.
    """
    known = {field.name for field in dataclasses.fields(Point)} - {"rows", "cols"}
    for name in axes:
        if name not in known:
            raise SweepError(f"axes must be of {', '.join(sorted(known))}, not {name!r}")
    if machine.memory.surprise:
        raise SweepError(f"a sweep's memory must not have {machine.memory.surprise}, but the one "
                         f"of machine {machine.name} has")  # fmt: skip
    if machine.memory.dram:
        raise SweepError(f"a sweep's memory must be no DRAM, but that of machine {machine.name} is "
                         f"{machine.memory.dram}: leave it out")  # fmt: skip
    parts = {"machine": machine.params, "memory": machine.memory}
    given = machine.given or {table: dataclasses.asdict(part) for table, part in parts.items()}
    fields = {**given["machine"], **given["memory"]}
    if "latency_cycles" in fields:
        fields["latency"] = fields.pop("latency_cycles")
    fields = {name: value for name, value in fields.items() if name in known}
    return grid(arrays or [(machine.params.rows, machine.params.cols)], fields, **axes)


def buffer_bytes(params: Params) -> int:
    """On-chip memory of a machine's data buffers: input, sums, weights, window unit."""
    sums = 4 * params.acc_rows * params.cols
    window = params.window_bytes if params.window_taps else 0
    return params.input_bytes + sums + params.weight_tiles * params.tile_bytes + window
