"""Functional coverage: what programs ask for, how memories behave, how runs end.

A point is a name that ends in what was seen, such as ``WINDOW: mode = MUL, rounding = FLOAT``.  All
points are listed before a run, so that one that is never seen shows.
"""

import collections
import re

from accel.isa import COMMAND_BYTES, FIELDS, RECORD, EncodingError, Error, Op, unpack
from accel.params import Params
from accel.registers import Reg
from tests.coverage import features
from tests.coverage.counts import Toggle
from tests.mutation.case import READ, Case, Ended
from tests.mutation.singles import SOUND
from tests.support.rules import complete, illegal

#: What the array's idle cycles are charged to.
IDLE = "fill", "weight", "memory", "post", "sync"
#: Opcodes that may use fewer columns than the array has.
_COLUMNS = Op.EXEC, Op.POST, Op.WINDOW


class Points:
    """All points, and how often each was seen."""

    def __init__(self, params: Params):
        self._params = params
        self._ends = features.ends(params)
        self.seen = dict.fromkeys(self._all(), 0)

    def _all(self):
        yield from features.every()
        for op, fields in self._ends.items():
            for name in fields:
                yield from (f"{op.name}: {name} at its {end}" for end in ("least", "most"))
                if self._may_be_refused(op, name):
                    yield f"{op.name}: refused for its {name}"
        yield from (f"{op.name}: refused for a bit behind its fields" for op in Op)
        for op, name in waits():
            yield from (f"{op.name}: {name} {what}" for what in ("= 0", "> 0", "taken",
                                                                 "not taken"))
        yield from (f"{op.name}: cols {what} the array's" for op in _COLUMNS for what in "=<")
        yield from (f"idle: {name}" for name in IDLE)
        optional = {Error.PARITY: self._params.parity, Error.CHECKSUM: self._params.checksum}
        yield from (f"ended: {code.name}" for code in Error if optional.get(code, True))
        yield from (f"memory: {name}" for name in ("stalls", "no stalls", "narrower than the bus",
                                                   "a base address"))  # fmt: skip
        yield from (f"queue of {name}: {state}" for name in queues() for state in ("full", "empty"))

    def _may_be_refused(self, op: Op, name: str) -> bool:
        """Whether some number in this field alone makes a sound command one to refuse."""
        field = next(field for field in FIELDS[op] if field.name == name)
        low, high = field.range
        values = {low, high, 0, 1, *(1 << bit for bit in range(field.width - field.signed))}
        values |= {-1 - value for value in values} if field.signed else set()
        return any(illegal(op, complete(op, SOUND[op] | {name: value}), self._params)
                   for value in values)  # fmt: skip

    def see(self, case: Case, ended: Ended) -> None:
        """Count what a program asked for and how it ended.

        Of one that was refused, only how: its commands may be none.
        """
        values = dict(zip(READ, ended.values, strict=False))
        code = Error(values[Reg.STATUS] >> 8 & 0xFF)
        self.count(f"ended: {code.name}")
        if code != Error.NONE:
            return
        behaviour = case.behaviour
        self.count(f"memory: {'stalls' if behaviour.stall_seed else 'no stalls'}")
        if 0 < behaviour.bytes_per_cycle < self._params.bus_bytes:
            self.count("memory: narrower than the bus")
        if case.base:
            self.count("memory: a base address")
        for name in IDLE:
            if values[Reg.COUNTERS + 4 * RECORD[name]]:
                self.count(f"idle: {name}")
        self.commands(case)

    def commands(self, case: Case) -> collections.Counter:
        """Count what a program's commands ask for; returns how many there are of each opcode."""
        found, start = collections.Counter(), (case.start + case.base) % (1 << 32)
        for at in range(start, start + case.commands * COMMAND_BYTES, COMMAND_BYTES):
            op, values = unpack(case.memory[at : at + COMMAND_BYTES].tobytes())
            self._command(op, values)
            found[op] += 1
        return found

    def single(self, command: bytes, refused: bool) -> None:
        """Count a command of which only is known whether it was refused."""
        try:
            op, values = unpack(command)
        except EncodingError:
            if refused and command[0] in [*Op]:
                self.count(f"{Op(command[0]).name}: refused for a bit behind its fields")
            return
        sound = complete(op, SOUND[op])
        other = [name for name, value in values.items() if value != sound[name]]
        if not refused:
            self._at_ends(op, values)
        elif len(other) == 1:
            self.count(f"{op.name}: refused for its {other[0]}")

    def _command(self, op: Op, values: dict[str, int]) -> None:
        for name in features.of_command(op, values):
            self.count(name)
        self._at_ends(op, values)
        for name, value in values.items():
            if name.startswith("wait_"):
                self.count(f"{op.name}: {name} {'>' if value else '='} 0")
        if op in _COLUMNS:
            self.count(f"{op.name}: cols {'<' if values['cols'] < self._params.cols else '='} "
                       "the array's")  # fmt: skip

    def _at_ends(self, op: Op, values: dict[str, int]) -> None:
        """Count the fields that are at an end of what the machine takes."""
        for name, ends in self._ends[op].items():
            if values[name] in ends and features.matters(op, name, values):
                end = "most" if values[name] == ends[1] else "least"
                self.count(f"{op.name}: {name} at its {end}")

    def toggles(self, taken: dict) -> None:
        """Count how often the queues were full, and ran empty, by what rose and fell in them."""
        full = self._params.queue_depth.bit_length() - 1
        states = {"full": rf"held\[{full}\] 0->1", "empty": r"output__valid(\$\d+)?\[0\] 1->0"}
        places = {f"{place.name}[{place.bit}] {place.way}": count
                  for place, count in taken.items() if isinstance(place, Toggle)}  # fmt: skip
        for name in queues():
            for state, signal in states.items():
                (count,) = [count for text, count in places.items()
                            if re.fullmatch(rf".*\.{name}_queue\.{signal}", text)]  # fmt: skip
                self.count(f"queue of {name}: {state}", count)

    def count(self, name: str, often: int = 1) -> None:
        """Count a point, if it is one."""
        if name in self.seen:
            self.seen[name] += often


def waits() -> list[tuple[Op, str]]:
    """Every opcode's fields that wait."""
    return [(op, field.name) for op, fields in FIELDS.items() for field in fields
            if field.name.startswith("wait_")]  # fmt: skip


def queues() -> tuple[str, ...]:
    """The engines' queues of commands."""
    return "load", "weights", "exec", "post", "wload", "wparam", "window"
