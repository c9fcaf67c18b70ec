"""Interleave the engines' commands into one program order.

The order must list every command after all it waits for, so that no program can deadlock; within
that freedom it should keep every queue filled.  So the engines are played through with rough
durations, and commands are listed in the order of their starts: whatever starts is listed behind
what it waited for, and the fetcher, which follows this order, reaches each engine's next commands
before that engine needs them.

Beside the waits in its fields, a command keeps its place behind others (``Item.behind``):

- A LOAD or WLOAD goes at most a queue's depth ahead of the EXEC or WINDOW that needs it; more
  would fill the queue and stop the fetcher, and with it the other engines.
- WEIGHTS go one block ahead: with two more in the queue, the rest of a block's EXECs, which its
  WEIGHTS need to complete, might not be fetched.  WPARAMs take turns in two slots.
"""

import dataclasses

from accel.compiler.errors import CompileError
from accel.compiler.stream import Stream
from accel.isa import FIELDS, Op, WindowMode
from accel.params import DONE_BITS, PARAM_SLOTS, Params

Command = tuple[Op, dict[str, int]]

#: Engines, those first that should be listed first when they start together.
ENGINES = ("exec", "window", "post", "weights", "wparam", "load", "wload")
#: Rough cycles from the start of a transfer to its first data, and from a result to memory.
_LATENCY = 30
#: Rough cycles that a command costs beside its data.
_OVERHEAD = 4
#: The fields that hold counts to wait for, and of which engine, by opcode.
_WAITS = {
    op: [
        (field.name, field.name.removeprefix("wait_"))
        for field in fields if field.name.startswith("wait_")
    ]
    for op, fields in FIELDS.items()
}  # fmt: skip


@dataclasses.dataclass
class Item:
    """A command on its way into the order.

    Attributes:
        op, fields: of the command.
        after: per engine, how many of its commands must be done.
        behind: per engine, how many of its commands must be listed.
        cost: rough cycles it keeps its engine busy.
    """

    op: Op
    fields: dict[str, int]
    cost: float
    after: dict[str, int] = dataclasses.field(default_factory=dict)
    behind: dict[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for name, engine in _WAITS[self.op]:
            value = self.fields.get(name)
            if value:
                self.after[engine] = max(value, self.after.get(engine, 0))


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
    """Plays the engines through."""

    def __init__(self, queues: dict[str, list[Item]]):
        self.queues = queues
        self.starts: dict[str, list[float]] = {engine: [] for engine in ENGINES}
        self.ends: dict[str, list[float]] = {engine: [] for engine in ENGINES}
        self.free = dict.fromkeys(ENGINES, 0.0)

    def run(self) -> list[Command]:
        commands: list[Command] = []
        # When each engine's next command starts, as far as that is known; and for the others, the
        # list that has to get longer first, and how long.
        heads: dict[str, float] = {}
        blocked = {engine: (self.starts[engine], 0) for engine in ENGINES if self.queues[engine]}
        total = sum(len(items) for items in self.queues.values())
        while len(commands) < total:
            for engine, (others, count) in list(blocked.items()):
                if len(others) >= count:
                    self._look(engine, heads, blocked)
            if not heads:
                raise AssertionError("commands wait for each other in a circle")
            soonest = min(heads.values())
            engine = next(one for one in ENGINES if heads.get(one) == soonest)
            commands.append(self._list(engine, heads.pop(engine)))
            if len(self.starts[engine]) < len(self.queues[engine]):
                blocked[engine] = self.starts[engine], 0
        return commands

    def _look(self, engine: str, heads: dict[str, float], blocked: dict) -> None:
        """Find out when an engine's next command starts, or what that waits for."""
        item, start = self.queues[engine][len(self.starts[engine])], self.free[engine]
        for known, counts in ((self.ends, item.after), (self.starts, item.behind)):
            for other, count in counts.items():
                others = known[other]
                if count > len(others):
                    blocked[engine] = others, count
                    return
                if count > 0 and others[count - 1] > start:
                    start = others[count - 1]
        heads[engine] = start
        del blocked[engine]

    def _list(self, engine: str, start: float) -> Command:
        item = self.queues[engine][len(self.starts[engine])]
        self.free[engine] = start + item.cost + _OVERHEAD
        self.starts[engine].append(start)
        self.ends[engine].append(self.free[engine] + _LATENCY)
        return item.op, item.fields


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
        item = Item(op, fields, _copy_cost(fields, params))
        item.behind[reader] = readers
        items.append(item)
    return items


def _blocks(stream: Stream) -> dict[str, list[Item]]:
    """WEIGHTS, EXECs and POSTs of the array's blocks."""
    params = stream.params
    queues = {"weights": [], "exec": [], "post": []}
    exec_ends, post_ends = [0], [0]
    for number, block in enumerate(stream.blocks):
        record = params.param_bytes + block.weights["tiles"] * params.tile_bytes
        item = Item(Op.WEIGHTS, block.weights, record / params.bus_bytes)
        item.behind["exec"] = exec_ends[max(0, number - 1)]
        # At the start, where everything waits for the bus, the first input comes first.
        item.behind["load"] = stream.blocks[0].execs[0]["wait_load"]
        item.after["post"] = post_ends[max(0, number + 1 - PARAM_SLOTS)]
        queues["weights"].append(item)
        for fields in block.execs:
            tiles = -(-fields["k"] // params.rows)
            pixels = fields["nx"] * fields["ny"]
            item = Item(Op.EXEC, fields, tiles * max(pixels, params.rows))
            item.behind["weights"] = number + 1
            # The accumulator bank of the block before the last.
            item.after["post"] = post_ends[max(0, number - 1)]
            queues["exec"].append(item)
        exec_ends.append(len(queues["exec"]))
        for op, fields in block.posts:
            vectors = fields["count"] if op == Op.POST else 1
            item = Item(op, fields, vectors * params.cols / params.post_lanes)
            item.after["exec"] = exec_ends[-1]
            queues["post"].append(item)
        post_ends.append(len(queues["post"]))
    return queues


def _windows(stream: Stream) -> tuple[list[Item], list[Item]]:
    """WPARAMs and WINDOWs."""
    params = stream.params
    records, windows, macs = [], [], []
    for fields in stream.windows:
        vector = max(-(-fields["k"] // params.window_taps), params.cols / params.window_lanes)
        item = Item(Op.WINDOW, fields, fields["nx"] * fields["ny"] * vector)
        windows.append(item)
        if fields["mode"] != WindowMode.MAC:
            continue
        record = stream.wparams[len(records)]
        bytes_read = params.param_bytes + record["tiles"] * params.window_taps * params.cols
        before = Item(Op.WPARAM, record, bytes_read / params.bus_bytes)
        # Two slots: that of the MAC before the last.
        before.after["window"] = macs[-2] if len(macs) > 1 else 0
        records.append(before)
        item.after["wparam"] = len(records)
        macs.append(len(windows))
    return records, windows


def _copy_cost(fields: dict[str, int], params: Params) -> float:
    copied = fields["items"] * -(-fields["inner"] // params.bus_bytes)
    filled = (fields.get("fill_left", 0) + fields.get("fill_right", 0)) / params.bus_bytes
    return fields["rows"] * (copied + filled)
