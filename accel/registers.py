"""The AXI4-Lite registers: where they are, what their bits mean, and what names a machine."""

import dataclasses
import enum
import hashlib
import json
import typing

from accel.isa import FIELDS, RECORD, RECORD_WORDS, Error
from accel.params import BASE_ALIGN, Params


class Reg(enum.IntEnum):
    """Byte addresses of the AXI4-Lite registers; REGISTERS says what their bits mean."""

    ID = 0x00
    SHAPE = 0x04
    CONTROL = 0x08
    STATUS = 0x0C
    PROGRAM = 0x10
    COMMANDS = 0x14
    TIMEOUT = 0x18
    WHERE = 0x1C
    BASE = 0x20
    VERSION = 0x24
    MACHINE = 0x28
    BUDGET = 0x2C
    CHECKSUM = 0x30
    COUNTERS = 0x40  # and the RECORD_WORDS - 1 words behind it


ID_VALUE = 0x434E4E41  # CNNA
#: Of the registers and of what they do; grows with every change that a driver must know of.
REGISTERS_VERSION = 3


def machine_id(params: Params) -> int:
    """Return the number of the MACHINE register, which programs for this machine carry, too.

    It is a digest of all that a program relies on: the layout of the commands, and every parameter
    but the time limit, which is only a register's first value, how products are formed, and what
    finds flipped bits.

    >>> import accel
    >>> machine_id(accel.Params()) == machine_id(accel.Params(timeout_cycles=100))
    True
    >>> machine_id(accel.Params()) == machine_id(accel.Params(packed_products=True))
    True
    >>> machine_id(accel.Params()) == machine_id(accel.Params(parity=True, checksum=True))
    True
    >>> machine_id(accel.Params()) == machine_id(accel.Params(bus_bytes=8))
    False
    """
    machine = dataclasses.asdict(params)
    for name in ("timeout_cycles", "packed_products", "parity", "checksum"):
        del machine[name]
    commands = {
        op.name: [int(op), *([one.name, one.low, one.width, one.signed] for one in fields)]
        for op, fields in FIELDS.items()
    }
    text = json.dumps([machine, commands, RECORD], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


class Bits(typing.NamedTuple):
    """Some bits of a register; the host may read ("r") or write ("w") them, or both."""

    name: str
    low: int
    width: int
    access: str
    meaning: str


#: What the registers hold; other bits read 0 and ignore writes.
REGISTERS: dict[Reg, tuple[Bits, ...]] = {
    Reg.ID: (Bits("id", 0, 32, "r", f"{ID_VALUE:#x}"),),
    Reg.SHAPE: (
        Bits("rows", 0, 8, "r", "rows"),
        Bits("cols", 8, 8, "r", "columns"),
        Bits("bus_bytes", 16, 8, "r", "bus bytes"),
    ),
    Reg.CONTROL: (
        Bits("start", 0, 1, "w", "1 starts a program"),
        Bits("clear", 1, 1, "w", "1 clears the interrupt"),
        Bits("abort", 2, 1, "w", "1 aborts the program: busy until the memory's bus is silent, "
             "then ABORTED, or TIMEOUT if the memory does not answer"),
    ),
    Reg.STATUS: (
        Bits("busy", 0, 1, "r", "busy"),
        Bits("done", 1, 1, "r", "done"),
        Bits("error", 2, 1, "r", "error"),
        Bits("open", 3, 1, "r", "a transaction is open on the memory's bus"),
        Bits("code", 8, 8, "r", ", ".join(f"{code} {code.name}" for code in Error)),
    ),
    Reg.PROGRAM: (Bits("address", 0, 32, "rw", "byte address of the first command, counted from "
                       "BASE, aligned to the bus"),),
    Reg.COMMANDS: (Bits("count", 0, 32, "rw", "number of commands"),),
    Reg.TIMEOUT: (Bits("cycles", 0, 32, "rw", "cycles without progress before TIMEOUT or "
                       "DEADLOCK"),),
    Reg.WHERE: (Bits("index", 0, 32, "r", "index of the command that was refused"),),
    Reg.BASE: (Bits("page", 12, 20, "rw", "added to every address on the memory's bus, a multiple "
                    f"of {BASE_ALIGN}; writes while busy are ignored"),),
    Reg.VERSION: (Bits("version", 0, 32, "r", f"{REGISTERS_VERSION}, of these registers"),),
    Reg.MACHINE: (Bits("digest", 0, 32, "r", "digest of the machine, which programs made for it "
                       "carry"),),
    Reg.BUDGET: (Bits("cycles", 0, 32, "rw", "cycles from a start to the interrupt, at most; then "
                      "BUDGET; 0: as many as it takes"),),
    Reg.CHECKSUM: (Bits("sum", 0, 32, "rw", "of what the program has the machine fetch, or 0: not "
                        "compared; only of a machine with checksum = true, others have 0"),),
    Reg.COUNTERS: (Bits("count", 0, 32, "r", f"{RECORD_WORDS} words: {', '.join(RECORD)}"),),
}  # fmt: skip


def registers_of(params: Params) -> dict[Reg, tuple[Bits, ...]]:
    """Those of REGISTERS that a machine has."""
    return {register: bits for register, bits in REGISTERS.items()
            if register is not Reg.CHECKSUM or params.checksum}  # fmt: skip
