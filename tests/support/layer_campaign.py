"""What campaigns of random layers share: drawing a layer, and running many of them."""

import argparse
import json
import pathlib
import time
from collections.abc import Callable, Sequence

import numpy as np

from accel.compiler import CompileError
from accel.graph.ir import Graph
from accel.params import Params
from tests.support.random_layers import needs_window, random_graph


def draw_layer(
    seed: int, number: int, machines: Sequence[Params]
) -> tuple[np.random.Generator, Params, Graph, int]:
    """Layer ``number`` of ``seed``: the generator behind it, its machine, graph and batch."""
    rng = np.random.default_rng([seed, number])
    params = machines[number % len(machines)]
    graph = random_graph(rng)
    while not params.window_taps and needs_window(graph):
        graph = random_graph(rng)
    return rng, params, graph, int(rng.integers(1, 4))


def run_campaign(
    doc: str, layers: int, machines: Sequence[Params], check: Callable[[int, int, str], dict]
) -> None:
    """Check layers, print each that fails and a summary, write the summary as JSON.

    Layers that the machine refuses are counted, with the reason.

    Args:
        doc: the command's description.
        layers: how many, unless the command line says otherwise.
        machines: what they run on.
        check: of a seed, a layer's number and an engine, the layer's description, with ``cycles``,
            and ``wrong``: something unless all is well.

    Raises:
        SystemExit: at the end, with code 1 if a layer failed.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--layers", type=int, default=layers)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.layers} layers, {len(machines)} machines", flush=True)
    began, cycles, failed, refused = time.perf_counter(), 0, [], {}
    for number in range(options.layers):
        try:
            result = check(options.seed, number, options.engine)
        except CompileError as error:  # the machine is too small: said, not computed wrongly
            refused[number] = str(error)
            continue
        except Exception as error:
            result = {"cycles": 0, "wrong": repr(error)}
        cycles += result["cycles"]
        if result["wrong"]:
            failed.append(number)
            print(f"layer {number} of seed {options.seed}: {result}", flush=True)
    summary = {
        "seed": options.seed, "layers": options.layers, "failed": failed, "refused": refused,
        "cycles": cycles, "seconds": round(time.perf_counter() - began, 1),
        "machines": [repr(params) for params in machines],
    }  # fmt: skip
    print(json.dumps(summary, indent=1))
    if options.report:
        options.report.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(1 if failed else 0)
