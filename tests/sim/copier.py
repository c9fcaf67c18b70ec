"""A small machine with the accelerator's ports, for testing simulators without the accelerator."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.isa import RECORD, RECORD_WORDS, Error
from accel.params import MAX_BURST, Params
from accel.registers import Reg
from accel.rtl.interfaces import axi_read, axi_write

#: What bits 31:28 of COMMANDS make the machine do wrong.
FAULTS = {"none": 0, "wlast": 1, "cross": 2, "drop": 3, "control": 4, "size": 5}


class Copier(wiring.Component):
    """Copy COMMANDS beats from PROGRAM to the beats behind them, then raise the interrupt.

    It reads ahead of its writes, several bursts at once, as the accelerator does.  Counters:
    `cycles`, `read_beats` and `write_beats`; `busy` repeats `cycles`.  Errors: AXI_READ,
    AXI_WRITE, and TIMEOUT after TIMEOUT cycles without a transfer.  PROGRAM is used as it is, so
    that an unaligned one breaks the protocol; FAULTS are other ways to break it.

    Parameters: `params` (only `bus_bytes` and `addr_bits` matter).
    """

    def __init__(self, params: Params):
        self.params = params
        members = {
            f"m_axi_{name}": member
            for signature in (axi_read(params), axi_write(params))
            for name, member in signature.members.items()
        }
        lite = {
            "awaddr": In(8), "awvalid": In(1), "awready": Out(1), "wdata": In(32), "wstrb": In(4),
            "wvalid": In(1), "wready": Out(1), "bresp": Out(2), "bvalid": Out(1), "bready": In(1),
            "araddr": In(8), "arvalid": In(1), "arready": Out(1), "rdata": Out(32),
            "rresp": Out(2), "rvalid": Out(1), "rready": In(1),
        }
        members |= {f"s_axil_{name}": member for name, member in lite.items()}
        super().__init__(members | {"irq": Out(1)})

    def elaborate(self, platform):
        m = Module()
        bus = self.params.bus_bytes
        program, commands, timeout = Signal(32), Signal(32), Signal(32)
        start, running, error = Signal(), Signal(), Signal(8)
        beats, fault = commands[:28], commands[28:]
        counters = Signal(32 * RECORD_WORDS)
        cycles, read_beats, write_beats, quiet = (Signal(32) for _ in range(4))
        for name, value in (("cycles", cycles), ("busy", cycles),
                            ("read_beats", read_beats), ("write_beats", write_beats)):
            m.d.comb += counters.word_select(RECORD[name], 32).eq(value)

        # Control port: address and data of a write are taken together.
        take = Signal()
        m.d.comb += [
            take.eq(self.s_axil_awvalid & self.s_axil_wvalid & ~self.s_axil_bvalid),
            self.s_axil_awready.eq(take),
            self.s_axil_wready.eq(take),
            self.s_axil_arready.eq(~self.s_axil_rvalid & (fault != FAULTS["control"])),
        ]
        with m.If(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)
        with m.If(take):
            m.d.sync += self.s_axil_bvalid.eq(1)
            with m.Switch(self.s_axil_awaddr):
                for number, register in (
                    (Reg.PROGRAM, program), (Reg.COMMANDS, commands), (Reg.TIMEOUT, timeout)
                ):
                    with m.Case(number):
                        m.d.sync += register.eq(self.s_axil_wdata)
                with m.Case(Reg.CONTROL):
                    m.d.comb += start.eq(self.s_axil_wdata[0])
        with m.If(self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        with m.If(self.s_axil_arvalid & self.s_axil_arready):
            m.d.sync += self.s_axil_rvalid.eq(1)
            status = Cat(running, ~running, error != 0, Signal(5), error)
            with m.If(self.s_axil_araddr >= Reg.COUNTERS):
                m.d.sync += self.s_axil_rdata.eq(
                    counters.word_select(self.s_axil_araddr[2:6], 32)
                )
            with m.Else():
                m.d.sync += self.s_axil_rdata.eq(
                    Mux(self.s_axil_araddr == Reg.STATUS, status, 7)
                )

        # Reads: as many bursts as the buffer has room for.
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=8 * bus, depth=64)
        free = Signal(7, init=64)
        source, unread = Signal(32), Signal(28)
        burst, room = Signal(5), Signal(5)
        m.d.comb += [
            room.eq(MAX_BURST - source[exact_log2(bus):][: exact_log2(MAX_BURST)]),
            burst.eq(Mux(unread < room, unread, room)),
            self.m_axi_arsize.eq(exact_log2(bus) - (fault == FAULTS["size"])),
            self.m_axi_arburst.eq(1),
            self.m_axi_rready.eq(1),
            fifo.w_en.eq(self.m_axi_rvalid & running),
            fifo.w_data.eq(self.m_axi_rdata),
        ]
        with m.If(fault == FAULTS["cross"]):
            m.d.comb += burst.eq(MAX_BURST)
        taken = Signal(5)
        with m.If(self.m_axi_arready):
            m.d.sync += self.m_axi_arvalid.eq(0)
        with m.If(fault == FAULTS["drop"]):
            m.d.sync += self.m_axi_arvalid.eq(~self.m_axi_arvalid)
        with m.If(running & (unread != 0) & (free >= burst)
                  & (~self.m_axi_arvalid | self.m_axi_arready)):
            m.d.comb += taken.eq(burst)
            m.d.sync += [
                self.m_axi_arvalid.eq(1),
                self.m_axi_araddr.eq(source),
                self.m_axi_arlen.eq(burst - 1),
                source.eq(source + burst * bus),
                unread.eq(unread - burst),
            ]
        m.d.sync += free.eq(free - taken + fifo.r_en)

        # Writes: a burst's address, then its data, as soon as the buffer holds all of it.
        target, unsent, unanswered = Signal(32), Signal(28), Signal(8)
        left, size = Signal(5), Signal(5)
        space = MAX_BURST - target[exact_log2(bus):][: exact_log2(MAX_BURST)]
        m.d.comb += [
            size.eq(Mux(unsent < space, unsent, space)),
            self.m_axi_awsize.eq(exact_log2(bus)),
            self.m_axi_awburst.eq(1),
            self.m_axi_awaddr.eq(target),
            self.m_axi_awlen.eq(size - 1),
            self.m_axi_awvalid.eq(
                running & (left == 0) & (unsent != 0) & (fifo.level >= size)
            ),
            self.m_axi_wvalid.eq(left != 0),
            self.m_axi_wdata.eq(fifo.r_data),
            self.m_axi_wstrb.eq((1 << bus) - 1),
            self.m_axi_wlast.eq((left == 1) ^ (fault == FAULTS["wlast"])),
            fifo.r_en.eq(self.m_axi_wvalid & self.m_axi_wready),
            self.m_axi_bready.eq(1),
        ]
        with m.If(self.m_axi_awvalid & self.m_axi_awready):
            m.d.sync += [left.eq(size), target.eq(target + size * bus), unsent.eq(unsent - size)]
        with m.If(fifo.r_en):
            m.d.sync += left.eq(left - 1)
        m.d.sync += unanswered.eq(
            unanswered + (self.m_axi_awvalid & self.m_axi_awready) - self.m_axi_bvalid
        )

        # Progress, errors, the end.
        transfer = Signal()
        m.d.comb += transfer.eq(self.m_axi_rvalid | fifo.r_en | self.m_axi_bvalid)
        with m.If(running):
            m.d.sync += [
                cycles.eq(cycles + 1),
                read_beats.eq(read_beats + self.m_axi_rvalid),
                write_beats.eq(write_beats + fifo.r_en),
                quiet.eq(Mux(transfer, 0, quiet + 1)),
            ]
            with m.If((unsent == 0) & (left == 0) & (unanswered == 0)):
                m.d.sync += [running.eq(0), self.irq.eq(1)]
            for condition, code in (
                (quiet == timeout, Error.TIMEOUT),
                (self.m_axi_rvalid & (self.m_axi_rresp != 0), Error.AXI_READ),
                (self.m_axi_bvalid & (self.m_axi_bresp != 0), Error.AXI_WRITE),
            ):
                with m.If(condition):
                    m.d.sync += [running.eq(0), self.irq.eq(1), error.eq(code)]
        with m.If(start):
            m.d.sync += [
                running.eq(1), source.eq(program), unread.eq(beats),
                target.eq(program + beats * bus), unsent.eq(beats),
            ]
        return m
