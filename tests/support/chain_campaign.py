"""Random chains whose tensors may stay on the chip: bytes and counters on the RTL.

    python -m tests.support.chain_campaign --chains 2000 --seed 1
        [--report reports/chain_campaign.md]

Every chain runs twice: under random stalls of the memory, every stored byte against the golden
model, and the counters that no stall may change against those of the second run; which is on a
memory of any latency and width, every counter against the cycle model.  A run that does not end is
an error of the machine.  Machines take turns; what one has no room for, the last one takes.  A
chain that fails is printed with the fewest of its layers that do.
"""

import argparse
import dataclasses
import pathlib
import time

import numpy as np

from accel import golden
from accel.batch import run_batch
from accel.compiler import CompileError, compile_graph
from accel.cyclemodel import predict
from accel.graph.ir import Graph
from accel.isa import RECORD
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.campaign import MACHINES
from tests.support.chain_page import page
from tests.support.cycle_campaign import differences, random_memory
from tests.support.random_chains import first, random_chain
from tests.support.random_layers import describe

#: Those with a window unit; one whose buffers hold next to nothing; one that is wider than tall,
#: whose window unit cannot feed the array; and the roomiest.
CHAINED = (
    *(params for params in MACHINES[:3] if params.window_taps),
    Params(rows=4, cols=4, input_bytes=512, acc_rows=32, pool_entries=16, bus_bytes=8,
           window_taps=2, window_bytes=128, queue_depth=2),
    Params(rows=4, cols=8, input_bytes=8192, acc_rows=256, pool_entries=64, bus_bytes=8,
           window_taps=4, window_bytes=2048),
    MACHINES[3],
)  # fmt: skip
#: What the array's idle cycles are charged to; and all that stalls of the memory can change.  Beats
#: that are written, too: where array and window unit store by turns, halves of a beat leave apart.
IDLE = "fill", "weight", "memory", "post", "sync"
STALLED = "cycles", "write_beats", *IDLE


@dataclasses.dataclass
class Found:
    """What became of a chain: ``near`` of its tensors stay on the chip.

    ``roomy``: of the same array with large buffers.  ``refused``: by how many machines.
    """

    chain: str
    nodes: tuple = dataclasses.field(repr=False)
    params: Params
    batch: int
    near: int
    roomy: int
    refused: int
    cycles: int = 0
    compared: int = 0
    counters: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)


def draw_chain(seed: int, number: int, machines=CHAINED):
    """Chain ``number`` of ``seed``: the generator behind it, its machine, graph and batch."""
    rng = np.random.default_rng([seed, number, 15])
    graph = random_chain(rng)
    # Of a batch, pointwise layers make one tall image, whose windows would be other ones.
    batch = 1 if rng.random() < 0.7 else int(rng.integers(2, 4))
    return rng, machines[number % len(machines)], graph, batch


def compiled(graph: Graph, batch: int, params: Params, machines=CHAINED):
    """Its program on a machine, or on the last one; and how many have no room for it."""
    for refused, one in enumerate((params, machines[-1])):
        try:
            return compile_graph(graph, one, batch), refused
        except CompileError:  # said, not computed wrongly
            if one is machines[-1]:
                raise
    raise AssertionError(params)


