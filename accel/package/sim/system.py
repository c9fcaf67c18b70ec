"""The machine in a system: an AXI4 memory, registers, and the C driver running beside them.

The driver is the very C that a board gets, compiled for this computer.  Its register accesses
become AXI4-Lite transactions of cocotbext-axi, its memory is the one behind the machine's AXI4
port, and its interrupt is the machine's.
"""

import ctypes
import itertools
import json
import mmap
import os
import pathlib
import random

from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, First, ReadOnly, RisingEdge
from cocotbext.axi import (
    AddressSpace,
    AxiBus,
    AxiLiteBus,
    AxiLiteMaster,
    AxiSlave,
    MemoryRegion,
)

HERE = pathlib.Path(__file__).parent
PACKAGE = HERE.parent
MAP = json.loads((PACKAGE / "memory_map.json").read_text(encoding="utf-8"))
IMAGE = (PACKAGE / "program" / f"{MAP['name']}.bin").read_bytes()
VECTORS = HERE / "vectors"
#: Cycles between two reads of STATUS while a program runs: a processor has other work, too.
POLL_CYCLES = 50
PERIOD_NS = 10
#: A millisecond of the driver's, in cycles: a short one, for a simulation has less of them.
MILLISECOND = 2000

READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
WAIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)


class Io(ctypes.Structure):
    """The driver's accel_io."""

    _fields_ = [
        ("read", READ), ("write", WRITE), ("wait", WAIT), ("clean", ctypes.c_void_p),
        ("invalidate", ctypes.c_void_p), ("context", ctypes.c_void_p),
    ]  # fmt: skip


class Device(ctypes.Structure):
    """The driver's accel_device."""

    _fields_ = [
        ("io", Io), ("memory", ctypes.c_void_p), ("base", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32), ("poll_limit", ctypes.c_uint32),
        ("milliseconds", ctypes.c_uint32), ("start", ctypes.c_uint32),
        ("commands", ctypes.c_uint32), ("batch", ctypes.c_uint32),
        ("sum", ctypes.c_uint32), ("budget", ctypes.c_uint32),
    ]  # fmt: skip


def library() -> ctypes.CDLL:
    """The driver."""
    lib = ctypes.CDLL(os.environ["ACCEL_DRIVER"])
    for name in ("accel_error_name", "accel_error_text"):
        getattr(lib, name).restype = ctypes.c_char_p
    for name in ("bench_input", "bench_output"):
        getattr(lib, name).restype = ctypes.c_void_p
    for name in ("bench_device_bytes", "accel_elements"):
        getattr(lib, name).restype = ctypes.c_size_t
    lib.accel_elements.argtypes = [ctypes.c_void_p]
    lib.accel_counter.restype = lib.accel_where.restype = ctypes.c_uint32
    for name in ("accel_put", "accel_get"):
        getattr(lib, name).argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p
        ]  # fmt: skip
    lib.accel_open.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32
    ]  # fmt: skip
    lib.accel_load.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    assert lib.bench_device_bytes() == ctypes.sizeof(Device), "accel_device has changed"
    return lib


class Memory(MemoryRegion):
    """Memory that may refuse to be written, and that C reaches, too."""

    def __init__(self, size):
        super().__init__(size, mem=mmap.mmap(-1, size))
        self.read_only = False
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.mem))

    async def _write(self, address, data, **kwargs):
        if self.read_only:
            raise PermissionError("read only")
        await super()._write(address, data, **kwargs)


