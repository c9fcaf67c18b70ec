"""The whole machine at its pins: a hand-written program, one run after another, every error.

The programs are written here field by field, and their results by three plain loops; whole
layers against the golden model are tested elsewhere.
"""

import dataclasses
import functools
import re

import numpy as np
import pytest
from amaranth import ClockDomain, Module, Value
from amaranth.back import verilog
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from accel.checksum import checksum
from accel.isa import FIELDS, RECORD, RECORD_BYTES, Error, Op, Rounding, WindowMode, pack, unpack
from accel.params import PARAM_PLANES, Params
from accel.registers import ID_VALUE, Reg
from accel.rtl.top import Accelerator
from accel.sim.engine import Memory
from accel.sim.memory import MemoryModel
from tests.rtl.memories import memories

PARAMS = Params(
    rows=4, cols=4, input_bytes=1024, acc_rows=64, weight_tiles=4, pool_entries=16,
    timeout_cycles=600,
)  # fmt: skip
SIDE, CIN, COUT, BLOCKS = 4, 8, 3, 3
COUNT = 1 + 3 * BLOCKS  # commands
PIXELS, COMMANDS = 0x1000, 0x2000
WEIGHTS, OUTPUT, MARK = 0x3000, 0x5000, 0x6000
CAUSES = ("busy", "fill", "weight", "memory", "post", "sync")


