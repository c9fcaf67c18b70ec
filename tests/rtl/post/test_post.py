"""The post engine: images, tables, marks and waits, with a bus that stalls, and its speed."""

import random

import pytest
from amaranth.sim import Simulator

from accel import isa
from accel.isa import ACTIVATION_ENTRIES, Op, Pool, Rounding
from accel.params import (
    ACC_READ_LATENCY,
    PARAM_PLANES,
    PARAM_SLOTS,
    REQUANT_LATENCY,
    Params,
)
from accel.rtl.post.block_reader import LATENCY
from accel.rtl.post.post import PostEngine
from tests.rtl.axi_sink import AxiSink
from tests.rtl.expected import requantise

SIZE = 1 << 13


class Bench:
    """A post engine with accumulators, parameter slots and memory modelled in Python."""

    def __init__(self, cols=4, lanes=0, bus_bytes=8, *, stall=0.0, latency=5, seed=0):
        self.params = Params(rows=8, cols=cols, input_bytes=256, acc_rows=256, pool_entries=64,
                             bus_bytes=bus_bytes, post_lanes=lanes)  # fmt: skip
        self.dut = PostEngine(self.params)
        self.sink = AxiSink(self.dut.axi, SIZE, stall=stall, latency=latency, seed=seed)
        self.random = random.Random(seed)
        self.expected = bytearray(SIZE)
        self.commands = []
        self.blocks = []  # (sums of each row, multipliers, shifts)
        self.done = {"load": 0, "exec": 0, "post": 0}
        self.banks = [None, None]
        self.free_banks, self.free_slots = 2, PARAM_SLOTS
        self.cycle = self.completed = 0
        self.completions = []
        self.watchers = []

    def add(self, op, **values):
        self.commands.append((op, values))

    def block(self, count):
        """A random block; returns its rows' results before the zero point, as a function."""
        rng, cols = self.random, self.params.cols
        multipliers = [rng.randrange(1 << 23, 1 << 24) << 7 for _ in range(cols)]
        shifts = [rng.randint(-12, 2) for _ in range(cols)]
        rows = [[rng.randint(-(1 << 14), 1 << 14) for _ in range(cols)] for _ in range(count)]
        self.blocks.append((rows, multipliers, shifts))

        def results(rounding, out_zero, lo, hi):
            return [
                [
                    requantise(x, multiplier, shift, rounding, out_zero, lo, hi)
                    for x, multiplier, shift in zip(row, multipliers, shifts, strict=True)
                ]
                for row in rows
            ]

        return results

    def activation(self, values):
        """ACTIVATION commands that make ``values`` the table."""
        for first in range(0, 256, ACTIVATION_ENTRIES):
            entries = {f"value{n}": values[first + n] for n in range(ACTIVATION_ENTRIES)}
            self.add(Op.ACTIVATION, first=first, **entries)

    def expect(self, vector, address, cols):
        self.expected[address : address + cols] = bytes(value & 255 for value in vector[:cols])

    def run(self):
        """Feed commands and blocks as room allows, and compare the memory."""
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._observe, background=True)
        simulator.add_testbench(self._accumulators, background=True)
        simulator.add_testbench(self._blocks, background=True)
        simulator.add_testbench(self._drive)
        for process in (self.sink.run, *self.watchers):
            simulator.add_testbench(process, background=True)
        simulator.run()
        assert self.sink.memory == self.expected
        assert self.completed == len(self.commands)
        assert self.free_banks == 2 and self.free_slots == PARAM_SLOTS

    async def _drive(self, ctx):
        command = self.dut.command
        for op, values in self.commands:
            word = int.from_bytes(isa.pack(op, **values), "little")
            ctx.set(command.payload.table, op == Op.TABLE)
            ctx.set(command.payload.activation, op == Op.ACTIVATION)
            ctx.set(command.payload.bits, word >> 8)
            ctx.set(command.valid, 1)
            await ctx.tick().until(command.ready)
            ctx.set(command.valid, 0)
        await ctx.tick().until(self.dut.idle)
        assert not self.sink.pending
        await ctx.tick()

    async def _observe(self, ctx):
        dut = self.dut
        async for _, _, completed, bank_free, slot_free in ctx.tick().sample(
            dut.completed, dut.bank_free, dut.slot_free
        ):
            self.cycle += 1
            assert self.cycle < 10_000
            if completed:
                self.completed += 1
                self.done["post"] += 1
                self.completions.append(self.cycle)
                ctx.set(dut.done.post, self.done["post"])
            self.free_banks += bank_free
            self.free_slots += slot_free

    async def _accumulators(self, ctx):
        acc = self.dut.acc
        way = [[0] * self.params.cols] * ACC_READ_LATENCY
        async for _, _, bank, row in ctx.tick().sample(acc.bank, acc.row):
            rows = self.banks[bank] or []
            junk = [self.random.getrandbits(31) for _ in range(self.params.cols)]
            way = [*way[1:], rows[row] if row < len(rows) else junk]
            ctx.set(acc.data, way[0])

    async def _blocks(self, ctx):
        param = self.dut.param
        for number, (rows, multipliers, shifts) in enumerate(self.blocks):
            while not (self.free_banks and self.free_slots):
                await ctx.tick()
            self.free_banks -= 1
            self.free_slots -= 1
            words = [m | (s & 255) << 32 for m, s in zip(multipliers, shifts, strict=True)]
            for plane in range(PARAM_PLANES):
                ctx.set(param.valid, 1)
                ctx.set(param.slot, number % PARAM_SLOTS)
                ctx.set(param.plane, plane)
                ctx.set(param.data, [self.random.randrange(256) if plane < 4 else
                                     word >> 8 * (plane - 4) & 255 for word in words])  # fmt: skip
                await ctx.tick()
            ctx.set(param.valid, 0)
            self.banks[number % 2] = rows
            ctx.set(self.dut.block_done, 1)
            await ctx.tick()
            ctx.set(self.dut.block_done, 0)