class System:
    """A clock, the machine, and a memory at ``base`` of the machine's address space.

    Nothing else is there: what leaves the memory is answered with an error.
    """

    def __init__(self, dut, base, interrupt=False, stalls=0.0, register_offset=0):
        self.dut, self.base, self.lib = dut, base, library()
        self.size = -(-MAP["memory"]["bytes"] // 4096) * 4096
        self.memory = Memory(self.size)
        space = AddressSpace(2**32)
        space.register_region(self.memory, base)
        self.slave = AxiSlave(
            AxiBus.from_prefix(dut, "m_axi"), dut.aclk, dut.aresetn, reset_active_level=False,
            target=space,
        )  # fmt: skip
        self.master = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn, reset_active_level=False
        )
        for log in (self.slave.write_if.log, self.slave.read_if.log, self.master.write_if.log,
                    self.master.read_if.log):  # fmt: skip
            log.setLevel("ERROR")
        if stalls:
            for number, channel in enumerate(self._channels()):
                channel.set_pause_generator(_pauses(stalls, number))
        self._offset = register_offset
        self.answers = {}  # of another machine, by register
        self.device = Device()
        self._io = self._make_io(interrupt)

    def _channels(self):
        """The memory's five channels and the registers'."""
        read, write = self.slave.read_if, self.slave.write_if
        yield from (read.ar_channel, read.r_channel)
        yield from (write.aw_channel, write.w_channel, write.b_channel)
        read, write = self.master.read_if, self.master.write_if
        yield from (read.ar_channel, read.r_channel)
        yield from (write.aw_channel, write.w_channel, write.b_channel)

    def _make_io(self, interrupt):
        @resume
        async def read(offset):
            if offset == 0x0C and int(self.dut.irq.value) == 0:
                await ClockCycles(self.dut.aclk, POLL_CYCLES)
            if offset in self.answers:
                return self.answers[offset]
            return await self.master.read_dword(offset + self._offset)

        @resume
        async def write(offset, value):
            await self.master.write_dword(offset + self._offset, value)

        @resume
        async def wait(milliseconds):
            limit = ClockCycles(self.dut.aclk, MILLISECOND * max(1, milliseconds))
            if int(self.dut.irq.value):
                return 0
            return int(await First(RisingEdge(self.dut.irq), limit) is limit)

        return Io(
            READ(lambda _, offset: read(offset)),
            WRITE(lambda _, offset, value: write(offset, value)),
            WAIT(lambda _, milliseconds: wait(milliseconds)) if interrupt else WAIT(),
            None, None, None,
        )  # fmt: skip

    async def begin(self):
        """Start the clock and reset the machine."""
        self.dut.aresetn.value = 0
        self._clock = Clock(self.dut.aclk, PERIOD_NS, unit="ns")
        self._clock.start()
        await ClockCycles(self.dut.aclk, 5)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    async def call(self, function, *arguments):
        """Call a function of the driver on the device; return the name of what it returns."""
        code = await self.value(function, *arguments)
        return self.lib.accel_error_name(code).decode()

    async def value(self, function, *arguments):
        """Call a function of the driver on the device; return what it returns."""

        @bridge
        def called():
            return getattr(self.lib, function)(ctypes.byref(self.device), *arguments)

        return await called()

    async def cycles(self):
        """How many cycles the last run took, by the machine's counter."""
        return await self.value("accel_counter", 0)

    async def open(self, base=None, size=None):
        """accel_open."""
        base = self.base if base is None else base
        size = self.size if size is None else size
        io = ctypes.byref(self._io)
        return await self.call("accel_open", io, self.memory.address, base, size)

    async def load(self, image=IMAGE):
        """accel_load."""
        return await self.call("accel_load", image, len(image))

    async def put(self, images):
        """Put images into the batch: ``images`` are their numbers among the vectors."""
        for number, port in enumerate(MAP["inputs"]):
            values = (VECTORS / f"input_{number}.bin").read_bytes()
            size = self.lib.accel_elements(self.lib.bench_input(number)) * _bytes(port)
            for place, image in enumerate(images):
                one = values[image * size : (image + 1) * size]
                assert len(one) == size
                said = await self.call("accel_put", self.lib.bench_input(number), place, one)
                assert said == "OK", said

    async def get(self, number, place):
        """One image's output: bytes of the user's array."""
        port = self.lib.bench_output(number)
        size = self.lib.accel_elements(port) * _bytes(MAP["outputs"][number])
        values = ctypes.create_string_buffer(size)
        assert await self.call("accel_get", port, place, values) == "OK"
        return values.raw

    async def silent(self, cycles):
        """Nothing moves on the memory's bus for so long."""
        for _ in range(cycles):
            await RisingEdge(self.dut.aclk)
            await ReadOnly()
            assert int(self.dut.m_axi_arvalid.value) == int(self.dut.m_axi_awvalid.value) == 0
            assert int(self.dut.m_axi_wvalid.value) == 0
        await RisingEdge(self.dut.aclk)

    def stored(self, tensor, image):
        """A tensor's bytes of an image of the batch, in the machine's memory."""
        row = tensor["width"] * tensor["channels"]
        dense = tensor["pixel_bytes"] == tensor["channels"]
        found, first = [], tensor["offset"] + image * tensor["image_bytes"]
        for y in range(tensor["height"]):
            start = first + y * tensor["row_bytes"]
            if dense:
                found.append(self.memory.mem[start : start + row])
                continue
            for x in range(tensor["width"]):
                at = start + x * tensor["pixel_bytes"]
                found.append(self.memory.mem[at : at + tensor["channels"]])
        return b"".join(found)


def _bytes(port):
    return 4 if port["dtype"] == "float32" else 1


def _pauses(share, seed):
    """Whether a channel pauses, cycle by cycle."""
    rng = random.Random(seed)
    return (rng.random() < share for _ in itertools.count())