class Problem:
    """``BLOCKS`` 1x1 convolutions of the same random pixels, each an accumulator block."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.pixels = rng.integers(-128, 128, (SIDE * SIDE, CIN), dtype=np.int8)
        self.weights = rng.integers(-128, 128, (BLOCKS, CIN, COUT), dtype=np.int8)
        self.bias = rng.integers(-30_000, 30_000, (BLOCKS, COUT), dtype=np.int32)
        self.shift = -6

    def expected(self):
        """(x / 2) / 2**6 with both roundings: multiplier 2**30, shift -6."""
        outputs = []
        for weights, bias in zip(self.weights, self.bias, strict=True):
            for pixel in self.pixels:
                for column, start in enumerate(bias):
                    total = int(start)
                    for lane, value in enumerate(pixel):
                        total += int(value) * int(weights[lane][column])
                    half = (total + 1) >> 1
                    quotient = (abs(half) + 32) // 64
                    outputs.append(max(-128, min(127, quotient if half >= 0 else -quotient)))
        return np.array(outputs, np.int8).tobytes()

    def image(self, params):
        memory = np.zeros(0x8000, np.uint8)

        def put(address, data):
            memory[address : address + len(data)] = np.frombuffer(data, np.uint8)

        put(PIXELS, self.pixels.tobytes())
        for block in range(BLOCKS):
            planes = np.zeros((params.param_words, params.cols), np.uint8)
            planes[0:4, :COUT] = self.bias[block].view(np.uint8).reshape(COUT, 4).T
            planes[4:8, :COUT] = np.array([[0], [0], [0], [0x40]], np.uint8)
            planes[8, :COUT] = self.shift & 0xFF
            assert PARAM_PLANES == 9
            tiles = -(-CIN // params.rows)
            lanes = np.zeros((tiles * params.rows, params.cols), np.int8)
            lanes[:CIN, :COUT] = self.weights[block]
            put(WEIGHTS + 0x400 * block, planes.tobytes() + lanes.tobytes())
        put(COMMANDS, b"".join(self.commands(params)))
        return memory

    def commands(self, params):
        count, tiles = SIDE * SIDE, -(-CIN // params.rows)
        program = [
            pack(Op.LOAD, src=PIXELS, inner=SIDE * CIN, items=1, rows=SIDE,
                 row_pitch=SIDE * CIN, dst_pitch=SIDE * CIN)
        ]  # fmt: skip
        for block in range(BLOCKS):
            program += [
                pack(Op.WEIGHTS, src=WEIGHTS + 0x400 * block, tiles=tiles),
                pack(Op.EXEC, wait_load=1, first=1, last=1, cols=COUT, nx=SIDE, ny=SIDE,
                     step_x=CIN, step_y=SIDE * CIN, k=CIN, seg=CIN),
                pack(Op.POST, begin=1, mark=1, count=count, cols=COUT, lo=-128, hi=127,
                     in_w=SIDE, in_h=SIDE, out_w=SIDE, out_h=SIDE,
                     dst=OUTPUT + count * COUT * block, pitch_x=COUT, pitch_y=SIDE * COUT,
                     mark_addr=MARK + 0x80 * block),
            ]  # fmt: skip
        return program


class Board:
    """An accelerator, the memory at its master port and a host at its slave port."""

    def __init__(self, params=PARAMS):
        self.dut = Accelerator(params)
        m = Module()
        m.domains.sync = ClockDomain("sync")
        m.submodules.dut = self.dut
        design = Fragment.get(m, None)
        self.memories = memories(design)
        self.sim = Simulator(design)
        self.sim.add_clock(1e-8)
        self.sim.add_testbench(self.serve, background=True)
        self.sim.add_testbench(self.play)
        self.main = None

    def connect(self, memory, behaviour=None):
        """Put a memory at the port; only while no transaction is open."""
        self.model = MemoryModel(memory, PARAMS.bus_bytes, behaviour or Memory())

    async def serve(self, ctx):
        """The memory, cycle by cycle.  It checks the protocol, too."""
        dut = self.dut
        names = {
            "ar": ("araddr", "arlen", "arsize", "arburst"),
            "aw": ("awaddr", "awlen", "awsize", "awburst"),
            "w": ("wdata", "wstrb", "wlast"),
        }
        ports = {c: [getattr(dut, f"m_axi_{name}") for name in n] for c, n in names.items()}
        valids = {channel: getattr(dut, f"m_axi_{channel}valid") for channel in names}
        driven = [
            (getattr(dut, f"m_axi_{name}"), name)
            for name in ("arready", "rvalid", "rdata", "rresp", "rlast",
                         "awready", "wready", "bvalid", "bresp")
        ]  # fmt: skip
        while True:
            self.cycle += 1
            self.model.begin()
            clogged = {name for name, cycle in self.clog.items() if self.cycle >= cycle}
            for port, name in driven:
                ctx.set(port, 0 if name in clogged else getattr(self.model, name))
            for name in clogged & {"arready", "awready", "wready"}:
                setattr(self.model, name, 0)
            _, _, ar, aw, w, rready, bready, *payload = await ctx.tick().sample(
                *valids.values(), dut.m_axi_rready, dut.m_axi_bready,
                *ports["ar"], *ports["aw"], *ports["w"],
            )  # fmt: skip
            self.traffic += ar + aw + w
            self.model.end(
                tuple(payload[:4]) if ar else None,
                rready and "rvalid" not in clogged,
                tuple(payload[4:8]) if aw else None,
                tuple(payload[8:]) if w else None,
                bready and "bvalid" not in clogged,
            )

    async def write(self, ctx, register, value):
        dut = self.dut
        ctx.set(dut.s_axil_awaddr, register)
        ctx.set(dut.s_axil_wdata, value)
        ctx.set(dut.s_axil_wstrb, 0xF)
        for port in (dut.s_axil_awvalid, dut.s_axil_wvalid, dut.s_axil_bready):
            ctx.set(port, 1)
        await ctx.tick()
        ctx.set(dut.s_axil_awvalid, 0)
        ctx.set(dut.s_axil_wvalid, 0)
        await ctx.tick().until(dut.s_axil_bvalid)

    async def read(self, ctx, register):
        dut = self.dut
        ctx.set(dut.s_axil_araddr, register)
        ctx.set(dut.s_axil_arvalid, 1)
        ctx.set(dut.s_axil_rready, 1)
        await ctx.tick()
        ctx.set(dut.s_axil_arvalid, 0)
        (value,) = await ctx.tick().sample(dut.s_axil_rdata).until(dut.s_axil_rvalid)
        return value

    async def run(self, ctx, start, commands, limit=6000):
        """Start, await the interrupt; return error code, WHERE and the counters."""
        await self.write(ctx, Reg.PROGRAM, start)
        await self.write(ctx, Reg.COMMANDS, commands)
        await self.write(ctx, Reg.CONTROL, 1)
        for _ in range(limit):
            if ctx.get(self.dut.irq):
                break
            await ctx.tick()
        else:
            raise AssertionError("no interrupt")
        status = await self.read(ctx, Reg.STATUS)
        assert status & 1 == 0, "busy after the interrupt"
        assert (status & 2 != 0) == (status & 4 == 0)
        counters = {}
        for name, number in RECORD.items():
            counters[name] = await self.read(ctx, Reg.COUNTERS + 4 * number)
        assert sum(counters[name] for name in CAUSES) == counters["cycles"]
        return Error(status >> 8), await self.read(ctx, Reg.WHERE), counters

    async def play(self, ctx):
        await self.main(ctx)

    def simulate(self, main, memory=None, behaviour=None):
        """Run ``main`` from a reset, at first with ``memory`` (or a useless one)."""
        if self.main:
            self.sim.reset()
        self.main = main
        self.traffic = self.cycle = 0
        self.clog = {}  # channel: from which cycle on its signal stays low
        self.connect(np.zeros(64, np.uint8) if memory is None else memory, behaviour)
        self.sim.run()


@functools.cache
def the_board():
    """One board for all tests: elaborating the machine takes longer than running it."""
    return Board()


@functools.cache
def the_guarded_board():
    """The same with parity and the checksum, which run the same program alike."""
    return Board(dataclasses.replace(PARAMS, parity=True, checksum=True))


def check_result(memory, problem):
    expected = problem.expected()
    assert memory[OUTPUT : OUTPUT + len(expected)].tobytes() == expected
    assert not memory[OUTPUT + len(expected) : MARK].any()


def records(memory):
    for block in range(BLOCKS):
        raw = memory[MARK + 0x80 * block :][:RECORD_BYTES].view("<u4")
        yield {name: int(raw[number]) for name, number in RECORD.items()}


BEHAVIOURS = {
    "fast": Memory(latency_cycles=2),
    "default": Memory(),
    "stalling": Memory(latency_cycles=11, stall_seed=5, stall_percent=40),
}


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_programs_one_after_another(behaviour):
    """An odd number of blocks, so a second program would begin with the wrong bank and slot."""
    board = the_board()

    async def main(ctx):
        assert await board.read(ctx, Reg.ID) == ID_VALUE
        cycles = set()
        for seed in range(2):
            problem = Problem(seed)
            memory = problem.image(PARAMS)
            board.connect(memory, behaviour)
            error, where, counters = await board.run(ctx, COMMANDS, COUNT)
            assert (error, where) == (Error.NONE, 0)
            check_result(memory, problem)
            vectors = BLOCKS * SIDE * SIDE * 2
            assert counters["busy"] == vectors
            assert counters["macs_low"] == BLOCKS * SIDE * SIDE * CIN * COUT
            assert counters["macs_high"] == 0
            done = [counters[f"done_{name}"] for name in ("load", "exec", "post")]
            assert done == [1, BLOCKS, BLOCKS]
            cycles.add(counters["cycles"])
            last = 0
            for record in records(memory):
                assert sum(record[name] for name in CAUSES) == record["cycles"]
                assert last < record["cycles"] < counters["cycles"]
                last = record["cycles"]
            # All is quiet: the interrupt came after the last record, and no traffic follows.
            traffic = board.traffic
            await ctx.tick().repeat(30)
            assert board.traffic == traffic and ctx.get(board.dut.irq)
            await board.write(ctx, Reg.CONTROL, 2)
            assert not ctx.get(board.dut.irq)
        if not behaviour.stall_seed:
            assert len(cycles) == 1, f"the same program takes {cycles} cycles"

    board.simulate(main)


class WindowProblem:
    """3x3 maxima and a depthwise 3x3 convolution of a 6x6 image, in the window unit."""

    SIDE, OUT, CHANNELS, TAPS = 6, 4, 4, 9
    PIXELS, PARAM, MAXIMA, SUMS, MARK = 0x1800, 0x4800, 0x5800, 0x5A00, 0x6800
    SHIFT = -4

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        shape = (self.SIDE, self.SIDE, self.CHANNELS)
        self.pixels = rng.integers(-128, 128, shape, dtype=np.int8)
        self.weights = rng.integers(-128, 128, (self.TAPS, self.CHANNELS), dtype=np.int8)
        self.bias = rng.integers(-3000, 3000, self.CHANNELS, dtype=np.int32)

    def expected(self):
        """The maxima, and the sums / 2 / 2**4, both divisions rounded half to even at once."""
        maxima, sums = [], []
        for y in range(self.OUT):
            for x in range(self.OUT):
                for channel in range(self.CHANNELS):
                    window = [
                        int(self.pixels[y + n // 3, x + n % 3, channel]) for n in range(self.TAPS)
                    ]
                    maxima.append(max(window))
                    total = int(self.bias[channel]) + sum(
                        value * int(weight)
                        for value, weight in zip(window, self.weights[:, channel], strict=True)
                    )
                    sums.append(max(-128, min(127, round(total / 32))))
        return np.array(maxima, np.int8).tobytes(), np.array(sums, np.int8).tobytes()

    def place(self, memory, params):
        """Put pixels and parameters into ``memory``."""
        tiles = -(-self.TAPS // params.window_taps)
        planes = np.zeros((params.param_words, params.cols), np.uint8)
        planes[0:4] = self.bias.view(np.uint8).reshape(-1, 4).T
        planes[7] = 0x40
        planes[8] = self.SHIFT & 0xFF
        lanes = np.zeros((tiles * params.window_taps, params.cols), np.int8)
        lanes[: self.TAPS] = self.weights
        for address, data in (
            (self.PIXELS, self.pixels.tobytes()),
            (self.PARAM, planes.tobytes() + lanes.tobytes()),
        ):
            memory[address : address + len(data)] = np.frombuffer(data, np.uint8)

    def commands(self, params):
        row = self.SIDE * self.CHANNELS
        pitch = 3 * self.CHANNELS + params.window_taps * params.cols  # one pixel wider
        windows = dict(
            mark=1, cols=self.CHANNELS, nx=self.OUT, ny=self.OUT, step_x=self.CHANNELS,
            step_y=pitch, k=self.TAPS, seg=3, seg_skip=1, lo=-128, hi=127, wait_wload=1,
            pitch_x=self.CHANNELS, pitch_y=self.OUT * self.CHANNELS,
        )  # fmt: skip
        return [
            pack(Op.WLOAD, src=self.PIXELS, inner=row, items=1, rows=self.SIDE, row_pitch=row,
                 dst_pitch=pitch, fill_right=pitch - row),
            pack(Op.WPARAM, src=self.PARAM, tiles=-(-self.TAPS // params.window_taps)),
            pack(Op.WINDOW, mode=WindowMode.MAX, multiplier=1 << 30, shift=1, dst=self.MAXIMA,
                 mark_addr=self.MARK, **windows),
            pack(Op.WINDOW, mode=WindowMode.MAC, rounding=Rounding.FLOAT, dst=self.SUMS,
                 mark_addr=self.MARK + 0x80, **windows),
        ]  # fmt: skip

    def check(self, memory, counters):
        maxima, sums = self.expected()
        assert memory[self.MAXIMA : self.MAXIMA + len(maxima)].tobytes() == maxima
        assert memory[self.SUMS : self.SUMS + len(sums)].tobytes() == sums
        busy = [
            int(memory[self.MARK + 0x80 * n :][:RECORD_BYTES].view("<u4")[RECORD["window_busy"]])
            for n in range(2)
        ]
        # ceil(9 / 4) groups for each of 16 outputs, in each command.
        assert busy[1] == counters["window_busy"] == 2 * 16 * 3 and 48 <= busy[0] <= busy[1]
        assert counters["done_window"] == 2


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_a_program_of_window_commands_only(behaviour):
    board = the_board()

    async def main(ctx):
        for seed in range(2):
            problem = WindowProblem(seed)
            memory = np.zeros(0x8000, np.uint8)
            problem.place(memory, PARAMS)
            commands = problem.commands(PARAMS)
            program = b"".join(commands)
            memory[COMMANDS : COMMANDS + len(program)] = np.frombuffer(program, np.uint8)
            board.connect(memory, behaviour)
            error, where, counters = await board.run(ctx, COMMANDS, len(commands))
            assert (error, where) == (Error.NONE, 0)
            problem.check(memory, counters)
            assert counters["fill"] == counters["cycles"], "the array has never been busy"
            assert counters["macs_low"] == 16 * 9 * 4
            assert [counters[f"done_{name}"] for name in ("load", "exec", "post")] == [0, 0, 0]

    board.simulate(main)


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_window_unit_beside_the_array(behaviour):
    """Both read and write at once; neither's results, counts or marks suffer."""
    board = the_board()
    array, window = Problem(5), WindowProblem(6)
    memory = array.image(PARAMS)
    window.place(memory, PARAMS)
    mine, its = array.commands(PARAMS), window.commands(PARAMS)
    commands = [*its[:2], *mine[:2], *its[2:], *mine[2:]]
    program = b"".join(commands)
    memory[COMMANDS : COMMANDS + len(program)] = np.frombuffer(program, np.uint8)

    async def main(ctx):
        error, where, counters = await board.run(ctx, COMMANDS, len(commands))
        assert (error, where) == (Error.NONE, 0)
        window.check(memory, counters)
        expected = array.expected()
        assert memory[OUTPUT : OUTPUT + len(expected)].tobytes() == expected
        assert counters["macs_low"] == BLOCKS * SIDE * SIDE * CIN * COUT + 16 * 9 * 4
        assert counters["busy"] == BLOCKS * SIDE * SIDE * 2
        for record in records(memory):
            assert sum(record[name] for name in CAUSES) == record["cycles"]

    board.simulate(main, memory, behaviour)