REQUANT = {"out_zero": -3, "lo": -100, "hi": 90}


@pytest.mark.parametrize("cols, lanes", [(4, 4), (4, 2), (8, 2), (8, 1)])
@pytest.mark.parametrize("stall", (0.0, 0.5))
def test_images_without_pooling(cols, lanes, stall):
    """An image in several blocks, with every rounding; blocks of one pixel, too."""
    bench = Bench(cols, lanes, stall=stall, seed=cols + lanes)
    dst = 3
    for rounding in Rounding:
        image = {"in_w": 7, "in_h": 6, "out_w": 7, "out_h": 6, "dst": dst, "cols": cols - 1,
                 "pitch_x": cols, "pitch_y": 7 * cols + 2, "rounding": rounding}  # fmt: skip
        pixel = 0
        for count in (1, 20, 21):
            results = bench.block(count)(rounding, *REQUANT.values())
            bench.add(Op.POST, begin=pixel == 0, count=count, **image, **REQUANT)
            for vector in results:
                y, x = divmod(pixel, 7)
                bench.expect(vector, dst + y * (7 * cols + 2) + x * cols, cols - 1)
                pixel += 1
        dst += 6 * (7 * cols + 2) + 1
    bench.run()


@pytest.mark.parametrize("lanes", (4, 1))
def test_pooling_with_tables(lanes):
    """Table, average and max pooling in turn; a table in the middle of an image."""
    bench = Bench(4, lanes, stall=0.2, seed=lanes)
    dst = 0
    for pool in (Pool.AVERAGE, Pool.MAX, Pool.AVERAGE):
        image = {"in_w": 6, "in_h": 4, "out_w": 3, "out_h": 2, "kh": 2, "kw": 2, "sh": 2, "sw": 2,
                 "pool": pool, "pool_in_zero": 5, "pool_out_zero": -7, "dst": dst, "cols": 4,
                 "pitch_x": 4, "pitch_y": 12, "rounding": Rounding.SINGLE,
                 "pool_rounding": Rounding.SINGLE}  # fmt: skip
        # Eight entries; only the one for four elements is used: a quarter.
        entries = {f"index{n}": n + 1 for n in range(8)}
        entries |= {f"multiplier{n}": 1 << 30 if n == 3 else 12345 for n in range(8)}
        entries |= {f"shift{n}": -1 if n == 3 else 3 for n in range(8)}
        bench.add(Op.TABLE, entries=8, **entries)
        pixels = []
        for n, count in enumerate((8, 15, 1)):
            pixels += bench.block(count)(Rounding.SINGLE, *REQUANT.values())
            bench.add(Op.POST, begin=n == 0, count=count, **image, **REQUANT)
            if n == 0:
                bench.add(Op.TABLE, entries=1, index0=77, multiplier0=1)
        for y in range(2):
            for x in range(3):
                first = 12 * y + 2 * x
                window = [pixels[first + n] for n in (0, 1, 6, 7)]
                if pool == Pool.MAX:
                    vector = [max(values) for values in zip(*window, strict=True)]
                else:
                    vector = [
                        requantise(sum(values) - 4 * 5, 1 << 30, -1, Rounding.SINGLE, -7, -128, 127)
                        for values in zip(*window, strict=True)
                    ]
                bench.expect(vector, dst + 4 * (3 * y + x), 4)
        dst += 24
    bench.run()


