"""All built-in networks on the cycle model against the RTL: every counter of every record.

``python -m tests.support.network_campaign --report reports/cycle_model_networks.json``
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import time

from accel import models
from accel.compiler import compile_graph
from accel.opening import open_network
from accel.params import Params
from accel.report.files import write_json
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.counted import differences

NETWORKS = sorted({*models.BUILTIN, *models.NETWORKS})


def check_network(name: str, size: int) -> dict:
    """Run a network at batch 1 on an array of ``size`` rows and columns, and compare."""
    began = time.perf_counter()
    params = Params(rows=size, cols=size)
    engine = get_engine("verilator")
    engine.build(params)
    program = compile_graph(open_network(name), params, 1)
    cycles, found = differences(engine, program, Memory())
    return {
        "network": name, "array": size, "layers": len(program.layers), "cycles": cycles,
        "differences": found, "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def main() -> None:
    """Run all pairs of a network and an array, the report growing as they end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--arrays", nargs="+", type=int, default=[8, 16])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    for size in options.arrays:
        get_engine("verilator").build(Params(rows=size, cols=size))
    pairs = [(name, size) for size in options.arrays for name in options.networks]
    results = []
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(check_network, *pair) for pair in pairs]
        for job in concurrent.futures.as_completed(jobs):
            results.append(job.result())
            print(json.dumps(results[-1]), flush=True)
            if options.report:
                date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
                results.sort(key=lambda one: (one["array"], one["network"]))
                machines = [repr(Params(rows=size, cols=size)) for size in options.arrays]
                found = {"date": date, "machines": machines, "memory": repr(Memory())}
                write_json({**found, "networks": results}, options.report)
    raise SystemExit(any(one["differences"] for one in results))


if __name__ == "__main__":
    main()
