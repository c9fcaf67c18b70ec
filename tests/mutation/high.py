"""Runs whose counters begin high, as after millions of commands or billions of cycles.

The simulator adds to the counters in a run's first cycle; from then on they count by themselves.
A counter is an adder, so such a run ends with as much more in it as was added, and is the same in
every other byte and in every cycle.
"""

import collections
import ctypes
import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, RECORD, Op, pack, unpack
from accel.params import DONE_BITS
from accel.registers import Reg
from accel.rtl.interfaces import Done
from accel.sim.engine import Memory
from tests.faults.subject import PARAMS
from tests.mutation.case import READ, Case, Ended
from tests.mutation.cases import case_of
from tests.mutation.counters import COUNTERS, WORD_BITS
from tests.mutation.waits import waits
from tests.support.random_chains import random_chain

#: Bits that programs do not reach by themselves: each is to be carried into and out of.
BITS = range(12, WORD_BITS + 1)
_NUMBER = {name: number for number, name in enumerate(COUNTERS)}


class _Preset(ctypes.Structure):
    """Preset of high.h: what is added to some bits of a counter."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in ("counter", "low", "width", "value"))


@dataclasses.dataclass(frozen=True)
class High:
    """How high counters begin.

    Attributes:
        words: those of a completion record.
        done: how many commands each engine seems to have completed.
        index: how many seem to have been dispatched.
    """

    words: dict[str, int]
    done: dict[str, int]
    index: int

    def give(self, library) -> None:
        """Let the next machine begin so."""
        presets = [_Preset(_NUMBER["record"], WORD_BITS * RECORD[name], WORD_BITS, value)
                   for name, value in self.words.items()]  # fmt: skip
        presets += [_Preset(_NUMBER["done"], DONE_BITS * n, DONE_BITS, self.done[name])
                    for n, name in enumerate(Done.members)]  # fmt: skip
        presets.append(_Preset(_NUMBER["index"], 0, DONE_BITS, self.index))
        library.accel_preset((_Preset * len(presets))(*presets), len(presets))

    def added(self, words: dict[str, int]) -> dict[str, int]:
        """What a record's words are with that more; the count of MACs is one of two words."""
        done = {f"done_{name}": value for name, value in self.done.items()}
        more = {name: value + (self.words | done)[name] for name, value in words.items()}
        more["macs_high"] += more["macs_low"] >> WORD_BITS
        return {name: value % (1 << WORD_BITS) for name, value in more.items()}


@dataclasses.dataclass(frozen=True)
class HighCase(Case):
    """A program on a machine whose counters begin high."""

    high: High | None = None

    def end(self, library, limit: int) -> Ended:
        """Run it as any; a machine that never begins leaves nothing to the next."""
        self.high.give(library)
        try:
            return super().end(library, limit)
        finally:
            library.accel_preset(None, 0)


def high_cases() -> list[HighCase]:
    """For every bit a program whose counters run over it, and one that is refused at its end; and
    each wait of each command, alone, for numbers of all bits and for the other ones."""
    rng, found = np.random.default_rng(79), []
    case, _ = counted_case()
    for bit in BITS:
        words = {name: (1 << bit) - int(rng.integers(1, 100)) for name in RECORD
                 if not name.startswith("done_")}  # fmt: skip
        if bit % 2:
            words["macs_low"] = (1 << WORD_BITS) - 100
        done, index = _commands_before(case, bit)
        high = High(words | {"macs_high": (1 << bit) - 1}, done, index)
        for refused in (False, True)[: 1 + (bit <= DONE_BITS)]:
            found.append(_high(later(case, high, refused), high))
    most = (1 << DONE_BITS) - 1
    for name, program in waits(PARAMS):
        case = Case(name, program.memory, program.start, program.commands,
                    Memory(latency_cycles=40))  # fmt: skip
        room = case.commands
        done = {engine: int(rng.integers(room, most - room)) for engine in Done.members}
        for turned in (0, most):
            high = High({}, {engine: count ^ turned for engine, count in done.items()}, 0)
            found.append(_high(later(case, high), high))
    return found


def _high(case: Case, high: High) -> HighCase:
    fields = {field.name: getattr(case, field.name) for field in dataclasses.fields(case)}
    return HighCase(**fields, high=high)


