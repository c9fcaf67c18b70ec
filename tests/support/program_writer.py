"""Writes programs command by command, with what they read and where they write.

Every command waits for all that was listed before it, as far as it can.
"""

import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, FIELDS, RECORD_BYTES, Op, pack
from accel.params import Params
from accel.program import Program, Step

#: Whose commands an opcode's ``wait_*`` fields count.
_ENGINE = {op: op.name.lower() for op in Op} | {Op.TABLE: "post", Op.ACTIVATION: "post"}
_ALIGN = 64


@dataclasses.dataclass(frozen=True)
class Written:
    """A program: the memory before a run, where it starts, its length, and where its completion
    records go."""

    memory: np.ndarray
    start: int
    commands: int
    marks: tuple[int, ...]

    def program(self, params: Params) -> Program:
        """As the compiler's are, for the interpreter (tests.support.machine)."""
        step = Step(self.start, self.commands, (), ())
        return Program(params, 1, self.memory, self.memory.size, (step,), {}, {})

    def same(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Whether two runs left the same memory, but for the completion records."""
        differs = one != other
        for mark in self.marks:
            differs[mark : mark + RECORD_BYTES] = False
        return not differs.any()


class Writer:
    """A program that grows.

    Parameters:
        params: the machine.
        source: the first bytes of memory.
    """

    def __init__(self, params: Params, source: np.ndarray):
        self.params, self.source = params, source
        self._pieces, self._size = [], 0
        self._commands, self._marks = [], []
        self._issued = dict.fromkeys(_ENGINE.values(), 0)
        self.constants(source)

    def add(self, op: Op, **values: int) -> None:
        """List a command that waits for all those before it that it can wait for."""
        waits = {one.name: self._issued[one.name.removeprefix("wait_")]
                 for one in FIELDS[op] if one.name.startswith("wait_")}  # fmt: skip
        self._commands.append(pack(op, **waits | {name: int(one) for name, one in values.items()}))
        self._issued[_ENGINE[op]] += 1

    def issued(self, engine: str) -> int:
        """How many commands of an engine are listed, as waits count them."""
        return self._issued[engine]

    def constants(self, data: np.ndarray) -> int:
        """Put these bytes into memory; returns where, aligned to any bus."""
        where, data = self._size, np.ascontiguousarray(data).view(np.uint8).reshape(-1)
        self._pieces += [data, np.zeros(-data.size % _ALIGN, np.uint8)]
        self._size += -(-data.size // _ALIGN) * _ALIGN
        return where

    def room(self, size: int) -> int:
        """Where so many bytes of memory are free."""
        return self.constants(np.zeros(size, np.uint8))

    def mark(self) -> dict[str, int]:
        """The fields of a command that writes a completion record."""
        self._marks.append(self.room(RECORD_BYTES))
        return {"mark": 1, "mark_addr": self._marks[-1]}

    def record(self, bias, multiplier, shift) -> np.ndarray:
        """A parameter record of a number each for every column."""
        planes = np.zeros((self.params.param_words, self.params.cols), np.uint8)
        planes[:4] = _planes(bias, "<i4")
        planes[4:8] = _planes(multiplier, "<u4")
        planes[8:9] = _planes(shift, "i1")
        return planes

    def written(self) -> Written:
        """The program, behind all that it reads and writes."""
        start = self.constants(np.frombuffer(b"".join(self._commands), np.uint8))
        assert len(self._commands) * COMMAND_BYTES <= self._size - start
        return Written(np.concatenate(self._pieces), start, len(self._commands), (*self._marks,))


def _planes(values, kind: str) -> np.ndarray:
    """The bytes of numbers, plane by plane: all lowest ones, ..."""
    values = np.asarray(values).astype(kind)
    return values.view(np.uint8).reshape(values.size, -1).T