@pytest.mark.parametrize("cols, lanes", [(4, 4), (8, 2)])
@pytest.mark.parametrize("stall", (0.0, 0.5))
def test_activations(cols, lanes, stall):
    """Through two tables in turn, past the table, and through it before pooling."""
    bench = Bench(cols, lanes, stall=stall, seed=3)
    size = 16 * cols
    tables = [[bench.random.randint(-128, 127) for _ in range(256)] for _ in range(2)]
    for number, (table, activate) in enumerate(((0, 1), (1, 1), (None, 0), (None, 1))):
        if table is not None:
            bench.activation(tables[table])
        pooled = number == 3
        side = 2 if pooled else 4
        image = {"in_w": 4, "in_h": 4, "out_w": side, "out_h": side, "dst": size * number,
                 "cols": cols, "pitch_x": cols, "pitch_y": side * cols, "activate": activate,
                 "kh": 2, "kw": 2, "sh": 2, "sw": 2,
                 "pool": Pool.MAX if pooled else Pool.NONE}  # fmt: skip
        pixels = bench.block(16)(Rounding.DOUBLE, 0, -128, 127)
        if activate:
            pixels = [[tables[bool(number)][value + 128] for value in pixel] for pixel in pixels]
        bench.add(Op.POST, begin=1, count=16, lo=-128, hi=127, **image)
        for n in range(side * side):
            y, x = divmod(n, side)
            first = 8 * y + 2 * x
            window = [first, first + 1, first + 4, first + 5] if pooled else [n]
            vector = [max(values) for values in zip(*(pixels[i] for i in window), strict=True)]
            bench.expect(vector, size * number + cols * n, cols)
    bench.run()


def test_every_entry_of_an_activation_table():
    """Identity sums: pixel n holds the values n - 128 and 127 - n."""
    bench = Bench(4)
    table = list(range(-128, 128))
    bench.random.shuffle(table)
    bench.activation(table)
    for half in range(2):
        values = [(n - 128, 127 - n, 0, -1) for n in range(128 * half, 128 * half + 128)]
        bench.blocks.append(([list(row) for row in values], [1 << 30] * 4, [1] * 4))
        bench.add(Op.POST, begin=half == 0, count=128, cols=4, in_w=128, in_h=2, out_w=128, out_h=2,
                  lo=-128, hi=127, pitch_x=4, pitch_y=512, rounding=1, activate=1)  # fmt: skip
        for n, row in enumerate(values):
            bench.expect([table[value + 128] for value in row], 512 * half + 4 * n, 4)
    bench.run()


