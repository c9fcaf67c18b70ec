"""Every error of the driver, provoked; after those of the machine the next run must be right."""

import struct
import zlib

import cocotb
from cocotb.triggers import ClockCycles
from system import IMAGE, MAP, System
from test_network import answers, compare

BASE = 0x40000000
MACHINE_WORD, HEADER_CRC_WORD = 3, 15
#: Registers.
CONTROL, STATUS, TIMEOUT, VERSION = 0x08, 0x0C, 0x18, 0x24
#: Codes of STATUS.
PARITY, CHECKSUM = 10, 11


async def opened(dut, **how):
    """A system with the program loaded."""
    system = System(dut, BASE, **how)
    await system.begin()
    assert await system.open() == "OK"
    assert await system.load() == "OK"
    return system


async def still_right(system):
    """The network runs and all bytes are right."""
    assert await system.open() == "OK"
    assert await system.load() == "OK"
    await system.put([0])
    assert await system.call("accel_run") == "OK"
    compare(system, 0, 0)
    await answers(system, 0, 0)


def changed(word, value):
    """The program image with another header word and a right checksum."""
    header = bytearray(IMAGE[: 4 * HEADER_CRC_WORD])
    struct.pack_into("<I", header, 4 * word, value)
    crc = struct.pack("<I", zlib.crc32(header))
    return bytes(header) + crc + IMAGE[4 * HEADER_CRC_WORD + 4 :]


@cocotb.test()
async def bad_images(dut):
    """Nothing of them reaches the memory."""
    system = System(dut, BASE)
    await system.begin()
    assert await system.open() == "OK"
    assert await system.call("accel_run") == "E_NOT_LOADED"
    assert await system.load(b"ELF" + IMAGE[3:]) == "E_MAGIC"
    assert await system.load(b"") == "E_MAGIC"
    assert await system.load(IMAGE[:40]) == "E_FORMAT"
    assert await system.load(IMAGE[:-4]) == "E_FORMAT"
    assert await system.load(changed(1, 9)) == "E_FORMAT"
    assert await system.load(IMAGE[:24] + b"!" + IMAGE[25:]) == "E_CHECKSUM"
    assert await system.load(IMAGE[:-1] + bytes([IMAGE[-1] ^ 1])) == "E_CHECKSUM"
    other = struct.unpack_from("<I", IMAGE, 4 * MACHINE_WORD)[0] ^ 1
    assert await system.load(changed(MACHINE_WORD, other)) == "E_MACHINE"
    assert await system.call("accel_run") == "E_NOT_LOADED"
    assert not any(system.memory.mem[:])


@cocotb.test()
async def bad_places(dut):
    """No machine where one is sought, and memory that does not fit."""
    system = System(dut, BASE, register_offset=0x80)
    await system.begin()
    assert await system.open() == "E_NO_DEVICE"
    system = System(dut, BASE)
    await system.begin()
    system.answers[VERSION] = 1
    assert await system.open() == "E_VERSION"
    system.answers.clear()
    assert await system.open(base=BASE + 64) == "E_ALIGNMENT"
    assert await system.open(base=0xFFFFF000, size=8192) == "E_ADDRESS"
    assert await system.open(size=0) == "E_MEMORY"
    assert await system.open(size=MAP["memory"]["bytes"] - 1) == "OK"
    assert await system.load() == "E_MEMORY"
    system.memory.address, address = None, system.memory.address
    assert await system.open() == "E_ARGUMENT"
    system.memory.address = address
    assert await system.open() == "OK"
    assert await system.call("accel_wait") == "E_NOT_STARTED"
    assert await system.load() == "OK"
    batch = MAP["program"]["batch"]
    values = bytes(4 * system.lib.accel_elements(system.lib.bench_input(0)))
    put = ("accel_put", system.lib.bench_input(0), batch, values)
    assert await system.call(*put) == "E_ARGUMENT"


@cocotb.test()
async def bus_errors(dut):
    """Reads where nothing is, writes where none are allowed."""
    system = await opened(dut)
    system.device.base = BASE + 0x10000000
    assert await system.call("accel_run") == "E_AXI_READ"
    await system.silent(100)
    await still_right(system)
    system.memory.read_only = True
    assert await system.call("accel_run") == "E_AXI_WRITE"
    await system.silent(100)
    system.memory.read_only = False
    await still_right(system)


