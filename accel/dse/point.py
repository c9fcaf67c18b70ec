"""The points of a sweep: a machine, the memory behind it and a batch size."""

import dataclasses
import itertools

from accel.params import Params
from accel.sim.engine import Memory


@dataclasses.dataclass(frozen=True)
class Point:
    """What is evaluated; whether such a machine can be built shows when it is.

    The names are those of accel.params.Params, in bytes, rows or tiles; the memory moves a bus
    width a cycle, ``latency`` cycles after it was asked.
    """

    rows: int = 16
    cols: int = 16
    input_bytes: int = Params.input_bytes
    acc_rows: int = Params.acc_rows
    weight_tiles: int = Params.weight_tiles
    bus_bytes: int = Params.bus_bytes
    latency: int = Memory.latency_cycles
    batch: int = 1

    def params(self) -> Params:
        """The machine.

        Raises:
            accel.params.ParamError: it cannot be built.
        """
        return Params(
            rows=self.rows, cols=self.cols, input_bytes=self.input_bytes, acc_rows=self.acc_rows,
            weight_tiles=self.weight_tiles, bus_bytes=self.bus_bytes,
        )  # fmt: skip

    def memory(self) -> Memory:
        """The memory behind it."""
        return Memory(latency_cycles=self.latency)


def grid(arrays: list[tuple[int, int]], **axes: list[int]) -> list[Point]:
    """Every combination of the ``arrays`` (rows, cols) and of the values of each other field.

    Those that only differ in the memory follow each other: they share a program.
    """
    names = sorted(axes, key=lambda name: name == "latency")
    axes = {name: list(dict.fromkeys(axes[name])) for name in names}
    return [
        Point(rows, cols, **dict(zip(axes, values, strict=True)))
        for rows, cols in dict.fromkeys(arrays)
        for values in itertools.product(*axes.values())
    ]


def buffer_bytes(params: Params) -> int:
    """On-chip memory of a machine's data buffers: input, sums, weights, window unit."""
    sums = 4 * params.acc_rows * params.cols
    window = params.window_bytes if params.window_taps else 0
    return params.input_bytes + sums + params.weight_tiles * params.tile_bytes + window