@pytest.mark.parametrize("error", [Error.AXI_WRITE, Error.ILLEGAL_FIELD], ids=lambda e: e.name)
def test_errors_of_the_window_unit(error):
    """A refused write, and a refused command; the next program is not harmed."""
    board = the_board()
    problem = WindowProblem(8)
    memory = np.zeros(0x8000, np.uint8)
    problem.place(memory, PARAMS)
    commands = problem.commands(PARAMS)
    program = b"".join(commands)
    memory[COMMANDS : COMMANDS + len(program)] = np.frombuffer(program, np.uint8)
    broken = memory.copy()
    behaviour = Memory(latency_cycles=4)
    if error == Error.AXI_WRITE:
        behaviour = Memory(latency_cycles=4, fail_write=problem.MAXIMA + 20)
    else:
        bad = pack(Op.WLOAD, rows=1, items=1, inner=PARAMS.window_bytes + 1)
        broken[COMMANDS : COMMANDS + 64] = np.frombuffer(bad, np.uint8)

    async def main(ctx):
        found, where, _ = await board.run(ctx, COMMANDS, len(commands))
        assert (found, where) == (error, 0)
        board.connect(memory, Memory(latency_cycles=4))
        found, _, counters = await board.run(ctx, COMMANDS, len(commands))
        assert found == Error.NONE
        problem.check(memory, counters)

    board.simulate(main, broken, behaviour)


