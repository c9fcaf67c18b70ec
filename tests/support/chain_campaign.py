"""Random chains whose tensors may stay on the chip: bytes and counters on the RTL.

Every chain runs twice: under random memory stalls, every stored byte against the golden model; and
on a memory of any latency and width, every counter against the cycle model.

``python -m tests.support.chain_campaign --layers 300 --seed 1``
"""

import numpy as np

from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.graph.ir import Graph
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support import networks
from tests.support.campaign import MACHINES
from tests.support.cycle_campaign import differences, random_memory
from tests.support.layer_campaign import run_campaign
from tests.support.random_layers import describe

#: Those with a window unit.
CHAINED = tuple(params for params in MACHINES if params.window_taps)


def random_chain(rng: np.random.Generator) -> Graph:
    """A chain of 2 to 6 layers: convolutions and windows behind them, with additions between."""
    def odd(low, high):
        return int(rng.integers(low, high))

    net = networks.Builder(rng, (odd(1, 24), odd(1, 24), odd(1, 20)))
    for _ in range(odd(1, 4)):
        before = net.last
        kernel = odd(1, 4) if rng.random() < 0.3 else 1
        reach = min(kernel, *net.last.shape[:2])
        net.conv(odd(1, 36), (reach, reach), padding=(reach // 2,) * 4)
        if rng.random() < 0.2 and net.last.shape == before.shape:
            net.add(before)
        _windows(net, rng, odd)
    return net.graph()


def _windows(net: networks.Builder, rng: np.random.Generator, odd) -> None:
    """A depthwise convolution or a pool."""
    height, width, channels = net.last.shape
    kernel = min(odd(1, 8), height), min(odd(1, 8), width)
    stride = odd(1, 4), odd(1, 4)
    top, left, bottom, right = (odd(0, size) for size in (*kernel, *kernel))
    if rng.random() < 0.7:  # every row is in some window
        stride = min(stride[0], kernel[0]), stride[1]
        bottom = -(height + top - kernel[0]) % stride[0]
    padding = top, left, bottom, right
    if channels > 1 and rng.random() < 0.7:
        net.depthwise(kernel, stride, padding)
    elif rng.random() < 0.5:
        net.pool("max", kernel, stride, padding)
    elif kernel[0] * kernel[1] < 16:
        net.pool("avg", kernel, stride, padding)


def draw_chain(seed: int, number: int, machines=CHAINED):
    """Chain ``number`` of ``seed``: the generator behind it, its machine, graph and batch."""
    rng = np.random.default_rng([seed, number, 15])
    graph = random_chain(rng)
    # Of a batch, pointwise layers make one tall image, whose windows would be other ones.
    batch = 1 if rng.random() < 0.7 else int(rng.integers(2, 4))
    return rng, machines[number % len(machines)], graph, batch


def check_chain(seed: int, number: int, engine: str, machines=CHAINED) -> dict:
    """Run a chain: its description, the layers that stay near, and what is wrong with it."""
    rng, params, graph, batch = draw_chain(seed, number, machines)
    program = compile_graph(graph, params, batch)
    images = rng.integers(-128, 128, (batch, *graph.tensors["input"].shape)).astype(np.int8)
    stalls = Memory(
        latency_cycles=int(rng.integers(1, 60)), stall_seed=int(rng.integers(1, 1 << 31)),
        stall_percent=int(rng.integers(0, 60)),
    )  # fmt: skip
    simulator = get_engine(engine)
    simulator.build(params)
    ran = run_batch(simulator, program, graph, images, stalls)
    expected = golden.run(graph, images)
    wrong = [name for name in ran.tensors if (ran.tensors[name] != expected[name]).any()]
    cycles, found = differences(simulator, program, random_memory(rng, params.bus_bytes))
    return {
        "layer": describe(graph), "params": params, "batch": batch, "cycles": cycles,
        "near": near(program), "wrong": wrong + found,
    }  # fmt: skip


def near(program) -> int:
    """How many of a program's layers leave their results on the chip."""
    return sum(layer.near for layer in program.layers)


if __name__ == "__main__":
    run_campaign(__doc__, 300, CHAINED, check_chain)
