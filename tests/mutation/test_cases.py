"""The unchanged machine does the cases right: the interpreter leaves the same bytes."""

import numpy as np
import pytest

from accel.isa import COMMAND_BYTES, Error, Op, Rounding, unpack
from accel.sim.engine import Memory
from tests.faults.subject import PARAMS
from tests.mutation import directed, host, singles
from tests.mutation.cases import written
from tests.support.machine import Machine
from tests.support.random_programs import random_program

#: More than any of them takes.
MOST_CYCLES = 200_000


def right(program, seed: int = 1) -> np.ndarray:
    """What the interpreter leaves in memory."""
    machine = Machine(program.program(PARAMS), {}, seed)
    machine.run()
    return machine.memory


def check(engine, program, behaviour: Memory) -> None:
    """Run a program, and demand the interpreter's bytes."""
    memory = program.memory.copy()
    outcome = engine.run(memory, program.start, program.commands, behaviour, MOST_CYCLES)
    assert outcome.error == Error.NONE
    assert program.same(right(program), memory)


def test_every_program_has_one_result_in_any_order():
    rng = np.random.default_rng(3)
    for _ in range(5):
        program = random_program(PARAMS, rng)
        assert program.same(right(program, 1), right(program, 2))


def test_random_programs_and_directed_ones_are_as_the_interpreter(engine):
    rng = np.random.default_rng(4)
    for number in range(6):
        stalls = Memory(latency_cycles=3 * number, stall_seed=number, stall_percent=30)
        check(engine, random_program(PARAMS, rng), stalls)
    for _, program in directed.directed(PARAMS):
        check(engine, program, Memory(latency_cycles=3))


@pytest.mark.campaign
def test_many_random_programs(engine):
    rng = np.random.default_rng(5)
    for number in range(2000):
        program = random_program(PARAMS, rng)
        check(engine, program, Memory(latency_cycles=number % 40, stall_seed=number % 3,
                                      stall_percent=number % 70))  # fmt: skip


def test_programs_reach_every_opcode_and_rounding():
    seen, roundings = set(), set()
    for case in written():
        first = (case.start + case.base) % (1 << 32)
        for at in range(first, first + case.commands * COMMAND_BYTES, COMMAND_BYTES):
            op, values = unpack(case.memory[at : at + COMMAND_BYTES].tobytes())
            seen.add(op)
            roundings |= {(op, values[name]) for name in ("rounding", "pool_rounding")
                          if name in values}  # fmt: skip
    assert seen == {*Op}
    assert roundings == {(op, one) for op in (Op.POST, Op.WINDOW) for one in Rounding}


def test_single_commands_are_sound_or_broken_in_one_way():
    listed = singles.commands(PARAMS)
    assert len({*listed}) == len(listed) > 2000
    assert {command[0] for command in listed} >= {*Op}


def test_hosts_do_all_kinds_of_accesses():
    found = host.hosts(tuple(written()))
    writes = np.concatenate([one.writes for one in found])
    assert {*writes[:, 4].tolist()} == {*range(16)}
    assert len({*writes[:, 2].tolist()}) > 100 and any(one.resets for one in found)
    assert len({one.digest for one in found}) == len(found)
