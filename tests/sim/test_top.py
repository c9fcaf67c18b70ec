"""The accelerator itself in both engines: short programs, their cycles, errors and memory."""

import numpy as np
import pytest

from accel.isa import COMMAND_BYTES, Error, Op, pack
from accel.sim.engine import Memory
from accel.sim.pysim import PysimEngine
from accel.sim.verilator import VerilatorEngine
from tests.faults.subject import PARAMS

START = 256
LOADS = [
    pack(Op.LOAD, src=1024 + 64 * n, dst=64 * n, inner=40 + n, items=1, rows=3, row_pitch=48,
         dst_pitch=64, fill_left=3, fill_value=-1)
    for n in range(3)
]


@pytest.fixture(scope="module")
def engines():
    both = PysimEngine(), VerilatorEngine()
    for engine in both:
        engine.build(PARAMS)
    return both


def agree(engines, commands, behaviour, count=None, start=START):
    """Run both engines; return the outcome that they agree on."""
    got = []
    for engine in engines:
        memory = np.random.default_rng(3).integers(0, 256, 4096, dtype=np.uint8)
        program = np.frombuffer(b"".join(commands), np.uint8)
        memory[START : START + len(program)] = program
        outcome = engine.run(
            memory, start, len(commands) if count is None else count, behaviour, 20_000
        )
        got.append((outcome.error, outcome.where, outcome.counters, memory.tobytes()))
    assert got[0] == got[1]
    return outcome


@pytest.mark.parametrize(
    "behaviour",
    [Memory(), Memory(latency_cycles=3, bytes_per_cycle=5, stall_seed=77, stall_percent=40)],
    ids=["plain", "stalls"],
)
def test_loads(engines, behaviour):
    outcome = agree(engines, LOADS, behaviour)
    assert outcome.error is Error.NONE
    counters = outcome.counters
    assert counters["done_load"] == 3
    assert counters["done_exec"] == counters["done_post"] == counters["write_beats"] == 0
    causes = ("busy", "fill", "weight", "memory", "post", "sync")
    assert sum(counters[cause] for cause in causes) == counters["cycles"] > 0


def test_an_illegal_command_is_named(engines):
    bad = bytes([99]) + bytes(COMMAND_BYTES - 1)
    outcome = agree(engines, [LOADS[0], LOADS[1], bad, LOADS[2]], Memory())
    assert (outcome.error, outcome.where) == (Error.ILLEGAL_OPCODE, 2)
    bad = pack(Op.EXEC, nx=1, ny=1, k=1, seg=0, cols=1)
    outcome = agree(engines, [LOADS[0], bad], Memory())
    assert (outcome.error, outcome.where) == (Error.ILLEGAL_FIELD, 1)


@pytest.mark.parametrize("offset", [1, 4, 15])
def test_a_program_that_is_not_aligned_is_refused_before_it_is_fetched(engines, offset):
    """The memory would report the first unaligned address as a violation of the protocol."""
    outcome = agree(engines, LOADS, Memory(), start=START + offset)
    assert (outcome.error, outcome.where) == (Error.UNALIGNED_PROGRAM, 0)
    assert not any(outcome.counters.values())


@pytest.mark.parametrize(
    ("commands", "behaviour", "error"),
    [
        (LOADS, Memory(dead=True), Error.TIMEOUT),
        (LOADS, Memory(fail_read=START + 70), Error.AXI_READ),
        (LOADS, Memory(fail_read=1100), Error.AXI_READ),
        ([pack(Op.LOAD, src=4080, inner=64, items=1, rows=1)], Memory(), Error.AXI_READ),
        ([pack(Op.LOAD, src=1024, inner=1, items=1, rows=1, wait_exec=1)], Memory(),
         Error.DEADLOCK),
    ],
    ids=["dead", "program", "data", "range", "deadlock"],
)
def test_errors(engines, commands, behaviour, error):
    assert agree(engines, commands, behaviour).error is error


def test_errors_with_stalls(engines):
    stalls = {"stall_seed": 5, "stall_percent": 50}
    assert agree(engines, LOADS, Memory(dead=True, **stalls)).error is Error.TIMEOUT
    assert agree(engines, LOADS, Memory(fail_read=1100, **stalls)).error is Error.AXI_READ


def test_a_run_after_an_error_starts_afresh(engines):
    first = agree(engines, LOADS, Memory()).counters
    agree(engines, LOADS, Memory(fail_read=1100))
    assert agree(engines, LOADS, Memory()).counters == first
