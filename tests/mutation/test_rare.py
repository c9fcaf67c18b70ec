"""The unchanged machine does the rare cases right: the interpreter's bytes, or the error."""

import numpy as np

from accel.isa import FIELDS, FLOATS, Error, Op, Rounding, pack, unpack
from accel.params import DONE_BITS
from accel.registers import Reg
from accel.sim import verilator
from accel.sim.engine import Memory
from tests.coverage.campaign import breaks_a_rule
from tests.faults.subject import PARAMS
from tests.mutation.beyond import beyond
from tests.mutation.case import READ
from tests.mutation.counts import segments
from tests.mutation.crowded import crowded
from tests.mutation.missed import (
    SLOW,
    average_just_above,
    divisions,
    full_store,
    just_above,
    late_exec,
    long_bursts_alone,
    long_segments,
    missed,
    odd_copies,
    records_behind,
)
from tests.mutation.rare import LATE, LONG, PATIENCE, copies, cut_short, last, late, rare
from tests.mutation.scaled import scaled
from tests.mutation.test_cases import MOST_CYCLES, check, right
from tests.mutation.ties import near_a_float_tie, near_a_tie, ties
from tests.mutation.waits import waits
from tests.support.program_writer import Written


def test_crowded_memories(engine):
    for _, program, memory in crowded(PARAMS):
        check(engine, program, memory)


def test_products_near_a_tie(engine):
    x, multiplier, shift = near_a_tie(np.random.default_rng(1), 1000, Rounding.AWAY)
    beside = x * multiplier % (1 << 31) - (1 << 30)  # of those that are not shifted, in units
    assert 100 < np.count_nonzero((shift == 0) & (beside != 0) & (abs(beside) < 256)) < 1000
    x, multiplier, shift = near_a_float_tie(np.random.default_rng(2), 1000, Rounding.FLOAT)
    value = abs(x * multiplier * 2.0 ** (shift - 31.0))
    assert 0 < np.median(abs(value % 1 - 0.5) / value) < 2**-23
    for _, program in ties(PARAMS):
        check(engine, program, Memory(latency_cycles=2))


def test_pairs_of_any_scale_segments_and_most_copies_under_way(engine):
    for rounding in Rounding:
        program = scaled(PARAMS, rounding)
        check(engine, program, Memory(latency_cycles=2))
        # Results are bytes of all sizes, not the ends of their range.
        left = right(program)
        changed = left[left != program.memory].view(np.int8)
        assert np.mean((changed > -128) & (changed < 127)) > 0.7
    for program, memory in copies(PARAMS):
        check(engine, program, memory)
    check(engine, segments(PARAMS), Memory(latency_cycles=2))


def test_any_command_may_be_the_last(engine):
    """Weights and sums that nothing uses are none of the interpreter's."""
    for op in Op:
        program = last(PARAMS, op)
        outcome = engine.run(program.memory.copy(), program.start, program.commands,
                             Memory(latency_cycles=30), MOST_CYCLES)  # fmt: skip
        assert outcome.error == Error.NONE


def test_every_beat_of_a_burst_moves_the_machine(engine):
    for case in rare(PARAMS):
        if case.name.startswith("patience"):
            ended = case.end(verilator.load(engine.file), MOST_CYCLES)
            status = ended.values[READ.index(Reg.STATUS)]
            assert not ended.said and status >> 8 & 0xFF == Error.NONE, case.name
            assert PATIENCE < 16 * 8  # the cycles of a burst


def test_programs_that_are_cut_short(engine):
    for bit in LONG:
        program = cut_short(PARAMS, bit)
        outcome = engine.run(program.memory.copy(), program.start, program.commands,
                             Memory(latency_cycles=2), MOST_CYCLES)  # fmt: skip
        wanted = (Error.ILLEGAL_OPCODE, 3) if bit < DONE_BITS else (Error.ILLEGAL_FIELD, 0)
        assert (outcome.error, outcome.where) == wanted