@cocotb.test()
async def damaged_program(dut):
    """A command that is none, an unaligned start: the machine's own verdict."""
    system = await opened(dut)
    start = MAP["program"]["start"]
    system.memory.mem[start] = 0xEE
    assert await system.call("accel_run") == "E_ILLEGAL_OPCODE"
    assert await system.load() == "OK"
    system.memory.mem[start + 63] = 0x80
    assert await system.call("accel_run") == "E_ILLEGAL_FIELD"
    assert await system.load() == "OK"
    system.device.start = start + 1
    assert await system.call("accel_run") == "E_UNALIGNED_PROGRAM"
    assert await system.load() == "OK"
    system.memory.mem[start + 1 : start + 4] = b"\xff\xff\xff"  # waits for what never comes
    await system.master.write_dword(TIMEOUT, 500)
    assert await system.call("accel_run") == "E_DEADLOCK"
    await still_right(system)


@cocotb.test()
async def second_start(dut):
    """While a program runs, nothing is started, loaded, put or taken; then it ends well."""
    system = await opened(dut)
    await system.put([0])
    assert await system.call("accel_start") == "OK"
    values = bytes(4 * system.lib.accel_elements(system.lib.bench_input(0)))
    assert await system.call("accel_start") == "E_BUSY"
    assert await system.load() == "E_BUSY"
    assert await system.call("accel_put", system.lib.bench_input(0), 0, values) == "E_BUSY"
    copy = type(system.device).from_buffer_copy(system.device)
    assert await system.open() == "E_BUSY"
    system.device = copy
    assert await system.call("accel_wait") == "OK"
    compare(system, 0, 0)


@cocotb.test()
async def aborted(dut):
    """The driver's own time is over; the abort leaves bus and machine clean."""
    system = await opened(dut)
    for polls in (0, 2, 5):
        system.device.poll_limit = polls
        await system.put([0])
        assert await system.call("accel_run") == "E_TIMEOUT"
        system.device.poll_limit = 1000
        assert await system.call("accel_abort") == "OK"
        assert int(dut.irq.value) == 0
        await system.silent(100)
    await system.put([0])
    assert await system.call("accel_start") == "OK"
    await system.master.write_dword(CONTROL, 4)  # by somebody else
    assert await system.call("accel_wait") == "E_ABORTED"
    await still_right(system)
    assert await system.call("accel_abort") == "OK"  # of nothing


@cocotb.test()
async def too_short_a_budget(dut):
    """Whenever it is over, the bus falls silent, and the next run is right; loading sets enough."""
    system = await opened(dut)
    whole = system.device.budget
    assert whole == 16 * MAP["program"]["cycles"] + 100000
    await system.put([0])
    assert await system.call("accel_run") == "OK"
    cycles = await system.cycles()  # without those from the start to the first one
    for budget in (1, 40, cycles // 7, cycles // 3, cycles // 2, cycles):
        await system.put([0])
        system.device.budget = budget
        assert await system.call("accel_run") == "E_BUDGET"
        await system.silent(100)
        assert int(dut.irq.value) == 0
        system.device.budget = whole
        assert await system.call("accel_run") == "OK"
        compare(system, 0, 0)
    await still_right(system)


@cocotb.test()
async def flipped_bit(dut):
    """What a machine with parity or checksum says; this one need not be, its STATUS is made up."""
    system = await opened(dut)
    await system.put([0])
    assert await system.call("accel_run") == "OK"
    system.answers[STATUS] = 4 | PARITY << 8
    assert await system.call("accel_wait") == "E_PARITY"
    system.answers[STATUS] = 4 | CHECKSUM << 8
    assert await system.call("accel_wait") == "E_SUM"
    system.answers.clear()
    await still_right(system)


@cocotb.test()
async def dead_memory(dut):
    """A memory that takes addresses and never answers: the watchdog; and one that answers late."""
    system = await opened(dut, interrupt=True)
    await system.master.write_dword(TIMEOUT, 500)
    system.slave.read_if.r_channel.pause = True
    assert await system.call("accel_run") == "E_BUS_TIMEOUT"
    assert await system.call("accel_run") == "E_BUS_TIMEOUT"
    assert await system.call("accel_start") == "OK"
    assert await system.call("accel_abort") == "E_BUS_TIMEOUT"
    system.slave.read_if.r_channel.pause = False
    await ClockCycles(dut.aclk, 2000)
    await still_right(system)


@cocotb.test()
async def interrupt_that_does_not_come(dut):
    """Waiting for it ends, too."""
    system = await opened(dut, interrupt=True)
    system.slave.read_if.r_channel.pause = True
    system.device.milliseconds = 1
    await system.master.write_dword(TIMEOUT, 0xFFFFFFFF)
    assert await system.call("accel_run") == "E_TIMEOUT"
    system.slave.read_if.r_channel.pause = False
    system.device.milliseconds = 1000
    assert await system.call("accel_wait") == "OK"
    await still_right(system)
