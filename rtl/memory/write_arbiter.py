"""Two writers of memory on one AXI4 write port."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.interfaces import axi_write
from accel.rtl.memory.burst import OUTSTANDING
from accel.rtl.parts.full import full_flag

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
        grant, owner = self._grant(m, masters, owners)
        self._pass_data(m, masters, grant, owner)
        self._return_responses(m, masters, owners)
        return m

    def _grant(self, m, masters, owners):
        """Begin the next burst; returns whether one has data to send, and whose it is."""
        axi = self.axi
        last_owner, is_open, begin, chosen = Signal(), Signal(), Signal(), Signal()
        full = full_flag(m, owners)
        asking = Cat(master.awvalid for master in masters)
        other_asks = asking.bit_select(~last_owner, 1)
        m.d.comb += [
            chosen.eq(last_owner ^ other_asks),
            begin.eq(asking.any() & ~is_open & (~axi.awvalid | axi.awready) & ~full),
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
                is_open.eq(1),
            ]
        grant, owner = Signal(), Signal()
        m.d.comb += [grant.eq(begin | is_open), owner.eq(Mux(is_open, last_owner, chosen))]
        closing = Cat(master.wvalid & master.wready & master.wlast for master in masters).any()
        with m.If(closing):
            m.d.sync += is_open.eq(0)
        return grant, owner

    def _pass_data(self, m, masters, grant, owner):
        """The owner's beats, by way of a register."""
        axi = self.axi
        layout = data.StructLayout(
            {"data": len(axi.wdata), "strobe": len(axi.wstrb), "last": 1}
        )
        beat = Signal(layout, reset_less=True)
        free = Signal()
        beats = [Cat(master.wdata, master.wstrb, master.wlast) for master in masters]
        valid = Cat(master.wvalid for master in masters).bit_select(owner, 1)
        m.d.comb += [
            free.eq(~axi.wvalid | axi.wready),
            axi.wdata.eq(beat.data),
            axi.wstrb.eq(beat.strobe),
            axi.wlast.eq(beat.last),
            *(master.wready.eq(grant & free & (owner == n)) for n, master in enumerate(masters)),
        ]
        with m.If(free):
            m.d.sync += [axi.wvalid.eq(grant & valid), beat.eq(Mux(owner, beats[1], beats[0]))]

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
