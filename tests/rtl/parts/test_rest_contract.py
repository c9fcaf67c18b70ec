"""Resting makes no difference in any cycle: blocks beside copies of them behind clock gates."""

import random

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from accel.isa import COMMAND_BYTES, Op, WindowMode, pack
from accel.params import PARAM_PLANES, PARAM_SLOTS, Params
from accel.rtl.control.dispatch import command_queues
from accel.rtl.control.fetch import Fetch
from accel.rtl.control.registers import Registers
from accel.rtl.control.rules import OPCODE_BITS
from accel.rtl.parts.reset import RESET_CYCLES, distribute
from accel.rtl.post.post import PostEngine
from accel.rtl.window.unit import WindowUnit
from tests.rtl.gated_twin import Twin

#: Of 100 cycles, how many something happens in: never, now and then, always.
RATES = (0, 0, 2, 10, 50, 100)
POOL = dict(pool_in_zero=3, kh=2, kw=2, sh=1, sw=1)


def chance(rng, percent):
    return rng.randrange(100) < percent


def compare(block, drive):
    """Run ``drive(ctx, twin)`` and compare the twins' outputs in every cycle."""
    twin = Twin(block)
    simulator = Simulator(twin)
    simulator.add_clock(1e-6)
    simulator.add_testbench(twin.watch, background=True)

    async def main(ctx):
        await drive(ctx, twin)

    simulator.add_testbench(main)
    simulator.run()
    assert not twin.differences, twin.differences[:9]
    assert twin.rested and min(twin.rested) > 100


def command(rng, op, refused):
    """A command that the check lets pass, or with a reserved bit."""
    values = {
        Op.POST: dict(count=1, cols=1, hi=5, pool=refused or rng.randrange(3), out_w=1, **POOL),
        Op.TABLE: dict(entries=8, shift7=-9),
        Op.ACTIVATION: dict(first=32, value31=7),
        Op.WEIGHTS: dict(src=1024, tiles=1),
        Op.WPARAM: dict(src=1024, tiles=1),
        Op.EXEC: dict(nx=3, ny=2, k=1, seg=1, cols=1),
        Op.WINDOW: dict(nx=3, ny=2, k=1, seg=1, cols=1),
    }.get(op, dict(rows=1, items=1, inner=1))
    raw = pack(op, **values)
    return raw[:-1] + b"\x01" if refused else raw


@pytest.mark.parametrize(("bus", "depth", "taps"), [(4, 2, 0), (8, 4, 8), (64, 2, 8)])
def test_fetch(bus, depth, taps):
    """Programs with and without an error, some halted, each after a reset."""
    rng, taken = random.Random(bus), []
    params = Params(rows=8, cols=8, bus_bytes=bus, queue_depth=depth, window_taps=taps)
    ops = [op for ops in command_queues(params).values() for op in ops]

    async def run(ctx, dut, commands):
        halt, beats = rng.choice((150, 700)), []
        program = b"".join(commands).ljust(COMMAND_BYTES * 64)
        ctx.set(dut.program, len(commands) > 1 and chance(rng, 10))  # unaligned
        ctx.set(dut.commands, len(commands))
        for cycle in range(700):
            if cycle % 100 == 0:
                serves, takes = rng.choice((10, 50, 100, 100)), rng.choice(RATES)
            ready, valid = chance(rng, serves), bool(beats) and chance(rng, serves)
            ctx.set(dut.start, cycle == 0)
            ctx.set(dut.halt, cycle >= halt)
            ctx.set(dut.client.request.ready, ready)
            ctx.set(dut.client.valid, valid)
            if valid:
                ctx.set(dut.client.data, int.from_bytes(beats.pop(0), "little"))
            queues = [getattr(dut, name) for name in command_queues(params)]
            for queue in queues:
                ctx.set(queue.ready, chance(rng, takes))
            _, _, asks, request, *moved = await ctx.tick().sample(
                dut.client.request.valid, dut.client.request.payload,
                *(queue.valid & queue.ready for queue in queues),
            )  # fmt: skip
            taken.extend(moved)
            if asks and ready:
                first = request.addr
                beats += [program[first + n * bus :][:bus] for n in range(request.beats)]

    async def drive(ctx, twin):
        # The check of a pooled POST takes longest; after the last one's refusal nothing moves.
        programs = [[command(rng, Op.POST, True)]]
        for _ in range(3):
            picked = rng.choices((Op.POST, *ops), k=rng.randrange(10, 40))
            programs.append([command(rng, op, chance(rng, 4)) for op in picked])
        for commands in programs:
            ctx.set(twin.reset, 1)
            await ctx.tick().repeat(RESET_CYCLES)
            ctx.set(twin.reset, 0)
            ctx.set(twin.block.halt, 0)
            await ctx.tick().repeat(RESET_CYCLES)
            await run(ctx, twin.block, commands)

    compare(Fetch(params), drive)
    assert sum(taken) > 10


