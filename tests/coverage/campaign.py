"""Runs programs on a machine that counts, and demands right results where something can tell."""

import dataclasses

import numpy as np

from accel.isa import EncodingError, Error, unpack
from accel.registers import Reg
from accel.sim.engine import Memory
from tests.coverage import counts, ends, netlist
from tests.coverage.backlog import backlogs
from tests.coverage.counting import Counting
from tests.coverage.directed import directed, unchecked
from tests.coverage.endings import aborted, endings, endings_of_refused
from tests.coverage.waits import waiting
from tests.faults.elements import room_of
from tests.faults.subject import PARAMS
from tests.mutation import high, singles
from tests.mutation.campaign import every
from tests.mutation.case import READ, Case
from tests.mutation.cases import LONGEST, cases, drawn, right
from tests.support.machine import Machine
from tests.support.program_writer import Written
from tests.support.random_chains import random_chain
from tests.support.random_layers import random_graph
from tests.support.rules import illegal

#: Single commands that one host runs.
TOGETHER = 100
#: A memory that takes its time.
_SLOW = Memory(latency_cycles=60)
#: More than any directed program takes.
MOST_CYCLES = 400_000
_REFUSED = Error.ILLEGAL_OPCODE, Error.ILLEGAL_FIELD


@dataclasses.dataclass
class Covered:
    """What the programs reached.

    Attributes:
        programs, cycles: how much was run.
        taken: how often each branch was, and each bit of hardware rose or fell.
        text: the Verilog's lines.
        functional: the points' names, and how often each was seen.
    """

    programs: int
    cycles: int
    taken: dict[counts.Branch | counts.Toggle, int]
    text: list[str]
    functional: dict[str, int]

    def of(self, kind: type) -> dict[str, tuple[int, int]]:
        """By room: how many there are of a kind, and how many of them were reached."""
        found: dict[str, list[int]] = {}
        for place, count in self.taken.items():
            if isinstance(place, kind):
                have = found.setdefault(self.room(place), [0, 0])
                have[0] += 1
                have[1] += count > 0
        return {room: (count, reached) for room, (count, reached) in sorted(found.items())}

    def room(self, place) -> str:
        """The room of the machine that a branch or a bit belongs to."""
        return room_of(self.name(place))

    def name(self, place) -> str:
        """The signal that toggles, or that the branch decides."""
        if isinstance(place, counts.Toggle):
            return place.name
        return decided(self.text, place.line)


def decided(text: list[str], line: int) -> str:
    """What the statement at a line assigns: the next target from there on, without escapes."""
    for one in text[line - 1 : line + 40]:
        assigned = netlist.ASSIGNED.search(one)
        if assigned:
            return (assigned[1] or assigned[2]).replace("$flatten\\", "").replace("\\", "")
    return ""


def run(layers: int, chains: int, seed: int = 1) -> Covered:
    """The mutation campaign's programs and hosts, directed ones, and so many random layers and
    chains more."""
    counting, rng = Counting(), np.random.default_rng([seed, 181])
    usual = [case for case in every() if not isinstance(case, high.HighCase)]  # see run_high
    for case in [*usual, *drawn("layer", random_graph, layers, rng),
                 *drawn("chain", random_chain, chains, rng)]:  # fmt: skip
        counting.run(case)
    for name, program, memory in directed(PARAMS):
        run_written(counting, Case(name, program.memory, program.start, program.commands, memory),
                    program)  # fmt: skip
    for case, program in backlogs(PARAMS):
        run_written(counting, case, program)
    for name, one in unchecked(PARAMS):
        case = Case(name, one.memory, one.start, one.commands, Memory(latency_cycles=3))
        assert error_of(counting.run(case, MOST_CYCLES)) == Error.NONE, name
    run_waits(counting)
    run_elsewhere(counting)
    run_endings(counting)
    run_singles(counting)
    run_high(counting)
    taken = counting.taken()
    counting.points.toggles(taken)
    return Covered(counting.programs, counting.cycles, taken, counting.text,
                   counting.points.seen)  # fmt: skip


def error_of(ended) -> Error:
    """The code in the first register that a case reads, STATUS."""
    assert not ended.said, ended.said
    return Error(ended.values[0] >> 8 & 0xFF)


def run_written(counting: Counting, case: Case, program: Written) -> None:
    """Run a case's program, and demand what the interpreter leaves in memory."""
    ended = counting.run(case, MOST_CYCLES)
    assert error_of(ended) == Error.NONE, case.name
    machine = Machine(program.program(PARAMS), {}, 1)
    machine.run()
    assert program.same(machine.memory, np.frombuffer(ended.memory, np.uint8)), case.name


