"""Interleave the engines' commands into one program order.

The order must list every command after all it waits for, so that no program can deadlock; within
that freedom it should keep every queue filled.  So the engines are played through with rough
durations, and commands are listed in the order of their starts: whatever starts is listed behind
what it waited for, and the fetcher, which follows this order, reaches each engine's next commands
before that engine needs them.

Beside the waits in its fields, a command keeps its place behind others:

- A LOAD or WLOAD goes at most a queue's depth ahead of the EXEC or WINDOW that needs it; more
  would fill the queue and stop the fetcher, and with it the other engines.
- WEIGHTS go one block ahead: with two more in the queue, the rest of a block's EXECs, which its
  WEIGHTS need to complete, might not be fetched.  WPARAMs take turns in two slots.
"""

import dataclasses
import math

from accel.compiler.errors import CompileError
from accel.compiler.stream import Stream
from accel.isa import FIELDS, Op, WindowMode
from accel.params import DONE_BITS, PARAM_SLOTS, Params

Command = tuple[Op, dict[str, int]]

#: Engines, those first that should be listed first when they start together.
ENGINES = ("exec", "window", "post", "weights", "wparam", "load", "wload")
_PLACES = {engine: place for place, engine in enumerate(ENGINES)}
#: What may be needed of a command: that it is listed before, or done.
LISTED, DONE = 0, 1
#: Rough cycles from the start of a transfer to its first data, and from a result to memory.
_LATENCY = 30
#: Rough cycles that a command costs beside its data.
_OVERHEAD = 4
_NEVER = math.inf
#: The fields that hold counts to wait for, and of which engine, by opcode.
_WAITS = {
    op: [
        (field.name, field.name.removeprefix("wait_"))
        for field in fields if field.name.startswith("wait_")
    ]
    for op, fields in FIELDS.items()
}  # fmt: skip


@dataclasses.dataclass(slots=True)
class Item:
    """A command on its way into the order.

    Attributes:
        op, fields: of the command.
        cost: rough cycles it keeps its engine busy.
        needs: (engine, what, count): so many of an engine's commands must be DONE or LISTED.
    """

    op: Op
    fields: dict[str, int]
    cost: float
    needs: list[tuple[str, int, int]]


def _item(op: Op, fields: dict[str, int], cost: float, *needs: tuple[str, int, int]) -> Item:
    """A command that needs what its ``wait_`` fields say, and ``needs``."""
    wanted = [need for need in needs if need[2]]
    for name, engine in _WAITS[op]:
        if count := fields.get(name):
            wanted.append((engine, DONE, count))
    return Item(op, fields, cost, wanted)


def order(stream: Stream) -> list[Command]:
    """All commands of a stream in program order.

    Raises:
        CompileError: an engine gets more commands than its counter can count.
    """
    queues = _items(stream)
    for engine, items in queues.items():
        if len(items) >= 1 << DONE_BITS:
            raise CompileError(
                f"the {engine} engine takes at most {(1 << DONE_BITS) - 1} commands, "
                f"not {len(items)}"
            )
    return _Player(queues).run()


class _Player:
    """Plays the engines through.

    Parameters:
        queues: every engine's commands.
    """

    def __init__(self, queues: dict[str, list[Item]]):
        #: By engine: when its commands were listed (they start then), and when they are done.
        self.times: dict[str, tuple[list[float], list[float]]] = {
            engine: ([], []) for engine in ENGINES
        }
        self.items = {engine: iter(queues[engine]) for engine in ENGINES}
        self.total = sum(len(items) for items in queues.values())
        self.free = dict.fromkeys(ENGINES, 0.0)
        #: Each engine's next command; and, in the order of ENGINES, when it starts, _NEVER while
        #: that is not known.
        self.next: dict[str, Item | None] = {}
        self.heads = [_NEVER] * len(ENGINES)
        #: By engine: who looks again when it has so many commands listed.
        self.waiting: dict[str, list[tuple[int, str]]] = {engine: [] for engine in ENGINES}

    def run(self) -> list[Command]:
        commands: list[Command] = []
        heads, waiting, times, free = self.heads, self.waiting, self.times, self.free
        for engine in ENGINES:
            self._go_on(engine)
        for _ in range(self.total):
            start = min(heads)
            if start == _NEVER:
                raise AssertionError("commands wait for each other in a circle")
            # Of those that start together, the first in the order of ENGINES.
            engine = ENGINES[heads.index(start)]
            item = self.next[engine]
            commands.append((item.op, item.fields))
            free[engine] = end = start + item.cost + _OVERHEAD
            listed, done = times[engine]
            listed.append(start)
            done.append(end + _LATENCY)
            self._go_on(engine)
            if waiting[engine]:
                self._wake(engine, len(listed))
        return commands

    def _go_on(self, engine: str) -> None:
        """Turn to an engine's next command."""
        self.heads[_PLACES[engine]] = _NEVER
        self.next[engine] = item = next(self.items[engine], None)
        if item:
            self._look(engine, item)

    def _look(self, engine: str, item: Item) -> None:
        """Find out when an engine's next command starts, or what that waits for."""
        start = self.free[engine]
        for other, what, count in item.needs:
            times = self.times[other][what]
            if count > len(times):
                self.waiting[other].append((count, engine))
                return
            if times[count - 1] > start:
                start = times[count - 1]
        self.heads[_PLACES[engine]] = start

    def _wake(self, engine: str, listed: int) -> None:
        """Let those look again that waited for the latest of an engine's ``listed`` commands."""
        waiting = self.waiting[engine]
        if min(waiting)[0] <= listed:
            self.waiting[engine] = [one for one in waiting if one[0] > listed]
            for count, other in waiting:
                if count <= listed:
                    self._look(other, self.next[other])