def check_chain(seed: int, number: int, engine: str, machines=CHAINED, layers: int = 99) -> Found:
    """Run a chain, or so many of its layers: what is wrong with it, if something is."""
    rng, params, graph, batch = draw_chain(seed, number, machines)
    graph = first(graph, layers)
    program, refused = compiled(graph, batch, params, machines)
    params = program.params
    found = Found(
        describe(graph), graph.nodes, params, batch, near(program), _roomy(graph, batch, params),
        refused,
    )  # fmt: skip
    images = rng.integers(-128, 128, (batch, *graph.tensors["input"].shape)).astype(np.int8)
    stalls = Memory(
        latency_cycles=int(rng.integers(1, 60)), stall_seed=int(rng.integers(1, 1 << 31)),
        stall_percent=int(rng.integers(0, 60)),
    )  # fmt: skip
    simulator = get_engine(engine)
    simulator.build(params)
    ran = run_batch(simulator, program, graph, images, stalls)
    expected = golden.run(graph, images)
    for name, values in ran.tensors.items():
        found.compared += values.size
        if (values != expected[name]).any():
            found.wrong.append(f"{name}: {np.count_nonzero(values != expected[name])} bytes")
    found.wrong += _steady(program, ran)
    found.cycles, wrong = differences(simulator, program, random_memory(rng, params.bus_bytes))
    found.wrong += wrong
    found.counters = len(RECORD) * sum(1 + len(step.layers) for step in program.steps)
    return found


def _steady(program, ran) -> list[str]:
    """Which of the counters that no stall may change did; and whether each cycle has its cause."""
    wrong, memory = [], Memory()
    for step, outcome in zip(program.steps, ran.outcomes, strict=True):
        if outcome is None:
            continue
        counted = outcome.counters
        total, _ = predict(program.params, program.image, step.start, step.commands,
                           memory.latency_cycles, memory.bytes_per_cycle)  # fmt: skip
        wrong += [f"stalled {name}: {counted[name]}, not {total[name]}" for name in RECORD
                  if name not in STALLED and counted[name] != total[name]]  # fmt: skip
        charged = counted["busy"] + sum(counted[name] for name in IDLE)
        if charged != counted["cycles"]:
            wrong.append(f"stalled cycles: {counted['cycles']}, of which {charged} have a cause")
    return wrong


def near(program) -> int:
    """How many of a program's layers leave their results on the chip."""
    return sum(layer.near for layer in program.layers)


def _roomy(graph: Graph, batch: int, params: Params) -> int:
    """How many would on the same array with large buffers."""
    large = {name: getattr(CHAINED[-1], name) for name in ("input_bytes", "acc_rows",
                                                           "window_bytes")}  # fmt: skip
    return near(compile_graph(graph, dataclasses.replace(params, **large), batch))


def attempt(seed: int, number: int, engine: str, machines=CHAINED, layers: int = 99) -> Found:
    """Check a chain; an error is what is wrong with it."""
    try:
        return check_chain(seed, number, engine, machines, layers)
    except Exception as error:
        _, params, graph, batch = draw_chain(seed, number, machines)
        graph = first(graph, layers)
        return Found(describe(graph), graph.nodes, params, batch, 0, 0, 0, wrong=[repr(error)])


def fewest(seed: int, number: int, engine: str, machines=CHAINED) -> tuple[int, Found]:
    """The fewest layers with which a chain fails."""
    for layers in range(1, 99):
        found = attempt(seed, number, engine, machines, layers)
        if found.wrong or layers > len(found.nodes):
            return layers, found
    raise AssertionError(number)


def main() -> None:
    """Check chains, print each that fails, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    results, began = {}, time.perf_counter()
    for number in range(options.first, options.first + options.chains):
        results[number] = found = attempt(options.seed, number, options.engine)
        if found.wrong:
            layers, least = fewest(options.seed, number, options.engine)
            print(f"chain {number} of seed {options.seed}: {found.wrong[0]}; {found}\n"
                  f"its first {layers} layers: {least.wrong[:1]} {least.chain}", flush=True)
        if len(results) % 50 == 0:
            failed = sum(bool(one.wrong) for one in results.values())
            print(f"{len(results)} chains, {failed} failed, "
                  f"{time.perf_counter() - began:.0f} s", flush=True)
    if options.report:
        command = (f"python -m tests.support.chain_campaign --chains {options.chains} "
                   f"--seed {options.seed}")
        options.report.write_text(page(results, command, CHAINED), encoding="utf-8")
    raise SystemExit(any(found.wrong for found in results.values()))


if __name__ == "__main__":
    main()