def test_what_is_beyond_the_memory_is_an_error_of_its_channel(engine):
    listed = beyond(PARAMS)
    assert len({*(program.memory.tobytes() for _, program in listed)}) == len(listed)
    for name, program in listed:
        outcome = engine.run(program.memory.copy(), program.start, program.commands,
                             Memory(latency_cycles=4), MOST_CYCLES)  # fmt: skip
        written = name.split()[1] in ("post", "window")
        assert outcome.error == (Error.AXI_WRITE if written else Error.AXI_READ), name


def test_each_wait_is_heard(engine):
    """With it bytes are right; without it the program takes another time."""
    listed = waits(PARAMS)
    assert len(listed) == sum(one.name.startswith("wait_") for op in Op for one in FIELDS[op])
    for name, program in listed:
        memory = Memory(latency_cycles=40)
        check(engine, program, memory)
        cycles = [engine.run(image, program.start, program.commands, memory, MOST_CYCLES).counters
                  for image in (program.memory.copy(), _deaf(name, program))]  # fmt: skip
        assert cycles[0]["cycles"] > cycles[1]["cycles"], name


def _deaf(name: str, program):
    """The program's memory without the wait of its name: that of a command that has no other."""
    _, op, engine = name.split()
    op, memory = Op[op.upper()], program.memory.copy()
    for at in range(program.start + 64 * (program.commands - 1), program.start - 1, -64):
        if memory[at] == op:
            values = unpack(memory[at : at + 64].tobytes())[1]
            if [one for one in values if one.startswith("wait_") and values[one]] == [
                f"wait_{engine}"
            ]:
                memory[at : at + 64] = list(pack(op, **values | {f"wait_{engine}": 0}))
                return memory
    raise AssertionError(name)


def test_an_error_after_many_commands(engine):
    program = late(PARAMS)
    outcome = engine.run(program.memory.copy(), program.start, program.commands,
                         Memory(latency_cycles=1), MOST_CYCLES)  # fmt: skip
    assert (outcome.error, outcome.where) == (Error.ILLEGAL_OPCODE, LATE)
    assert outcome.counters["done_load"] >= LATE - 8


def test_what_all_others_missed(engine):
    quick, slow = Memory(latency_cycles=2), Memory(latency_cycles=SLOW)
    for program, memory in ((odd_copies(PARAMS), quick), (long_bursts_alone(PARAMS), quick),
                            (full_store(PARAMS), slow), (records_behind(PARAMS), quick),
                            (long_segments(PARAMS), quick)):
        check(engine, program, memory)  # fmt: skip
    program = late_exec(PARAMS)  # whose sums nobody takes
    outcome = engine.run(program.memory.copy(), program.start, program.commands, quick,
                         MOST_CYCLES)  # fmt: skip
    assert outcome.error == Error.NONE
    host = missed(PARAMS)[-1]
    program = Written(host.memory, *(int(one) for one in host.writes[:2, 3]), ())
    check(engine, program, quick)  # if it were not aborted


def test_pools_on_both_sides_of_their_limit(engine):
    listed = divisions(PARAMS)
    refused = [breaks_a_rule(command) for command in listed]
    assert 0.4 < np.mean(refused) < 0.6
    for command, wrong in [*zip(listed, refused, strict=True)][::7]:
        outcome = engine.run(np.frombuffer(command, np.uint8).copy(), 0, 1,
                             Memory(latency_cycles=2), MOST_CYCLES, {Reg.TIMEOUT: 60})  # fmt: skip
        # What is not refused waits for sums that nobody sends.
        assert outcome.error == (Error.ILLEGAL_FIELD if wrong else Error.DEADLOCK), unpack(command)


def test_powers_of_two_are_rounded_up_just_above_a_half(engine):
    for rounding in FLOATS:
        up = 1 if rounding is Rounding.FLOAT else 2
        for program in (just_above(PARAMS, rounding), average_just_above(PARAMS, rounding)):
            check(engine, program, Memory(latency_cycles=2))
            left = right(program)
            changed = left[left != program.memory].view(np.int8)
            assert {*changed.tolist()} == {-up, up}