def run_waits(counting: Counting) -> None:
    """Run programs in which one command waits, and demand that it does, or does not."""
    for one in waiting(PARAMS):
        cycles = []
        for program in (one.program, one.without):
            case = Case(one.name, program.memory, program.start, program.commands, _SLOW)
            cycles.append(counting.run(case).cycles)
        assert (cycles[0] > cycles[1]) if one.taken else (cycles[0] == cycles[1]), one.name
        counting.points.count(one.name)


def run_elsewhere(counting: Counting) -> None:
    """Run one program from one base address after another, and demand the same of each."""
    usual, _, *raised = cases()[:4]
    raised += [high.shifted(usual, by) for by in (8, 24, 40)]  # of a command's 64 bytes
    for case, ended in zip(raised * 2, counting.run_in_turn(*raised * 2), strict=True):
        assert error_of(ended) == Error.NONE, case.name
        memory = np.frombuffer(ended.memory, np.uint8)[: usual.memory.size]
        assert right(dataclasses.replace(usual, memory=memory)), case.name


def run_endings(counting: Counting) -> None:
    """Run what ends badly, twice, and demand its error; and that a run behind an abort is right."""
    for case, code in endings():
        assert [error_of(ended) for ended in counting.run_in_turn(case, case)] == [code] * 2, (
            case.name)
        counting.points.count(f"ended: {code.name}")
    run_budgets(counting)
    for host, code in aborted():
        ended = counting.run(host)
        status = [Error(word >> 8) for word in counting.heard(2).tolist()]
        assert status == [code, Error.NONE if code == Error.ABORTED else code], (host.name, status)
        counting.points.count(f"ended: {code.name}")
        if code == Error.ABORTED:
            memory = np.frombuffer(ended.memory, np.uint8)
            assert right(dataclasses.replace(cases()[0], memory=memory)), host.name


def run_budgets(counting: Counting) -> None:
    """End a run by its budget about when a command is refused: in one of the cycles at once, and
    then it is the budget that counts, but the command that is told."""
    case = endings_of_refused()
    (usual,) = counting.run_in_turn(case)
    length = high.words_of(usual)["cycles"]
    together = []
    for budget in range(length + 55, length + 85):
        (ended,) = counting.run_in_turn(dataclasses.replace(case, budget=budget))
        together.append((error_of(ended), ended.values[READ.index(Reg.WHERE)]))
    assert {code for code, _ in together} == {Error.BUDGET, Error.ILLEGAL_OPCODE}
    assert (Error.BUDGET, case.commands - 1) in together


def run_singles(counting: Counting) -> None:
    """Run single commands, and demand that those are refused that break a rule, and no others."""
    listed = [*singles.commands(PARAMS), *ends.commands(PARAMS), *ends.beyond()]
    # A few on a machine: what one writes must not be where another lies.
    for some in (listed[first : first + TOGETHER] for first in range(0, len(listed), TOGETHER)):
        host = singles.one_by_one("single commands", some)
        ended = counting.run(dataclasses.replace(host, cycles=LONGEST))
        assert not ended.said, ended.said
        status = counting.heard(2 * len(some))[::2]
        assert len(status) == len(some)
        for command, word in zip(some, status.tolist(), strict=True):
            refused = (word >> 8) in _REFUSED
            assert refused == breaks_a_rule(command), unpack(command)
            counting.points.single(command, refused)


def breaks_a_rule(command: bytes) -> bool:
    """Whether the machine must refuse a command."""
    try:
        op, values = unpack(command)
    except EncodingError:
        return True
    return illegal(op, values, PARAMS)


def run_high(counting: Counting) -> None:
    """Run a program with counters that begin high, and one that is refused at its last command."""
    case, marks = high.counted_case()
    usual, _ = counting.run_in_turn(case, case)
    assert error_of(usual) == Error.NONE
    for one in high.highs(case, usual):
        later = high.later(case, one)
        one.give(counting.simulator)
        first, _ = counting.run_in_turn(later, later, high=True)
        high.check(later, marks, usual, one, first)
        one.give(counting.simulator)
        refused = high.later(case, one, refused=True)
        first, _ = counting.run_in_turn(refused, refused, high=True)
        assert error_of(first) == Error.ILLEGAL_OPCODE, later.name
        assert first.values[READ.index(Reg.WHERE)] == one.index + case.commands - 1
