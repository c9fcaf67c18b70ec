"""Functional coverage: what programs ask for, how memories behave, how runs end.

A point is a name that ends in what was seen, such as ``WINDOW.mode = MUL, rounding = FLOAT``.  All
points are listed before a run, so that one that is never seen shows.
"""

import collections
import itertools

from accel.isa import COMMAND_BYTES, FIELDS, RECORD, Error, Op, Pool, Rounding, WindowMode, unpack
from accel.params import Params
from accel.registers import Reg
from tests.mutation.case import READ, Case, Ended

#: What the array's idle cycles are charged to.
IDLE = "fill", "weight", "memory", "post", "sync"
#: Yes or no of a command: its name, and what decides.
_FLAGS = {
    Op.LOAD: {
        "left fill": lambda v: v["fill_left"] > 0, "right fill": lambda v: v["fill_right"] > 0,
        "no bytes of memory": lambda v: v["inner"] == 0, "several items": lambda v: v["items"] > 1,
        "several rows": lambda v: v["rows"] > 1,
        "items next to each other": lambda v: v["items"] > 1 and v["item_pitch"] == v["inner"],
    },
    Op.EXEC: {
        "first": lambda v: v["first"], "last": lambda v: v["last"],
        "several segments": lambda v: v["k"] > v["seg"], "skip": lambda v: v["seg_skip"] > 0,
        "one pixel": lambda v: v["nx"] * v["ny"] == 1,
    },
    Op.POST: {
        "begin": lambda v: v["begin"], "mark": lambda v: v["mark"],
        "activate": lambda v: v["activate"], "near": lambda v: v["near"],
        "clamped": lambda v: (v["lo"], v["hi"]) != (-128, 127),
        "padded at the top": lambda v: v["pool"] and v["pt"] > 0,
        "padded on the left": lambda v: v["pool"] and v["pl"] > 0,
        "windows overlap": lambda v: v["pool"] and (v["sh"] < v["kh"] or v["sw"] < v["kw"]),
        "windows leave gaps": lambda v: v["pool"] and (v["sh"] > v["kh"] or v["sw"] > v["kw"]),
        "one pixel": lambda v: v["count"] == 1,
    },
    Op.WINDOW: {
        "mark": lambda v: v["mark"], "near": lambda v: v["near"],
        "several segments": lambda v: v["k"] > v["seg"],
        "clamped": lambda v: (v["lo"], v["hi"]) != (-128, 127),
        "offset": lambda v: v["offset"] != 0, "left shift": lambda v: v["shift"] > 0,
    },
}  # fmt: skip
_FLAGS[Op.WLOAD] = _FLAGS[Op.LOAD]
#: Fields that are one of a few, and the pairs of them that act together.
_CHOICES = {
    Op.POST: (("rounding", Rounding), ("pool", Pool)),
    Op.WINDOW: (("mode", WindowMode), ("rounding", Rounding)),
}

#: Modes whose results are some of what they read.
_NOT_ROUNDED = WindowMode.MAX, WindowMode.MIN


class Points:
    """All points, and how often each was seen."""

    def __init__(self, params: Params):
        self._params = params
        self.seen = dict.fromkeys(self._all(), 0)

    def _all(self):
        for op, flags in _FLAGS.items():
            yield from (f"{op.name}: {name} = {value}" for name in flags for value in (False, True))
        for op, ((one, ones), (other, others)) in _CHOICES.items():
            for a, b in itertools.product(ones, others):
                if op is not Op.WINDOW or a not in _NOT_ROUNDED:
                    yield f"{op.name}: {one} = {a.name}, {other} = {b.name}"
        yield from (f"WINDOW: mode = {one.name}" for one in _NOT_ROUNDED)
        yield from (f"POST: pool_rounding = {one.name}" for one in Rounding)
        for op, fields in FIELDS.items():
            for field in fields:
                if field.name.startswith("wait_"):
                    yield from (f"{op.name}: {field.name} {what} 0" for what in ("=", ">"))
        yield from (f"{op.name}: cols {what} the array's" for op in (Op.EXEC, Op.POST, Op.WINDOW)
                    for what in ("=", "<"))  # fmt: skip
        yield from (f"idle: {name}" for name in IDLE)
        optional = {Error.PARITY: self._params.parity, Error.CHECKSUM: self._params.checksum}
        yield from (f"ended: {code.name}" for code in Error if optional.get(code, True))
        yield from (f"memory: {name}" for name in ("stalls", "no stalls", "narrower than the bus",
                                                   "a base address"))  # fmt: skip

    def see(self, case: Case, ended: Ended) -> None:
        """Count what a program asked for and how it ended.

        Of one that was refused, only how: its commands may be none.
        """
        values = dict(zip(READ, ended.values, strict=False))
        code = Error(values[Reg.STATUS] >> 8 & 0xFF)
        self._count(f"ended: {code.name}")
        if code != Error.NONE:
            return
        behaviour = case.behaviour
        self._count(f"memory: {'stalls' if behaviour.stall_seed else 'no stalls'}")
        if 0 < behaviour.bytes_per_cycle < self._params.bus_bytes:
            self._count("memory: narrower than the bus")
        if case.base:
            self._count("memory: a base address")
        for name in IDLE:
            if values[Reg.COUNTERS + 4 * RECORD[name]]:
                self._count(f"idle: {name}")
        self.commands(case)

    def commands(self, case: Case) -> collections.Counter:
        """Count what a program's commands ask for; returns how many there are of each opcode."""
        found, start = collections.Counter(), (case.start + case.base) % (1 << 32)
        for at in range(start, start + case.commands * COMMAND_BYTES, COMMAND_BYTES):
            op, values = unpack(case.memory[at : at + COMMAND_BYTES].tobytes())
            self._command(op, values)
            found[op] += 1
        return found

    def _command(self, op: Op, values: dict[str, int]) -> None:
        for name, holds in _FLAGS.get(op, {}).items():
            self._count(f"{op.name}: {name} = {bool(holds(values))}")
        if op in _CHOICES:
            pair = ", ".join(f"{name} = {kind(values[name]).name}" for name, kind in _CHOICES[op])
            self._count(f"{op.name}: {pair}")
        if op is Op.WINDOW and values["mode"] in _NOT_ROUNDED:
            self._count(f"WINDOW: mode = {WindowMode(values['mode']).name}")
        if op is Op.POST and values["pool"] == Pool.AVERAGE:
            self._count(f"POST: pool_rounding = {Rounding(values['pool_rounding']).name}")
        for name, value in values.items():
            if name.startswith("wait_"):
                self._count(f"{op.name}: {name} {'>' if value else '='} 0")
        if op in (Op.EXEC, Op.POST, Op.WINDOW):
            less = values["cols"] < self._params.cols
            self._count(f"{op.name}: cols {'<' if less else '='} the array's")

    def _count(self, name: str) -> None:
        if name in self.seen:
            self.seen[name] += 1
