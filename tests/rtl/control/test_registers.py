"""AXI4-Lite in every handshake order, and what is behind each address."""

import dataclasses
import itertools

import pytest
from amaranth.sim import Simulator

from accel.isa import RECORD_WORDS
from accel.params import Params
from accel.registers import ID_VALUE, REGISTERS, REGISTERS_VERSION, Reg, machine_id, registers_of
from accel.rtl.control.registers import ADDR_BITS, RegisterPort, Registers
from tests.rtl.axi_lite_host import Host

PARAMS = Params(rows=8, cols=16, bus_bytes=16, timeout_cycles=100)


def simulate(main, dut, watch=None, answer=None):
    """Run ``main`` with a host; beside it a testbench, and a process that acts within a cycle."""
    sim = Simulator(dut)
    sim.add_clock(1e-8)
    if watch:
        sim.add_testbench(watch, background=True)
    if answer:
        sim.add_process(answer)

    async def bench(ctx):
        await main(ctx, dut, Host(dut.bus))

    sim.add_testbench(bench)
    sim.run()


def test_register_port_takes_every_handshake_order():
    dut = RegisterPort()
    seen = []

    async def main(ctx, dut, host):
        orders = list(itertools.product((0, 1, 2, 5), (0, 1, 2, 5), (0, 3, 9)))
        for n, delays in enumerate(orders):
            assert await host.write(ctx, n, 1000 + n, strobes=n % 16, delays=delays) == 0
        masks = [sum(0xFF << 8 * b for b in range(4) if n >> b & 1) for n in range(16)]
        assert seen == [(n, 1000 + n, masks[n % 16]) for n in range(len(orders))]
        for delays in itertools.product((0, 1, 4), (0, 1, 7)):
            assert await host.read(ctx, 0x40, delays) == 0x40 * 3

    async def registers(ctx):
        while True:
            _, _, strobe, addr, value, mask = await ctx.tick().sample(
                dut.write, dut.write_addr, dut.write_data, dut.write_mask
            )
            if strobe:
                seen.append((addr, value, mask))

    async def answer(ctx):
        while True:
            (addr,) = await ctx.changed(dut.read_addr)
            ctx.set(dut.read_data, addr * 3)

    simulate(main, dut, registers, answer)


def test_registers():
    async def main(ctx, dut, host):
        assert await host.read(ctx, Reg.ID) == ID_VALUE
        assert await host.read(ctx, Reg.SHAPE) == 8 | 16 << 8 | 16 << 16
        assert await host.read(ctx, Reg.TIMEOUT) == 100
        ctx.set(dut.status, 0x10305)
        ctx.set(dut.where, 0xCAFE)
        assert await host.read(ctx, Reg.STATUS) == 0x10305
        assert await host.read(ctx, Reg.WHERE) == 0xCAFE
        for reg in (Reg.PROGRAM, Reg.COMMANDS, Reg.TIMEOUT, Reg.BUDGET):
            await host.write(ctx, reg, 0x12345678)
            assert await host.read(ctx, reg) == 0x12345678
            await host.write(ctx, reg, 0xAABBCCDD, strobes=0b0101)
            assert await host.read(ctx, reg) == 0x12BB56DD
        for written in (dut.program, dut.commands, dut.timeout, dut.budget):
            assert ctx.get(written) == 0x12BB56DD
        for n in range(RECORD_WORDS):
            ctx.set(dut.record[n], 7 * n + (n << 28))
        for n in range(RECORD_WORDS):
            assert await host.read(ctx, Reg.COUNTERS + 4 * n) == 7 * n + (n << 28)
        for reg in (Reg.ID, Reg.SHAPE, Reg.STATUS, Reg.WHERE, Reg.COUNTERS, 0x30, 0x80, 0xFC):
            before = await host.read(ctx, reg)
            assert await host.write(ctx, reg, 0xFFFFFFFF) == 0
            assert await host.read(ctx, reg) == before
        assert before == await host.read(ctx, 0x30) == await host.read(ctx, Reg.CONTROL) == 0

    simulate(main, Registers(PARAMS))


async def set_up(ctx, dut):
    """Give everything that can be read a word of its own; return the words by address."""
    ctx.set(dut.status, 0xFF07)
    ctx.set(dut.where, 0xFEDCBA98)
    for n in range(RECORD_WORDS):
        ctx.set(dut.record[n], 0x11223300 + n)
    fixed = {Reg.ID: ID_VALUE, Reg.SHAPE: 0x101008, Reg.CONTROL: 0, Reg.STATUS: 0xFF07,
             Reg.PROGRAM: 0, Reg.COMMANDS: 0, Reg.TIMEOUT: 100, Reg.WHERE: 0xFEDCBA98, Reg.BASE: 0,
             Reg.VERSION: REGISTERS_VERSION, Reg.MACHINE: machine_id(PARAMS),
             Reg.BUDGET: 0}  # fmt: skip
    return fixed | {Reg.COUNTERS + 4 * n: 0x11223300 + n for n in range(RECORD_WORDS)}


