"""The window unit's store: every command with a target of its own."""

import random

import pytest
from amaranth.sim import Simulator

from accel.params import Params
from accel.rtl.window.store import COMMANDS, WindowStore
from tests.rtl.axi_sink import AxiSink

SIZE = 4096


@pytest.mark.parametrize("stall", (0.0, 0.4))
def test_each_command_has_its_own_target(stall):
    """Configurations run ahead of the results by as many commands as they may.

    Every third command's results go to the array's buffer, and are seen on the bus nowhere.
    """
    params = Params(rows=8, cols=4, input_bytes=4096, acc_rows=16, bus_bytes=8)
    dut, rng = WindowStore(params), random.Random(5)
    sink = AxiSink(dut.axi, SIZE, stall=stall)
    expected, completed = bytearray(SIZE), []
    commands, near, stays = [], [], []
    for number in range(10):
        config = {"nx": rng.randint(1, 5), "cols": rng.randint(1, 4), "dst": 400 * number + 1,
                  "pitch_x": rng.randint(4, 7), "pitch_y": 48, "near": number % 3 == 1}
        vectors = [[rng.randint(-128, 127) for _ in range(4)]
                   for _ in range(config["nx"] * rng.randint(1, 3))]  # fmt: skip
        commands.append((config, vectors))
        for n, vector in enumerate(vectors):
            y, x = divmod(n, config["nx"])
            place = config["dst"] + x * config["pitch_x"] + y * config["pitch_y"]
            if config["near"]:
                stays.append((place, config["cols"], vector))
                continue
            stored = vector[: config["cols"]]
            expected[place : place + len(stored)] = bytes(byte & 255 for byte in stored)
    ahead = 0

    async def configure(ctx):
        nonlocal ahead
        for config, _ in commands:
            ctx.set(dut.config.payload, config)
            ctx.set(dut.config.valid, 1)
            await ctx.tick().until(dut.config.ready)
            ctx.set(dut.config.valid, 0)
            ahead += 1

    async def feed(ctx):
        await ctx.tick().repeat(20)
        assert ahead == COMMANDS + 1
        for _, vectors in commands:
            for n, vector in enumerate(vectors):
                ctx.set(dut.input.payload.data, vector)
                ctx.set(dut.input.payload.last, n == len(vectors) - 1)
                ctx.set(dut.input.valid, 1)
                await ctx.tick().until(dut.input.ready)
                ctx.set(dut.input.valid, 0)
        while len(completed) < len(commands):
            await ctx.tick()
        await ctx.tick().until(dut.idle)

    async def watch(ctx):
        cycle = 0
        async for _, _, done, there, place, cols, data in ctx.tick().sample(
            dut.completed, dut.near.valid, dut.near.addr, dut.near.cols, dut.near.data
        ):
            if there:
                near.append((place, cols, list(data)))
            if done:
                completed.append(cycle)
            cycle += 1
            assert cycle < 4000

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    for background in (watch, sink.run):
        sim.add_testbench(background, background=True)
    sim.add_testbench(configure)
    sim.add_testbench(feed)
    sim.run()
    assert sink.memory == expected
    # Addresses go around at the larger one of both buffers.
    largest = max(params.input_bytes, params.window_bytes)
    assert near == [(place % largest, cols, vector) for place, cols, vector in stays]