def counted_case() -> tuple[Case, tuple[int, ...]]:
    """A short program in which everything counts, and where its completion records go."""
    rng = np.random.default_rng([17, 78])
    program, case = case_of("counters", random_chain(rng), rng, Memory(latency_cycles=20))
    return case, tuple(layer.mark_addr for layer in program.layers)


def highs(case: Case, usual: Ended) -> list[High]:
    """For every bit, counters that begin a little below it, and run over it half way through a run
    that usually ends so; the higher word of the MACs when the lower one is full."""
    counted, found = words_of(usual), []
    assert all(count for name, count in counted.items() if name != "macs_high"), counted
    for bit in BITS:
        below = {name: (1 << bit) - 1 - count // 2 for name, count in counted.items()
                 if not name.startswith("done_")}  # fmt: skip
        full = (1 << WORD_BITS) - 1 - counted["macs_low"] // 2
        done, index = _commands_before(case, bit)
        found.append(High(below | {"macs_high": 0}, done, index))
        found.append(High(below | {"macs_high": (1 << bit) - 1, "macs_low": full}, done, index))
    return found


def _commands_before(case: Case, bit: int) -> tuple[dict[str, int], int]:
    """How many commands of each engine, and of all, so that their counts run over a bit half way
    through a program, but not over the last one."""
    engines = collections.Counter(_engine(op) for _, op, _ in _commands(case))
    most = 1 << DONE_BITS
    done = {name: min((1 << bit) - 1 - engines[name] // 2, most - 1 - engines[name])
            for name in Done.members}  # fmt: skip
    return done, min((1 << bit) - 1 - case.commands // 2, most - 1 - case.commands)


def words_of(ended: Ended) -> dict[str, int]:
    """The counters at the end."""
    values = dict(zip(READ, ended.values, strict=False))
    return {name: values[Reg.COUNTERS + 4 * number] for name, number in RECORD.items()}


def _engine(op: Op) -> str:
    """Who counts an opcode's commands."""
    return "post" if op in (Op.TABLE, Op.ACTIVATION) else op.name.lower()


def _commands(case: Case):
    """Where a program's commands are, their opcodes, their fields."""
    for at in range(case.start, case.start + case.commands * COMMAND_BYTES, COMMAND_BYTES):
        yield at, *unpack(case.memory[at : at + COMMAND_BYTES].tobytes())


def later(case: Case, high: High, refused: bool = False) -> Case:
    """The same program, which waits for as many commands more wherever it waits; perhaps its last
    command is none."""
    memory = case.memory.copy()
    for at, op, values in _commands(case):
        for name in values:
            if name.startswith("wait_") and values[name]:
                values[name] += high.done[name.removeprefix("wait_")]
        memory[at : at + COMMAND_BYTES] = np.frombuffer(pack(op, **values), np.uint8)
    if refused:
        memory[at] = 0
    return dataclasses.replace(case, name=f"{case.name} behind {high.index}", memory=memory)


def shifted(case: Case, by: int) -> Case:
    """The same program, whose commands lie behind all else, so many bytes off their own size."""
    size = case.commands * COMMAND_BYTES
    start = -(-case.memory.size // COMMAND_BYTES) * COMMAND_BYTES + by
    memory = np.zeros(start + size + COMMAND_BYTES, np.uint8)
    memory[: case.memory.size] = case.memory
    memory[start : start + size] = case.memory[case.start : case.start + size]
    return dataclasses.replace(case, name=f"commands off by {by}", memory=memory, start=start)


def check(case: Case, marks: tuple[int, ...], usual: Ended, high: High, ended: Ended) -> None:
    """Demand that a run with high counters did what the usual one did, and counted on."""
    assert ended.said == usual.said == "" and ended.cycles == usual.cycles, case.name
    assert ended.values[0] == usual.values[0], case.name
    assert words_of(ended) == high.added(words_of(usual)), case.name
    one, other = (np.frombuffer(run.memory, np.uint8).copy() for run in (usual, ended))
    for mark in marks:
        record = slice(mark, mark + 4 * len(RECORD))
        first, second = (dict(zip(RECORD, memory[record].view("<u4").tolist(), strict=True))
                         for memory in (one, other))  # fmt: skip
        assert second == high.added(first), case.name
        other[record] = one[record]
    at = slice(case.start, case.start + case.commands * COMMAND_BYTES)  # their waits
    other[at] = one[at]
    assert np.array_equal(one, other), case.name
