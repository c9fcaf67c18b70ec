"""Two writers of memory on one AXI4 write port."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.interfaces import axi_write
from accel.rtl.memory.burst import OUTSTANDING
from accel.rtl.parts.full import full_flag, full_soon

#: How many writers share the port.
MASTERS = 2


class WriteArbiter(wiring.Component):
    """Lets bursts of two masters through in turn, and their responses back.

    A burst's data follows its address before another burst's does.  When both masters ask, the one
    that did not have the last burst is next, so neither waits for more than one burst of the other.
    All bursts have one ID, so responses come in the order of the addresses; a queue says whose each
    burst is.

    Parameters:
        params: the machine.

    Members:
        masters: the writers' sides.  Data is taken in the cycle of its address at the earliest.
        axi: the bus.

    Latency: an address or beat is on the bus one cycle after it was taken; a response comes at
    once.  Throughput: a beat each cycle, and a burst, without gaps from one to the next.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "masters": In(axi_write(params)).array(MASTERS),
                "axi": Out(axi_write(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        masters = list(self.masters)
        m.submodules.owners = owners = SyncFIFO(width=1, depth=MASTERS * OUTSTANDING)
        self._pass_data(m, masters, self._grant(m, masters, owners))
        self._return_responses(m, masters, owners)
        return m

    def _grant(self, m, masters, owners):
        """Begin the next burst; returns whose data is to be sent, a bit for each master.

        Whether a burst may begin is heard by the masters' queues in the same cycle: so that none is
        open and that the queue has a place come out of one register, and whose is open out of one
        each.
        """
        axi = self.axi
        last_owner, begin, chosen = Signal(), Signal(), Signal()
        is_open, blocked = Signal(MASTERS), Signal()
        full = full_flag(m, owners)
        asking = Cat(master.awvalid for master in masters)
        other_asks = asking.bit_select(~last_owner, 1)
        m.d.comb += [
            chosen.eq(last_owner ^ other_asks),
            begin.eq(asking.any() & ~blocked & (~axi.awvalid | axi.awready)),
            axi.awsize.eq(masters[0].awsize),  # constants, the same for both
            axi.awburst.eq(masters[0].awburst),
            owners.w_data.eq(chosen),
            owners.w_en.eq(begin),
            *(master.awready.eq(begin & (chosen == n)) for n, master in enumerate(masters)),
        ]
        address = [Cat(master.awaddr, master.awlen) for master in masters]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(begin):
            m.d.sync += [
                axi.awvalid.eq(1),
                Cat(axi.awaddr, axi.awlen).eq(Mux(chosen, address[1], address[0])),
                last_owner.eq(chosen),
            ]
        grant, stays_open = Signal(MASTERS), Signal(MASTERS)
        closing = Cat(master.wvalid & master.wready & master.wlast for master in masters).any()
        m.d.comb += [
            grant.eq(is_open | Cat(master.awready for master in masters)),
            stays_open.eq(Mux(closing, 0, grant)),
        ]
        m.d.sync += [is_open.eq(stays_open), blocked.eq(stays_open.any() | full_soon(owners, full))]
        return grant

    def _pass_data(self, m, masters, grant):
        """The owner's beats, by way of a register."""
        axi = self.axi
        layout = data.StructLayout(
            {"data": len(axi.wdata), "strobe": len(axi.wstrb), "last": 1}
        )
        beat = Signal(layout, reset_less=True)
        free = Signal()
        beats = [Cat(master.wdata, master.wstrb, master.wlast) for master in masters]
        valid = (Cat(master.wvalid for master in masters) & grant).any()
        m.d.comb += [
            free.eq(~axi.wvalid | axi.wready),
            axi.wdata.eq(beat.data),
            axi.wstrb.eq(beat.strobe),
            axi.wlast.eq(beat.last),
            *(master.wready.eq(grant[n] & free) for n, master in enumerate(masters)),
        ]
        with m.If(free):
            m.d.sync += [axi.wvalid.eq(valid), beat.eq(Mux(grant[1], beats[1], beats[0]))]

    def _return_responses(self, m, masters, owners):
        """Each response to the master whose burst is the oldest."""
        axi = self.axi
        ready = Cat(master.bready for master in masters)
        m.d.comb += [
            axi.bready.eq(ready.bit_select(owners.r_data, 1)),
            owners.r_en.eq(axi.bvalid & axi.bready),
        ]
        for n, master in enumerate(masters):
            m.d.comb += [
                master.bvalid.eq(axi.bvalid & (owners.r_data == n)),
                master.bresp.eq(axi.bresp),
            ]
