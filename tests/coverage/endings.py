"""Runs that end badly, each with the error that it must end with; and what comes after one."""

import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, FIELDS, Error, Op, WindowMode
from accel.registers import Reg
from accel.sim.engine import Memory
from tests.faults.subject import PARAMS
from tests.mutation.case import Case
from tests.mutation.cases import cases
from tests.mutation.directed import IDENTITY, filled, tiles_at
from tests.mutation.host import HostCase, accesses
from tests.support.program_writer import Writer
from tests.support.rules import illegal

#: More than a small program takes; what ends one that goes on.
_SOON = 300
#: Cycles behind a start at which a run is aborted: in every state of the control.
ABORTS = (0, 1, 5, 25, 40, 60, 64, 66, 68, 70, 75, 100, 150, 250, 400, 700, 1000, 1500)
#: What commands that only wait must have to be sound.
_STUCK = {
    Op.EXEC: {"cols": 3, "nx": 8, "ny": 8, "base": 77}, Op.WEIGHTS: {}, Op.WPARAM: {"tiles": 29},
}  # fmt: skip
_START, _CLEAR, _ABORT = 1, 2, 4
#: Addresses beyond any memory, in which every second bit is set.
NOWHERE = 0x5555_5550, 0xAAAA_AAA8


def endings() -> list[tuple[Case, Error]]:
    """Runs of one program, and their errors."""
    case = cases()[0]
    last = case.start + case.commands * COMMAND_BYTES - COMMAND_BYTES
    illegal, broken = case.memory.copy(), case.memory.copy()
    illegal[last], broken[last + COMMAND_BYTES - 1] = 0xFF, 1
    changed = {
        "no opcode": ({"memory": illegal}, Error.ILLEGAL_OPCODE),
        "a bit behind the last field": ({"memory": broken}, Error.ILLEGAL_FIELD),
        "too many commands": ({"commands": 1 << 24}, Error.ILLEGAL_FIELD),
        "more than are there": ({"commands": (1 << 24) - 1}, Error.ILLEGAL_OPCODE),
        "a read fails": ({"behaviour": Memory(fail_read=case.start + 128)}, Error.AXI_READ),
        "beyond the memory": ({"start": 0xFFFF_FF00}, Error.AXI_READ),
        "a dead memory": ({"behaviour": Memory(dead=True), "timeout": _SOON}, Error.TIMEOUT),
        "an unaligned program": ({"start": case.start + 4}, Error.UNALIGNED_PROGRAM),
        "a budget": ({"budget": 0x7FF}, Error.BUDGET),
        "no time": ({"timeout": 0}, Error.DEADLOCK),
        "a budget for nothing": ({"budget": 1}, Error.BUDGET),
    }
    found = [(dataclasses.replace(case, name=name, **values), code)
             for name, (values, code) in changed.items()]  # fmt: skip
    for address in NOWHERE:
        found.append((dataclasses.replace(case, name=f"from {address:x}", start=address),
                      Error.AXI_READ))  # fmt: skip
        found += [(_writes_fail(op, address), Error.AXI_WRITE) for op in (Op.POST, Op.WINDOW)]
    found += [(_stuck(op, number), Error.DEADLOCK) for op in _STUCK for number in range(8)]
    early = endings_of_refused()
    found += [(early, Error.ILLEGAL_OPCODE),
              (dataclasses.replace(early, commands=early.commands - 1), Error.NONE)]  # fmt: skip
    return [*found, (_waits_for_ever(), Error.DEADLOCK)]


def endings_of_refused() -> Case:
    """A short program with a last command that is none, of an even number of them."""
    writer = Writer(PARAMS, np.zeros(64, np.uint8))
    for _ in range(3):
        writer.add(Op.LOAD, inner=4, items=1, rows=1)
    case = _case("refused", writer)
    memory = np.concatenate([case.memory, np.full(COMMAND_BYTES, 0xEE, np.uint8)])
    end = case.start + 3 * COMMAND_BYTES
    memory[end : end + COMMAND_BYTES] = 0xEE
    return dataclasses.replace(case, memory=memory, commands=4)


