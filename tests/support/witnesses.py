"""A program on the RTL between its two witnesses: golden model for bytes, cycle model for counts.

It runs twice: under random stalls of the memory, every stored byte against the golden model, and
the counters that no stall may change against the cycle model's; and on a memory of any latency and
width, some of them DRAMs, every counter against the cycle model.  In every other program, some
commands wait for more than they need: for engines, too, that the compiler lets none wait for.
"""

import dataclasses
import functools

import numpy as np

from accel import golden
from accel.batch import Batch, run_batch
from accel.cyclemodel import predict
from accel.graph.ir import Graph
from accel.isa import RECORD
from accel.params import Params
from accel.program import Program
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.counted import differences, random_memory
from tests.support.programs import tightened

#: What the array's idle cycles are charged to; and all that stalls of the memory can change.  Beats
#: that are written, too: where array and window unit store by turns, halves of a beat leave apart.
IDLE = "fill", "weight", "memory", "post", "sync"
STALLED = "cycles", "write_beats", *IDLE


@dataclasses.dataclass
class Held:
    """What was compared: bytes, counters, in cycles of both runs; and what is wrong."""

    compared: int
    counters: int
    cycles: int
    wrong: list[str]


@functools.lru_cache(maxsize=8)
def built(engine: str, params: Params):
    """An engine with a machine in it."""
    simulator = get_engine(engine)
    simulator.build(params)
    return simulator


def random_stalls(rng) -> Memory:
    """A memory that stalls on all channels, up to 59 % of the cycles, with latency 1 to 59."""
    return Memory(
        latency_cycles=int(rng.integers(1, 60)),
        stall_seed=int(rng.integers(1, 1 << 31)),
        stall_percent=int(rng.integers(0, 60)),
    )


def hold(rng, graph: Graph, program: Program, batch: int, engine: str) -> Held:
    """Run a program of ``graph`` on random images and memories, and compare."""
    params = program.params
    if rng.random() < 0.5:
        program = tightened(program, int(rng.integers(1 << 31)))
    images = rng.integers(-128, 128, (batch, *graph.tensors["input"].shape)).astype(np.int8)
    ran = run_batch(built(engine, params), program, graph, images, random_stalls(rng))
    expected = golden.run(graph, images)
    wrong = [
        f"{name}: {np.count_nonzero(values != expected[name])} bytes"
        for name, values in ran.tensors.items() if (values != expected[name]).any()
    ]  # fmt: skip
    wrong += steady(program, ran)
    memory = random_memory(rng, params.bus_bytes)
    cycles, found = differences(built(engine, params), program, memory)
    return Held(
        compared=sum(values.size for values in ran.tensors.values()),
        counters=len(RECORD) * sum(1 + len(step.layers) for step in program.steps),
        cycles=cycles + sum(one.counters["cycles"] for one in ran.outcomes if one),
        wrong=wrong + found,
    )


def steady(program: Program, ran: Batch) -> list[str]:
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
