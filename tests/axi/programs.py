"""Random programs of the machine that the Verilog is of, and the bytes that they must leave."""

import dataclasses

import numpy as np

from accel import golden
from accel.compiler import CompileError, compile_graph
from accel.program import Placement
from tests.faults.subject import PARAMS
from tests.support.random_chains import random_chain
from tests.support.random_layers import describe, random_graph

__all__ = ["PARAMS", "Program", "draw"]
#: Multiplications of a program: a simulator with Python beside it makes 1,000 cycles a second.
MOST = 60_000


@dataclasses.dataclass(frozen=True)
class Program:
    """What lies in memory before a run, how it is started, and what must be there behind it."""

    text: str
    memory: np.ndarray
    start: int
    commands: int
    wanted: tuple[tuple[Placement, np.ndarray], ...]

    def wrong(self, memory: np.ndarray) -> list[str]:
        """Which tensors differ in ``memory``, and in how many bytes."""
        found = []
        for place, values in self.wanted:
            differing = int(np.count_nonzero(place.view(memory) != values))
            if differing:
                found.append(f"{place.name}: {differing} of {values.size} bytes")
        return found


def draw(rng: np.random.Generator) -> Program:
    """A layer or a chain that the machine takes, with one image."""
    while True:
        graph = random_chain(rng) if rng.random() < 0.5 else random_graph(rng)
        try:
            program = compile_graph(graph, PARAMS, 1)
        except CompileError:
            continue
        if sum(layer.macs for layer in program.layers) <= MOST and len(program.steps) == 1:
            break
    images = rng.integers(-128, 128, (1, *graph.tensors["input"].shape)).astype(np.int8)
    memory = program.image.copy()
    program.tensors["input"].view(memory)[...] = images
    right = golden.run(graph, images)
    wanted = tuple(
        (place, right[program.copies.get(name, name)]) for name, place in program.tensors.items()
    )
    (step,) = program.steps
    return Program(describe(graph), memory, step.start, step.commands, wanted)
