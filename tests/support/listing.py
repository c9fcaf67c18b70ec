"""The order in which a program lists its commands: what the proof in accel/isa.py asks for."""

import collections

from accel.isa import Op, WindowMode
from accel.params import PARAM_SLOTS
from accel.program import Program
from tests.support.programs import COUNTED, commands_of

#: Records of parameters that the window unit holds.
WINDOW_SLOTS = 2


def misplaced(program: Program) -> list[str]:
    """A line for each command of a program that waits for a later one, by a field or without."""
    return [
        f"step {number} {line}"
        for number, step in enumerate(program.steps)
        for line in misplaced_in(commands_of(program, step))
    ]


def misplaced_in(commands) -> list[str]:
    """The same of the commands between a start and its interrupt."""
    found, listed, seen = [], collections.Counter(), _Seen()
    for place, (op, fields) in enumerate(commands):
        needs = [(name.removeprefix("wait_"), count) for name, count in fields.items()
                 if name.startswith("wait_")]  # fmt: skip
        found += [
            f"command {place}, {op.name}, waits for {name} {count} of {listed[name]} so far"
            for name, count in needs if count > listed[name]
        ]  # fmt: skip
        found += [f"command {place}, {op.name}, comes before {what}"
                  for what in seen.missing(op, fields)]  # fmt: skip
        listed[COUNTED[op]] += 1
        seen.add(op, fields)
    return found


class _Seen:
    """How much of the array's blocks, and of the window unit's MACs, has been listed.

    Attributes:
        weights, begun, ended, posted: blocks with their WEIGHTS, first and last EXEC, POST.
        records, macs: WPARAMs, and WINDOWs that use one.
    """

    def __init__(self):
        self.weights = self.begun = self.ended = self.posted = self.records = self.macs = 0

    def missing(self, op: Op, fields: dict) -> list[str]:
        """What a command waits for without a field, and has not been listed."""
        if op == Op.WEIGHTS:
            return [
                *["the EXECs of the block before the last"] * (self.ended < self.weights - 1),
                *["the POST that frees its parameters' slot"]
                * (self.posted <= self.weights - PARAM_SLOTS),
            ]
        if op == Op.EXEC and fields["first"]:
            return [
                *["its WEIGHTS"] * (self.weights <= self.begun),
                *["the POST that frees its bank"] * (self.posted < self.begun - 1),
            ]
        if op == Op.POST:
            return ["its EXECs"] * (self.ended <= self.posted)
        if op == Op.WPARAM:
            return ["the WINDOW that frees its slot"] * (self.macs <= self.records - WINDOW_SLOTS)
        if op == Op.WINDOW and fields["mode"] == WindowMode.MAC:
            return ["its WPARAM"] * (self.records <= self.macs)
        return []

    def add(self, op: Op, fields: dict) -> None:
        """The command is listed."""
        self.weights += op == Op.WEIGHTS
        self.begun += op == Op.EXEC and fields["first"]
        self.ended += op == Op.EXEC and fields["last"]
        self.posted += op == Op.POST
        self.records += op == Op.WPARAM
        self.macs += op == Op.WINDOW and fields["mode"] == WindowMode.MAC