@pytest.mark.parametrize("cols", (4, 8, 16))
def test_average_throughput(cols):
    """An average of C channels takes C cycles, however long a requantiser's way is."""
    bench = Bench(cols, latency=1)
    image = {"in_w": 10, "in_h": 3, "out_w": 10, "out_h": 3, "kh": 1, "kw": 1, "sh": 1, "sw": 1,
             "pool": Pool.AVERAGE, "pool_rounding": Rounding.FLOAT, "rounding": Rounding.SINGLE,
             "cols": cols, "pitch_x": cols, "pitch_y": 10 * cols}  # fmt: skip
    bench.add(Op.TABLE, entries=1, index0=1, multiplier0=1 << 30, shift0=1)
    for n, vector in enumerate(bench.block(30)(Rounding.SINGLE, *REQUANT.values())):
        bench.expect(vector, cols * n, cols)
    bench.add(Op.POST, begin=1, count=30, **image, **REQUANT)
    bench.run()
    took = bench.completions[1] - bench.completions[0]
    assert 30 * cols < took <= 30 * cols + 2 * REQUANT_LATENCY + 40


def test_slow_pooling_holds_the_reader_up():
    """Averages of single pixels: far slower than requantisation, for longer than queues last."""
    bench = Bench(8)
    image = {"in_w": 10, "in_h": 9, "out_w": 10, "out_h": 9, "kh": 1, "kw": 1, "sh": 1, "sw": 1,
             "pool": Pool.AVERAGE, "pool_rounding": Rounding.SINGLE, "rounding": Rounding.SINGLE,
             "cols": 8, "pitch_x": 8, "pitch_y": 80}  # fmt: skip
    bench.add(Op.TABLE, entries=1, index0=1, multiplier0=1 << 30, shift0=1)
    for n, vector in enumerate(bench.block(90)(Rounding.SINGLE, *REQUANT.values())):
        bench.expect(vector, 8 * n, 8)
    bench.add(Op.POST, begin=1, count=90, **image, **REQUANT)
    bench.run()


def test_completions_come_in_turn():
    """A table behind an image completes behind it, however slow its writes are."""
    bench = Bench(latency=100)
    image = {"in_w": 1, "in_h": 1, "out_w": 1, "out_h": 1, "cols": 4, "dst": 8, "rounding": 1}
    (vector,) = bench.block(1)(Rounding.SINGLE, *REQUANT.values())
    bench.expect(vector, 8, 4)
    bench.add(Op.POST, begin=1, count=1, **image, **REQUANT)
    bench.add(Op.TABLE, entries=1, index0=1)
    bench.run()
    assert bench.completions[0] > 100
    assert bench.completions[1] - bench.completions[0] <= 2


def test_waits():
    """A command waits for loads, multiplications and its own engine's earlier commands."""
    bench = Bench()
    image = {"in_w": 1, "in_h": 1, "out_w": 1, "out_h": 1, "cols": 4, "rounding": 1}
    for n, wait in enumerate(({}, {"wait_post": 1}, {"wait_window": 0, "wait_exec": 0})):
        (vector,) = bench.block(1)(Rounding.SINGLE, *REQUANT.values())
        bench.expect(vector, 8 * n, 4)
        bench.add(Op.POST, begin=1, count=1, dst=8 * n, **image, **REQUANT, **wait)
    bench.run()
    assert bench.completions[1] - bench.completions[0] > 15


@pytest.mark.parametrize("name", ("window", "exec"))
def test_never_starts_before_its_wait(name):
    bench = Bench()
    bench.block(1)
    bench.commands.append(
        (Op.POST, {"begin": 1, "count": 1, "in_w": 1, "in_h": 1, "out_w": 1, "out_h": 1,
                   "cols": 4, f"wait_{name}": 3})
    )  # fmt: skip
    dut = bench.dut
    word = int.from_bytes(isa.pack(Op.POST, **bench.commands[0][1]), "little")

    async def process(ctx):
        ctx.set(dut.block_done, 1)
        ctx.set(dut.command.payload.bits, word >> 8)
        ctx.set(dut.command.valid, 1)
        await ctx.tick()
        ctx.set(dut.block_done, 0)
        ctx.set(dut.command.valid, 0)
        ctx.set(getattr(dut.done, name), 2)
        for _ in range(30):
            assert not ctx.get(dut.bank_free) and not ctx.get(dut.idle)
            await ctx.tick()
        ctx.set(getattr(dut.done, name), 3)
        for _ in range(10):
            if ctx.get(dut.bank_free):
                return
            await ctx.tick()
        raise AssertionError("did not start")

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()


