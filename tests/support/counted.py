"""Random memories, and what the cycle model says otherwise than the RTL: counter by counter."""

import dataclasses

import numpy as np

from accel.cyclemodel import predict
from accel.dram import CHIPS
from accel.isa import RECORD, RECORD_BYTES
from accel.program import Program
from accel.sim.engine import Memory
from tests.support.listing import misplaced


def random_memory(rng: np.random.Generator, bus_bytes: int) -> Memory:
    """A memory of any latency up to 100 cycles; half are narrower than the bus, a third DRAMs."""
    width = int(rng.integers(1, bus_bytes + 1)) if rng.random() < 0.5 else 0
    memory = Memory(latency_cycles=int(rng.integers(1, 101)), bytes_per_cycle=width)
    if rng.random() < 2 / 3:
        return memory
    chip, clock = str(rng.choice(sorted(CHIPS))), int(rng.choice([25, 100, 333, 800]))
    return dataclasses.replace(memory, dram=chip, clock_mhz=clock)


def differences(engine, program: Program, memory: Memory) -> tuple[int, list[str]]:
    """Run a program on the RTL and on the model, and look at the order of its commands.

    Cycles do not depend on data, so the inputs are zeros.  A run that takes twice as long as
    predicted is given up.

    Returns:
        The RTL's cycles, and a line for each counter in which the model differs, and for each
        command that waits for a later one.
    """
    space = program.image.copy()
    cycles, found = 0, misplaced(program)
    for number, step in enumerate(program.steps):
        if not step.commands:
            continue
        traffic = {}
        total, records = predict(
            program.params, program.image, step.start, step.commands, **memory.timing,
            traffic=traffic,
        )
        most = 2 * total["cycles"] + 10_000
        outcome = engine.run(space, step.start, step.commands, memory, most)
        expected = {"total": outcome.counters}
        for layer in step.layers:
            words = space[layer.mark_addr : layer.mark_addr + RECORD_BYTES].view("<u4")
            expected[layer.name] = {name: int(words[word]) for name, word in RECORD.items()}
        expected["traffic"] = outcome.traffic
        got = {layer.name: records[layer.mark_addr] for layer in step.layers} | {"total": total}
        got["traffic"] = traffic["total"]
        cycles += outcome.counters["cycles"]
        found += [
            f"step {number} {name}: {counter} is {value}, predicted {got[name][counter]}"
            for name, counters in expected.items()
            for counter, value in counters.items()
            if got[name][counter] != value
        ]
    return cycles, found
