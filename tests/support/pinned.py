"""What compiled programs cost today: cycles and traffic, case by case, by the exact cycle model.

    python -m tests.support.pinned --write

writes them to tests/data/pinned_cycles.json; tests/compiler/test_pinned.py holds the compiler
to them.  A change that makes some programs slower is noticed where it happens, and one that is
meant to is written down with the change: the difference of the file is what it costs and gains.
"""

import json
import pathlib
import sys
from collections.abc import Callable

import numpy as np

from accel.compiler import CompileError, Mapping, compile_graph
from accel.cyclemodel import predict
from accel.graph.ir import Graph
from accel.opening import open_network
from accel.params import Params
from tests.compiler.test_networks import MACHINES
from tests.layers.campaign import draw_layer
from tests.support import networks
from tests.support.random_chains import random_chain

FILE = pathlib.Path(__file__).parent.parent / "data" / "pinned_cycles.json"
#: Bytes a cycle of the memory, for cases that are to be bound by it.
SLOW = 2
#: Machines of chains: several buffers, whose window units feed the array at once or not.
CHAINED = (
    MACHINES["4x4"], MACHINES["4x8"], MACHINES["8x8"], MACHINES["16x16"],
    Params(rows=4, cols=4, input_bytes=512, acc_rows=32, pool_entries=16, bus_bytes=8,
           window_taps=2, window_bytes=128, queue_depth=2),
    Params(rows=4, cols=8, input_bytes=8192, acc_rows=256, pool_entries=64, bus_bytes=8,
           window_taps=4, window_bytes=2048),
)  # fmt: skip
NETWORKS = ("kws", "lenet5", "mnist", "resnet8", "shallow")


def cost(graph: Graph, params: Params, batch: int, **mapping) -> list[int]:
    """Cycles, with a slow memory, too; commands; and bytes read and written, layer by layer."""
    program = compile_graph(graph, params, batch, data=False, mapping=Mapping(**mapping))
    sums = [0, 0]
    for step in program.steps:
        if step.commands:
            for number, width in enumerate((0, SLOW)):
                sums[number] += predict(
                    params, program.image, step.start, step.commands, bytes_per_cycle=width
                )[0]["cycles"]
    traffic = [count for layer in program.layers
               for count in (layer.bytes_read, layer.bytes_written)]  # fmt: skip
    return [*sums, sum(step.commands for step in program.steps), *traffic]


def _chain(number):
    rng = np.random.default_rng([7, number, 15])
    return random_chain(rng), CHAINED[number % len(CHAINED)], 1 + number % 3 // 2


def _layer(machine, number):
    params = MACHINES[machine]
    graph, batch = draw_layer(np.random.default_rng([7, number]), params)
    return graph, params, batch


def _drawn(draw, machine, seed):
    rng = np.random.default_rng([seed, 7])
    return draw(rng), MACHINES[machine], int(rng.integers(1, 4))


def _built(draw, machine, *sizes):
    return draw(np.random.default_rng(7), *sizes), MACHINES[machine], 1


def cases() -> dict[str, Callable[[], tuple[Graph, Params, int]]]:
    """Functions that make a case's graph, machine and batch, by the case's name."""
    found = {f"chain {n}": lambda n=n: _chain(n) for n in range(60)}
    for machine in MACHINES:
        for n in range(10):
            found[f"layer {n} on {machine}"] = lambda m=machine, n=n: _layer(m, n)
            if MACHINES[machine].window_taps:
                for draw in (networks.random_network, networks.random_window_network):
                    name = f"{draw.__name__.replace('_', ' ')} {n} on {machine}"
                    found[name] = lambda d=draw, m=machine, n=n: _drawn(d, m, n)
    for machine in ("4x8", "8x8", "16x16"):
        for draw, sizes in ((networks.mobile, (32, 8, 5)), (networks.residual, (16, 16)),
                            (networks.inception, (14, (16, 24, 8))),
                            (networks.mobile, (24, 24, 6)), (networks.residual, (28, 24))):
            name = f"{draw.__name__} {sizes} on {machine}"
            found[name] = lambda d=draw, m=machine, s=sizes: _built(d, m, *s)
    for name in NETWORKS:
        for machine in ("8x8", "16x16"):
            for batch in (1, 4):
                found[f"{name} on {machine}, batch {batch}"] = (
                    lambda n=name, m=machine, b=batch: (open_network(n), MACHINES[m], b)
                )
    return found


def measured(make: Callable[[], tuple[Graph, Params, int]]) -> list[int] | str:
    """A case's cost, or the rule by which the machine has no room for it."""
    try:
        return cost(*make())
    except CompileError as error:
        return str(error)


def main() -> int:
    """Print what is other than pinned; with --write, pin it."""
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    now = {name: measured(make) for name, make in cases().items()}
    for name, found in now.items():
        if before.get(name) != found:
            print(f"{name}: {before.get(name)} before, now {found}")
    if "--write" in sys.argv:
        lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(found)}"
                           for name, found in now.items())  # fmt: skip
        FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    return int(now != before)


if __name__ == "__main__":
    raise SystemExit(main())
