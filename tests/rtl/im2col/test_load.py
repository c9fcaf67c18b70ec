"""The load engine: bytes and padding of random commands, its speed, waits and halt."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from accel.params import Params
from accel.rtl.im2col.load import LoadEngine
from accel.rtl.memory.read import ReadMaster
from tests.rtl.read_memory import ReadMemory, simulate

MEMORY = 1 << 16


def machine(rows, bus, input_bytes=0):
    return Params(
        rows=rows, cols=max(4, bus // rows), input_bytes=input_bytes or 64 * rows, acc_rows=16,
        bus_bytes=bus, load_beats=64,
    )


def apply(buffer, image, command):
    """What a LOAD does, in plain Python."""
    def put(place, value):
        buffer[place % len(buffer)] = value

    for row in range(command["rows"]):
        place = command["dst"] + row * command["dst_pitch"]
        for _ in range(command["fill_left"]):
            put(place, command["fill_value"] & 0xFF)
            place += 1
        for item in range(command["items"]):
            source = command["src"] + row * command["row_pitch"] + item * command["item_pitch"]
            for n in range(command["inner"]):
                put(place, image[source + n])
                place += 1
        for _ in range(command["fill_right"]):
            put(place, command["fill_value"] & 0xFF)
            place += 1


def random_command(rng, params):
    limit = params.input_bytes
    command = {
        "src": rng.randrange(MEMORY // 4),
        "dst": rng.randrange(limit),
        "inner": rng.choice([0, 1, 3, params.bus_bytes, rng.randint(1, 100)]),
        "items": rng.randint(1, 4),
        "item_pitch": rng.choice([rng.randrange(200), 0]),
        "rows": rng.randint(1, 4),
        "row_pitch": rng.randrange(1000),
        "dst_pitch": rng.randrange(limit),
        "fill_left": rng.choice([0, 0, 1, rng.randint(1, 40)]),
        "fill_right": rng.choice([0, 0, 1, rng.randint(1, 40)]),
        "fill_value": rng.randint(-128, 127),
        "wait_exec": 0, "wait_post": 0, "wait_window": 0,
    }
    if not command["inner"] and not command["fill_left"]:
        command["fill_right"] = rng.randint(1, 40)
    return command


class Bench:
    """A load engine on a read memory, and its buffer as the writes leave it."""

    def __init__(self, params, latency=32, stall=0.0, seed=0):
        self.params, self.image = params, random.Random(7).randbytes(MEMORY)
        self.m = Module()
        self.m.submodules.engine = self.engine = LoadEngine(params)
        self.m.submodules.master = master = ReadMaster(params, 1)
        connect(self.m, self.engine.client, master.clients[0])
        self.memory = ReadMemory(master.axi, params, self.image, latency, stall, seed)
        self.buffer = bytearray(params.input_bytes)
        self.cycle, self.write_cycles, self.completions = 0, [], []
        self.on_completed = lambda: None

    async def watch(self, ctx):
        write, rows = self.engine.write, self.params.rows
        while True:
            *_, enable, where, values, completed, idle, active = await ctx.tick().sample(
                write.enable, write.row.as_value(), write.data.as_value(), self.engine.completed,
                self.engine.idle, self.engine.active,
            )
            width = len(write.row.as_value()) // rows
            for bank in range(rows):
                if enable >> bank & 1:
                    row = where >> width * bank & (1 << width) - 1
                    self.buffer[row * rows + bank] = values >> 8 * bank & 0xFF
            if enable:
                self.write_cycles.append(self.cycle)
            assert active or not enable
            assert not (idle and active)
            if completed:
                self.completions.append(self.cycle)
                self.on_completed()
            self.cycle += 1

    async def send(self, ctx, commands):
        port = self.engine.command
        for command in commands:
            ctx.set(port.payload, command)
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)

    def run(self, commands):
        async def bench(ctx):
            await self.send(ctx, commands)
            await ctx.tick().until(self.engine.idle)

        simulate(self.m, bench, background=(self.memory.serve, self.watch))


@pytest.mark.parametrize(
    "rows, bus, stall",
    [(4, 4, 0), (4, 16, 0.3), (8, 16, 0), (16, 16, 0.3), (16, 4, 0.3), (8, 64, 0), (32, 8, 0)],
)
def test_random_commands_leave_the_right_bytes_when_they_complete(rows, bus, stall):
    params = machine(rows, bus)
    rng = random.Random(rows * bus)
    commands = [random_command(rng, params) for _ in range(40)]
    bench = Bench(params, latency=8, stall=stall, seed=1)
    expected = bytearray(params.input_bytes)

    def check():
        command = commands[len(bench.completions) - 1]
        apply(expected, bench.image, command)
        assert bench.buffer == expected, command

    bench.on_completed = check
    bench.run(commands)
    assert len(bench.completions) == len(commands)


def rows_of(size, **fields):
    return {
        "src": 0, "dst": 0, "inner": size, "items": 1, "item_pitch": 0, "rows": 1, "row_pitch": 0,
        "dst_pitch": 0, "fill_left": 0, "fill_right": 0, "fill_value": 0,
        "wait_exec": 0, "wait_post": 0, "wait_window": 0, **fields,
    }


@pytest.mark.parametrize("rows, bus", [(8, 8), (16, 16), (4, 16), (16, 8)])
def test_aligned_rows_are_written_without_a_gap_at_latency_32(rows, bus):
    params = machine(rows, bus, 1024 * rows)
    size = 40 * bus
    bench = Bench(params, latency=32)
    bench.run([rows_of(size, rows=6, row_pitch=size, dst_pitch=size + rows)] * 2)
    step = min(rows, bus)
    assert len(bench.write_cycles) == 2 * 6 * size // step
    assert bench.write_cycles[-1] - bench.write_cycles[0] + 1 == len(bench.write_cycles)


def test_short_items_flow_at_a_beat_each_cycle_and_fills_at_rows_bytes():
    params = machine(16, 16, 4096)
    bench = Bench(params, latency=32)
    bench.run([
        rows_of(16, items=120, item_pitch=64),
        rows_of(0, fill_left=160, rows=5, dst_pitch=160),
    ])
    assert len(bench.write_cycles) == 120 + 5 * 10
    copies, fills = bench.write_cycles[:120], bench.write_cycles[120:]
    assert copies[-1] - copies[0] == 119
    assert fills[-1] - fills[0] == 49


def test_a_command_asks_for_nothing_before_its_waits_are_met():
    params = machine(4, 4)
    bench = Bench(params, latency=2)
    engine = bench.engine

    async def offer(ctx):
        await bench.send(ctx, [rows_of(4, wait_exec=3, wait_post=2, wait_window=1)])

    async def drive(ctx):
        for counts in ({"exec": 3, "post": 2}, {"exec": 3, "window": 1}, {"post": 9, "window": 9}):
            ctx.set(engine.done, {"window": 0, "exec": 0, "post": 0, **counts})
            await ctx.tick().repeat(10)
            assert not bench.memory.bursts
            assert not ctx.get(engine.idle) and not ctx.get(engine.active)
        ctx.set(engine.done, {"window": 1, "exec": 3, "post": 2})
        await ctx.tick().repeat(20)
        assert ctx.get(engine.idle)
        assert len(bench.completions) == 1

    simulate(bench.m, drive, background=(bench.memory.serve, bench.watch, offer))
    assert bench.buffer[:4] == bench.image[:4]


def test_halt_stops_requests():
    params = machine(4, 4)
    bench = Bench(params, latency=2)

    async def drive(ctx):
        ctx.set(bench.engine.halt, 1)
        ctx.set(bench.engine.command.payload, rows_of(40))
        ctx.set(bench.engine.command.valid, 1)
        await ctx.tick().repeat(30)
        assert not bench.memory.bursts

    simulate(bench.m, drive, background=(bench.memory.serve, bench.watch))
