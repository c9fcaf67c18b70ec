"""The host's side: AXI4-Lite registers, start and end of a run, errors, interrupt, watchdog."""

import functools
import operator

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.isa import ID_VALUE, Error, Reg
from accel.params import Params
from rtl.check import ERROR_BITS
from rtl.counters import record_layout
from rtl.reset import RESET_CYCLES

ADDR_BITS = 8
DATA_BITS = 32
#: Cycles from a register's address to its value.
READ_LATENCY = 3

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


def core_port(params: Params) -> wiring.Signature:
    """What the control and the rest of the machine (the core) tell each other.

    From the control: ``start`` is a strobe that samples ``program`` and ``commands``; ``run`` is
    high while a program runs; ``halt`` tells everything to begin nothing new.

    From the core: ``finished``: the program is over.  ``fetch_error``: strobe, the command of
    index ``fetch_where`` was refused for ``fetch_code``.  ``read_error``, ``write_error``:
    strobes, an AXI response was not OKAY.  ``outstanding``: a bus transaction is open.
    ``progress``: the machine moves.  ``record``: the counters.
    """
    return wiring.Signature(
        {
            "start": Out(1),
            "program": Out(params.addr_bits),
            "commands": Out(32),
            "run": Out(1),
            "halt": Out(1),
            "finished": In(1),
            "fetch_error": In(1),
            "fetch_code": In(ERROR_BITS),
            "fetch_where": In(32),
            "read_error": In(1),
            "write_error": In(1),
            "outstanding": In(1),
            "progress": In(1),
            "record": In(record_layout),
        }
    )


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


class Watchdog(wiring.Component):
    """Strobes ``expired`` in the cycle that is the ``limit`` + 1st in a row without ``progress``.

    Only cycles with ``enable`` count; without it the watchdog starts anew.
    """

    enable: In(1)
    progress: In(1)
    limit: In(32)
    expired: Out(1)

    def elaborate(self, platform):
        m = Module()
        left = Signal.like(self.limit)
        idle = Signal()
        m.d.comb += [
            idle.eq(self.enable & ~self.progress),
            self.expired.eq(idle & (left == 0)),
        ]
        m.d.sync += left.eq(Mux(idle, left - 1, self.limit))
        return m


