"""Machines for random networks on the RTL: small ones, and odd ones."""

import dataclasses

from accel.params import Params

#: Small machines: tiny buffers so that layers are cut into blocks, strips and chunks, a bus
#: narrower and wider than the array, fewer requantiser lanes than columns, window units of
#: different widths and none at all where a layer can do without, two products a multiplier, parity.
MACHINES = (
    Params(rows=4, cols=4, input_bytes=2048, acc_rows=64, pool_entries=32, bus_bytes=16,
           window_taps=2, window_bytes=512, packed_products=True),
    Params(rows=8, cols=8, input_bytes=16384, acc_rows=256, pool_entries=128, window_bytes=4096),
    Params(rows=8, cols=8, input_bytes=4096, acc_rows=128, pool_entries=64, post_lanes=2,
           bus_bytes=4, queue_depth=2, window_taps=8, window_bytes=1024, window_lanes=1,
           parity=True, checksum=True),
    Params(rows=4, cols=4, input_bytes=1 << 16, acc_rows=1024, post_lanes=1, bus_bytes=8,
           window_taps=4, window_bytes=1 << 15, window_lanes=4),
    Params(rows=8, cols=4, input_bytes=8192, acc_rows=128, pool_entries=64, bus_bytes=8,
           window_taps=0, parity=True),
)  # fmt: skip


def least(rows: int, cols: int, bus_bytes: int, **other) -> Params:
    """The smallest machine of an array and a bus: what accel.params allows at the least."""
    taps = other.pop("window_taps", 2)
    small = Params(
        rows=rows, cols=cols, bus_bytes=bus_bytes, input_bytes=16 * rows, acc_rows=8,
        weight_tiles=2, pool_entries=4, post_lanes=1, window_taps=taps, window_bytes=16 * cols,
        window_lanes=1, load_beats=32, queue_depth=2,
    )  # fmt: skip
    return dataclasses.replace(small, **other)


#: Small ones with some room, that other campaigns use too; the least of several shapes, for which
#: layers are cut to pieces; some odd mixtures; and larger arrays.
ALL = (
    *MACHINES,
    least(4, 4, 4),
    least(4, 8, 32, packed_products=True),
    least(8, 4, 8, acc_rows=64, input_bytes=1024, checksum=True),
    least(8, 16, 16, input_bytes=2048, acc_rows=32, parity=True),
    Params(rows=16, cols=4, input_bytes=4096, acc_rows=64, pool_entries=16, bus_bytes=64,
           window_taps=16, window_bytes=2048, window_lanes=2, post_lanes=2, queue_depth=4),
    Params(rows=4, cols=32, input_bytes=2048, acc_rows=128, pool_entries=32, bus_bytes=128,
           window_taps=8, window_bytes=4096, window_lanes=4, post_lanes=16),
    Params(rows=16, cols=16, input_bytes=1 << 14, acc_rows=256, pool_entries=64),
)  # fmt: skip
