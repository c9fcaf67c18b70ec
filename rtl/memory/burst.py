"""From single beats to AXI4 write bursts."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.isa import RECORD_BYTES
from accel.params import MAX_BURST, Params
from accel.rtl.interfaces import axi_write, base_bits, based
from accel.rtl.parts.eager import EagerFIFO
from accel.rtl.parts.queue import RamQueue

#: Beats, and bursts, that wait for the bus.
QUEUE_DEPTH = 4 * MAX_BURST
#: Beats that may still come after ``room`` has gone.
SLACK = 8
#: Beats that do come then, from the way to here: fewer.
COMING = 6
#: Completion records that may be due: each comes, whatever room there is, where writes wait for it.
RECORDS = 4
#: Bursts whose response may be outstanding: pixels apart in memory are a burst each, and with fewer
#: than the cycles of an answer (some 30) they would not come one a cycle.
OUTSTANDING = 32


def beats_depth(params: Params) -> int:
    """Room for what comes behind ``room``: also, where ``stuck``, records and a vector's rest."""
    record = max(1, RECORD_BYTES // params.bus_bytes)
    rest = (params.cols + params.bus_bytes - 2) // params.bus_bytes
    most = QUEUE_DEPTH - 2 * SLACK + COMING + RECORDS * record + rest
    return max(QUEUE_DEPTH, 1 << (most - 1).bit_length())


def beat_bits(params: Params) -> int:
    """Width of the address of a bus beat."""
    return params.addr_bits - (params.bus_bytes - 1).bit_length()


def finish_layout(params: Params) -> data.StructLayout:
    """What to do once everything written so far has arrived: tell; write a record there."""
    return data.StructLayout({"end": 1, "mark": 1, "mark_addr": params.addr_bits})


def beat_layout(params: Params) -> data.StructLayout:
    """A beat to write (``write``), something that ends its burst (``close``), or both.

    ``follows``: its address is the one behind that of the beat before it.
    """
    return data.StructLayout(
        {
            "write": 1,
            "addr": beat_bits(params),
            "follows": 1,
            "data": 8 * params.bus_bytes,
            "strobe": params.bus_bytes,
            "close": 1,
            "finish": finish_layout(params),
        }
    )


class BurstWriter(wiring.Component):
    """Collects consecutive beats into bursts and writes them.

    A burst ends where the next beat does not follow, at an address multiple of MAX_BURST beats,
    and by ``close``.  It is announced on the bus when all of its data is there, so that a slow
    source never holds up the bus.

    Parameters:
        params: the machine.

    Members:
        valid, beat: a beat a cycle, taken at once.
        room: in the next cycle at least SLACK more beats have a place.
        stuck: as many responses as may be outstanding wait behind a ``finish`` that is held, so
            that no burst is announced, and ``room`` does not come again.
        halt: announce no further burst.
        base: see accel.rtl.interfaces.writer.
        axi: the bus.
        finished: strobe; with ``finish``, all writes before a ``close`` with ``end`` have arrived.
        hold: keep ``finished`` from coming.
        error: a write was refused.  progress: any handshake.  sent: a beat was written.
        outstanding: a burst awaits its response.  idle: nothing is inside.

    Throughput: a beat a cycle, even in bursts of one.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "valid": In(1),
                "beat": In(beat_layout(params)),
                "room": Out(1),
                "stuck": Out(1),
                "halt": In(1),
                "base": In(base_bits(params)),
                "axi": Out(axi_write(params)),
                "finished": Out(1),
                "finish": Out(finish_layout(params)),
                "hold": In(1),
                "error": Out(1),
                "progress": Out(1),
                "sent": Out(1),
                "outstanding": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self._params
        burst = data.StructLayout(
            {
                "addr": beat_bits(params),
                "beats": bits_for(MAX_BURST),  # 0 for a finish without a burst
                "finish": finish_layout(params),
            }
        )
        m.submodules.beats = beats = RamQueue(9 * params.bus_bytes, beats_depth(params))
        m.submodules.bursts = bursts = RamQueue(burst, QUEUE_DEPTH)
        m.submodules.order = order = EagerFIFO(
            width=1 + finish_layout(params).size, depth=OUTSTANDING
        )
        m.d.comb += [
            self.room.eq(
                (beats.level <= QUEUE_DEPTH - 2 * SLACK) & (bursts.level <= QUEUE_DEPTH - 2 * SLACK)
            ),
            beats.input.payload.eq(Cat(self.beat.data, self.beat.strobe)),
            beats.input.valid.eq(self.valid & self.beat.write),
        ]
        collecting = self._collect(m, bursts, burst)
        sending = self._send(m, beats.output, bursts.output, order)
        self._acknowledge(m, order)
        m.d.comb += self.idle.eq(~(collecting | sending | (bursts.level != 0) | order.r_rdy))
        return m

    def _collect(self, m, bursts, burst):
        """Extend the open burst or queue it and open another; returns whether one is open."""
        beat = self.beat
        is_open, full = Signal(), Signal()
        opened = Signal(burst)
        push, last_place = Signal(), Signal()
        m.d.comb += [
            last_place.eq((beat.addr & (MAX_BURST - 1)) == MAX_BURST - 1),
            push.eq(is_open & (full | (self.valid & beat.write & ~beat.follows))),
            bursts.input.payload.eq(opened),
            bursts.input.valid.eq(push & ((opened.beats != 0) | opened.finish.end)),
        ]
        # A full burst is queued a cycle later, whatever comes then: one push a cycle is enough.
        with m.If(push):
            m.d.sync += [is_open.eq(0), full.eq(0)]
        with m.If(self.valid & (beat.write | beat.close)):
            m.d.sync += [
                is_open.eq(1),
                full.eq(beat.close | (beat.write & last_place)),
                opened.finish.eq(Mux(beat.close, beat.finish.as_value(), 0)),
            ]
            with m.If(push | ~is_open):
                m.d.sync += [opened.addr.eq(beat.addr), opened.beats.eq(beat.write)]
            with m.Else():
                m.d.sync += opened.beats.eq(opened.beats + beat.write)
        return is_open

    def _send(self, m, beats, bursts, order):
        """Drive AW and W side by side, a burst at a time; returns whether one is under way."""
        axi = self.axi
        head = bursts.payload
        low = self._params.addr_bits - beat_bits(self._params)
        # Through `take`, one writer's address is heard by the other's queue in the same cycle.  So
        # what it moves is little: how many beats are left counts while that is neither none nor
        # one, which have registers of their own.
        left = Signal(range(MAX_BURST + 1))
        none, one = Signal(init=1), Signal()
        address_done, data_done, take = Signal(), Signal(), Signal()
        m.d.comb += [
            axi.awsize.eq(low),
            axi.awburst.eq(1),
            axi.wvalid.eq(~none & beats.valid),
            Cat(axi.wdata, axi.wstrb).eq(beats.payload),
            axi.wlast.eq(one),
            beats.ready.eq(~none & axi.wready),
            self.sent.eq(axi.wvalid & axi.wready),
            address_done.eq(~axi.awvalid | axi.awready),
            data_done.eq(none | (one & self.sent)),
            take.eq(bursts.valid & order.w_rdy & address_done & data_done & ~self.halt),
            bursts.ready.eq(take),
            order.w_data.eq(Cat(head.beats != 0, head.finish)),
            order.w_en.eq(take),
        ]
        with m.If(none | one):
            m.d.sync += left.eq(head.beats)
        with m.Elif(self.sent):
            m.d.sync += left.eq(left - 1)
        with m.If(self.sent):
            m.d.sync += [none.eq(one), one.eq(~one & (left == 2))]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(take):
            m.d.sync += [
                axi.awvalid.eq(head.beats != 0),
                none.eq(head.beats == 0),
                one.eq(head.beats == 1),
            ]
        address = based(self._params, head.addr << low, self.base)
        length = (head.beats - 1)[: bits_for(MAX_BURST - 1)]
        self._announce(m, Cat(address, length), take)
        return axi.awvalid | ~none

    def _announce(self, m, burst, take):
        """Keep the address and length that are offered from the cycle of ``take`` on.

        Of two places the one that is not offered follows the queue, and ``take`` exchanges them.
        """
        places = [Signal(len(burst), name=f"announced{n}", reset_less=True) for n in range(2)]
        offered = Signal()
        for n, place in enumerate(places):
            with m.If(offered != n):
                m.d.sync += place.eq(burst)
        m.d.sync += offered.eq(offered ^ take)
        announced = Cat(self.axi.awaddr, self.axi.awlen)
        m.d.comb += announced.eq(Mux(offered, places[1], places[0]))

    def _acknowledge(self, m, order):
        """Match responses, which come in order, with bursts and finishes."""
        axi = self.axi
        arrived = Signal(range(OUTSTANDING + 1))
        awaited = Signal(range(OUTSTANDING + 1))
        is_burst, pop, waits = Signal(), Signal(), Signal()
        m.d.comb += [
            Cat(is_burst, self.finish).eq(order.r_data),
            pop.eq(order.r_rdy & (~is_burst | (arrived != 0)) & ~(self.finish.end & self.hold)),
            order.r_en.eq(pop),
            waits.eq(order.r_rdy & (~is_burst | (arrived != 0)) & self.finish.end & self.hold),
            self.finished.eq(pop & self.finish.end),
            axi.bready.eq(1),
            self.error.eq(axi.bvalid & (axi.bresp != 0)),
            self.outstanding.eq(axi.awvalid | (awaited != 0)),
            self.progress.eq((axi.awvalid & axi.awready) | self.sent | axi.bvalid),
        ]
        with m.If(axi.bvalid & ~(pop & is_burst)):
            m.d.sync += arrived.eq(arrived + 1)
        with m.Elif(~axi.bvalid & pop & is_burst):
            m.d.sync += arrived.eq(arrived - 1)
        m.d.comb += self.stuck.eq(waits & ~order.w_rdy)
        m.d.sync += awaited.eq(
            awaited + (axi.awvalid & axi.awready) - (axi.bvalid & (awaited != 0))
        )
