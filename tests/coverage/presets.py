"""Runs whose counters begin high, as after millions of commands or billions of cycles.

A debugger would do so: the simulator sets the counters in a run's first cycle, and from then on
they count by themselves.  A counter is an adder, so such a run ends with what it began with more
than another one, and is the same in every other byte and in every cycle.
"""

import ctypes
import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, RECORD, Error, pack, unpack
from accel.params import DONE_BITS
from accel.registers import Reg
from accel.rtl.interfaces import Done
from tests.coverage import netlist
from tests.mutation.case import READ, Case, Ended

WORD_BITS = 32
#: Bits of the counters that a run begins with: those of a word, those of commands completed.
BITS = range(10, WORD_BITS + 1)
_NUMBER = {name: number for number, name in enumerate(netlist.COUNTERS)}
_DONE = [name for name in RECORD if name.startswith("done_")]


class _Preset(ctypes.Structure):
    """Preset of machine.cpp: a value for some bits of a counter."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in ("counter", "low", "width", "value"))


@dataclasses.dataclass(frozen=True)
class High:
    """Counters that begin high, by the words of a completion record; and how many commands seem to
    have been dispatched, and completed by each engine."""

    words: dict[str, int]
    done: int

    def give(self, library) -> None:
        """Let the next machine begin so."""
        presets = [_Preset(_NUMBER["record"], WORD_BITS * RECORD[name], WORD_BITS, value)
                   for name, value in self.words.items()]  # fmt: skip
        presets += [_Preset(_NUMBER["done"], DONE_BITS * n, DONE_BITS, self.done)
                    for n in range(len(Done.members))]  # fmt: skip
        presets.append(_Preset(_NUMBER["index"], 0, DONE_BITS, self.done))
        library.accel_preset((_Preset * len(presets))(*presets), len(presets))

    def added(self, words: dict[str, int]) -> dict[str, int]:
        """What a record's words are with that more; the count of MACs is one of two words."""
        both = {name: words[name] + self.words[name] for name in words}
        both["macs_high"] += both["macs_low"] >> WORD_BITS
        return {name: value % (1 << WORD_BITS) for name, value in both.items()}


def highs(usual: Ended) -> list[High]:
    """For every bit, counters that begin a little below it, and run over it half way through a run
    that usually ends so."""
    counted = words_of(usual)
    found = []
    for bit in BITS:
        words = {name: (1 << bit) - 1 - count // 2 for name, count in counted.items()}
        words["macs_high"] = (1 << bit) - 1
        if bit == WORD_BITS:
            words["macs_low"] = (1 << bit) - 1 - counted["macs_low"] // 2
        commands = max(counted[name] for name in _DONE)
        done = min((1 << bit) - 1 - commands // 2, (1 << DONE_BITS) - 1 - 2 * commands)
        found.append(High(words | dict.fromkeys(_DONE, done), done))
    return found


def words_of(ended: Ended) -> dict[str, int]:
    """The counters at the end."""
    values = dict(zip(READ, ended.values, strict=False))
    return {name: values[Reg.COUNTERS + 4 * number] for name, number in RECORD.items()}


def later(case: Case, done: int, refused: bool = False) -> Case:
    """The same program, which waits for ``done`` commands more wherever it waits."""
    memory = case.memory.copy()
    for at in range(case.start, case.start + case.commands * COMMAND_BYTES, COMMAND_BYTES):
        op, values = unpack(memory[at : at + COMMAND_BYTES].tobytes())
        for name in values:
            if name.startswith("wait_") and values[name]:
                values[name] += done
        memory[at : at + COMMAND_BYTES] = np.frombuffer(pack(op, **values), np.uint8)
    if refused:  # the last command
        memory[at] = 0
    return dataclasses.replace(case, name=f"{case.name} behind {done} commands", memory=memory)


def check(case: Case, marks: tuple[int, ...], usual: Ended, high: High, ended: Ended) -> None:
    """Demand that a run with high counters did what the usual one did, and counted on."""
    assert ended.said == usual.said == "" and ended.cycles == usual.cycles, case.name
    assert ended.values[0] == usual.values[0] and ended.values[0] >> 8 == Error.NONE, case.name
    assert words_of(ended) == high.added(words_of(usual)), case.name
    one, other = (np.frombuffer(run.memory, np.uint8).copy() for run in (usual, ended))
    for mark in marks:
        first, second = (memory[mark : mark + 4 * len(RECORD)].view("<u4").tolist()
                         for memory in (one, other))  # fmt: skip
        assert dict(zip(RECORD, second)) == high.added(dict(zip(RECORD, first))), case.name
        other[mark : mark + 4 * len(RECORD)] = one[mark : mark + 4 * len(RECORD)]
    at = slice(case.start, case.start + case.commands * COMMAND_BYTES)  # their waits
    other[at] = one[at]
    assert np.array_equal(one, other), case.name
