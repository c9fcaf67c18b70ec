"""Read data requested ahead of its use, with room for it kept from the moment of asking."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from accel.params import MAX_BURST, Params
from accel.rtl.interfaces import read_client, read_request
from accel.rtl.parts.queue import RamQueue


class ReadAhead(wiring.Component):
    """A queue of memory data whose requests run as far ahead as there is room.

    Room is counted in beats and taken when a burst is asked for, so the bus never has to wait for
    a place to put data.  Where an entry is wider than the bus, several beats are packed into one.

    Parameters:
        params: the machine.
        entry_bytes: width of an entry; a multiple of the bus width.
        beats: capacity; a power of two of at least two longest bursts.

    Members:
        request: bursts to read.
        client: towards the read master.
        halt: pass on no further request.
        output: the data, in order, an entry at a time.
        arrived: strobe, an entry has come; if all entries before it have been taken by then,
            ``output`` offers it RamQueue.LATENCY cycles later.

    Throughput: a beat in and an entry out each cycle.  A request waits until a longest burst
    would fit, which makes the test a single OR.
    """

    def __init__(self, params: Params, entry_bytes: int, beats: int):
        if entry_bytes <= 0 or entry_bytes % params.bus_bytes:
            raise ValueError(
                f"entry_bytes must be a multiple of bus_bytes = {params.bus_bytes}, "
                f"not {entry_bytes!r}"
            )
        if beats & (beats - 1) or beats < 2 * MAX_BURST:
            raise ValueError(
                f"beats must be a power of two of at least {2 * MAX_BURST}, not {beats!r}"
            )
        self._bus_bits = 8 * params.bus_bytes
        self._ratio = entry_bytes // params.bus_bytes
        self._beats = beats
        super().__init__(
            {
                "request": In(stream.Signature(read_request(params))),
                "client": Out(read_client(params)),
                "halt": In(1),
                "output": Out(stream.Signature(8 * entry_bytes)),
                "arrived": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = RamQueue(
            self._bus_bits * self._ratio, self._beats // self._ratio
        )
        connect(m, queue.output, flipped(self.output))

        room = Signal(bits_for(self._beats), init=self._beats)
        # Room is given back a cycle late, which keeps the consumer out of the sum; whether the
        # burst was taken is known late, and chooses between two sums.
        freed = Signal(bits_for(self._ratio))
        with_freed = (room + freed)[: len(room)]
        without = (with_freed - self.client.request.payload.beats)[: len(room)]
        taken = self._ask(m, with_freed, without)
        m.d.sync += [
            freed.eq(Mux(self.output.ready & self.output.valid, self._ratio, 0)),
            room.eq(Mux(taken, without, with_freed)),
        ]
        self._pack(m, queue.input.payload)
        m.d.comb += queue.input.valid.eq(self.arrived)
        return m

    def _ask(self, m, stays, shrinks):
        """Hold the next burst in a register until it fits; returns whether it is taken.

        ``stays`` and ``shrinks`` are the room of the next cycle, without and with it being taken.
        Whether a burst is held and fits is a register, too: the readers behind this one wait for
        it.
        """
        asked, pending = self.request, self.client.request
        held, taken, comes = Signal(), Signal(), Signal()
        m.d.comb += [
            comes.eq(asked.valid & ~self.halt),
            taken.eq(pending.valid & pending.ready),
            asked.ready.eq((~held | taken) & ~self.halt),
        ]
        with m.If(asked.ready):
            m.d.sync += pending.payload.eq(asked.payload)
        with m.If(taken):
            m.d.sync += [held.eq(comes), pending.valid.eq(comes & self._fits(shrinks))]
        with m.Else():
            m.d.sync += [
                held.eq(held | comes), pending.valid.eq((held | comes) & self._fits(stays))
            ]  # fmt: skip
        return taken

    def _fits(self, room):
        """Whether a longest burst has room."""
        return room[bits_for(MAX_BURST - 1) :].any()

    def _pack(self, m, entry):
        """Put an entry's beats together; it is there with the last one."""
        if self._ratio == 1:
            m.d.comb += [self.arrived.eq(self.client.valid), entry.eq(self.client.data)]
            return
        count = Signal(range(self._ratio))
        earlier = Signal(self._bus_bits * (self._ratio - 1), reset_less=True)
        packed = Cat(earlier, self.client.data)
        with m.If(self.client.valid):
            m.d.sync += [count.eq(count + 1), earlier.eq(packed[self._bus_bits :])]
        m.d.comb += [
            self.arrived.eq(self.client.valid & (count == self._ratio - 1)),
            entry.eq(packed),
        ]
