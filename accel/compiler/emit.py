"""Encode the commands of a program, when it is known where its data lies."""

from accel.compiler.schedule import Command
from accel.isa import Op, pack

#: Fields that hold an address of the data area, to be moved behind the commands.
_ADDRESS = {
    Op.LOAD: ("src",), Op.WLOAD: ("src",), Op.WEIGHTS: ("src",), Op.WPARAM: ("src",),
    Op.POST: ("dst", "mark_addr"), Op.WINDOW: ("dst", "mark_addr"),
}  # fmt: skip


def encode(commands: list[Command], offset: int) -> bytes:
    """The commands' bytes, with every data address moved up by ``offset``."""
    parts = []
    for op, fields in commands:
        moved = {name: fields[name] + offset for name in _ADDRESS.get(op, ()) if name in fields}
        if op in (Op.LOAD, Op.WLOAD) and not fields["inner"]:
            moved = {}
        parts.append(pack(op, **fields | moved))
    return b"".join(parts)
