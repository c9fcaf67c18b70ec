"""Interleave the engines' commands into one program order.

The order must list every command after all it waits for, so that no program can deadlock; within
that freedom it should keep every queue filled.  LOADs go as early as their own waits allow, up to
a queue's depth ahead of the EXEC that needs them (more would block the fetcher, and with it the
other queues).  WEIGHTS go one block ahead of their EXECs.
"""

from accel.compiler.errors import CompileError
from accel.compiler.stream import Stream
from accel.isa import Op, pack
from accel.params import DONE_BITS

#: Fields that hold an address of the data area, to be moved behind the commands.
_ADDRESS = {Op.LOAD: ("src",), Op.WEIGHTS: ("src",), Op.POST: ("dst", "mark_addr")}

Command = tuple[Op, dict[str, int]]


def order(stream: Stream) -> list[Command]:
    """All commands of a stream in program order."""
    commands: list[Command] = []
    most_ahead = max(2, stream.params.queue_depth - 2)
    loads, blocks = stream.loads, stream.blocks
    sent = {Op.LOAD: 0, Op.EXEC: 0, Op.POST: 0}

    def send_loads(needed: int) -> None:
        while sent[Op.LOAD] < len(loads):
            load = loads[sent[Op.LOAD]]
            if sent[Op.LOAD] >= needed and (
                sent[Op.LOAD] >= needed + most_ahead
                or load.wait_exec > sent[Op.EXEC]
                or load.wait_post > sent[Op.POST]
            ):
                return
            if load.wait_exec > sent[Op.EXEC] or load.wait_post > sent[Op.POST]:
                raise AssertionError("a LOAD would wait for a later command")
            waits = {"wait_exec": load.wait_exec, "wait_post": load.wait_post}
            commands.append((Op.LOAD, load.fields | waits))
            sent[Op.LOAD] += 1

    for number, block in enumerate(blocks):
        send_loads(block.execs[0][1])
        for ahead in blocks[number + (number > 0) : number + 2]:
            commands.append((Op.WEIGHTS, ahead.weights))
        for fields, needed in block.execs:
            send_loads(needed)
            commands.append((Op.EXEC, fields | {"wait_load": needed}))
            sent[Op.EXEC] += 1
        for op, fields in block.posts:
            commands.append((op, fields))
            sent[Op.POST] += 1
        send_loads(block.execs[-1][1])
    for op, count in sent.items():
        if count >= 1 << DONE_BITS:
            raise CompileError(
                f"the {op.name} engine takes at most {(1 << DONE_BITS) - 1} commands, not {count}"
            )
    return commands


def encode(commands: list[Command], offset: int) -> bytes:
    """The commands' bytes, with every data address moved up by ``offset``."""
    parts = []
    for op, fields in commands:
        moved = {name: fields[name] + offset for name in _ADDRESS.get(op, ()) if name in fields}
        if op == Op.LOAD and not fields["inner"]:
            moved = {}
        parts.append(pack(op, **fields | moved))
    return b"".join(parts)