def test_a_machine_without_a_window_unit_has_nothing_of_it():
    parts = {"wload_queue", "wparam_queue", "window_queue", "wload_flags", "wparam_flags"}
    without = machine_text(window_taps=0)
    assert not parts & set(re.findall(r"\w+", without))
    assert parts <= set(re.findall(r"\w+", machine_text()))
    assert len(without) < 0.8 * len(machine_text())


@functools.cache
def machine_text(**changes):
    machine = Accelerator(dataclasses.replace(PARAMS, **changes))
    return verilog.convert(machine, name="accelerator", strip_internal_attrs=True)


def test_empty_program():
    board = the_board()

    async def main(ctx):
        error, _, counters = await board.run(ctx, 0, 0)
        assert error == Error.NONE and counters["cycles"] < 10
        assert board.traffic == 0

    board.simulate(main)


def failing(name):
    """(memory image's change, behaviour, expected error, expected WHERE) of each error."""
    problem = Problem(9)
    memory = problem.image(PARAMS)

    def replace(index, command):
        start = COMMANDS + 64 * index
        memory[start : start + 64] = np.frombuffer(command, np.uint8)

    behaviour, error, where = Memory(latency_cycles=4), None, 0
    if name == "opcode":
        replace(5, b"\xaa" * 64)
        error, where = Error.ILLEGAL_OPCODE, 5
    elif name == "field":
        replace(9, pack(Op.EXEC, first=1, nx=99, ny=99, k=1, seg=1, cols=1))
        error, where = Error.ILLEGAL_FIELD, 9
    elif name == "read":
        behaviour, error = Memory(latency_cycles=4, fail_read=PIXELS + 70), Error.AXI_READ
    elif name == "write":
        behaviour, error = Memory(latency_cycles=4, fail_write=OUTPUT + 50), Error.AXI_WRITE
    elif name == "deadlock":
        replace(4, pack(Op.WEIGHTS, tiles=1, src=WEIGHTS, wait_post=77))
        error = Error.DEADLOCK
    return problem, memory, behaviour, error, where