def test_registers():
    """Handshakes in any order with any time between them, and values that change all the time."""
    rng, ends = random.Random(1), []

    async def drive(ctx, twin):
        dut, bus = twin.block, twin.block.bus
        for cycle in range(2000):
            if cycle % 50 == 0:
                handshakes = ("awvalid", "wvalid", "bready", "arvalid", "rready")
                rates = {name: rng.choice(RATES) for name in handshakes}
            for name, rate in rates.items():
                ctx.set(getattr(bus, name), chance(rng, rate))
            for port in (bus.awaddr, bus.araddr):
                ctx.set(port, 4 * rng.randrange(32))
            for port in (bus.wdata, bus.wstrb, dut.status, dut.where, dut.record[3]):
                ctx.set(port, rng.getrandbits(len(port)))
            _, _, *end = await ctx.tick().sample(bus.bvalid & bus.bready, bus.rvalid & bus.rready)
            ends.append(end)

    compare(Registers(Params(rows=4, cols=4)), drive)
    assert all(sum(end) > 20 for end in zip(*ends, strict=True))


def post_command(rng):
    """POST, TABLE or ACTIVATION, as its queue gives it."""
    op = rng.choice((Op.POST, Op.POST, Op.TABLE, Op.ACTIVATION))
    pool = rng.randrange(3)
    size = dict(out_w=2, out_h=1) if pool else dict(out_w=3, out_h=2)
    values = {
        Op.POST: dict(begin=1, mark=chance(rng, 30), activate=chance(rng, 50), count=6, cols=3,
                      hi=99, mark_addr=512, dst=rng.randrange(256), pitch_x=8, pitch_y=40,
                      in_w=3, in_h=2, pool=pool, **size, **POOL),
        Op.TABLE: dict(entries=rng.randrange(1, 9), multiplier0=rng.getrandbits(31)),
        Op.ACTIVATION: dict(first=32 * rng.randrange(8), value0=rng.randrange(128)),
    }[op]  # fmt: skip
    word = int.from_bytes(pack(op, **values), "little") >> OPCODE_BITS
    return (op == Op.TABLE) | (op == Op.ACTIVATION) << 1 | word << 2


def test_post():
    """Commands with rubbish between them, parameters at any time, and a bus that stalls."""
    rng, ends = random.Random(3), []

    async def drive(ctx, twin):
        dut, axi = twin.block, twin.block.axi
        free, responses, offers = 2, 0, False
        for cycle in range(2000):
            if cycle % 100 == 0:
                asks, serves = rng.choice(RATES), rng.choice(RATES[2:])
            if not offers:
                offers = chance(rng, asks)
                payload = post_command(rng) if offers else rng.getrandbits(500)
                ctx.set(dut.command.payload.as_value(), payload)
            full, responds = free > 0 and chance(rng, asks), responses > 0 and chance(rng, serves)
            for port, value in (
                (dut.command.valid, offers), (dut.block_done, full), (axi.bvalid, responds),
                (axi.awready, chance(rng, serves)), (axi.wready, chance(rng, serves)),
                (dut.param.valid, chance(rng, 2)), (dut.param.plane, rng.randrange(PARAM_PLANES)),
                (dut.param.slot, rng.randrange(PARAM_SLOTS)),
                (dut.param.data.as_value(), rng.getrandbits(32)),
                (dut.acc.data.as_value(), rng.getrandbits(128)),
            ):  # fmt: skip
                ctx.set(port, value)
            _, _, taken, freed, last, completed = await ctx.tick().sample(
                dut.command.ready, dut.bank_free, axi.wvalid & axi.wready & axi.wlast, dut.completed
            )
            offers = offers and not taken
            free += freed - full
            responses += last - responds
            ends.append(completed)

    compare(PostEngine(Params(rows=4, cols=4, pool_entries=16, acc_rows=64)), drive)
    assert sum(ends) > 20


