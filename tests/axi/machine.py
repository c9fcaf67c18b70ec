"""A host beside the machine: its registers, its memory, pauses on all channels, and a monitor."""

import itertools

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, ReadOnly, RisingEdge
from cocotbext.axi import (
    AddressSpace,
    AxiBus,
    AxiLiteBus,
    AxiLiteMaster,
    AxiSlave,
    MemoryRegion,
)

from accel.registers import Reg
from tests.mutation.case import Case

#: The most cycles that a program of the size drawn here may take, whatever the channels do.
PATIENCE = 2_000_000
#: Reads of STATUS within which what an error left open must end.
SETTLED = 10_000
BUSY, OPEN = 0b1, 0b1000
#: Payload of each channel that the machine drives.
PAYLOAD = {
    "ar": ("addr", "len", "size", "burst"), "aw": ("addr", "len", "size", "burst"),
    "w": ("data", "strb", "last"),
}  # fmt: skip


class Refusing(MemoryRegion):
    """Memory of which the so-manieth access from now on fails; None: none does."""

    def __init__(self, size: int):
        super().__init__(size)
        self.read_fails = self.write_fails = None
        self.failed = 0

    async def _read(self, address, length, **kwargs):
        self._count("read_fails")
        return await super()._read(address, length, **kwargs)

    async def _write(self, address, data, **kwargs):
        self._count("write_fails")
        await super()._write(address, data, **kwargs)

    def _count(self, name: str) -> None:
        left = getattr(self, name)
        if left is None:
            return
        setattr(self, name, left - 1 if left else None)
        if not left:
            self.failed += 1
            raise OSError("as asked")


def pauses(rng: np.random.Generator):
    """Whether a channel pauses, cycle by cycle: never, by chance, in long spells, by turns."""
    kind, share = int(rng.integers(4)), float(rng.choice([0.1, 0.5, 0.9]))
    if kind == 0:
        yield from itertools.repeat(False)
    while kind == 1:
        yield bool(rng.random() < share)
    while kind == 2:
        spell, pause = int(rng.integers(1, 60)), bool(rng.random() < 0.5)
        yield from itertools.repeat(pause, spell)
    yield from itertools.cycle([True, False])


class Host:
    """Clock, machine and a memory of ``size`` bytes at ``base``; nothing else is on the bus."""

    def __init__(self, dut, base: int, size: int):
        self.dut, self.base = dut, base
        self.memory = Refusing(size)
        self.space = np.frombuffer(self.memory.mem, np.uint8)
        space = AddressSpace(2**32)
        space.register_region(self.memory, base)
        wires = {"clock": dut.aclk, "reset": dut.aresetn, "reset_active_level": False}
        self.slave = AxiSlave(AxiBus.from_prefix(dut, "m_axi"), target=space, **wires)
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), **wires)
        for side in (self.slave, self.master):
            for half in (side.write_if, side.read_if):
                half.log.setLevel("ERROR")
        self.broken: list[str] = []

    async def begin(self) -> None:
        """Start clock and monitor, and reset the machine."""
        self.dut.aresetn.value = 0
        self._clock = Clock(self.dut.aclk, 10, unit="ns")
        self._clock.start()
        cocotb.start_soon(self._monitor())
        await self.reset(5)

    async def reset(self, cycles: int) -> None:
        """Pull the reset low for so many cycles."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, cycles)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    def pause(self, rng: np.random.Generator) -> None:
        """Draw new pauses for all ten channels."""
        for side in (self.slave, self.master):
            read, write = side.read_if, side.write_if
            for channel in (read.ar_channel, read.r_channel, write.aw_channel, write.w_channel,
                            write.b_channel):  # fmt: skip
                channel.set_pause_generator(pauses(np.random.default_rng(rng.integers(1 << 62))))

    def put(self, program: Case) -> None:
        """Lay a program and its image into memory; what was there is gone."""
        self.space[:] = 0xA5
        self.space[: len(program.memory)] = program.memory

    async def start(self, program: Case) -> None:
        """Start a program."""
        for register, value in (
            (Reg.BASE, self.base), (Reg.PROGRAM, program.start), (Reg.COMMANDS, program.commands),
            (Reg.CONTROL, 1),
        ):  # fmt: skip
            await self.master.write_dword(register, value)

    async def end(self) -> int:
        """Wait for the interrupt, clear it and return the error code."""
        if not int(self.dut.irq.value):
            limit = ClockCycles(self.dut.aclk, PATIENCE)
            assert await First(RisingEdge(self.dut.irq), limit) is not limit, "it never ended"
        status = await self.master.read_dword(Reg.STATUS)
        for _ in range(SETTLED):  # after an error transactions may still be open
            if not status & OPEN:
                break
            status = await self.master.read_dword(Reg.STATUS)
        assert not status & (BUSY | OPEN), f"status {status:#x}: busy, or a transaction is open"
        assert bool(status >> 8) == bool(status & 0b100), f"status {status:#x}"
        await self.master.write_dword(Reg.CONTROL, 2)
        await ClockCycles(self.dut.aclk, 2)
        assert not int(self.dut.irq.value), "the interrupt was cleared"
        return status >> 8 & 0xFF

    async def _monitor(self) -> None:
        """What is valid stays valid, and the same, until it is taken; nothing is X when valid."""
        held = {}
        while True:
            await RisingEdge(self.dut.aclk)
            await ReadOnly()
            if not int(self.dut.aresetn.value):
                held.clear()
                continue
            for channel, names in PAYLOAD.items():
                self._look(channel, names, held)

    def _look(self, channel, names, held) -> None:
        wire = f"m_axi_{channel}"
        valid = getattr(self.dut, f"{wire}valid").value
        if not valid.is_resolvable:
            self.broken.append(f"{wire}valid is {valid}")
            return
        if not int(valid):
            if held.pop(channel, None):
                self.broken.append(f"{wire}valid fell before {wire}ready rose")
            return
        payload = tuple(str(getattr(self.dut, wire + name).value) for name in names)
        if held.get(channel, payload) != payload:
            self.broken.append(f"{wire} changed while it waited")
        if not int(getattr(self.dut, f"{wire}ready").value):
            held[channel] = payload
        else:
            held.pop(channel, None)
