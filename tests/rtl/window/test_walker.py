"""The walk over groups of taps: order, pace, and all that holds a command back."""

import random

import pytest
from amaranth.sim import Simulator

from accel.isa import WindowMode
from accel.params import Params
from accel.rtl.window.walker import WindowWalker

MAC, SUM, MAX, ADD, MUL, SUB, MIN = WindowMode


def machine(taps=4, cols=4, lanes=0):
    return Params(rows=8, cols=cols, input_bytes=4096, acc_rows=16, bus_bytes=8,
                  window_taps=taps, window_bytes=1024, window_lanes=lanes)  # fmt: skip


def groups_of(command, params, slot):
    """What a command's groups are, in plain Python: (word address, offsets, flags)."""
    taps, cols = params.window_taps, params.cols
    words, rows = params.window_bytes // cols, params.window_bytes // cols // taps
    count = -(-command["k"] // taps)
    groups = []
    for y in range(command["ny"]):
        for x in range(command["nx"]):
            output = command["base"] + x * command["step_x"] + y * command["step_y"]
            for tile in range(count):
                elements = range(tile * taps, (tile + 1) * taps)
                inside = sum((i < command["k"]) << tap for tap, i in enumerate(elements))
                last = tile == count - 1
                final = last and x == command["nx"] - 1 and y == command["ny"] - 1
                groups.append({
                    "base": (output // cols + tile * taps) % words,
                    "offsets": [i // command["seg"] * command["seg_skip"] % rows for i in elements],
                    "first": tile == 0, "last": last, "final": final, "taps": inside,
                    "tile": tile % 32, "slot": slot, "lanes": bin(inside).count("1"),
                })  # fmt: skip
    return groups


def random_command(rng, params, **fields):
    size, word = params.window_bytes, params.cols
    return {
        "mode": SUM, "k": rng.randint(1, 3 * params.window_taps), "seg": rng.randint(1, 9),
        "seg_skip": rng.randrange(99), "nx": rng.randint(1, 4), "ny": rng.randint(1, 4),
        "base": rng.randrange(0, size, word), "step_x": rng.randrange(0, size, word),
        "step_y": rng.randrange(0, size, word), **fields,
    }  # fmt: skip


class Bench:
    """A walker whose surroundings are always ready, unless ``run``'s process says otherwise."""

    def __init__(self, params):
        self.dut = WindowWalker(params)
        self.cycle, self.issues, self.groups, self.takes = 0, [], [], []
        self.inside = 0

    def run(self, commands, process=None):
        async def send(ctx):
            port = self.dut.command
            for command in commands:
                ctx.set(port.payload, command)
                ctx.set(port.valid, 1)
                await ctx.tick().until(port.ready)
                ctx.set(port.valid, 0)
            await ctx.tick()
            while ctx.get(self.dut.active):
                await ctx.tick()
            await ctx.tick()

        sim = Simulator(self.dut)
        sim.add_clock(1e-6)
        sim.add_testbench(self._watch, background=True)
        sim.add_testbench(send)
        if process:
            sim.add_testbench(process)
        sim.run()

    async def _watch(self, ctx):
        dut = self.dut
        ctx.set(dut.room, 1)
        ctx.set(dut.place, 1)
        pending = None
        async for _, _, group, base, lanes, opens, take, offsets in ctx.tick().sample(
            dut.group, dut.read.base, dut.lanes, dut.opens, dut.take, dut.read.offsets
        ):
            if pending is not None:
                pending["offsets"] = list(offsets)
                self.groups.append(pending)
                pending = None
            if group.valid:
                self.issues.append(self.cycle)
                names = ("first", "last", "final", "taps", "tile", "slot")
                pending = {name: group[name] for name in names} | {"base": base, "lanes": lanes}
                assert opens == group.first
            if take:
                self.takes.append(self.cycle)
            self.cycle += 1
            assert self.cycle < 5000


@pytest.mark.parametrize("taps, cols", [(2, 4), (4, 4), (4, 16), (8, 8), (16, 4)])
def test_groups_of_random_commands(taps, cols):
    params = machine(taps, cols, cols)
    rng = random.Random(taps + cols)
    commands = [random_command(rng, params) for _ in range(12)]
    bench = Bench(params)
    bench.run(commands)
    expected = [group for command in commands for group in groups_of(command, params, 0)]
    assert bench.groups == expected


def test_latency_of_a_command_that_waits_for_nothing():
    params = machine(4)
    bench = Bench(params)
    bench.run([random_command(random.Random(1), params)])
    assert bench.takes == [4 + 3] and bench.issues[0] == 4 + 4


@pytest.mark.parametrize("lanes, pace", [(8, 1), (4, 2), (1, 8)])
def test_outputs_come_no_faster_than_the_lanes_take_them(lanes, pace):
    params = machine(4, 8, lanes)
    bench = Bench(params)
    bench.run([random_command(random.Random(2), params, k=9, nx=6, ny=1),
               random_command(random.Random(2), params, k=4, nx=6, ny=1)])  # fmt: skip
    opened = [c for c, group in zip(bench.issues, bench.groups, strict=True) if group["first"]]
    steps = [after - before for before, after in zip(opened[:-1], opened[1:], strict=True)]
    assert steps[:5] == [max(3, pace)] * 5 and steps[6:] == [pace] * 5


def test_macs_take_turns_in_the_slots_and_wait_for_their_records():
    params = machine(4, 4, 4)
    rng = random.Random(3)
    commands = [random_command(rng, params, mode=mode, k=5) for mode in (MAC, MAC, SUM, MAC)]
    bench = Bench(params)
    dut = bench.dut

    async def records(ctx):
        for count in range(3):
            await ctx.tick().repeat(90)
            assert len(bench.takes) == (0, 1, 3)[count]
            ctx.set(dut.recorded, 1)
            await ctx.tick()
            ctx.set(dut.recorded, 0)

    bench.run(commands, records)
    slots = [groups[0]["slot"] for groups in
             (groups_of(c, params, s) for c, s in zip(commands, (0, 1, 1, 0), strict=True))]
    assert [group["slot"] for group in bench.groups if group["final"]] == slots


@pytest.mark.parametrize("name", ("room", "place", "wload", "halt"))
def test_what_holds_a_command_back(name):
    """Room for its results, a wait, and the halt: nothing is issued before they allow it."""
    params = machine()
    bench = Bench(params)
    dut = bench.dut
    signal = dut.done.wload if name == "wload" else getattr(dut, name)

    async def hold(ctx):
        ctx.set(signal, name == "halt")
        await ctx.tick().repeat(40)
        assert not bench.issues
        ctx.set(signal, 3 if name == "wload" else name != "halt")

    commands = [random_command(random.Random(4), params, wait_wload=3)]
    if name != "wload":
        commands[0].pop("wait_wload")
    bench.run(commands, hold)
    assert bench.issues[0] >= 40


@pytest.mark.parametrize("field", (None, "mode", "out_zero", "b_shift", "k"))
def test_a_command_that_differs_waits_for_the_pipeline(field):
    params = machine()
    common = {"k": 8, "seg": 8, "nx": 8, "ny": 2, "mode": SUM}
    other = common | ({field: 3 if field != "mode" else MAX} if field else {})
    bench = Bench(params)
    dut = bench.dut

    async def pipeline(ctx):
        ctx.set(dut.inside, 1)
        await ctx.tick().repeat(80)
        assert len(bench.takes) == (1 if field else 2)
        ctx.set(dut.inside, 0)

    async def start(ctx):
        # Even the first command's configuration is a new one.
        await ctx.tick().until(dut.take)
        await pipeline(ctx)

    bench.run([common, other], start)
    assert len(bench.takes) == 2
    if not field:
        assert bench.issues[-1] - bench.issues[0] == 2 * 32 - 1 + 1
