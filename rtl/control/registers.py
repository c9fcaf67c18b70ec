"""The registers that the host sees: an AXI4-Lite slave, and what is behind each address."""

import functools
import operator

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.params import Params
from accel.registers import ID_VALUE, REGISTERS_VERSION, Reg, machine_id
from accel.rtl.control.counters import record_layout
from accel.rtl.interfaces import base_bits
from accel.rtl.parts.rest import add_resting

ADDR_BITS = 8
DATA_BITS = 32
#: Cycles from a register's address to its value.
READ_LATENCY = 3
#: Cycles in which a transaction ends when nothing is asked and no response waits any more.
SETTLE = READ_LATENCY + 3

#: AXI4-Lite from the master's side; responses are always OKAY.
axi_lite = wiring.Signature(
    {
        "awaddr": Out(ADDR_BITS), "awvalid": Out(1), "awready": In(1),
        "wdata": Out(DATA_BITS), "wstrb": Out(DATA_BITS // 8), "wvalid": Out(1), "wready": In(1),
        "bresp": In(2), "bvalid": In(1), "bready": Out(1),
        "araddr": Out(ADDR_BITS), "arvalid": Out(1), "arready": In(1),
        "rdata": In(DATA_BITS), "rresp": In(2), "rvalid": In(1), "rready": Out(1),
    }
)  # fmt: skip


class RegisterPort(wiring.Component):
    """Turns AXI4-Lite transactions into single-cycle register accesses.

    Members:
        bus: the AXI4-Lite slave.  Write address and data may come in either order; one write and
            one read are accepted at a time, and each may wait for its response to be taken.
        write: strobe, with ``write_addr``, ``write_data`` and ``write_mask`` (a bit per bit).
        read_addr: of the read going on; ``read_data`` must follow it READ_LATENCY cycles later.
    """

    bus: In(axi_lite)
    write: Out(1)
    write_addr: Out(ADDR_BITS)
    write_data: Out(DATA_BITS)
    write_mask: Out(DATA_BITS)
    read_addr: Out(ADDR_BITS)
    read_data: In(DATA_BITS)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        have_addr, have_data = Signal(), Signal()
        reading = Signal(READ_LATENCY + 1)  # bit n: asked for n cycles ago
        strobes = Signal.like(bus.wstrb)
        m.d.comb += [
            bus.awready.eq(~have_addr),
            bus.wready.eq(~have_data),
            self.write.eq(have_addr & have_data & ~bus.bvalid),
            self.write_mask.eq(Cat(strobe.replicate(8) for strobe in strobes)),
            bus.arready.eq(~reading.any() & ~bus.rvalid),
        ]
        with m.If(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(self.write):
            m.d.sync += [have_addr.eq(0), have_data.eq(0), bus.bvalid.eq(1)]
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += [have_addr.eq(1), self.write_addr.eq(bus.awaddr)]
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += [have_data.eq(1), self.write_data.eq(bus.wdata), strobes.eq(bus.wstrb)]

        with m.If(bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        m.d.sync += reading.eq(Cat(bus.arvalid & bus.arready, reading[:-1]))
        with m.If(reading[-1]):
            m.d.sync += [bus.rvalid.eq(1), bus.rdata.eq(self.read_data)]
        with m.If(bus.arvalid & bus.arready):
            m.d.sync += self.read_addr.eq(bus.araddr)
        return m


class Registers(wiring.Component):
    """What the host reads and writes, at the addresses of accel.registers.Reg.

    An address means the word around it, as AXI4-Lite has it: its two low bits are ignored, a read
    answers with the whole word, and a write changes the bytes whose strobes are set.  Unknown
    addresses read 0 and ignore writes.

    Parameters:
        params: the machine.

    Members:
        bus: the AXI4-Lite slave.
        start, clear, abort: strobes: a 1 was written to bit 0, 1, 2 of CONTROL.
        program, commands, timeout, budget: as last written.  checksum: too; only with checksums.
        base: as last written while not ``busy``, in multiples of BASE_ALIGN.
        busy: a program runs: bursts are under way, and all have the same base.
        status, where, record: what the host reads.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "bus": In(axi_lite),
                "start": Out(1),
                "clear": Out(1),
                "abort": Out(1),
                "program": Out(params.addr_bits),
                "commands": Out(32),
                "timeout": Out(32, init=params.timeout_cycles),
                "budget": Out(32),
                **({"checksum": Out(32)} if params.checksum else {}),
                "base": Out(base_bits(params)),
                "busy": In(1),
                "status": In(DATA_BITS),
                "where": In(32),
                "record": In(record_layout),
            }
        )

    def elaborate(self, platform):
        top, m = Module(), Module()
        m.submodules.port = port = RegisterPort()
        connect(m, flipped(self.bus), port.bus)
        kept, written = ~port.write_mask, port.write_data & port.write_mask
        for strobe, bit in ((self.start, 0), (self.clear, 1), (self.abort, 2)):
            control = port.write & (_word(port.write_addr) == _word(Reg.CONTROL))
            m.d.comb += strobe.eq(control & written[bit])
        writable = {
            Reg.PROGRAM: self.program, Reg.COMMANDS: self.commands, Reg.TIMEOUT: self.timeout,
            Reg.BUDGET: self.budget,
        }  # fmt: skip
        if self._params.checksum:
            writable[Reg.CHECKSUM] = self.checksum
        with m.If(port.write), m.Switch(_word(port.write_addr)):
            for address, register in writable.items():
                with m.Case(_word(address)):
                    m.d.sync += register.eq(((register & kept) | written)[: len(register)])
        base = self._base(m, port, kept, written)
        readable = writable | {Reg.BASE: base} | self._readable()
        m.d.comb += port.read_data.eq(_select(m, port.read_addr, readable))

        bus = self.bus
        busy = bus.awvalid | bus.wvalid | bus.bvalid | bus.arvalid | bus.rvalid
        add_resting(top, platform, busy, SETTLE, registers=m)
        return top

    def _base(self, m, port, kept, written):
        """The register BASE, without the low bits that are always 0; returns its word."""
        low = self._params.addr_bits - len(self.base)
        word = Cat(Const(0, low), self.base)
        writes = port.write & (_word(port.write_addr) == _word(Reg.BASE)) & ~self.busy
        with m.If(writes):
            m.d.sync += self.base.eq(((word & kept) | written)[low : len(word)])
        return word

    def _readable(self):
        """What can be read and not written, by address."""
        params = self._params
        shape = Cat(Const(size, 8) for size in (params.rows, params.cols, params.bus_bytes))
        counters = {Reg.COUNTERS + 4 * n: word for n, word in enumerate(self.record)}
        fixed = {
            Reg.ID: ID_VALUE, Reg.SHAPE: shape, Reg.VERSION: REGISTERS_VERSION,
            Reg.MACHINE: machine_id(params),
        }  # fmt: skip
        return fixed | {Reg.STATUS: self.status, Reg.WHERE: self.where} | counters


def _word(address):
    """The number of the word around a byte address, a signal or an integer."""
    return address[2:] if isinstance(address, Signal) else address >> 2


def _select(m, address, values):
    """The value at an address, or 0, READ_LATENCY cycles later.

    The values come from far: first each is told whether it is asked for, then those of a block of
    16 bytes become one, then the blocks.
    """
    blocks = {}
    for where, value in values.items():
        asked = Signal(name=f"read_{where:02x}", reset_less=True)
        m.d.sync += asked.eq(_word(address) == _word(where))
        blocks.setdefault(where >> 4, []).append(Mux(asked, value, 0))
    words = []
    for block, candidates in blocks.items():
        word = Signal(DATA_BITS, name=f"read_block_{block}", reset_less=True)
        m.d.sync += word.eq(functools.reduce(operator.or_, candidates))
        words.append(word)
    selected = Signal(DATA_BITS, name="read_data", reset_less=True)
    m.d.sync += selected.eq(functools.reduce(operator.or_, words))
    return selected
