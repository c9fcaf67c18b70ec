"""A window unit with memory, commands and a plain-Python model to compare with."""

import random

from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from accel.isa import RECORD_BYTES, RECORD_WORDS, Op
from accel.params import Params
from accel.rtl.memory.read import ReadMaster
from accel.rtl.window.unit import WindowUnit
from tests.rtl.axi_sink import AxiSink
from tests.rtl.read_memory import ReadMemory, simulate
from tests.rtl.window.model import WindowModel

#: Memory that is read, and memory that is written.
SIZE = 1 << 15
ENGINES = {Op.WLOAD: "wload", Op.WPARAM: "wparam", Op.WINDOW: "window"}
MULTIPLIERS = range(1 << 30, 1 << 31)


def machine(taps=4, cols=4, lanes=0, bus_bytes=8, window_bytes=1024):
    return Params(
        rows=max(4, bus_bytes), cols=cols, input_bytes=4096, acc_rows=16, bus_bytes=bus_bytes,
        window_taps=taps, window_bytes=window_bytes, window_lanes=lanes, load_beats=32,
    )  # fmt: skip


class Bench:
    """Collects commands, runs them, and compares the memory.

    ``done`` counts what has been completed; ``completions`` are (cycle, engine).
    """

    def __init__(self, params, *, latency=6, stall=0.0, seed=0):
        self.params, self.random, self.stall = params, random.Random(seed), stall
        self.image = bytearray(self.random.randbytes(SIZE))
        self.model = WindowModel(params, self.image)
        self.commands = {op: [] for op in ENGINES}
        self._next_record, self._next_output = SIZE // 2, 0
        self.m = Module()
        self.m.submodules.unit = self.unit = WindowUnit(params)
        self.m.submodules.master = master = ReadMaster(params, 2)
        connect(self.m, self.unit.param_client, master.clients[0])
        connect(self.m, self.unit.load_client, master.clients[1])
        self.memory = ReadMemory(master.axi, params, self.image, latency, stall, seed)
        self.sink = AxiSink(self.unit.axi, SIZE, stall=stall, latency=latency, seed=seed)
        self.done = dict.fromkeys(ENGINES.values(), 0)
        self.cycle, self.completions, self.issues, self.macs = 0, [], [], 0

    def add(self, op, **fields):
        """Append a command; the model executes it at once, so the order of calls counts."""
        self.commands[op].append(fields)
        self.model.execute(op, fields)

    def load(self, **fields):
        self.add(Op.WLOAD, **({"items": 1, "rows": 1} | fields))

    def fill_buffer(self):
        """Random bytes everywhere."""
        size = self.params.window_bytes
        self.load(src=self.random.randrange(SIZE // 2 - size), dst=0, inner=size)

    def record(self, k, *, exact=False):
        """A random parameter record for ``k`` elements, and its WPARAM.

        ``exact``: with multipliers that a float32 can hold.
        """
        rng, cols = self.random, self.params.cols
        tiles = -(-k // self.params.window_taps)
        src = self._next_record
        planes = bytearray(rng.randbytes(self.params.param_bytes))
        for c in range(cols):
            bias = rng.randint(-(1 << 17), 1 << 17)
            values = bias.to_bytes(4, "little", signed=True)
            multiplier = rng.choice(MULTIPLIERS) & (-128 if exact else -1)
            values += multiplier.to_bytes(4, "little")
            values += rng.randint(-9, 1).to_bytes(1, "little", signed=True)
            planes[c : 9 * cols : cols] = values
        self.image[src : src + len(planes)] = planes
        size = len(planes) + tiles * self.params.window_taps * cols
        self._next_record += -(-size // self.params.bus_bytes) * self.params.bus_bytes
        assert self._next_record <= SIZE
        self.add(Op.WPARAM, src=src, tiles=tiles)

    def window(self, **fields):
        """A WINDOW of ``fields`` with a place for its output, unless that is given."""
        fields = {"seg": fields["k"], "cols": self.params.cols, "lo": -128, "hi": 127} | fields
        if "dst" not in fields:
            fields["dst"] = self._next_output
            fields.setdefault("pitch_x", fields["cols"])
            fields.setdefault("pitch_y", fields["pitch_x"] * fields["nx"])
            span = fields["pitch_y"] * (fields["ny"] - 1) + fields["pitch_x"] * fields["nx"]
            self._next_output += span + self.random.randrange(3)
            assert self._next_output <= SIZE // 2
        self.add(Op.WINDOW, **fields)

    def waits(self, *names):
        """Waits for everything so far of the named engines."""
        ops = {name: op for op, name in ENGINES.items()}
        return {f"wait_{name}": len(self.commands[ops[name]]) for name in names}

    def run(self, *others, deadline=30_000):
        drivers = [self._drive(op, commands) for op, commands in self.commands.items()]
        simulate(
            self.m, *others, *drivers, self._finish, deadline=deadline,
            background=(self.memory.serve, self.sink.run, self._watch),
        )  # fmt: skip
        assert self.done == {name: len(self.commands[op]) for op, name in ENGINES.items()}
        expected = bytearray(SIZE)
        for place, byte in self.model.written.items():
            expected[place] = byte
        for place in self.model.records:
            got = self.sink.memory[place : place + RECORD_BYTES]
            expected[place : place + RECORD_BYTES] = got
        assert self.sink.memory == expected

    def _drive(self, op, commands):
        port = getattr(self.unit, ENGINES[op])
        rng = random.Random(op)

        async def drive(ctx):
            for command in commands:
                while rng.random() < self.stall:
                    await ctx.tick()
                ctx.set(port.payload, command)
                ctx.set(port.valid, 1)
                await ctx.tick().until(port.ready)
                ctx.set(port.valid, 0)

        return drive

    async def _finish(self, ctx):
        total = sum(len(commands) for commands in self.commands.values())
        while sum(self.done.values()) < total:
            await ctx.tick()
        await ctx.tick().until(self.unit.idle.as_value().all())
        assert not self.sink.pending

    async def _watch(self, ctx):
        unit = self.unit
        async for _, _, completed, busy, macs in ctx.tick().sample(
            unit.completed, unit.busy, unit.macs
        ):
            for name in self.done:
                if completed[name]:
                    self.done[name] += 1
                    self.completions.append((self.cycle, name))
            if busy:
                self.issues.append(self.cycle)
            self.macs += macs
            for name in ("wload", "window"):
                ctx.set(unit.done[name], self.done[name])
            ctx.set(unit.record, [self.cycle + word for word in range(RECORD_WORDS)])
            self.cycle += 1
