"""What the store engine writes, cut at bus beats: pixel vectors and completion records."""

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from accel.isa import RECORD_BYTES, RECORD_WORDS
from accel.params import Params
from accel.rtl.interfaces import near_layout, vector_layout
from accel.rtl.memory.merge import piece_layout
from accel.rtl.pool.windows import post_fields

#: The fields of a POST command that the store engine looks at.
StoreConfig = post_fields(
    ("dst", "pitch_x", "pitch_y", "out_w", "cols", "mark", "mark_addr", "near")
)


class VectorCutter(wiring.Component):
    """Gives each vector its address and cuts it at bus beats.

    Parameters:
        params: the machine.

    Members:
        config, begin, input, ended: as in the StoreEngine.
        output: a piece for each beat that a vector touches; a closing one for each ``end`` token.
        near: a vector that does not go to memory (the configuration's ``near``): no piece is made
            of it.  Never held up.

    Latency 1 cycle, a piece, or a near vector, a cycle.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "config": In(StoreConfig),
                "begin": In(1),
                "input": In(stream.Signature(vector_layout(params))),
                "ended": Out(1),
                "output": Out(stream.Signature(piece_layout(params))),
                "near": Out(near_layout(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus_bytes, cols = self._params.bus_bytes, self._params.cols
        piece = self.output.payload
        rest = Signal(8 * max(cols, bus_bytes), reset_less=True)  # what is not yet cut off
        bound = Signal(range(bus_bytes + cols), reset_less=True)  # end, from the beat's start
        last, ready = Signal(), Signal()
        ends = Signal()  # the last piece, or the closing one
        # Whether the first piece is the last, and whether a later one is: two registers, so that
        # `ready`, which comes from the vectors' end of the chip, is not on the way to them.
        fits, last_of_more = Signal(reset_less=True), Signal(reset_less=True)
        m.d.comb += [
            last.eq(Mux(piece.first, fits, last_of_more)),
            ends.eq(last | piece.close),
            piece.bytes.eq(rest[: 8 * bus_bytes]),
            piece.bound.eq(Mux(last, bound, bus_bytes)[: len(piece.bound)]),
            ready.eq(~self.output.valid | (self.output.ready & ends)),
            self.input.ready.eq(ready),
            self.ended.eq(self.input.valid & ready & self.input.payload.end),
        ]
        self._cut(m, ready, rest, bound, fits, last_of_more)
        return m

    def _stay_near(self, m, ready, address):
        """Hand a vector to the other unit's buffer, if that is where it goes; returns whether."""
        near = Signal()
        m.d.comb += near.eq(self.config.near & ~self.input.payload.end)
        goes = self.input.valid & ready & near
        m.d.sync += self.near.valid.eq(goes)
        with m.If(goes):  # what it was stays, also while the clock rests
            m.d.sync += [
                self.near.addr.eq(address[: len(self.near.addr)]),
                self.near.cols.eq(self.config.cols[: len(self.near.cols)]),
                self.near.data.eq(self.input.payload.data),
            ]
        return near

    def _cut(self, m, ready, rest, bound, fits, last_of_more):
        """Go to the next vector's first piece, or to the next one of this vector."""
        piece, bus_bytes, address = self.output.payload, self._params.bus_bytes, self._walk(m)
        first_bound = address[: (bus_bytes - 1).bit_length()] + self.config.cols
        near = self._stay_near(m, ready, address)
        with m.If(ready):
            self._offer(m, address, near)
            m.d.sync += [
                rest.eq(self.input.payload.data),
                bound.eq(first_bound),
                fits.eq(first_bound <= bus_bytes),
            ]
        with m.Elif(self.output.ready):
            m.d.sync += [
                piece.first.eq(0),
                piece.addr.eq(piece.addr + 1),
                rest.eq(rest >> 8 * bus_bytes),
                bound.eq((bound - bus_bytes)[: len(bound)]),
                last_of_more.eq(bound <= 2 * bus_bytes),
            ]

    def _offer(self, m, address, near):
        """Offer a new vector's first piece, or the closing one; its bytes and bound apart."""
        piece, vector, config = self.output.payload, self.input.payload, self.config
        low = (self._params.bus_bytes - 1).bit_length()
        m.d.sync += [
            self.output.valid.eq(self.input.valid & ~near),
            piece.write.eq(~vector.end),
            piece.first.eq(1),
            piece.addr.eq(address[low:]),
            piece.offset.eq(address[:low]),
            piece.close.eq(vector.end),
            piece.finish.end.eq(1),
            piece.finish.mark.eq(config.mark),
            piece.finish.mark_addr.eq(config.mark_addr[: len(piece.finish.mark_addr)]),
        ]

    def _walk(self, m):
        """The address of the next vector.

        The next row's address and whether it comes next are known a step ahead.
        """
        config = self.config
        address = Signal(self._params.addr_bits)
        row = Signal(self._params.addr_bits)  # the next one
        behind = Signal.like(config.out_w)  # vectors of this row after the next one
        row_ends = Signal()
        full_row, single = Signal.like(behind), Signal()
        m.d.sync += [full_row.eq(config.out_w - 1), single.eq(config.out_w == 1)]
        with m.If(self.begin):
            start = config.dst[: len(address)]
            m.d.sync += [
                address.eq(start),
                row.eq(start + config.pitch_y),
                behind.eq(full_row),
                row_ends.eq(single),
            ]
        with m.Elif(self.input.valid & self.input.ready & ~self.input.payload.end):
            m.d.sync += [
                address.eq(address + config.pitch_x),
                behind.eq(behind - 1),
                row_ends.eq(behind == 1),
            ]
            with m.If(row_ends):
                m.d.sync += [
                    address.eq(row),
                    row.eq(row + config.pitch_y),
                    behind.eq(full_row),
                    row_ends.eq(single),
                ]
        return address