@pytest.mark.parametrize("name", ["opcode", "field", "read", "write", "deadlock"])
def test_an_error_stops_the_machine_and_the_next_program_is_not_harmed(name):
    problem, memory, behaviour, expected, expected_where = failing(name)
    board = the_board()

    async def main(ctx):
        board.connect(memory, behaviour)
        error, where, counters = await board.run(ctx, COMMANDS, COUNT)
        assert (error, where) == (expected, expected_where)
        await ctx.tick().repeat(60)
        traffic = board.traffic
        await ctx.tick().repeat(100)
        assert board.traffic == traffic, "the machine goes on after an error"
        assert await board.read(ctx, Reg.COUNTERS) == counters["cycles"]

        good = problem.image(PARAMS)
        board.connect(good, Memory(latency_cycles=4))
        error, _, _ = await board.run(ctx, COMMANDS, COUNT)
        assert error == Error.NONE
        check_result(good, problem)

    board.simulate(main)


def test_restart_at_once_after_an_error():
    """With transactions still open: the start waits for them."""
    problem, memory, _, _, _ = failing("opcode")
    good = problem.commands(PARAMS)[5]
    board = the_board()

    async def main(ctx):
        error, where, _ = await board.run(ctx, COMMANDS, COUNT)
        assert (error, where) == (Error.ILLEGAL_OPCODE, 5)
        start = COMMANDS + 64 * 5
        memory[start : start + 64] = np.frombuffer(good, np.uint8)
        error, _, _ = await board.run(ctx, COMMANDS, COUNT)
        assert error == Error.NONE
        check_result(memory, problem)

    board.simulate(main, memory, Memory(latency_cycles=150))


