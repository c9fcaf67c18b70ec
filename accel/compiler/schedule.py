"""Interleave the engines' commands into one program order.

The order must list every command after all it waits for, so that no program can deadlock; within
that freedom it should keep every queue filled.  So the engines are played through with rough
durations, and commands are listed in the order of their starts: whatever starts is listed behind
what it waited for, and the fetcher, which follows this order, reaches each engine's next commands
before that engine needs them.

Beside the waits in its fields, a command keeps its place behind others:

- An EXEC behind its block's WEIGHTS, and behind the POST that frees its bank; a POST behind its
  EXECs; WEIGHTS behind the POST that frees a slot of parameters.  Likewise a WINDOW behind its
  WPARAM, and a WPARAM behind the WINDOW that frees its slot: that of the MAC before the last.
- WEIGHTS go one block ahead: with two more in the queue, the rest of a block's EXECs, which its
  WEIGHTS need to complete, might not be fetched.
- A LOAD or WLOAD goes at most a queue's depth ahead of the EXEC or WINDOW that needs it; more
  would fill the queue and stop the fetcher, and with it the other engines for a while.

**No such program can deadlock**, however short the queues, and whatever stays on the chip.  Look at
the earliest command of the list that is not finished, with the machine at rest.  It is at the head
of its engine's queue, or the next one for which there is room: all before it are finished.  So is
all that it waits for, by a field or without, and nothing else can hold it: a bank, a slot, a place
in a buffer are held by earlier commands only, and a result on its way into a buffer has its port.
So it proceeds, and the machine was not at rest, unless it is one of WEIGHTS whose tiles find no
room.  Room makes the next EXEC, which uses the oldest tile: one of its block, or of the block
before.  Up to that EXEC the list has one more of WEIGHTS at most, for which the queue, of two
commands at least, has room, and whose completion nobody waits for.  All others up to there are not
held by WEIGHTS: the earliest of those that are not finished proceeds by the same argument, and at
last the EXEC does.  tests/support/listing.py checks the rules, by field and without, for every
program of the campaigns.
"""

import math

from accel.compiler.errors import CompileError
from accel.compiler.stream import Stream
from accel.isa import FIELDS, Op, WindowMode
from accel.params import DONE_BITS, PARAM_SLOTS, Params

Command = tuple[Op, dict[str, int]]

#: Engines, those first that should be listed first when they start together.
ENGINES = ("exec", "window", "post", "weights", "wparam", "load", "wload")
EXEC, WINDOW, POST, WEIGHTS, WPARAM, LOAD, WLOAD = range(len(ENGINES))
#: What may be needed of a command: that it is listed before, or done.  Engine plus one of these
#: numbers a list of times.
LISTED, DONE = 0, len(ENGINES)
#: Rough cycles from the start of a transfer to its first data, and from a result to memory.
_LATENCY = 30
#: Rough cycles that a command costs beside its data.
_OVERHEAD = 4
_NEVER = math.inf
#: The fields that hold counts of an engine's commands to wait for, by opcode.
_WAITS = {
    op: [
        (field.name, ENGINES.index(field.name.removeprefix("wait_")) + DONE)
        for field in fields if field.name.startswith("wait_")
    ]
    for op, fields in FIELDS.items()
}  # fmt: skip


#: A command on its way into the order; the rough cycles it keeps its engine busy; and what it
#: needs, (engine + LISTED or DONE, count): so many of that one's commands must be that.
Item = tuple[Command, float, list[tuple[int, int]]]


class _Queue:
    """One engine's commands in their order, with what they wait for."""

    def __init__(self):
        self.items: list[Item] = []
        self._most = [0] * 2 * len(ENGINES)

    def add(self, op: Op, fields: dict[str, int], cost: float, *needs) -> None:
        """Append a command that needs what its ``wait_`` fields say, and ``needs``.

        What a command before it needed as well is left out.
        """
        most, wanted = self._most, []
        for need in needs:
            what, count = need
            if count > most[what]:
                most[what] = count
                wanted.append(need)
        for name, what in _WAITS[op]:
            if name in fields and (count := fields[name]) > most[what]:
                most[what] = count
                wanted.append((what, count))
        self.items.append(((op, fields), cost, wanted))


