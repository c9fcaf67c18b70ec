"""The AXI4 read path: splitting byte ranges into bursts, and sharing one port among readers."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.params import MAX_BURST, Params
from accel.rtl.interfaces import axi_read, base_bits, based, read_client, read_request
from accel.rtl.parts.full import full_flag

#: Bursts whose data may be outstanding: even single beats hide a memory latency of 60 cycles.
MAX_READS = 64
#: AXI4's code for a burst of incrementing addresses.
BURST_INCR = 1
#: Width of a range's length: enough for a LOAD's 20-bit ``inner`` and headroom.
RANGE_BITS = 21


def read_range(params: Params, byte_bits: int = RANGE_BITS) -> data.StructLayout:
    """A range of memory: any byte address, and a number of bytes from 1."""
    return data.StructLayout({"addr": params.addr_bits, "bytes": byte_bits})


class ReadSplitter(wiring.Component):
    """Cuts byte ranges into bursts that read every bus word of the range once.

    A burst never crosses an address multiple of MAX_BURST beats, so it starts anywhere only at
    the range's beginning and is full everywhere else but at its end.

    Parameters:
        params: the machine.
        byte_bits: width of a range's length.

    Members:
        input: ranges.
        output: bursts, in address order.

    Latency: a range's first burst is there one cycle after the range was taken.
    Throughput: a burst each cycle, also from one range to the next.
    """

    def __init__(self, params: Params, byte_bits: int = RANGE_BITS):
        if not 1 <= byte_bits <= 64:
            raise ValueError(f"byte_bits must be from 1 to 64, not {byte_bits!r}")
        self._beat_shift = bits_for(params.bus_bytes - 1)
        self._params = params
        super().__init__(
            {
                "input": In(stream.Signature(read_range(params, byte_bits))),
                "output": Out(stream.Signature(read_request(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shift, window_bits = self._beat_shift, bits_for(MAX_BURST - 1)
        length = self.input.payload.bytes

        # `beat` is the next address and `end` the range's last beat, counted from the beginning
        # of the window of MAX_BURST beats that `beat` lies in.
        beat = Signal(self._params.addr_bits - shift, reset_less=True)
        end = Signal(max(len(length) - shift, window_bits) + 1, reset_less=True)
        busy, final = Signal(), Signal()
        place = beat[:window_bits]
        stop = Mux(final, end[:window_bits], MAX_BURST - 1)
        m.d.comb += [
            final.eq(~end[window_bits:].any()),
            self.output.valid.eq(busy),
            self.output.payload.addr.eq(beat << shift),
            self.output.payload.beats.eq(stop - place + 1),
            self.input.ready.eq(~busy | (self.output.ready & final)),
        ]
        self._step(m, beat, end, busy)
        return m

    def _step(self, m, beat, end, busy):
        """The next window when a burst is taken, and the next range when one is."""
        shift, window_bits = self._beat_shift, bits_for(MAX_BURST - 1)
        start, length = self.input.payload.addr, self.input.payload.bytes
        with m.If(self.output.ready):
            m.d.sync += [
                beat.eq(Cat(Const(0, window_bits), beat[window_bits:] + 1)),
                end[window_bits:].eq(end[window_bits:] - 1),
            ]
        with m.If(self.input.ready):
            in_window = start[: shift + window_bits]
            m.d.sync += [
                busy.eq(self.input.valid),
                beat.eq(start >> shift),
                end.eq((length + in_window - 1) >> shift),
            ]


class ReadMaster(wiring.Component):
    """Shares one AXI4 read port among several readers.

    All bursts have one ID, so data comes back in the order of the addresses; a queue of client
    numbers says whose each burst is.  Clients take every beat at once, so ``rready`` is constant.

    Parameters:
        params: the machine.
        clients: number of readers; the lowest-numbered one that asks is served first.

    Members:
        axi: read address and data channels.
        clients: the readers' sides.
        base: added to the addresses, in multiples of BASE_ALIGN; changes only while nothing runs.
        halt: take no further request (an address already shown stays until it is taken).
        error: strobe, a beat came with an error response.
        outstanding: an address or data is still under way.
        progress: strobe, something moved on either channel.
        beats: strobe, a beat of data was delivered.

    Latency: a request appears on the bus one cycle after it was taken, a beat at its client one
    cycle after it came.  Throughput: a burst address and a beat of data each cycle, with up to
    MAX_READS bursts under way.
    """

    def __init__(self, params: Params, clients: int):
        if not isinstance(clients, int) or not 1 <= clients <= 16:
            raise ValueError(f"clients must be from 1 to 16, not {clients!r}")
        self._params = params
        super().__init__(
            {
                "axi": Out(axi_read(params)),
                "clients": In(read_client(params)).array(clients),
                "base": In(base_bits(params)),
                "halt": In(1),
                "error": Out(1),
                "outstanding": Out(1),
                "progress": Out(1),
                "beats": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        number_bits = bits_for(len(self.clients) - 1)
        m.submodules.owners = owners = SyncFIFO(width=number_bits, depth=MAX_READS)
        self._ask(m, owners)
        self._deliver(m, owners)
        # The owner's entry is there from the cycle in which arvalid rises.
        m.d.comb += self.outstanding.eq((owners.level != 0) | self.progress)
        return m

    def _ask(self, m, owners):
        """Put a client's request on the bus, and its number into the queue ``owners``."""
        axi = self.axi
        accept, full = Signal(), full_flag(m, owners)
        m.d.comb += [
            accept.eq((~axi.arvalid | axi.arready) & ~full & ~self.halt),
            axi.arsize.eq(bits_for(self._params.bus_bytes - 1)),
            axi.arburst.eq(BURST_INCR),
            axi.rready.eq(1),
        ]
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        waiting = 0
        for number, client in enumerate(self.clients):
            request = client.request
            m.d.comb += request.ready.eq(accept & ~waiting)
            with m.If(request.ready & request.valid):
                m.d.comb += [owners.w_en.eq(1), owners.w_data.eq(number)]
                m.d.sync += [
                    axi.arvalid.eq(1),
                    axi.araddr.eq(based(self._params, request.payload.addr, self.base)),
                    axi.arlen.eq(request.payload.beats - 1),
                ]
            waiting = waiting | request.valid

    def _deliver(self, m, owners):
        """Give a beat to the client that owns it."""
        axi = self.axi
        # A register between the pins and the clients' memories.
        beat = Signal(8 * self._params.bus_bytes, reset_less=True)
        m.d.comb += owners.r_en.eq(axi.rvalid & axi.rlast)
        m.d.sync += [
            beat.eq(axi.rdata),
            self.beats.eq(axi.rvalid),
            self.error.eq(axi.rvalid & axi.rresp.any()),
            self.progress.eq((axi.arvalid & axi.arready) | axi.rvalid),
        ]
        for number, client in enumerate(self.clients):
            m.d.comb += client.data.eq(beat)
            mine = axi.rvalid & owners.r_rdy & (owners.r_data == number)
            m.d.sync += client.valid.eq(mine)