def test_dead_memory():
    problem, memory, _, _, _ = failing("opcode")
    board = the_board()

    async def main(ctx):
        for _ in range(2):
            error, where, _ = await board.run(ctx, COMMANDS, COUNT)
            assert (error, where) == (Error.TIMEOUT, 0)

    board.simulate(main, memory, Memory(dead=True))


@pytest.mark.parametrize("channels", [("arready", "rvalid"), ("awready", "wready", "bvalid")])
def test_memory_that_stops_in_the_middle(channels):
    """A channel dies while it is in use; then it comes back and the machine is restarted."""
    problem, behaviour = Problem(3), Memory(latency_cycles=4)
    board = the_board()

    async def main(ctx):
        await board.write(ctx, Reg.TIMEOUT, 150)
        for channel in channels:
            memory = problem.image(PARAMS)
            board.connect(memory, behaviour)
            board.clog = {channel: board.cycle + (60 if channel in ("arready", "rvalid") else 210)}
            error, where, _ = await board.run(ctx, COMMANDS, COUNT)
            assert (error, where) == (Error.TIMEOUT, 0)
            # Whatever was under way finishes; the restart waits for it.
            board.clog = {}
            error, _, _ = await board.run(ctx, COMMANDS, COUNT)
            assert error == Error.NONE
            check_result(memory, problem)

    board.simulate(main)


def test_verilog_has_the_standard_port_names():
    text = machine_text()
    header = text[text.index("module accelerator(") :]
    names = {name.strip() for name in header[header.index("(") + 1 : header.index(");")].split(",")}
    axi = (
        "arvalid arready araddr arlen arsize arburst rvalid rready rdata rresp rlast "
        "awvalid awready awaddr awlen awsize awburst wvalid wready wdata wstrb wlast "
        "bvalid bready bresp"
    )
    lite = (
        "awaddr awvalid awready wdata wstrb wvalid wready bresp bvalid bready "
        "araddr arvalid arready rdata rresp rvalid rready"
    )
    assert names == (
        {"clk", "rst", "irq"}
        | {f"m_axi_{name}" for name in axi.split()}
        | {f"s_axil_{name}" for name in lite.split()}
    )


#: Of the memory in which a program is moved.
MOVED = 0x3000