class Control(wiring.Component):
    """Starts a program, watches it to its end, and tells the host.

    A run: the host writes PROGRAM, COMMANDS and then CONTROL bit 0.  When no bus transaction of an
    earlier, failed run is open any more, ``reset`` clears the whole core for RESET_CYCLES, and
    RESET_CYCLES later (see rtl.reset) comes ``start``; then ``run`` is high until the program is
    finished or the first error.
    Either ends ``run`` and raises ``irq``, which stays until CONTROL bit 1 is written or the next
    start.  Writing a start while busy does nothing.

    After an error ``halt`` stays high until the next start's reset: no engine begins anything
    new, and what is under way on the bus runs to its end.  Only the first error is kept; of several
    in one cycle a refused command, then a read, a write error, then the watchdog.

    A start behind which the bus never falls silent ends in TIMEOUT like any other wait.

    Parameters:
        params: the machine.

    Members:
        bus: AXI4-Lite slave with the registers of accel.isa.Reg.  Byte strobes are honoured;
            unknown addresses read 0 and ignore writes.
        core: see :func:`core_port`.
        reset: clears the core, before ``core.start``.
        irq: the interrupt, a level.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "bus": In(axi_lite),
                "core": Out(core_port(params)),
                "reset": Out(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        core = self.core
        m.submodules.port = port = RegisterPort()
        m.submodules.watchdog = watchdog = Watchdog()
        connect(m, flipped(self.bus), port.bus)

        timeout = Signal(32, init=self._params.timeout_cycles)
        where = Signal(32)
        busy, done = Signal(), Signal()
        code = Signal(Error)
        status = Cat(busy, done, code != Error.NONE, Const(0, 5), code)
        self._registers(m, port, timeout, status, where)

        start, clear = Signal(), Signal()
        for strobe, bit in ((start, 0), (clear, 1)):
            m.d.comb += strobe.eq(
                port.write
                & (port.write_addr == Reg.CONTROL)
                & (port.write_data & port.write_mask)[bit]
            )

        failure = Signal(Error)
        with m.If(core.run & core.fetch_error):
            m.d.comb += failure.eq(core.fetch_code)
        with m.Elif(core.run & core.read_error):
            m.d.comb += failure.eq(Error.AXI_READ)
        with m.Elif(core.run & core.write_error):
            m.d.comb += failure.eq(Error.AXI_WRITE)
        with m.Elif(watchdog.expired):
            m.d.comb += failure.eq(Mux(core.outstanding, Error.TIMEOUT, Error.DEADLOCK))

        m.d.comb += watchdog.progress.eq(core.progress)
        m.d.comb += watchdog.limit.eq(timeout)
        with m.If(clear):
            m.d.sync += self.irq.eq(0)
        since = Signal(range(2 * RESET_CYCLES))  # the beginning of the reset
        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(start):
                m.d.sync += [done.eq(0), code.eq(Error.NONE), where.eq(0), self.irq.eq(0)]
                m.next = "AWAIT_BUS"
            with m.State("AWAIT_BUS"):
                m.d.comb += watchdog.enable.eq(1)
                with m.If(failure != Error.NONE):
                    self._fail(m, code, failure, where)
                with m.Elif(~core.outstanding):
                    m.d.sync += [self.reset.eq(1), since.eq(0)]
                    m.next = "RESET"
            with m.State("RESET"):
                m.d.sync += since.eq(since + 1)
                with m.If(since == RESET_CYCLES - 1):
                    m.d.sync += [self.reset.eq(0), core.halt.eq(0)]
                with m.If(since == 2 * RESET_CYCLES - 1):
                    m.next = "START"
            with m.State("START"):
                m.d.comb += core.start.eq(1)
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [watchdog.enable.eq(1), core.run.eq(1)]
                with m.If(failure != Error.NONE):
                    self._fail(m, code, failure, where)
                with m.Elif(core.finished):
                    m.d.sync += [done.eq(1), self.irq.eq(1)]
                    m.next = "IDLE"
        m.d.comb += busy.eq(~fsm.ongoing("IDLE"))
        return m

    def _fail(self, m, code, failure, where):
        m.d.sync += [code.eq(failure), self.irq.eq(1), self.core.halt.eq(1)]
        with m.If(self.core.fetch_error):
            m.d.sync += where.eq(self.core.fetch_where)
        m.next = "IDLE"

    def _registers(self, m, port, timeout, status, where):
        """Connect the register port to all that can be read, and to what can be written."""
        params, core = self._params, self.core
        shape = Cat(Const(size, 8) for size in (params.rows, params.cols, params.bus_bytes))
        writable = {Reg.PROGRAM: core.program, Reg.COMMANDS: core.commands, Reg.TIMEOUT: timeout}
        readable = {Reg.ID: ID_VALUE, Reg.SHAPE: shape, Reg.STATUS: status, Reg.WHERE: where}
        with m.If(port.write), m.Switch(port.write_addr):
            for address, register in writable.items():
                with m.Case(address):
                    kept = register & ~port.write_mask
                    written = port.write_data & port.write_mask
                    m.d.sync += register.eq((kept | written)[: len(register)])
        counters = {Reg.COUNTERS + 4 * n: word for n, word in enumerate(core.record)}
        m.d.comb += port.read_data.eq(_select(m, port.read_addr, writable | readable | counters))


def _select(m, address, values):
    """The value at an address, or 0, READ_LATENCY cycles later.

    The values come from far: first each is told whether it is asked for, then those of a block of
    16 bytes become one, then the blocks.
    """
    blocks = {}
    for where, value in values.items():
        asked = Signal(name=f"read_{where:02x}", reset_less=True)
        m.d.sync += asked.eq(address == where)
        blocks.setdefault(where >> 4, []).append(Mux(asked, value, 0))
    words = []
    for block, candidates in blocks.items():
        word = Signal(DATA_BITS, name=f"read_block_{block}", reset_less=True)
        m.d.sync += word.eq(functools.reduce(operator.or_, candidates))
        words.append(word)
    selected = Signal(DATA_BITS, name="read_data", reset_less=True)
    m.d.sync += selected.eq(functools.reduce(operator.or_, words))
    return selected