def _items(stream: Stream) -> dict[str, list[Item]]:
    """All engines' commands with what they wait for, also implicitly."""
    params = stream.params
    ahead = max(2, params.queue_depth - 2)
    execs = [fields for block in stream.blocks for fields in block.execs]
    queues = _blocks(stream)
    queues["load"] = _copies(Op.LOAD, stream.loads, params, "exec",
                             [fields["wait_load"] for fields in execs], ahead)
    queues["wload"] = _copies(Op.WLOAD, stream.wloads, params, "window",
                              [fields["wait_wload"] for fields in stream.windows], ahead)
    queues["wparam"], queues["window"] = _windows(stream)
    return queues


def _copies(op: Op, copies, params: Params, reader: str, needs: list[int], ahead: int):
    """LOADs or WLOADs; the reader number n needs the first ``needs[n]`` of them."""
    items, readers = [], 0
    for number, fields in enumerate(copies):
        while readers < len(needs) and needs[readers] <= number - ahead:
            readers += 1
        cost = _copy_cost(fields, params)
        items.append(_item(op, fields, cost, (reader, LISTED, readers)))
    return items


def _blocks(stream: Stream) -> dict[str, list[Item]]:
    """WEIGHTS, EXECs and POSTs of the array's blocks."""
    params = stream.params
    queues = {"weights": [], "exec": [], "post": []}
    exec_ends, post_ends = [0], [0]
    for number, block in enumerate(stream.blocks):
        record = params.param_bytes + block.weights["tiles"] * params.tile_bytes
        queues["weights"].append(_item(
            Op.WEIGHTS, block.weights, record / params.bus_bytes,
            ("exec", LISTED, exec_ends[max(0, number - 1)]),
            # At the start, where everything waits for the bus, the first input comes first.
            ("load", LISTED, stream.blocks[0].execs[0]["wait_load"]),
            ("post", DONE, post_ends[max(0, number + 1 - PARAM_SLOTS)]),
        ))  # fmt: skip
        for fields in block.execs:
            tiles = -(-fields["k"] // params.rows)
            pixels = fields["nx"] * fields["ny"]
            queues["exec"].append(_item(
                Op.EXEC, fields, tiles * max(pixels, params.rows),
                ("weights", LISTED, number + 1),
                # The accumulator bank of the block before the last.
                ("post", DONE, post_ends[max(0, number - 1)]),
            ))  # fmt: skip
        exec_ends.append(len(queues["exec"]))
        for op, fields in block.posts:
            vectors = fields["count"] if op == Op.POST else 1
            cost = vectors * params.cols / params.post_lanes
            queues["post"].append(_item(op, fields, cost, ("exec", DONE, exec_ends[-1])))
        post_ends.append(len(queues["post"]))
    return queues


def _windows(stream: Stream) -> tuple[list[Item], list[Item]]:
    """WPARAMs and WINDOWs."""
    params = stream.params
    records, windows, macs = [], [], []
    for fields in stream.windows:
        vector = max(-(-fields["k"] // params.window_taps), params.cols / params.window_lanes)
        needs = []
        if fields["mode"] == WindowMode.MAC:
            needs = [("wparam", DONE, len(records) + 1)]
        cost = fields["nx"] * fields["ny"] * vector
        windows.append(_item(Op.WINDOW, fields, cost, *needs))
        if not needs:
            continue
        record = stream.wparams[len(records)]
        bytes_read = params.param_bytes + record["tiles"] * params.window_taps * params.cols
        # Two slots: that of the MAC before the last.
        before = ("window", DONE, macs[-2] if len(macs) > 1 else 0)
        records.append(_item(Op.WPARAM, record, bytes_read / params.bus_bytes, before))
        macs.append(len(windows))
    return records, windows


def _copy_cost(fields: dict[str, int], params: Params) -> float:
    copied = fields["items"] * -(-fields["inner"] // params.bus_bytes)
    filled = (fields.get("fill_left", 0) + fields.get("fill_right", 0)) / params.bus_bytes
    return fields["rows"] * (copied + filled)