def _stuck(op: Op, seed: int) -> Case:
    """Commands of any numbers that wait for ever: queues fill up with them."""
    rng = np.random.default_rng([seed, op])
    writer, listed = Writer(PARAMS, np.zeros(64, np.uint8)), 0
    while listed < 8:
        values = {one.name: int(rng.integers(one.range[0], one.range[1] + 1))
                  for one in FIELDS[op][1:]}  # fmt: skip
        values |= _STUCK[op]
        values |= {name: values[name] | 0x400000 for name in values if name.startswith("wait_")}
        if "src" in values:
            values["src"] &= -PARAMS.bus_bytes
        if not illegal(op, values, PARAMS):
            writer.add(op, **values)
            listed += 1
    return _case(f"{op.name} that waits for ever {seed}", writer, timeout=_SOON)


def _case(name: str, writer, **values) -> Case:
    one = writer.written()
    return Case(name, one.memory, one.start, one.commands,
                **{"behaviour": Memory(latency_cycles=3)} | values)  # fmt: skip


def _writes_fail(op: Op, address: int) -> Case:
    """Rows that go to nowhere and, in turns, to the first bytes of memory."""
    writer, cols = filled(PARAMS, 21), PARAMS.cols
    place = {"dst": address, "pitch_x": cols, "pitch_y": -address % (1 << 32)}
    if op is Op.WINDOW:
        writer.add(op, mode=WindowMode.MAX, cols=cols, nx=2, ny=2, step_x=cols, k=1, seg=1, lo=-128,
                   hi=127, **IDENTITY, **place)  # fmt: skip
        return _case(f"a WINDOW to {address:x}", writer)
    weights = tiles_at(writer, np.random.default_rng(23), 1, PARAMS.tile_bytes)
    writer.add(Op.WEIGHTS, src=weights, tiles=1)
    writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=4, ny=1, step_x=1, k=1, seg=1)
    writer.add(op, begin=1, count=4, cols=cols, lo=-128, hi=127, in_w=2, in_h=2, out_w=2, out_h=2,
               **place)  # fmt: skip
    return _case(f"a POST to {address:x}", writer)


def _waits_for_ever() -> Case:
    writer = filled(PARAMS, 22)
    writer.add(Op.LOAD, inner=4, items=1, rows=1, wait_exec=1)
    return _case("waits for ever", writer, timeout=_SOON)


def aborted() -> list[tuple[HostCase, Error]]:
    """Hosts that abort a program some time behind its start, and then run it again, to its end.

    They read STATUS at either interrupt.  At last a memory that does not answer, in which nothing
    ends but by the time limit.
    """
    case, found = cases()[0], []
    for after in ABORTS:
        found.append((_abort(f"aborted after {after}", case, after), Error.ABORTED))
    dead = dataclasses.replace(case, behaviour=Memory(dead=True))
    found.append((_abort("aborted, and no time left", dead, 100, 200), Error.BUDGET))
    return [*found, (_abort("aborted, and no answer", dead, 100), Error.TIMEOUT)]


def _abort(name: str, case: Case, after: int, budget: int = 0) -> HostCase:
    """The host's accesses; an interrupt is awaited before the second start."""
    rows = [(Reg.PROGRAM, case.start, 0, 0), (Reg.COMMANDS, case.commands, 0, 0),
            (Reg.TIMEOUT, 1000, 0, 0), (Reg.BUDGET, budget, 0, 0), (Reg.CONTROL, _START, 0, 0),
            (Reg.CONTROL, _ABORT, after, 0), (Reg.CONTROL, _CLEAR, 50, 1),
            (Reg.CONTROL, _START, 20, 0)]  # fmt: skip
    rng = np.random.default_rng(0)
    writes, reads = (accesses(rng, addresses) for addresses in
                     ([row[0] for row in rows], [Reg.STATUS, Reg.STATUS]))  # fmt: skip
    for array in (writes, reads):
        array[:, 0] = array[:, 5:] = 0
    writes[:, 3], writes[:, 4] = [row[1] for row in rows], 15
    writes[:, 0], writes[:, 1] = [row[2] for row in rows], [row[3] for row in rows]
    reads[:, 1] = 1
    reads[1, 0] = 200  # long behind the first interrupt was cleared
    return HostCase(name, case.memory, case.behaviour, writes, reads, (), cycles=60_000)