def order(stream: Stream) -> list[Command]:
    """All commands of a stream in program order.

    Raises:
        CompileError: an engine gets more commands than its counter can count.
    """
    queues = _queues(stream)
    for engine, items in zip(ENGINES, queues, strict=True):
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

    def __init__(self, queues: list[list[Item]]):
        engines = range(len(ENGINES))
        #: By engine: when its commands were LISTED (they start then), and then when they are DONE.
        self.times: list[list[float]] = [[] for _ in range(2 * len(ENGINES))]
        self.items = [iter(items) for items in queues]
        self.total = sum(map(len, queues))
        self.free = [0.0 for _ in engines]
        #: Each engine's next command, and when it starts; _NEVER while that is not known.
        self.next: list[Item | None] = [None for _ in engines]
        self.heads = [_NEVER for _ in engines]
        #: By engine: who looks again when it has so many commands listed; and the least of those.
        self.waiting: list[list[tuple[int, int]]] = [[] for _ in engines]
        self.least = [_NEVER for _ in engines]

    def run(self) -> list[Command]:
        commands: list[Command] = []
        heads, least, free, times = self.heads, self.least, self.free, self.times
        items, turn = self.items, self.next
        for engine, queue in enumerate(items):
            turn[engine] = item = next(queue, None)
            if item:
                self._look(engine, item)
        for _ in range(self.total):
            start = min(heads)
            if start == _NEVER:
                raise AssertionError("commands wait for each other in a circle")
            engine = heads.index(start)  # of those that start together, the first
            command, cost, _ = turn[engine]
            commands.append(command)
            free[engine] = end = start + cost + _OVERHEAD
            listed = times[engine + LISTED]
            listed.append(start)
            times[engine + DONE].append(end + _LATENCY)
            turn[engine] = item = next(items[engine], None)
            if item is None:
                heads[engine] = _NEVER
            elif item[2]:
                self._look(engine, item)
            else:
                heads[engine] = end
            if least[engine] <= len(listed):
                self._wake(engine, len(listed))
        return commands

    def _look(self, engine: int, item: Item) -> None:
        """Find out when an engine's next command starts, or what that waits for."""
        start, every = self.free[engine], self.times
        for what, count in item[2]:
            times = every[what]
            if count > len(times):
                self._wait(what % len(ENGINES), count, engine)
                self.heads[engine] = _NEVER
                return
            if times[count - 1] > start:
                start = times[count - 1]
        self.heads[engine] = start

    def _wake(self, engine: int, listed: int) -> None:
        """Let those look again that waited for the latest of an engine's ``listed`` commands."""
        waiting, self.waiting[engine], self.least[engine] = self.waiting[engine], [], _NEVER
        for count, other in waiting:
            if count <= listed:
                self._look(other, self.next[other])
            else:
                self._wait(engine, count, other)

    def _wait(self, engine: int, count: int, other: int) -> None:
        """Let ``other`` look again when ``count`` of an engine's commands are listed."""
        self.waiting[engine].append((count, other))
        if count < self.least[engine]:
            self.least[engine] = count


def _queues(stream: Stream) -> list[list[Item]]:
    """All engines' commands with what they wait for, also implicitly; in the order of ENGINES."""
    params = stream.params
    execs = [fields["wait_load"] for block in stream.blocks for fields in block.execs]
    windows = [fields["wait_wload"] for fields in stream.windows]
    weights, array, post = _blocks(stream)
    wparam, window = _windows(stream)
    load = _copies(Op.LOAD, stream.loads, params, EXEC, execs)
    wload = _copies(Op.WLOAD, stream.wloads, params, WINDOW, windows)
    return [queue.items for queue in (array, window, post, weights, wparam, load, wload)]


def _copies(op: Op, copies, params: Params, reader: int, needs: list[int]) -> _Queue:
    """LOADs or WLOADs; the reader number n needs the first ``needs[n]`` of them."""
    queue, readers, ahead = _Queue(), 0, max(2, params.queue_depth - 2)
    for number, fields in enumerate(copies):
        while readers < len(needs) and needs[readers] <= number - ahead:
            readers += 1
        queue.add(op, fields, _copy_cost(fields, params), (reader + LISTED, readers))
    return queue


def _blocks(stream: Stream) -> tuple[_Queue, _Queue, _Queue]:
    """WEIGHTS, EXECs and POSTs of the array's blocks."""
    params = stream.params
    weights, execs, posts = _Queue(), _Queue(), _Queue()
    exec_ends, post_ends = [0], [0]
    first = stream.blocks[0].execs[0]["wait_load"] if stream.blocks else 0
    for number, block in enumerate(stream.blocks):
        record = params.param_bytes + block.weights["tiles"] * params.tile_bytes
        # An EXEC comes behind its WEIGHTS, and takes the bank of the block before the last.
        needs = (WEIGHTS + LISTED, number + 1), (POST + DONE, post_ends[max(0, number - 1)])
        weights.add(
            Op.WEIGHTS, block.weights, record / params.bus_bytes,
            (EXEC + LISTED, exec_ends[max(0, number - 1)]),
            # At the start, where everything waits for the bus, the first input comes first.
            (LOAD + LISTED, first),
            (POST + DONE, post_ends[max(0, number + 1 - PARAM_SLOTS)]),
        )  # fmt: skip
        for fields in block.execs:
            tiles = -(-fields["k"] // params.rows)
            pixels = fields["nx"] * fields["ny"]
            execs.add(Op.EXEC, fields, tiles * max(pixels, params.rows), *needs)
        exec_ends.append(len(execs.items))
        for op, fields in block.posts:
            vectors = fields["count"] if op == Op.POST else 1
            cost = vectors * params.cols / params.post_lanes
            posts.add(op, fields, cost, (EXEC + DONE, exec_ends[-1]))
        post_ends.append(len(posts.items))
    return weights, execs, posts


def _windows(stream: Stream) -> tuple[_Queue, _Queue]:
    """WPARAMs and WINDOWs."""
    params = stream.params
    records, windows, macs = _Queue(), _Queue(), []
    for fields in stream.windows:
        vector = max(-(-fields["k"] // params.window_taps), params.cols / params.window_lanes)
        cost = fields["nx"] * fields["ny"] * vector
        if fields["mode"] != WindowMode.MAC:
            windows.add(Op.WINDOW, fields, cost)
            continue
        record = stream.wparams[len(macs)]
        bytes_read = params.param_bytes + record["tiles"] * params.window_taps * params.cols
        # Two slots: that of the MAC before the last.
        before = WINDOW + DONE, macs[-2] if len(macs) > 1 else 0
        records.add(Op.WPARAM, record, bytes_read / params.bus_bytes, before)
        windows.add(Op.WINDOW, fields, cost, (WPARAM + DONE, len(records.items)))
        macs.append(len(windows.items))
    return records, windows


def _copy_cost(fields: dict[str, int], params: Params) -> float:
    copied = fields["items"] * -(-fields["inner"] // params.bus_bytes)
    filled = (fields.get("fill_left", 0) + fields.get("fill_right", 0)) / params.bus_bytes
    return fields["rows"] * (copied + filled)
