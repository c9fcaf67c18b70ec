"""Random layers on the RTL against the golden model: the campaign and its quick sample.

``python -m tests.support.campaign --layers 2000 --seed 1 --report reports/random_layers.json``
"""

import argparse
import json
import pathlib
import time

import numpy as np

from accel import golden
from accel.compiler import CompileError, compile_graph
from accel.params import Params
from accel.runner import run_batch
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.random_layers import describe, needs_window, random_graph

#: Small machines: tiny buffers so that layers are cut into blocks, strips and chunks, a bus
#: narrower and wider than the array, fewer requantiser lanes than columns, window units of
#: different widths and none at all where a layer can do without.
MACHINES = (
    Params(rows=4, cols=4, input_bytes=2048, acc_rows=64, pool_entries=32, bus_bytes=16,
           window_taps=2, window_bytes=512),
    Params(rows=8, cols=8, input_bytes=16384, acc_rows=256, pool_entries=128, window_bytes=4096),
    Params(rows=8, cols=8, input_bytes=4096, acc_rows=128, pool_entries=64, post_lanes=2,
           bus_bytes=4, queue_depth=2, window_taps=8, window_bytes=1024, window_lanes=1),
    Params(rows=4, cols=4, input_bytes=1 << 16, acc_rows=1024, post_lanes=1, bus_bytes=8,
           window_taps=4, window_bytes=1 << 15, window_lanes=4),
    Params(rows=8, cols=4, input_bytes=8192, acc_rows=128, pool_entries=64, bus_bytes=8,
           window_taps=0),
)  # fmt: skip


def check_layer(seed: int, number: int, engine: str, machines=MACHINES) -> dict:
    """Run layer ``number`` of the campaign of ``seed``: its description and differing bytes."""
    rng = np.random.default_rng([seed, number])
    params = machines[number % len(machines)]
    graph = random_graph(rng)
    while not params.window_taps and needs_window(graph):
        graph = random_graph(rng)
    batch = int(rng.integers(1, 4))
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
        "cycles": ran.outcomes[0].counters["cycles"], "mismatches": differing,
    }  # fmt: skip


def main() -> None:
    """Run the campaign, print each failing layer and a summary, write the summary as JSON.

    Layers that the machine refuses are counted, with the reason.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.layers} layers, {len(MACHINES)} machines", flush=True)
    began, cycles, failed, refused = time.perf_counter(), 0, [], {}
    for number in range(options.layers):
        try:
            result = check_layer(options.seed, number, options.engine)
        except CompileError as error:  # the machine is too small: said, not computed wrongly
            refused[number] = str(error)
            continue
        except Exception as error:
            result = {"layer": repr(error), "cycles": 0, "mismatches": -1}
        cycles += result["cycles"]
        if result["mismatches"]:
            failed.append(number)
            print(f"layer {number} of seed {options.seed}: {result}", flush=True)
    summary = {
        "seed": options.seed, "layers": options.layers, "failed": failed, "refused": refused,
        "cycles": cycles,
        "seconds": round(time.perf_counter() - began, 1),
        "machines": [repr(params) for params in MACHINES],
    }  # fmt: skip
    print(json.dumps(summary, indent=1))
    if options.report:
        options.report.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
