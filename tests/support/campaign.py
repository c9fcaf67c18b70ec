"""Small machines for random networks on the RTL."""

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