@pytest.mark.parametrize("stall", (0.0, 0.5))
def test_what_stays_near_never_sees_the_bus(stall):
    """Its words go to the window unit's buffer, and its completion waits for the writes before."""
    bench = Bench(stall=stall, latency=20)
    image = {"in_w": 5, "in_h": 3, "out_w": 5, "out_h": 3, "cols": 3, "rounding": 1}
    largest = max(bench.params.window_bytes, bench.params.input_bytes)
    wanted, last = [], bench.params.window_bytes - 4
    for n in range(4):
        vectors = bench.block(15)(Rounding.SINGLE, *REQUANT.values())
        place = {"pitch_x": 8, "pitch_y": 48, "dst": 512 * n}
        if n % 2:
            # From the buffer's last word on, around its end.
            place = {"near": 1, "pitch_x": 4, "pitch_y": 32, "dst": last}
        for number, vector in enumerate(vectors):
            y, x = divmod(number, 5)
            address = place["dst"] + x * place["pitch_x"] + y * place["pitch_y"]
            if n % 2:
                wanted.append((address % largest, vector))
            else:
                bench.expect(vector, address, 3)
        bench.add(Op.POST, begin=1, count=15, **image, **place, **REQUANT)
    seen, near = [], bench.dut.near

    async def watch(ctx):
        async for _, _, valid, addr, word in ctx.tick().sample(near.valid, near.addr, near.data):
            if valid:
                seen.append((addr, list(word)))

    bench.watchers.append(watch)
    bench.run()
    assert seen == wanted


def test_marks_follow_the_data():
    bench = Bench(latency=20)
    image = {"in_w": 8, "in_h": 4, "out_w": 8, "out_h": 4, "cols": 4, "dst": 0, "pitch_x": 4,
             "pitch_y": 32, "rounding": 1}  # fmt: skip
    vectors = bench.block(32)(Rounding.SINGLE, *REQUANT.values())
    for n, vector in enumerate(vectors):
        bench.expect(vector, 4 * n, 4)
    bench.add(Op.POST, begin=1, count=32, mark=1, mark_addr=512, **image, **REQUANT)
    bench.expected[512 : 512 + isa.RECORD_BYTES] = bytes(isa.RECORD_BYTES)
    bench.run()
    assert sum(beats for address, beats in bench.sink.bursts if address >= 512) == 8


@pytest.mark.parametrize("pool, lanes, cycles", [(Pool.NONE, 4, 1), (Pool.NONE, 1, 4),
                                                 (Pool.MAX, 4, 1)])  # fmt: skip
def test_throughput(pool, lanes, cycles):
    """Without stalls, a vector a cycle, or one for each pass through the requantisers."""
    bench = Bench(4, lanes, latency=1)
    count = 128
    out = 2 if pool == Pool.MAX else 1
    image = {"in_w": 8, "in_h": 16, "out_w": 8 // out, "out_h": 16 // out, "cols": 4, "dst": 0,
             "pitch_x": 4, "pitch_y": 32 // out, "rounding": 1, "pool": pool,
             "kh": 2, "kw": 2, "sh": 2, "sw": 2}  # fmt: skip
    vectors = bench.block(count)(Rounding.SINGLE, *REQUANT.values())
    for y in range(16 // out):
        for x in range(8 // out):
            window = [vectors[out * (8 * y + x) + n] for n in ((0,) if out == 1 else (0, 1, 8, 9))]
            bench.expect([max(values) for values in zip(*window, strict=True)],
                         4 * (8 // out * y + x), 4)  # fmt: skip
    bench.add(Op.POST, begin=1, count=count, **image, **REQUANT)
    bench.run()
    before = PARAM_PLANES + 1
    assert bench.completions[0] <= before + count * cycles + LATENCY + 40
