"""Puts bytes into the im2col buffer: copies from memory beats, and fills."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.params import Params
from rtl.interfaces import buffer_write
from rtl.rotate import rotated


def chunk_bytes(params: Params) -> int:
    """Bytes that a copy places in a cycle: a beat, or a part of it that fits the banks."""
    return min(params.rows, params.bus_bytes)


def piece_layout(params: Params) -> data.StructLayout:
    """A contiguous piece of the buffer to be written.

    A copy goes chunk by chunk through aligned parts of memory beats, so a piece is described from
    the beginning of its first chunk: ``dst`` is the buffer address of that chunk's byte 0 (which
    itself is not written if ``skip`` is not 0), ``skip`` the bytes before the first real one,
    ``chunk`` the chunk's place in its beat and ``left`` one less than the bytes from byte 0 of
    the first chunk to the piece's end.  A fill has no skip and no chunk.  ``last`` ends a command.
    """
    chunk = chunk_bytes(params)
    return data.StructLayout(
        {
            "dst": bits_for(params.input_bytes - 1),
            "left": 21,  # a 20-bit length and the skip
            "skip": bits_for(chunk - 1),
            "chunk": bits_for(params.bus_bytes // chunk) - 1,
            "fill": 1,
            "value": 8,
            "last": 1,
        }
    )


class Placer(wiring.Component):
    """Writes pieces into the buffer, a chunk of at most R bytes a cycle.

    A chunk's bytes have consecutive buffer addresses, so they go to consecutive banks: one
    rotation by the first one's bank does it, and the banks that it wraps to lie a row further.

    Parameters:
        params: the machine.

    Members:
        input: pieces (``piece_layout``).
        beats: memory data; every beat that a copy touches is taken once.
        write: to the im2col buffer.
        completed: strobe in the cycle of a command's last write.

    Latency: a chunk is written two cycles after its beat was seen.  Throughput: R bytes of a
    fill, or min(R, bus) bytes of a copy, each cycle, without gaps from piece to piece.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "input": In(stream.Signature(piece_layout(params))),
                "beats": In(stream.Signature(8 * params.bus_bytes)),
                "write": Out(buffer_write(params)),
                "completed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rows, chunk = self._params.rows, chunk_bytes(self._params)
        lane_bits, chunk_bits = bits_for(rows - 1), bits_for(chunk - 1)

        # Stage 1: walk through the piece, a step a cycle.
        piece = Signal(piece_layout(self._params), reset_less=True)
        busy, go, final, end_of_beat = Signal(), Signal(), Signal(), Signal()
        step = Mux(piece.fill, rows, chunk)
        m.d.comb += [
            go.eq(busy & (piece.fill | self.beats.valid)),
            final.eq(
                ~Mux(piece.fill, piece.left[lane_bits:].any(), piece.left[chunk_bits:].any())
            ),
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

        # Stage 2: the bytes of the step, those from `low` to `high` to be written.
        low, high = Signal(lane_bits, reset_less=True), Signal(lane_bits, reset_less=True)
        dst = Signal.like(piece.dst, reset_less=True)
        lanes = Signal(8 * rows, reset_less=True)
        valid, ending = Signal(), Signal()
        beat = self.beats.payload.word_select(piece.chunk, 8 * chunk)
        m.d.sync += [
            valid.eq(go),
            ending.eq(go & final & piece.last),
            dst.eq(piece.dst),
            low.eq(piece.skip),
            high.eq(Mux(final, piece.left[:lane_bits], step - 1)),
            lanes.eq(Mux(piece.fill, piece.value.replicate(rows), beat)),
        ]

        # Stage 3: each byte at its bank.
        first_bank = dst[:lane_bits]
        row, next_row = dst[lane_bits:], Signal(len(dst) - lane_bits)
        mask = Cat(valid & (lane >= low) & (lane <= high) for lane in range(rows))
        m.d.comb += next_row.eq(row + 1)
        m.d.sync += [
            self.completed.eq(ending),
            self.write.enable.eq(rotated(m, mask, rows, first_bank, left=True)),
        ]
        banks = Signal.like(lanes, reset_less=True)
        m.d.sync += banks.eq(rotated(m, lanes, rows, first_bank, left=True))
        m.d.comb += self.write.data.eq(banks)
        for bank in range(rows):
            bank_row = Signal.like(next_row, name=f"row_{bank}", reset_less=True)
            m.d.sync += bank_row.eq(Mux(bank < first_bank, next_row, row))
            m.d.comb += self.write.row[bank].eq(bank_row)
        return m