def test_every_byte_address_reads_its_word():
    async def main(ctx, dut, host):
        words = await set_up(ctx, dut)
        for address in range(1 << ADDR_BITS):
            assert await host.read(ctx, address) == words.get(address & ~3, 0), hex(address)

    simulate(main, Registers(PARAMS))


@pytest.mark.parametrize("register", [Reg.PROGRAM, Reg.COMMANDS, Reg.TIMEOUT, Reg.BUDGET], ids=repr)
def test_every_byte_lane_is_written_at_every_address_of_its_word(register):
    """With all strobes, too; and no other register changes."""

    async def main(ctx, dut, host):
        words = await set_up(ctx, dut)
        for number, (address, strobes) in enumerate(
            itertools.product(range(register, register + 4), range(16))
        ):
            value = (0x9D2C5681 * (number + 1)) & 0xFFFFFFFF
            mask = sum(0xFF << 8 * lane for lane in range(4) if strobes >> lane & 1)
            assert await host.write(ctx, address, value, strobes=strobes) == 0
            words[register] = words[register] & ~mask | value & mask
            assert await host.read(ctx, register) == words[register], (address, strobes)
        for address, word in words.items():
            assert await host.read(ctx, address) == word

    simulate(main, Registers(PARAMS))


@pytest.mark.parametrize("checksum", [False, True])
def test_what_is_writable_is_what_the_table_says(checksum):
    """registers.REGISTERS, which users read in the Verilog's header, bit by bit."""
    params = dataclasses.replace(PARAMS, checksum=checksum)

    async def main(ctx, dut, host):
        words = await set_up(ctx, dut) | {Reg.CHECKSUM: 0}
        missing = set() if checksum else {Reg.CHECKSUM}
        assert set(REGISTERS) - set(registers_of(params)) == missing
        for register, fields in registers_of(params).items():
            readable, writable = (
                sum((1 << bits.width) - 1 << bits.low for bits in fields if access in bits.access)
                for access in ("r", "w")
            )
            assert words[register] & ~readable == 0
            for value in (0, 0xFFFFFFFF):
                await host.write(ctx, register, value)
                kept = words[register] & ~writable
                assert await host.read(ctx, register) == kept | value & writable & readable
        if checksum:
            await host.write(ctx, Reg.CHECKSUM, 0x12345678)
            assert ctx.get(dut.checksum) == 0x12345678

    simulate(main, Registers(params))


def test_narrow_addresses():
    async def main(ctx, dut, host):
        for register, kept in ((Reg.PROGRAM, 0xFFFFF), (Reg.BASE, 0xFF000)):
            await host.write(ctx, register, 0xFFFFFFFF)
            assert await host.read(ctx, register) == kept

    simulate(main, Registers(Params(addr_bits=20)))


def test_base_is_written_byte_by_byte_but_not_while_busy():
    async def main(ctx, dut, host):
        await host.write(ctx, Reg.BASE, 0x12345678)
        assert await host.read(ctx, Reg.BASE) == 0x12345000
        await host.write(ctx, Reg.BASE, 0xAABBCCDD, strobes=0b0110)
        assert await host.read(ctx, Reg.BASE) == 0x12BBC000
        assert ctx.get(dut.base) == 0x12BBC
        ctx.set(dut.busy, 1)
        await host.write(ctx, Reg.BASE, 0)
        assert await host.read(ctx, Reg.BASE) == 0x12BBC000

    simulate(main, Registers(PARAMS))


def test_control_bits_are_strobes():
    seen = []

    async def main(ctx, dut, host):
        for value, strobes in ((1, 0xF), (2, 0xF), (3, 0x1), (0, 0xF), (3, 0xE), (0xFFFFFFFC, 0xF)):
            await host.write(ctx, Reg.CONTROL, value, strobes=strobes)
        await host.write(ctx, Reg.PROGRAM, 3)
        assert seen == [(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1)]
        # At each address of the word, whose lowest byte has them.
        for address, strobes in itertools.product(range(Reg.CONTROL, Reg.CONTROL + 4), range(16)):
            seen.clear()
            await host.write(ctx, address, 0x0202FF01, strobes=strobes)
            assert seen == [(1, 0, 0)] * (strobes & 1)

    dut = Registers(PARAMS)

    async def watch(ctx):
        while True:
            _, _, *strobes = await ctx.tick().sample(dut.start, dut.clear, dut.abort)
            if any(strobes):
                seen.append(tuple(strobes))

    simulate(main, dut, watch)
