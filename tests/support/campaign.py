"""Random layers on the RTL against the golden model: every byte of every tensor.

``python -m tests.support.campaign --layers 2000 --seed 1 --report reports/random_layers.json``
"""

import numpy as np

from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.layer_campaign import draw_layer, run_campaign
from tests.support.random_layers import describe

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


def check_layer(seed: int, number: int, engine: str, machines=MACHINES) -> dict:
    """Run layer ``number`` of the campaign of ``seed``: its description and differing bytes."""
    rng, params, graph, batch = draw_layer(seed, number, machines)
    shape = graph.tensors["input"].shape
    images = rng.integers(-128, 128, (batch, *shape)).astype(np.int8)
    memory = Memory(
        latency_cycles=int(rng.integers(1, 60)),
        stall_seed=int(rng.integers(1, 1 << 31)),
        stall_percent=int(rng.integers(0, 60)),
    )
    program = compile_graph(graph, params, batch)
    simulator = get_engine(engine)
    simulator.build(params)
    ran = run_batch(simulator, program, graph, images, memory)
    expected = golden.run(graph, images)
    differing = sum(
        int(np.count_nonzero(ran.tensors[name] != expected[name])) for name in ran.tensors
    )
    return {
        "layer": describe(graph), "params": params, "memory": memory, "batch": batch,
        "cycles": ran.outcomes[0].counters["cycles"], "wrong": differing,
    }  # fmt: skip


if __name__ == "__main__":
    run_campaign(__doc__, 2000, MACHINES, check_layer)
