"""Cases that a network or a random program seldom is: a crowded memory, and addresses beyond it."""

import numpy as np

from accel.params import Params
from accel.sim.engine import Memory
from tests.mutation.beyond import beyond
from tests.mutation.case import Case
from tests.mutation.cases import raised
from tests.mutation.crowded import crowded
from tests.support.random_programs import random_program

#: Random programs behind slow memories; blocks of commands in each.
SLOW, BLOCKS = 6, 5


def rare(params: Params) -> list[Case]:
    """All of them."""
    rng = np.random.default_rng(29)
    found = [raised(_case(name, program, memory), int(rng.integers(1 << 20)) << 12)
             for name, program, memory in crowded(params)]  # fmt: skip
    found += [_case(name, program, Memory(latency_cycles=4)) for name, program in beyond(params)]
    for number in range(SLOW):
        memory = Memory(latency_cycles=int(rng.integers(100, 400)), stall_seed=1 + number,
                        stall_percent=int(rng.choice([0, 50, 80])))  # fmt: skip
        found.append(_case(f"slow instructions {number}", random_program(params, rng, BLOCKS),
                           memory))  # fmt: skip
    return found


def _case(name: str, program, memory: Memory) -> Case:
    return Case(name, program.memory, program.start, program.commands, memory)