def both(seed):
    """A program for the array and the window unit together: memory, problems, commands."""
    array, window = Problem(seed), WindowProblem(seed + 1)
    memory = array.image(PARAMS)
    window.place(memory, PARAMS)
    mine, its = array.commands(PARAMS), window.commands(PARAMS)
    commands = [*its[:2], *mine[:2], *its[2:], *mine[2:]]
    program = b"".join(commands)
    memory[COMMANDS : COMMANDS + len(program)] = np.frombuffer(program, np.uint8)
    return memory, array, window, len(commands)


def test_a_program_runs_wherever_it_lies():
    """The same program at base 0, at another and at 0 again: the same bytes and counters."""
    board, seen = the_board(), []

    async def main(ctx):
        for base in (0, MOVED, 0):
            memory, array, window, count = both(5)
            size = len(memory)
            space = np.random.default_rng(1).integers(0, 256, base + size + 4096).astype(np.uint8)
            space[base : base + size] = memory
            around = space.copy()
            board.connect(space)
            await board.write(ctx, Reg.BASE, base)
            error, _, counters = await board.run(ctx, COMMANDS, count)
            assert error == Error.NONE
            moved = space[base : base + size]
            window.check(moved, counters)
            expected = array.expected()
            assert moved[OUTPUT : OUTPUT + len(expected)].tobytes() == expected
            around[base : base + size] = moved
            assert (space == around).all(), "something was written elsewhere"
            seen.append((moved.tobytes(), counters))
        assert seen[0] == seen[1] == seen[2]

    board.simulate(main)


async def silent_and_well(ctx, board):
    """Nothing moves on the bus any more; and the next program is right."""
    traffic = board.traffic
    await ctx.tick().repeat(200)
    assert board.traffic == traffic
    # Another memory, which knows of nothing that is open.
    memory, _, window, count = both(9)
    board.connect(memory)
    error, _, counters = await board.run(ctx, COMMANDS, count)
    assert error == Error.NONE
    window.check(memory, counters)


def some(quick, more):
    """Values of a parameter: those of the quick tests, and more for a campaign."""
    return [*quick, *(pytest.param(value, marks=pytest.mark.campaign) for value in more)]


@pytest.mark.parametrize("after", some([0, 90, 420], [30, 150, 220, 300]))
def test_an_abort_leaves_the_bus_clean(after):
    """Wherever it comes: nothing is cut off, nothing follows, and the next program is right."""
    board = the_board()

    async def main(ctx):
        memory, array, window, count = both(7)
        board.connect(memory, Memory(latency_cycles=20, stall_seed=3, stall_percent=30))
        await board.write(ctx, Reg.PROGRAM, COMMANDS)
        await board.write(ctx, Reg.COMMANDS, count)
        await board.write(ctx, Reg.CONTROL, 1)
        await ctx.tick().repeat(1 + after)
        await board.write(ctx, Reg.CONTROL, 4)
        for _ in range(400):
            if ctx.get(board.dut.irq):
                break
            await ctx.tick()
        status = await board.read(ctx, Reg.STATUS)
        assert (status & 0xF, Error(status >> 8)) == (4, Error.ABORTED)
        await silent_and_well(ctx, board)

    board.simulate(main)


@pytest.mark.parametrize("budget", some([1, 240], [60, 100, 180, 300, 400]))
def test_a_budget_leaves_the_bus_clean(budget):
    """Wherever it ends: nothing is cut off, little follows, and the next program is right."""
    board = the_board()

    async def main(ctx):
        memory, array, window, count = both(7)
        board.connect(memory, Memory(latency_cycles=20, stall_seed=3, stall_percent=30))
        await board.write(ctx, Reg.BUDGET, budget)
        error, _, _ = await board.run(ctx, COMMANDS, count)
        assert error == Error.BUDGET
        for _ in range(400):
            if not await board.read(ctx, Reg.STATUS) & 8:
                break
        await board.write(ctx, Reg.BUDGET, 5000)
        await silent_and_well(ctx, board)

    board.simulate(main)


