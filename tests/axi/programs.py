"""Random programs of the machine that the Verilog is of, and the bytes that they must leave."""

import dataclasses

import numpy as np

from accel import golden
from accel.compiler import CompileError
from accel.isa import RECORD_BYTES
from accel.program import Placement
from accel.sim.engine import Memory
from tests.faults.subject import PARAMS
from tests.mutation.case import Case
from tests.mutation.cases import case_of
from tests.support.machine import Machine
from tests.support.random_chains import random_chain
from tests.support.random_layers import describe, random_graph
from tests.support.random_programs import random_program

#: Multiplications of a program: a simulator with Python beside it makes 1,000 cycles a second.
MOST = 60_000
#: The share of programs of random instructions; blocks of such a program.
INSTRUCTIONS, BLOCKS = 0.2, 2


@dataclasses.dataclass(frozen=True)
class Checked:
    """A program and its memory, named by its layers, and what must be in memory behind a run."""

    case: Case
    wanted: tuple[tuple[Placement, np.ndarray], ...]

    def wrong(self, memory: np.ndarray) -> list[str]:
        """Which tensors differ in ``memory``, and in how many bytes."""
        found = []
        for place, values in self.wanted:
            differing = int(np.count_nonzero(place.view(memory) != values))
            if differing:
                found.append(f"{place.name}: {differing} of {values.size} bytes")
        return found


def draw(rng: np.random.Generator) -> Checked:
    """A layer or a chain that the machine takes, with one image; or instructions at random."""
    if rng.random() < INSTRUCTIONS:
        return instructions(rng)
    while True:
        graph = random_chain(rng) if rng.random() < 0.5 else random_graph(rng)
        try:
            program, case = case_of(describe(graph), graph, rng, Memory())
        except CompileError:
            continue
        if sum(layer.macs for layer in program.layers) <= MOST:
            break
    image = np.ascontiguousarray(program.tensors["input"].view(case.memory))
    right = golden.run(graph, image)
    return Checked(case, tuple(
        (place, right[program.copies.get(name, name)]) for name, place in program.tensors.items()
    ))  # fmt: skip


def instructions(rng: np.random.Generator) -> Checked:
    """A random program of the instruction set; the interpreter says what is right."""
    program = random_program(PARAMS, rng, BLOCKS)
    machine = Machine(program.program(PARAMS), {})
    machine.run()
    case = Case("instructions", program.memory, program.start, program.commands, Memory())
    # All of memory but the completion records, which no interpreter knows.
    ends = [0, *(end for mark in sorted(program.marks) for end in (mark, mark + RECORD_BYTES)),
            program.memory.size]  # fmt: skip
    wanted = []
    for first, end in zip(ends[::2], ends[1::2], strict=True):
        size = end - first
        place = Placement(f"bytes from {first}", first, (1, 1, size), 1, size, size, size)
        wanted.append((place, place.view(machine.memory).copy()))
    return Checked(case, tuple(wanted))
