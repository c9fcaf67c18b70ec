"""The way out: images of pixels, records of counters, bursts, errors and halt."""

import random

import pytest
from amaranth.sim import Simulator

from accel.isa import RECORD_BYTES, RECORD_WORDS
from accel.params import MAX_BURST, Params
from accel.rtl.memory.store import StoreEngine
from tests.rtl.axi_sink import AxiSink

SIZE = 1 << 14


def machine(cols, bus_bytes):
    return Params(rows=max(cols, bus_bytes, 4), cols=cols, input_bytes=4096, acc_rows=16,
                  pool_entries=4, bus_bytes=bus_bytes)  # fmt: skip


class Bench:
    """A store engine, its memory, and what the memory must come to hold."""

    def __init__(self, params, *, stall=0.0, latency=3, seed=0, fail=-1):
        self.params = params
        self.dut = StoreEngine(params)
        self.sink = AxiSink(self.dut.axi, SIZE, stall=stall, latency=latency, seed=seed, fail=fail)
        self.random = random.Random(seed)
        self.stall = stall
        self.expected = bytearray(SIZE)
        self.completed = self.ended = self.errors = self.cycle = 0
        self.records = []

    def run(self, process):
        async def timer(ctx):
            dut = self.dut
            async for _, _, completed, ended, error, outstanding in ctx.tick().sample(
                dut.completed, dut.ended, dut.error, dut.outstanding
            ):
                self.cycle += 1
                self.completed += completed
                self.ended += ended
                self.errors += error
                assert outstanding or not self.sink.pending
                assert self.cycle < 20_000
                ctx.set(dut.record, [self.cycle + word for word in range(RECORD_WORDS)])

        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(timer, background=True)
        simulator.add_testbench(process)
        simulator.add_testbench(self.sink.run, background=True)
        simulator.run()

    async def configure(self, ctx, **config):
        for name, value in config.items():
            ctx.set(self.dut.config[name], value)
        await ctx.tick()

    async def begin(self, ctx):
        ctx.set(self.dut.begin, 1)
        await ctx.tick()
        ctx.set(self.dut.begin, 0)

    async def send(self, ctx, vector):
        """Offer a vector, or an end token for None."""
        while self.random.random() < self.stall:
            await ctx.tick()
        payload = self.dut.input.payload
        ctx.set(payload.data, vector or [0] * self.params.cols)
        ctx.set(payload.end, vector is None)
        ctx.set(self.dut.input.valid, 1)
        await ctx.tick().until(self.dut.input.ready)
        ctx.set(self.dut.input.valid, 0)

    async def image(self, ctx, *, width, height, cols, dst, pitch_x, pitch_y):
        for y in range(height):
            for x in range(width):
                vector = [self.random.randint(-128, 127) for _ in range(self.params.cols)]
                address = dst + x * pitch_x + y * pitch_y
                self.expected[address : address + cols] = bytes(v & 255 for v in vector[:cols])
                await self.send(ctx, vector)

    async def finish(self, ctx):
        await ctx.tick().until(self.dut.idle)
        await ctx.tick()
        assert ctx.get(self.dut.idle)
        assert not self.sink.pending


@pytest.mark.parametrize(
    "cols, bus_bytes", [(4, 4), (4, 16), (8, 8), (16, 4), (16, 8), (8, 128), (64, 16)]
)
@pytest.mark.parametrize("stall", (0.0, 0.5))
def test_images(cols, bus_bytes, stall):
    bench = Bench(machine(cols, bus_bytes), stall=stall, seed=cols)
    rng = bench.random
    images = []
    for used in {1, 3, cols - 1, cols}:
        for pitch_x in (used, used + 1, used + bus_bytes):
            width = rng.randint(1, 7)
            pitch_y = width * pitch_x + rng.choice((0, 0, 1, 5))
            images.append({"width": width, "height": rng.randint(1, 4), "cols": used,
                           "pitch_x": pitch_x, "pitch_y": pitch_y})  # fmt: skip

    async def process(ctx):
        dst = rng.randrange(bus_bytes)
        for image in images:
            await bench.configure(
                ctx, dst=dst, out_w=image["width"],
                **{name: image[name] for name in ("cols", "pitch_x", "pitch_y")},
            )  # fmt: skip
            await bench.begin(ctx)
            await bench.image(ctx, dst=dst, **image)
            await bench.send(ctx, None)
            dst += image["height"] * image["pitch_y"] + rng.randrange(2 * bus_bytes)
            assert dst < SIZE
        await bench.finish(ctx)

    bench.run(process)
    assert bench.sink.memory == bench.expected
    assert bench.completed == bench.ended == len(images)
    assert bench.errors == 0


