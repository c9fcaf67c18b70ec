"""Puts bytes into a buffer's banks: copies from memory beats, and fills."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.params import Params
from accel.rtl.im2col.banks import Banks
from accel.rtl.interfaces import banks_write
from accel.rtl.parts.compare import less
from accel.rtl.parts.rotate import rotated


def piece_layout(params: Params, banks: Banks) -> data.StructLayout:
    """A contiguous piece of the buffer to be written.

    A copy goes chunk by chunk through aligned parts of memory beats, so a piece is described from
    the beginning of its first chunk: ``dst`` is the buffer address of that chunk's byte 0 (which
    itself is not written if ``skip`` is not 0), ``skip`` the bytes before the first real one,
    ``chunk`` the chunk's place in its beat and ``left`` one less than the bytes from byte 0 of
    the first chunk to the piece's end.  A fill has no skip and no chunk.  ``last`` ends a command.
    """
    chunk = banks.chunk(params.bus_bytes)
    return data.StructLayout(
        {
            "dst": bits_for(banks.size - 1),
            "left": 21,  # a 20-bit length and the skip
            "skip": bits_for(chunk - 1),
            "chunk": bits_for(params.bus_bytes // chunk) - 1,
            "fill": 1,
            "value": 8,
            "last": 1,
        }
    )


#: Cycles from a step's decision to its write.
PLACE_LATENCY = 2


class Placer(wiring.Component):
    """Writes pieces into the buffer, a chunk a cycle.

    A chunk's bytes have consecutive buffer addresses, so they go to consecutive byte lanes, and
    the banks that they wrap to lie a row further.  As chunks divide the lanes, the bytes need
    rotating within a chunk only; every chunk's worth of lanes sees the same bytes, and the
    enables choose.

    Where banks are words of several bytes, fills must begin and end at multiples of a word.

    Parameters:
        params: the machine.
        banks: the buffer.

    Members:
        input: pieces (``piece_layout``).
        beats: memory data; every beat that a copy touches is taken once.
        write: to the buffer.
        stall: make no step in this cycle, so that nothing is written two cycles later.
        completed: strobe in the cycle of a command's last write.

    Latency: a chunk is written two cycles after its beat was seen.  Throughput: a row of all
    banks of a fill, or ``banks.chunk()`` bytes of a copy, each cycle, without gaps from
    piece to piece.
    """

    def __init__(self, params: Params, banks: Banks):
        self._params, self._banks = params, banks
        super().__init__(
            {
                "input": In(stream.Signature(piece_layout(params, banks))),
                "beats": In(stream.Signature(8 * params.bus_bytes)),
                "write": Out(banks_write(banks)),
                "stall": In(1),
                "completed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes_count, chunk = self._banks.lanes, self._banks.chunk(self._params.bus_bytes)
        lane_bits = bits_for(lanes_count - 1)
        piece = Signal(piece_layout(self._params, self._banks), reset_less=True)
        step = Mux(piece.fill, lanes_count, chunk)
        go, final = self._walk(m, piece, step)

        # Stage 2: the bytes of the step, and the lanes from `low` to `high` that they are for.
        low, high = Signal(lane_bits, reset_less=True), Signal(lane_bits, reset_less=True)
        dst = Signal.like(piece.dst, reset_less=True)
        lanes = Signal(8 * chunk, reset_less=True)
        valid, ending = Signal(), Signal()
        first_lane, length = piece.dst[:lane_bits], Mux(final, piece.left[:lane_bits], step - 1)
        beat = self.beats.payload.word_select(piece.chunk, 8 * chunk)
        m.d.sync += [
            valid.eq(go),
            ending.eq(go & final & piece.last),
            dst.eq(piece.dst),
            low.eq((first_lane + piece.skip)[:lane_bits]),
            high.eq((first_lane + length)[:lane_bits]),
            lanes.eq(Mux(piece.fill, piece.value.replicate(chunk), beat)),
        ]

        m.d.sync += self.completed.eq(ending)
        self._enable(m, valid, low, high)
        self._place(m, lanes, dst)
        return m

    def _walk(self, m, piece, step):
        """Stage 1: walk through the piece, a step a cycle; then take the next one.

        Returns whether a step is made, and whether it is the piece's last.  A copy's waits for the
        beat, which is taken with the last step that it has bytes for.
        """
        chunk = self._banks.chunk(self._params.bus_bytes)
        lane_bits, chunk_bits = bits_for(self._banks.lanes - 1), bits_for(chunk - 1)
        busy, go, final, end_of_beat = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            go.eq(busy & (piece.fill | self.beats.valid) & ~self.stall),
            final.eq(~Mux(piece.fill, piece.left[lane_bits:].any(), piece.left[chunk_bits:].any())),
            end_of_beat.eq(piece.chunk == self._params.bus_bytes // chunk - 1),
            self.beats.ready.eq(go & ~piece.fill & (final | end_of_beat)),
            self.input.ready.eq(~busy | (go & final)),
        ]
        with m.If(go):
            m.d.sync += [
                piece.dst.eq(piece.dst + step),
                piece.left.eq(piece.left - step),
                piece.skip.eq(0),
                piece.chunk.eq(piece.chunk + 1),
            ]
        with m.If(self.input.ready):
            m.d.sync += [busy.eq(self.input.valid), piece.eq(self.input.payload)]
        return go, final

    def _enable(self, m, valid, low, high):
        """Stage 3: the lanes from ``low`` to ``high``; behind the last one comes the first."""
        wraps = Signal()
        m.d.comb += wraps.eq(less(high, low))
        enables = []
        for lane in range(self._banks.lanes):
            behind, before = low <= lane, high >= lane
            enables.append(valid & Mux(wraps, behind | before, behind & before))
        m.d.sync += self.write.enable.eq(Cat(enables))

    def _place(self, m, lanes, dst):
        """Stage 3: each byte at its lane, and the row of each bank."""
        banks = self._banks
        chunk, lane_bits = len(lanes) // 8, bits_for(banks.lanes - 1)
        first_bank = dst[bits_for(banks.word) - 1 : lane_bits]
        row, next_row = dst[lane_bits:], Signal(len(dst) - lane_bits)
        placed = Signal.like(lanes, reset_less=True)
        turn = dst[: bits_for(chunk - 1)]
        m.d.comb += [
            next_row.eq(row + 1),
            self.write.data.eq(placed.replicate(banks.lanes // chunk)),
        ]
        m.d.sync += placed.eq(rotated(m, lanes, chunk, turn, left=True))
        for bank in range(banks.count):
            bank_row = Signal.like(next_row, name=f"row_{bank}", reset_less=True)
            m.d.sync += bank_row.eq(Mux(bank < first_bank, next_row, row))
            m.d.comb += self.write.row[bank].eq(bank_row)