class RecordCutter(wiring.Component):
    """Takes a snapshot of the counters and cuts it into beats.

    Parameters:
        params: the machine.

    Members:
        start, addr: write a record to this bus-aligned address; only while not ``busy``.
        record: the counters; their values in the cycle after ``start`` are written.
        output: its beats, then a closing piece.
        soon: ``output.valid`` of the next cycle.
        busy: a record is being written.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "start": In(1),
                "addr": In(params.addr_bits),
                "record": In(data.ArrayLayout(unsigned(32), RECORD_WORDS)),
                "output": Out(stream.Signature(piece_layout(params))),
                "soon": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        pieces = max(1, RECORD_BYTES // self._params.bus_bytes)
        snapshot, left = Signal(8 * RECORD_BYTES, reset_less=True), Signal(range(pieces + 1))
        # Which beat is next, beside `left`: it goes to all of the snapshot.
        number = Signal(range(pieces), reset_less=True)
        self._piece(m, snapshot, number, left)
        # What others ask for has registers of its own, near to where a piece is chosen: `valid` is
        # WRITE, `busy` any state but IDLE; `grabs` is SNAPSHOT, near to the counters.
        grabs = Signal()
        m.d.comb += self.soon.eq(self.output.valid & ~self.output.ready)
        m.d.sync += [self.output.valid.eq(self.soon), grabs.eq(0)]
        with m.If(grabs):
            m.d.sync += snapshot.eq(self.record)
        self._step(m, pieces, number, left, grabs)
        return m

    def _step(self, m, pieces, number, left, grabs):
        """From a start over the snapshot and its ``pieces`` to the closing one."""
        piece, bus_bytes = self.output.payload, self._params.bus_bytes
        with m.FSM():
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += [
                    piece.addr.eq(self.addr[(bus_bytes - 1).bit_length() :]),
                    self.busy.eq(1),
                    grabs.eq(1),
                ]
                m.next = "SNAPSHOT"
            with m.State("SNAPSHOT"):
                m.d.sync += [left.eq(pieces), number.eq(0)]
                m.d.comb += self.soon.eq(1)
                m.next = "WRITE"
            with m.State("WRITE"), m.If(self.output.ready):
                with m.If(piece.close):
                    m.d.sync += self.busy.eq(0)
                    m.next = "IDLE"
                with m.Else():
                    m.next = "STEP"
            # A state of its own: the next beat is looked for without waiting for `ready`.
            with m.State("STEP"):
                m.d.sync += [
                    piece.addr.eq(piece.addr + 1),
                    left.eq(left - 1),
                    number.eq((number + 1)[: len(number)]),
                ]
                m.d.comb += self.soon.eq(1)
                m.next = "WRITE"

    def _piece(self, m, snapshot, number, left):
        """The piece to be written next (its address apart): a whole beat, or the closing one."""
        bus_bytes, piece = self._params.bus_bytes, self.output.payload
        m.d.comb += [
            piece.write.eq(left != 0),
            piece.close.eq(left == 0),
            piece.first.eq(1),
            piece.bound.eq(min(bus_bytes, RECORD_BYTES)),
            piece.bytes.eq(snapshot.word_select(number, 8 * bus_bytes)),
        ]