def window_command(rng, op, done):
    """WLOAD, WPARAM or WINDOW, which may wait for more than is ``done``."""
    values = {
        Op.WLOAD: dict(src=rng.randrange(256), dst=4 * rng.randrange(64), inner=8, items=2,
                       item_pitch=40, rows=rng.randrange(1, 4), row_pitch=100, dst_pitch=16),
        Op.WPARAM: dict(src=4 * rng.randrange(256), tiles=1),
        Op.WINDOW: dict(mode=rng.choice((WindowMode.MAC, WindowMode.MAX)), cols=3, k=5, seg=2,
                        nx=rng.randrange(1, 4), ny=2, step_x=4, step_y=8, seg_skip=1, hi=99,
                        dst=rng.randrange(256), pitch_x=8, pitch_y=40, near=chance(rng, 20)),
    }[op]  # fmt: skip
    waits = {Op.WLOAD: "exec post window", Op.WPARAM: "load exec post", Op.WINDOW: "wload post"}
    for name in waits[op].split():
        values[f"wait_{name}"] = rng.choice((0, max(0, done[name] + rng.randrange(-9, 3))))
    return values


def test_window():
    """Commands that wait long, or not at all, for counts that grow now and then; slow memory."""
    rng, ends = random.Random(4), []
    params = Params(rows=4, cols=4, window_taps=8, window_bytes=1024)

    async def drive(ctx, twin):
        dut, axi = twin.block, twin.block.axi
        clients = {Op.WLOAD: dut.load_client, Op.WPARAM: dut.param_client}
        ports = {Op.WLOAD: dut.wload, Op.WPARAM: dut.wparam, Op.WINDOW: dut.window}
        asked, offers = dict.fromkeys(clients, 0), dict.fromkeys(ports)
        done = dict.fromkeys(("load", "exec", "post", "wload", "window"), 0)
        records = responses = 0
        for cycle in range(4000):
            if cycle % 100 == 0:
                serves, grows = rng.choice(RATES[2:]), rng.choice(RATES)
                asks = {op: rng.choice(RATES) for op in ports}
            for op, port in ports.items():
                # Every MAC has its record.
                if not offers[op] and chance(rng, asks[op]) and (op != Op.WPARAM or records):
                    offers[op] = window_command(rng, op, done)
                    records += (op == Op.WINDOW and offers[op]["mode"] == WindowMode.MAC) - (
                        op == Op.WPARAM
                    )
                    ctx.set(port.payload, offers[op])
                ctx.set(port.valid, bool(offers[op]))
            if chance(rng, grows):
                done[rng.choice(list(done))] += 1
                ctx.set(dut.done, done)
            for op, client in clients.items():
                comes = asked[op] > 0 and chance(rng, serves)
                asked[op] -= comes
                ctx.set(client.valid, comes)
                ctx.set(client.data, rng.getrandbits(8 * params.bus_bytes))
                ctx.set(client.request.ready, chance(rng, serves))
            responds = responses > 0 and chance(rng, serves)
            ctx.set(axi.bvalid, responds)
            ctx.set(axi.awready, chance(rng, serves))
            ctx.set(axi.wready, chance(rng, serves))
            _, _, last, completed, *moved = await ctx.tick().sample(
                axi.wvalid & axi.wready & axi.wlast, dut.completed.window,
                *(port.valid & port.ready for port in ports.values()),
                *(part for client in clients.values()
                  for part in (client.request.valid & client.request.ready,
                               client.request.payload.beats)),
            )  # fmt: skip
            responses += last - responds
            ends.append(completed)
            for op, taken in zip(ports, moved, strict=False):
                offers[op] = None if taken else offers[op]
            for op, fired, beats in zip(clients, moved[3::2], moved[4::2], strict=True):
                asked[op] += fired * beats

    compare(WindowUnit(params), drive)
    assert sum(ends) > 30


class Chain(wiring.Component):
    """What ``distribute`` makes for five blocks."""

    value: In(8)
    ends: Out(8).array(5)

    def elaborate(self, platform):
        m = Module()
        block = wiring.Signature({"value": Out(8)})
        blocks = {f"block{n}": block.create(path=(f"block{n}",)) for n in range(5)}
        m.d.comb += [
            end.eq(block.value) for end, block in zip(self.ends, blocks.values(), strict=True)
        ]
        distribute(m, platform, "value", self.value, blocks)
        return m


def test_chain():
    """Counts that grow, and are cleared at any time; pulses that follow each other."""
    rng = random.Random(2)

    async def drive(ctx, twin):
        value = 0
        for _ in range(500):
            value = rng.choice((value + 1, 0, 1)) % 256
            ctx.set(twin.block.value, value)
            await ctx.tick().repeat(rng.choice((1, 1, 2, 3, 4, 5, 7, 20)))

    compare(Chain(), drive)
