"""Memories with parity: the same words, and a flag for each flipped bit of one that matters."""

import random

import pytest
from amaranth import Const, Module, Signal
from amaranth.hdl import Fragment
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from accel.rtl.parts.parity import FLAGS, Guards, collected, guards, watch, with_parity
from accel.rtl.parts.queue import RamQueue
from accel.rtl.parts.rest import ClockGates
from tests.rtl.memories import memories

DEPTH, PARTS, PART = 8, 2, 8


class Holder(wiring.Component):
    """A memory whose parts are written and matter one by one."""

    def __init__(self, domain):
        self._domain = domain
        width = PARTS * PART
        super().__init__(
            {
                "write": In(PARTS), "at": In(range(DEPTH)), "value": In(width),
                "where": In(range(DEPTH)), "found": Out(width), "matters": In(PARTS),
            }
        )  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=PARTS * PART, depth=DEPTH, init=[])
        write, read = memory.write_port(granularity=PART), memory.read_port(domain=self._domain)
        m.d.comb += [
            write.en.eq(self.write), write.addr.eq(self.at), write.data.eq(self.value),
            read.addr.eq(self.where), self.found.eq(read.data),
        ]  # fmt: skip
        if self._domain != "comb":
            m.d.comb += read.en.eq(1)
        watch(platform, read, self.matters)
        return m


def simulated(dut, main):
    """Run ``main`` on a component with guards, and return what it has."""
    platform = Guards()
    fragment = Fragment.get(dut, platform)
    (memory,) = memories(fragment).values()
    sim = Simulator(fragment)
    sim.add_clock(1e-8)

    async def bench(ctx):
        await main(ctx, memory, *platform.flags)

    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("width, part", [(8, 8), (16, 8), (36, 36), (5, 1)])
def test_every_part_has_even_ones(width, part):
    rng = random.Random(width)
    for value in (0, (1 << width) - 1, *(rng.getrandbits(width) for _ in range(20))):
        bits = with_parity(Const(value, width), part)
        assert len(bits) == width // part * (part + 1)
        text = []

        async def main(ctx, bits=bits, text=text):
            text.append(ctx.get(bits))

        sim = Simulator(Module())
        sim.add_testbench(main)
        sim.run()
        for number in range(width // part):
            one = text[0] >> number * (part + 1) & (1 << part + 1) - 1
            assert one & (1 << part) - 1 == value >> number * part & (1 << part) - 1
            assert one.bit_count() % 2 == 0


@pytest.mark.parametrize("domain", ["sync", "comb"])
def test_a_flipped_bit_is_found_where_it_matters_and_nowhere_else(domain):
    dut = Holder(domain)
    late = int(domain == "sync")

    async def main(ctx, memory, flag):
        rng = random.Random(1)
        words = [0] * DEPTH
        for _ in range(200):
            at, mask, value = rng.randrange(DEPTH), rng.randrange(4), rng.getrandbits(16)
            ctx.set(dut.at, at)
            ctx.set(dut.write, mask)
            ctx.set(dut.value, value)
            kept = sum(0xFF << PART * n for n in range(PARTS) if not mask >> n & 1)
            words[at] = words[at] & kept | value & ~kept
            ctx.set(dut.where, rng.randrange(DEPTH))
            ctx.set(dut.matters, rng.randrange(4))
            await ctx.tick()
        ctx.set(dut.write, 0)
        for at, word in enumerate(words):
            ctx.set(dut.where, at)
            await ctx.tick()
            assert ctx.get(dut.found) == word and not ctx.get(flag)
        ctx.set(dut.matters, 0)
        for bit in range(PARTS * (PART + 1)):
            at, part = rng.randrange(DEPTH), bit // (PART + 1)
            ctx.set(memory[at], ctx.get(memory[at]) ^ 1 << bit)
            for matters in (1 << 1 - part, 1 << part):  # the other part, then this one
                assert not ctx.get(flag)
                ctx.set(dut.where, at)
                if late:
                    await ctx.tick()
                    ctx.set(dut.where, at ^ 1)
                ctx.set(dut.matters, matters)
                await ctx.tick()
                ctx.set(dut.where, at ^ 1)
                ctx.set(dut.matters, 0)
                await ctx.tick().repeat(3)
            assert ctx.get(flag), bit
            ctx.set(memory[at], ctx.get(memory[at]) ^ 1 << bit)
            ctx.set(flag, 0)

    simulated(dut, main)


def test_a_queue_finds_a_flipped_bit_and_lets_the_rest_pass():
    dut = RamQueue(20, 8)

    async def main(ctx, memory, flag):
        rng = random.Random(2)
        for bit in (None, *range(21)):
            words = [rng.getrandbits(20) for _ in range(8)]
            ctx.set(dut.input.valid, 1)
            for word in words:
                ctx.set(dut.input.payload, word)
                await ctx.tick()
            ctx.set(dut.input.valid, 0)
            await ctx.tick().repeat(4)
            if bit is not None:
                # Two or three are in registers by now.
                inside = [at for at in range(8) if ctx.get(memory[at]) & 0xFFFFF == words[5]]
                ctx.set(memory[inside[0]], ctx.get(memory[inside[0]]) ^ 1 << bit)
            ctx.set(dut.output.ready, 1)
            found = []
            for _ in words:
                assert ctx.get(dut.output.valid)
                found.append(ctx.get(dut.output.payload))
                await ctx.tick()
            ctx.set(dut.output.ready, 0)
            wrong = [number for number in range(8) if found[number] != words[number]]
            assert wrong == ([5] if bit is not None and bit < 20 else [])
            await ctx.tick().repeat(2)
            assert ctx.get(flag) == (bit is not None)
            ctx.set(flag, 0)

    simulated(dut, main)


def test_without_guards_nothing_is_built():
    for platform in (None, ClockGates()):
        (memory,) = memories(Fragment.get(Holder("sync"), platform)).values()
        assert len(memory[0]) == PARTS * PART
    assert isinstance(guards(ClockGates()), ClockGates) and not isinstance(guards(None), ClockGates)


@pytest.mark.parametrize("count", [2, FLAGS, FLAGS + 1, FLAGS**2 + 3])
def test_every_flag_is_collected(count):
    m, flags = Module(), [Signal(name=f"flag_{n}") for n in range(count)]
    any_of = collected(m, flags)

    async def main(ctx):
        for flag in flags:
            await ctx.tick().repeat(4)
            assert not ctx.get(any_of)
            ctx.set(flag, 1)
            await ctx.tick().repeat(4)
            assert ctx.get(any_of)
            ctx.set(flag, 0)

    sim = Simulator(m)
    sim.add_clock(1e-8)
    sim.add_testbench(main)
    sim.run()
