"""One verilated machine started again and again, as a driver does: nothing of a failed run stays.

The simulated platform stops the clock of what rests, and the core's own reset must reach it all the
same.  So runs fail in every phase of a program, with each engine in the middle of something.
"""

import contextlib

import numpy as np
import pytest

from accel.compiler import compile_graph
from accel.isa import COMMAND_BYTES, Error
from accel.sim.engine import MachineError, Memory, SimulationError
from accel.sim.verilator import VerilatorEngine, available
from tests.support.machines import MACHINES
from tests.support.networks import residual

pytestmark = pytest.mark.skipif(not available(), reason="no C++ compiler")
#: Has a window unit, so that all engines are there.
PARAMS = MACHINES[1]
MOST = 1_000_000


@pytest.fixture(scope="module")
def engine():
    engine = VerilatorEngine()
    engine.build(PARAMS)
    return engine


@pytest.fixture(scope="module")
def program():
    random = np.random.default_rng(4)
    program = compile_graph(residual(random, 9, 6), PARAMS, 1)
    image = np.zeros(program.memory_bytes, np.uint8)
    image[: len(program.image)] = program.image
    assert len(program.steps) == 1
    return image, program.steps[0].start, program.steps[0].commands


def run(runner, program, behaviour, broken=None):
    """Outcome and memory of a run whose command number ``broken`` is none."""
    image, start, commands = program
    memory = image.copy()
    if broken is not None:
        at = start + broken * COMMAND_BYTES
        memory[at : at + COMMAND_BYTES] = 99
    outcome = runner.run(memory, start, commands, behaviour, MOST)
    return outcome, memory


def same(one, other):
    (first, memory), (second, expected) = one, other
    assert (first.error, first.where, first.counters) == (
        second.error, second.where, second.counters
    )
    np.testing.assert_array_equal(memory, expected)


@pytest.mark.parametrize("latency", [4, 90])
def test_after_a_refused_command(engine, program, latency):
    """Wherever it is refused; with a slow memory, while transactions are open."""
    behaviour = Memory(latency_cycles=latency)
    fresh = run(engine, program, behaviour)
    assert fresh[0].error is Error.NONE
    commands = program[2]
    with engine.machine() as machine:
        same(run(machine, program, behaviour), fresh)
        for broken in range(1, commands, max(1, commands // 25)):
            failed, _ = run(machine, program, behaviour, broken)
            assert (failed.error, failed.where) == (Error.ILLEGAL_OPCODE, broken)
            same(run(machine, program, behaviour), fresh)


def test_after_a_memory_that_answers_an_error_or_nothing(engine, program):
    behaviour = Memory(latency_cycles=10)
    fresh = run(engine, program, behaviour)
    _, start, commands = program
    inside = range(start, len(program[0]), (len(program[0]) - start) // 20)
    with engine.machine() as machine:
        for address in inside:
            failing = Memory(latency_cycles=10, fail_read=address, fail_write=address)
            run(machine, program, failing)
            same(run(machine, program, behaviour), fresh)
        failed, _ = run(machine, program, Memory(latency_cycles=10, dead=True))
        assert failed.error is Error.TIMEOUT
        same(run(machine, program, behaviour), fresh)


def test_each_run_has_the_memory_that_it_asks_for(engine, program):
    """Latency, speed and stalls; the first has none."""
    with engine.machine() as machine:
        for behaviour in (
            Memory(latency_cycles=10), Memory(latency_cycles=200, bytes_per_cycle=3),
            Memory(latency_cycles=10, stall_seed=7, stall_percent=30), Memory(latency_cycles=10),
        ):  # fmt: skip
            same(run(machine, program, behaviour), run(engine, program, behaviour))


def test_what_is_under_way_does_not_reach_beyond_a_smaller_memory(engine, program):
    image, start, commands = program
    with engine.machine() as machine:
        for limit in range(500, 3000, 100):  # no interrupt: transactions stay open
            with pytest.raises(MachineError, match="no interrupt within"):
                machine.run(image.copy(), start, commands, Memory(latency_cycles=90), limit)
            guarded = np.zeros(4096, np.uint8)
            with contextlib.suppress(SimulationError):
                machine.run(guarded[:64], 0, 1, Memory(latency_cycles=90), 2000)
            assert not guarded[64:].any()


def test_a_machine_that_was_given_back(engine, program):
    with engine.machine() as machine:
        run(machine, program, Memory())
    with pytest.raises(SimulationError, match="the machine was given back"):
        run(machine, program, Memory())