def test_image_in_several_commands():
    bench = Bench(machine(4, 8), stall=0.3)
    image = {"dst": 5, "pitch_x": 4, "pitch_y": 21, "cols": 4}

    async def process(ctx):
        await bench.configure(ctx, out_w=5, **image)
        await bench.begin(ctx)
        vectors = [[n, n + 1, n + 2, n + 3] for n in range(15)]
        for n, vector in enumerate(vectors):
            await bench.send(ctx, vector)
            if n in (3, 4, 10):
                await bench.send(ctx, None)
            address = 5 + n % 5 * 4 + n // 5 * 21
            bench.expected[address : address + 4] = bytes(vector)
        await bench.send(ctx, None)
        await bench.finish(ctx)

    bench.run(process)
    assert bench.sink.memory == bench.expected
    assert bench.completed == 4


@pytest.mark.parametrize("bus_bytes", (4, 16, 64, 128))
@pytest.mark.parametrize("stall", (0.0, 0.4))
def test_marks(bus_bytes, stall):
    """Records are consistent snapshots behind the data; a command without data completes too."""
    bench = Bench(machine(4, bus_bytes), stall=stall, latency=9)
    marks = [4096 + 6 * max(RECORD_BYTES, bus_bytes) + n * (RECORD_BYTES + 3 * bus_bytes)
             for n in range(4)]  # fmt: skip
    marks = [mark // bus_bytes * bus_bytes for mark in marks]
    image = {"pitch_x": 4, "pitch_y": 24, "cols": 3, "dst": 2}

    async def process(ctx):
        for n, mark in enumerate(marks):
            await bench.configure(ctx, out_w=6, mark=1, mark_addr=mark, **image)
            await bench.begin(ctx)
            if n != 2:
                await bench.image(ctx, width=6, height=5, **image)
            await bench.send(ctx, None)
            await bench.configure(ctx, mark=0)
        await bench.finish(ctx)

    bench.run(process)
    previous = 0
    for mark in marks:
        record = bench.sink.memory[mark : mark + RECORD_BYTES]
        words = [int.from_bytes(record[n : n + 4], "little") for n in range(0, RECORD_BYTES, 4)]
        assert words == list(range(words[0], words[0] + RECORD_WORDS))
        assert words[0] > previous
        previous = words[0]
    assert bench.sink.memory[:4096] == bench.expected[:4096]
    assert bench.completed == len(marks)


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize(
    "cols, bus_bytes", [(4, 4), (4, 8), (8, 8), (16, 4), (16, 8), (64, 16), (8, 64)]
)
def test_a_record_behind_full_queues(cols, bus_bytes, marked):
    """What waits for a record to be written does not keep the record from its way.

    Two commands of a vector each, the first with a record; the vectors of a third fill all queues
    before the first response comes, and the second command's end waits for the record.
    """
    bench = Bench(machine(cols, bus_bytes), latency=400, seed=cols)
    pitch, marks = cols + bus_bytes + 1, [SIZE - 512, SIZE - 1024]

    async def process(ctx):
        dst = 1
        for number, width in enumerate((1, 1, 90)):
            image = {"cols": cols, "dst": dst, "pitch_x": pitch, "pitch_y": 0}
            mark = number == 0 or number == 1 and marked
            await bench.configure(ctx, out_w=width, mark=mark, mark_addr=marks[number % 2], **image)
            await bench.begin(ctx)
            await bench.image(ctx, width=width, height=1, **image)
            await bench.send(ctx, None)
            dst += width * pitch
        assert dst < SIZE - 1024
        await bench.finish(ctx)

    bench.run(process)
    assert bench.sink.memory[: SIZE - 1024] == bench.expected[: SIZE - 1024]
    for mark in marks[: 1 + marked]:
        record = bench.sink.memory[mark : mark + RECORD_BYTES]
        words = [int.from_bytes(record[n : n + 4], "little") for n in range(0, RECORD_BYTES, 4)]
        assert words == list(range(words[0], words[0] + RECORD_WORDS)) and words[0]
    assert bench.completed == 3


@pytest.mark.parametrize(
    "cols, bus_bytes", [(4, 4), (4, 8), (8, 8), (16, 4), (16, 8), (64, 16), (8, 64)]
)
def test_many_records_behind_full_queues(cols, bus_bytes):
    """Records that are due at the same time all have places, however little is written between.

    The vectors of one command fill all queues; behind it come commands of a vector, each with a
    record, so that one record after the other is put in where hardly anything goes out.
    """
    bench = Bench(machine(cols, bus_bytes), latency=400, seed=cols)
    pitch, records = cols + bus_bytes + 1, 14

    async def process(ctx):
        dst = 1
        for number, width in enumerate((90, *[1] * records, 60)):
            image = {"cols": cols, "dst": dst, "pitch_x": pitch, "pitch_y": 0}
            mark_addr = SIZE - RECORD_BYTES * number
            await bench.configure(ctx, out_w=width, mark=width == 1, mark_addr=mark_addr, **image)
            await bench.begin(ctx)
            await bench.image(ctx, width=width, height=1, **image)
            await bench.send(ctx, None)
            dst += width * pitch
        assert dst < SIZE - RECORD_BYTES * records
        await bench.finish(ctx)

    bench.run(process)
    end = SIZE - RECORD_BYTES * records
    assert bench.sink.memory[:end] == bench.expected[:end]
    for mark in range(end, SIZE, RECORD_BYTES):
        record = bench.sink.memory[mark : mark + RECORD_BYTES]
        words = [int.from_bytes(record[n : n + 4], "little") for n in range(0, RECORD_BYTES, 4)]
        assert words == list(range(words[0], words[0] + RECORD_WORDS)) and words[0]
    assert bench.completed == records + 2


def test_records_of_commands_without_vectors():
    """An end may come right behind another one; each has its record."""
    bench, records = Bench(machine(4, 4), latency=60, seed=3), 14

    async def process(ctx):
        for number in range(records):
            mark_addr = SIZE - RECORD_BYTES * (number + 1)
            await bench.configure(ctx, cols=4, out_w=1, mark=1, mark_addr=mark_addr)
            await bench.send(ctx, None)
        await bench.finish(ctx)

    bench.run(process)
    assert bench.completed == records
    for mark in range(SIZE - RECORD_BYTES * records, SIZE, RECORD_BYTES):
        assert any(bench.sink.memory[mark : mark + RECORD_BYTES])


def test_completes_after_the_response():
    bench = Bench(machine(4, 4), latency=50)

    async def process(ctx):
        await bench.configure(ctx, out_w=1, pitch_x=4, pitch_y=4, cols=4)
        await bench.begin(ctx)
        await bench.send(ctx, [1, 2, 3, 4])
        await bench.send(ctx, None)
        assert bench.ended == 1
        while not bench.sink.pending:
            await ctx.tick()
        for _ in range(49):
            assert not bench.completed and not ctx.get(bench.dut.idle)
            await ctx.tick()
        await bench.finish(ctx)
        assert bench.completed == 1

    bench.run(process)


def test_merges_and_bursts():
    """A contiguous image becomes full bursts of full beats, a vector a cycle."""
    bench = Bench(machine(4, 16), latency=40)
    count = 4 * MAX_BURST * 4

    async def process(ctx):
        await bench.configure(ctx, out_w=count // 8, pitch_x=4, pitch_y=count // 2, cols=4)
        await bench.begin(ctx)
        start = bench.cycle
        await bench.image(
            ctx, width=count // 8, height=8, cols=4, dst=0, pitch_x=4, pitch_y=count // 2
        )
        assert bench.cycle - start == count
        await bench.send(ctx, None)
        await bench.finish(ctx)

    bench.run(process)
    assert bench.sink.memory == bench.expected
    assert bench.sink.beats == count // 4
    assert bench.sink.bursts == [(n * 16 * MAX_BURST, MAX_BURST) for n in range(4)]


@pytest.mark.parametrize("latency, least", [(12, 8), (28, 28)])
def test_scattered_beats_flow_at_full_rate(latency, least):
    bench = Bench(machine(4, 4), latency=latency)
    count = 200

    async def process(ctx):
        await bench.configure(ctx, out_w=count, pitch_x=8, cols=4)
        await bench.begin(ctx)
        start = bench.cycle
        await bench.image(ctx, width=count, height=1, cols=4, dst=0, pitch_x=8, pitch_y=0)
        assert bench.cycle - start == count
        await bench.send(ctx, None)
        await bench.finish(ctx)

    bench.run(process)
    assert bench.sink.memory == bench.expected
    assert bench.sink.most_pending >= least


def test_error_response():
    bench = Bench(machine(4, 4), fail=64)

    async def process(ctx):
        await bench.configure(ctx, out_w=40, pitch_x=4, cols=4)
        await bench.begin(ctx)
        await bench.image(ctx, width=40, height=1, cols=4, dst=0, pitch_x=4, pitch_y=0)
        await bench.send(ctx, None)
        await bench.finish(ctx)

    bench.run(process)
    assert bench.errors == 1


def test_halt_announces_nothing_more():
    bench = Bench(machine(4, 4))

    async def process(ctx):
        ctx.set(bench.dut.halt, 1)
        await bench.configure(ctx, out_w=10, pitch_x=4, cols=4)
        await bench.begin(ctx)
        await bench.image(ctx, width=10, height=1, cols=4, dst=0, pitch_x=4, pitch_y=0)
        await bench.send(ctx, None)
        await ctx.tick().repeat(30)

    bench.run(process)
    assert bench.sink.bursts == []
    assert bench.completed == 0


def test_the_base_is_added_to_pixels_and_records():
    bench, base = Bench(machine(4, 8)), 0x2000

    async def process(ctx):
        ctx.set(bench.dut.base, base >> 12)
        await bench.configure(
            ctx, out_w=40, pitch_x=4, pitch_y=160, cols=4, dst=64, mark=1, mark_addr=0x800
        )
        await bench.begin(ctx)
        await bench.image(ctx, width=40, height=1, cols=4, dst=64, pitch_x=4, pitch_y=160)
        await bench.send(ctx, None)
        await bench.finish(ctx)

    bench.run(process)
    moved = bench.sink.memory[base:]
    assert moved[:0x800] == bench.expected[:0x800] and any(moved[:0x800])
    assert any(moved[0x800 : 0x800 + RECORD_BYTES]) and not any(bench.sink.memory[:base])
