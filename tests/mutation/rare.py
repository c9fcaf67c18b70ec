"""Cases that networks and random programs seldom are: a crowded memory, addresses beyond it, each
wait alone, products near a tie, an error after very many commands."""

import numpy as np

from accel.isa import COMMAND_BYTES, Op
from accel.params import Params
from accel.sim.engine import Memory
from tests.mutation.beyond import beyond
from tests.mutation.case import Case
from tests.mutation.cases import raised
from tests.mutation.crowded import crowded
from tests.mutation.ties import ties
from tests.mutation.waits import waits
from tests.support.program_writer import Writer, Written
from tests.support.random_programs import random_program

#: Random programs behind slow memories; blocks of commands in each.
SLOW, BLOCKS = 6, 5
#: The number of a command that is refused: as many as the time allows, every second bit.
LATE = 0x1555


def rare(params: Params) -> list[Case]:
    """All of them."""
    rng = np.random.default_rng(29)
    found = [raised(_case(name, program, memory), int(rng.integers(1 << 20)) << 12)
             for name, program, memory in crowded(params)]  # fmt: skip
    found += [_case(name, program, Memory(latency_cycles=4)) for name, program in beyond(params)]
    found += [_case(name, program, Memory(latency_cycles=40)) for name, program in waits(params)]
    found += [_case(name, program, Memory(latency_cycles=2)) for name, program in ties(params)]
    found.append(_case("a late error", late(params), Memory(latency_cycles=1)))
    for number in range(SLOW):
        memory = Memory(latency_cycles=int(rng.integers(100, 400)), stall_seed=1 + number,
                        stall_percent=int(rng.choice([0, 50, 80])))  # fmt: skip
        found.append(_case(f"slow instructions {number}", random_program(params, rng, BLOCKS),
                           memory))  # fmt: skip
    return found


def late(params: Params) -> Written:
    """LATE short commands, and one that is none."""
    writer = Writer(params, np.zeros(64, np.uint8))
    for number in range(LATE):
        writer.add(Op.LOAD, inner=0, items=1, rows=1, fill_left=1, fill_value=number % 100,
                   dst=number % params.input_bytes)  # fmt: skip
    program = writer.written()
    end = program.start + LATE * COMMAND_BYTES
    memory = np.concatenate([program.memory[:end], np.full(COMMAND_BYTES, 0xFF, np.uint8)])
    return Written(memory, program.start, LATE + 1, ())


def _case(name: str, program: Written, memory: Memory) -> Case:
    return Case(name, program.memory, program.start, program.commands, memory)
