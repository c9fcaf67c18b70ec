# amaranth: UnusedElaboratable=no
"""The command queue: commands in and out in order, room counted in commands."""

import random

import pytest
from amaranth.sim import Simulator

from accel.rtl.control.command_queue import WORD_BITS, CommandQueue, words_of
from accel.rtl.parts.queue import RamQueue


def words(command, count):
    return [command >> WORD_BITS * n & (1 << WORD_BITS) - 1 for n in range(count)]


@pytest.mark.parametrize("bits, depth", [(500, 8), (132, 2), (64, 1), (65, 4), (7, 2)])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_commands_come_out_in_order(bits, depth, stall):
    rng = random.Random(bits)
    commands = [rng.getrandbits(bits) for _ in range(30)]
    dut, taken, inside = CommandQueue(bits, depth), [], [0]
    sim = Simulator(dut)
    sim.add_clock(1e-8)

    async def source(ctx):
        for command in commands:
            while not ctx.get(dut.free) or rng.random() < stall:
                await ctx.tick()
            inside[0] += 1
            assert inside[0] <= depth
            for n, word in enumerate(words(command, words_of(bits))):
                ctx.set(dut.word, word)
                ctx.set(dut.write, 1)
                ctx.set(dut.entered, n == words_of(bits) - 1)
                await ctx.tick()
                ctx.set(dut.write, 0)
                ctx.set(dut.entered, 0)
            await ctx.tick()
            await ctx.tick()

    async def sink(ctx):
        while len(taken) < len(commands):
            while rng.random() < stall:
                await ctx.tick()
            ctx.set(dut.output.ready, 1)
            (payload,) = await ctx.tick().sample(dut.output.payload).until(dut.output.valid)
            ctx.set(dut.output.ready, 0)
            taken.append(payload)
            inside[0] -= 1
        await ctx.tick()
        await ctx.tick()
        assert not ctx.get(dut.pending) and ctx.get(dut.free)

    sim.add_testbench(source, background=True)
    sim.add_testbench(sink)
    sim.run()
    assert taken == commands


def test_latency():
    dut, count = CommandQueue(130, 2), words_of(130)
    sim = Simulator(dut)
    sim.add_clock(1e-8)

    async def main(ctx):
        for cycle in range(count + RamQueue.LATENCY + 1):
            assert not ctx.get(dut.output.valid)
            ctx.set(dut.write, cycle < count)
            ctx.set(dut.entered, cycle == count - 1)
            await ctx.tick()
        assert ctx.get(dut.output.valid) and ctx.get(dut.pending)

    sim.add_testbench(main)
    sim.run()


@pytest.mark.parametrize(
    "bits, depth, message",
    [
        (0, 4, "bits must be an integer of at least 1, not 0"),
        (9, 3, "depth must be a power of two, not 3"),
        (9, 0, "depth must be a power of two, not 0"),
    ],
)
def test_parameters_are_checked(bits, depth, message):
    with pytest.raises(ValueError, match=message):
        CommandQueue(bits, depth)