def test_parity_ends_a_run_and_the_next_one_is_right():
    """A bit of every word with parity flips, again and again: sooner or later one is used."""
    board, plain, cycles = the_guarded_board(), the_board(), []
    guarded = [data for path, data in board.memories.items() if path[-1] == "words"]
    assert len(guarded) > 40

    async def main(ctx, board):
        memory, array, window, count = both(7)
        board.connect(memory)
        error, _, counters = await board.run(ctx, COMMANDS, count)
        assert error == Error.NONE
        window.check(memory, counters)
        cycles.append(counters)

    async def flipped(ctx):
        await main(ctx, board)
        for after in (1, 250, 300, 350):
            memory, array, window, count = both(7)
            board.connect(memory)
            await board.write(ctx, Reg.PROGRAM, COMMANDS)
            await board.write(ctx, Reg.COMMANDS, count)
            await board.write(ctx, Reg.CONTROL, 1)
            await ctx.tick().repeat(after)
            for data in guarded:
                for word in (Value.cast(data[number]) for number in range(data.depth)):
                    ctx.set(word, ctx.get(word) ^ 1)
            for _ in range(1000):
                if ctx.get(board.dut.irq):
                    break
                await ctx.tick()
            code = Error(await board.read(ctx, Reg.STATUS) >> 8)
            # Before the start nothing is in them that is used.
            assert code == (Error.PARITY if after > 1 else Error.NONE), after
            await ctx.tick().repeat(200)
            await main(ctx, board)

    plain.simulate(functools.partial(main, board=plain))
    board.simulate(flipped)
    assert all(one == cycles[0] for one in cycles)


def test_a_sum_that_is_not_the_programs_ends_a_run():
    """Of commands, parameters and weights, for array and window unit; 0 is not compared."""
    params = dataclasses.replace(PARAMS, checksum=True)
    board, plain, ends = the_guarded_board(), the_board(), []
    memory, array, window, count = both(7)
    right = checksum(params, memory, COMMANDS, count)
    program = memory[COMMANDS : COMMANDS + 64 * count]
    records = {}  # a byte of the weights behind a record of parameters
    for n in range(count):
        op, fields = unpack(program[64 * n : 64 * n + 64].tobytes())
        if op in (Op.WEIGHTS, Op.WPARAM):
            records[op] = fields["src"] + params.param_bytes + 1
    assert len(records) == 2 and 0 < right < 1 << 32
    row_pitch = next(field.low for field in FIELDS[Op.LOAD] if field.name == "row_pitch")
    (load, *_) = (n for n in range(count) if program[64 * n] == Op.LOAD)

    async def run(ctx, board, expected, changed=None, bit=0):
        memory, array, window, count = both(7)
        if changed is not None:
            memory[changed] ^= 1 << bit
        board.connect(memory)
        await board.write(ctx, Reg.CHECKSUM, expected)
        error, _, counters = await board.run(ctx, COMMANDS, count)
        if changed is None and error == Error.NONE:
            window.check(memory, counters)
        ends.append((error, counters["cycles"]))

    async def main(ctx):
        for expected in (right, 0, right ^ 1, right):
            await run(ctx, board, expected)
        for place in records.values():
            for bit in (0, 7):
                await run(ctx, board, right, place, bit)
        # Of a load from elsewhere, which takes other cycles.
        await run(ctx, board, right, COMMANDS + 64 * load + row_pitch // 8, row_pitch % 8)
        await run(ctx, board, right)

    plain.simulate(functools.partial(run, board=plain, expected=1))
    board.simulate(main)
    wrong, none = Error.CHECKSUM, Error.NONE
    assert [error for error, _ in ends] == [none, none, none, wrong, none, *5 * [wrong], none]
    # The control hears of an error in the cycle after.
    assert len({cycles - (error == wrong) for error, cycles in (*ends[:-2], ends[-1])}) == 1


def test_an_abort_of_what_the_memory_never_answers_ends_in_timeout():
    board = the_board()

    async def main(ctx):
        memory, _, _, count = both(7)
        board.connect(memory, Memory(dead=True))
        await board.write(ctx, Reg.PROGRAM, COMMANDS)
        await board.write(ctx, Reg.COMMANDS, count)
        await board.write(ctx, Reg.CONTROL, 1)
        await ctx.tick().repeat(150)
        await board.write(ctx, Reg.CONTROL, 4)
        await ctx.tick().repeat(PARAMS.timeout_cycles - 100)
        assert not ctx.get(board.dut.irq)
        await ctx.tick().repeat(200)
        status = await board.read(ctx, Reg.STATUS)
        assert (status & 0xF, Error(status >> 8)) == (4 | 8, Error.TIMEOUT)

    board.simulate(main)
