"""The exec engine against a NumPy walk of the same commands, cycle by cycle."""

import itertools

import numpy as np
import pytest
from amaranth.sim import Simulator

from accel.params import IM2COL_LATENCY, PARAM_SLOTS, Params
from accel.rtl.im2col.exec import MACS_LATENCY, ExecEngine

TAG = ("first", "done", "bank", "slot", "row")
CAUSES = ("busy", "wait_load", "wait_bank", "wait_weights", "idle")


def command(**fields):
    """An EXEC command of one block; ``fields`` override."""
    defaults = dict(
        first=1, last=1, cols=4, base=0, nx=4, ny=1, step_x=1, step_y=0, k=4, seg=4, seg_skip=0,
        wait_load=0, wait_window=0, wait_post=0,
    )
    return defaults | fields


def lane_offsets(params, item, tile):
    index = tile * params.rows + np.arange(params.rows)
    return index // item["seg"] * item["seg_skip"] % params.input_rows


def expected_vectors(params, commands):
    """What the engine must issue, in order: (command, tile, base, tag, starts, ends)."""
    result, block = [], 0
    for number, item in enumerate(commands):
        tiles = -(-item["k"] // params.rows)
        pixels = list(itertools.product(range(item["ny"]), range(item["nx"])))
        for tile, (row, (y, x)) in itertools.product(range(tiles), enumerate(pixels)):
            base = item["base"] + x * item["step_x"] + y * item["step_y"] + tile * params.rows
            final = tile == tiles - 1 and row == len(pixels) - 1
            tag = dict(
                first=int(item["first"] and tile == 0), done=int(item["last"] and final),
                bank=block % 2, slot=block % PARAM_SLOTS, row=row,
            )
            result.append((number, tile, base % params.input_bytes, tag, row == 0, final))
        block += item["last"]
    return result


class Surroundings:
    """The engine's neighbours, a cycle at a time; with ``rng`` they are slow at random.

    A weight tile's load starts ``rows`` cycles after the one before did, or in the cycle in which
    that one is swapped in, whichever is later; the tile is ready one cycle after its load started.
    Post-processing frees a bank ``bank_delay`` cycles after the block's last vector.
    """

    def __init__(self, params, commands, rng=None, bank_delay=1):
        self.rows, self.queue, self.rng = params.rows, list(commands), rng
        self.bank_delay = bank_delay
        self.cycle, self.offered, self.executed = 0, False, 0
        self.started, self.may_start = None, 0
        self.releases = []

    def lucky(self):
        return self.rng is None or int(self.rng.integers(10)) < 6

    def start_load(self):
        if self.started is None and self.cycle >= self.may_start and self.lucky():
            self.started = self.cycle

    def before(self):
        """Return command, weights_ready and bank_free of this cycle."""
        self.start_load()
        self.offered = bool(self.queue) and (self.offered or self.lucky())
        free = bool(self.releases) and self.releases[0] <= self.cycle
        if free:
            del self.releases[0]
        ready = self.started is not None and self.started < self.cycle
        return self.queue[0] if self.offered else None, ready, free

    def after(self, seen):
        """Follow what the engine did in this cycle."""
        if seen["taken"]:
            del self.queue[0]
            self.offered = False
        if seen["swap"]:
            self.may_start = max(self.started + self.rows, self.cycle)
            self.started = None
            self.start_load()
        if seen["tag"]["valid"] and seen["tag"]["done"]:
            extra = 0 if self.rng is None else int(self.rng.integers(60))
            self.releases.append(self.cycle + self.bank_delay + extra)
        self.executed += seen["completed"]
        self.cycle += 1


def run(params, commands, cycles, around=None, done_load=lambda cycle: 0, halt=lambda cycle: 0):
    """Return everything the engine showed in each of ``cycles`` cycles."""
    dut, trace = ExecEngine(params), []
    around = around or Surroundings(params, commands)

    async def bench(ctx):
        for cycle in range(cycles):
            item, ready, free = around.before()
            ctx.set(dut.command.valid, item is not None)
            if item is not None:
                ctx.set(dut.command.payload, item)
            ctx.set(dut.weights_ready, ready)
            ctx.set(dut.bank_free, free)
            ctx.set(dut.done.load, done_load(cycle))
            ctx.set(dut.done.window, around.executed)
            ctx.set(dut.halt, halt(cycle))
            seen = {name: ctx.get(getattr(dut, name)) for name in (*CAUSES, "macs", "completed")}
            tag, offsets = ctx.get(dut.tag), ctx.get(dut.read.offsets)
            seen["tag"] = {name: tag[name] for name in ("valid", *TAG)}
            seen["offsets"] = [offsets[lane] for lane in range(params.rows)]
            seen["swap"], seen["ready"], seen["free"] = ctx.get(dut.swap), ready, free
            seen["valid"], seen["base"] = ctx.get(dut.read.valid), ctx.get(dut.read.base)
            seen["taken"] = item is not None and ctx.get(dut.command.ready)
            trace.append(seen)
            around.after(seen)
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    return trace


def check(params, commands, trace):
    """Check all that must hold at any speed; return the cycles of issue."""
    expected = expected_vectors(params, commands)
    issued = [cycle for cycle, seen in enumerate(trace) if seen["valid"]]
    assert len(issued) == len(expected)
    completed = []
    for cycle, (number, tile, base, tag, starts, ends) in zip(issued, expected, strict=True):
        seen, item = trace[cycle], commands[number]
        assert seen["base"] == base, (number, tile, tag)
        assert seen["tag"] == dict(tag, valid=1), (number, tile)
        assert seen["swap"] == starts
        assert seen["ready"] or not starts
        np.testing.assert_array_equal(trace[cycle + 1]["offsets"], lane_offsets(params, item, tile))
        lanes = min(params.rows, item["k"] - tile * params.rows)
        assert trace[cycle + MACS_LATENCY]["macs"] == lanes * item["cols"]
        if ends:
            completed.append(cycle + IM2COL_LATENCY)
    macs = sum(item["nx"] * item["ny"] * item["k"] * item["cols"] for item in commands)
    assert sum(seen["macs"] for seen in trace) == macs
    assert [cycle for cycle, seen in enumerate(trace) if seen["completed"]] == completed
    assert sum(seen["swap"] for seen in trace) == sum(starts for *_, starts, _ in expected)
    free = 2
    for seen in trace:
        assert sum(seen[name] for name in CAUSES) == 1
        assert seen["busy"] == seen["valid"] == seen["tag"]["valid"]
        opens = seen["swap"] and seen["tag"]["first"]
        assert free > 0 or not opens
        free += seen["free"] - opens
    return issued


def causes(trace):
    """The trace's causes, run-length coded."""
    names = (next(name for name in CAUSES if seen[name]) for seen in trace)
    return [(name, len(list(group))) for name, group in itertools.groupby(names)]


def is_gapless(cycles):
    return cycles == list(range(cycles[0], cycles[0] + len(cycles)))


# A 3x3 kernel on 5 channels (rows of 15 bytes), and kernel rows that are shorter than a vector of
# lanes, a single byte, longer, or just as long; one or more of them.
REDUCTIONS = [
    dict(k=45, seg=15, seg_skip=3),
    dict(k=6, seg=3, seg_skip=2),
    dict(k=11, seg=1, seg_skip=5),
    dict(k=18, seg=9, seg_skip=1),
    dict(k=2, seg=2, seg_skip=7),
    dict(k=3, seg=1, seg_skip=9),
    dict(k=32, seg=8, seg_skip=60000),
    dict(k=16, seg=16, seg_skip=0),
    dict(k=9, seg=4, seg_skip=15),
]


@pytest.mark.parametrize("rows", [4, 8])
def test_no_bubble_between_tiles_and_commands(rows):
    params = Params(rows=rows, cols=4, input_bytes=1024, acc_rows=64)
    # Blocks of exactly R pixels are the tightest; single tiles among them are tighter still.
    sizes = [(rows, 1), (2, rows // 2), (3, 3), (rows, 1), (1, rows), (rows, 1)] * 2
    commands = [
        command(nx=nx, ny=ny, step_x=3, step_y=40, base=91 * number, **reduction)
        for number, ((nx, ny), reduction) in enumerate(zip(sizes, REDUCTIONS, strict=False))
    ]
    total = len(expected_vectors(params, commands))
    trace = run(params, commands, total + 40)
    assert is_gapless(check(params, commands, trace))


def test_single_tile_commands_follow_without_bubble():
    params = Params(rows=4, cols=4, input_bytes=256, acc_rows=16)
    commands = [command(base=7 * n, k=1 + n % 4, seg=1 + n % 2, seg_skip=n) for n in range(12)]
    assert is_gapless(check(params, commands, run(params, commands, 80)))


@pytest.mark.parametrize("pixels", [1, 2, 3])
def test_fewer_pixels_than_rows_cost_rows_cycles_a_tile(pixels):
    params = Params(rows=4, cols=4, input_bytes=256, acc_rows=16)
    commands = [command(nx=pixels, k=k, seg=3, seg_skip=1) for k in (13, 4, 3, 8)]
    issued = check(params, commands, run(params, commands, 80))
    starts = issued[::pixels]
    np.testing.assert_array_equal(np.diff(starts), params.rows)


def test_a_block_of_several_commands_keeps_its_bank():
    params = Params(rows=4, cols=8, input_bytes=256, acc_rows=16)
    parts = [dict(first=1, last=0), dict(first=0, last=0), dict(first=0, last=1)]
    commands = [command(cols=7, k=6, base=n, **parts[n % 3]) for n in range(15)]
    assert is_gapless(check(params, commands, run(params, commands, 160)))


def test_addresses_wrap_at_the_buffer_size():
    params = Params(rows=4, cols=4, input_bytes=64, acc_rows=64)
    item = command(base=60, nx=3, ny=4, step_x=2, step_y=27, k=10, seg=5, seg_skip=6)
    check(params, [item], run(params, [item], 60))


def test_waits_for_done_counts():
    params = Params(rows=4, cols=4, input_bytes=256, acc_rows=16)
    commands = [command(wait_load=3), command(wait_window=1, wait_load=3)]
    trace = run(params, commands, 60, done_load=lambda cycle: 3 if cycle >= 20 else 2)
    issued = check(params, commands, trace)
    # Four cycles from a count to an issue; the second command waits for the first one's completion.
    assert issued[0] == 24
    assert issued[4] == issued[3] + IM2COL_LATENCY + 5
    assert causes(trace)[:3] == [("idle", 2), ("wait_load", 22), ("busy", 4)]


def test_waits_for_a_bank():
    params = Params(rows=4, cols=4, input_bytes=256, acc_rows=16)
    commands = [command() for _ in range(4)]
    around = Surroundings(params, commands, bank_delay=20)
    trace = run(params, commands, 70, around)
    issued = check(params, commands, trace)
    # Block 2 needs the bank of block 0, which is released 20 cycles after that block's end.
    assert issued[8] == issued[3] + 22
    assert causes(trace)[-4:-1] == [("busy", 8), ("wait_bank", 17), ("busy", 8)]


def test_waits_for_weights():
    params = Params(rows=4, cols=4, input_bytes=256, acc_rows=16)
    around = Surroundings(params, [command()])
    around.may_start = 30
    trace = run(params, [command()], 50, around)
    assert check(params, [command()], trace)[0] == 33
    assert ("wait_weights", 28) in causes(trace)


def test_halt_stops_issue():
    params = Params(rows=4, cols=4, input_bytes=256, acc_rows=16)
    trace = run(params, [command(k=8)], 40, halt=lambda cycle: cycle >= 9)
    assert [seen["valid"] for seen in trace[10:]] == [0] * 30
    assert any(seen["valid"] for seen in trace[:10])


@pytest.mark.parametrize("seed", range(6))
def test_random_commands_with_slow_neighbours(seed):
    rng = np.random.default_rng(seed)
    rows = int(rng.choice([4, 8, 16]))
    params = Params(rows=rows, cols=8, input_bytes=1024, acc_rows=64)
    commands, opened = [], False
    for number in range(14):
        nx, ny = (int(value) for value in rng.integers(1, 6, 2))
        last = int(number == 13 or rng.integers(4) > 0)
        size, span = params.input_bytes, 20
        commands.append(
            command(
                first=int(not opened), last=last, cols=int(rng.integers(1, 9)), nx=nx, ny=ny,
                base=int(rng.integers(size)), step_x=int(rng.integers(size)),
                step_y=int(rng.integers(size)), k=int(rng.integers(1, 3 * rows)),
                seg=int(rng.integers(1, span)), seg_skip=int(rng.integers(1 << 16)),
                wait_window=max(0, number - int(rng.integers(1, 4))),
            )
        )
        opened = not last
    around = Surroundings(params, commands, rng)
    check(params, commands, run(params, commands, 2600, around))
    assert not around.queue
