"""The write port of the im2col buffer: for copies, and for what the window unit has computed."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.im2col.banks import im2col_banks
from accel.rtl.im2col.place import PLACE_LATENCY
from accel.rtl.interfaces import buffer_write, near_layout
from accel.rtl.parts.rotate import rotated


class Im2colEntrance(wiring.Component):
    """Lets the window unit's pixels into the buffer, between the chunks that copies bring.

    The window unit cannot wait, copies can: their placer makes no step in the cycle in which a
    pixel comes, so that the port is free when the pixel, as much later, gets there:

        cycle 0  the pixel comes                    the placer makes no step
              1  its bytes turned to their banks    (that step's bytes turned)
              2  each bank's row known: written     (nothing from the placer)

    A pixel's first byte may lie in any bank; in those before it the bytes lie a row further.

    Parameters:
        params: the machine; ``window_feeds_array``, so a pixel is at most as wide as a row.

    Members:
        near: pixels for the buffer.
        copies: what the placer writes.
        stall: to the placer: a pixel has come.
        write: to the buffer.

    Latency: a pixel is written PLACE_LATENCY cycles after it came, a chunk at once.
    """

    def __init__(self, params: Params):
        self._params, self._banks = params, im2col_banks(params)
        super().__init__(
            {
                "near": In(near_layout(params)),
                "copies": In(buffer_write(params)),
                "stall": Out(1),
                "write": Out(buffer_write(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        turned, enables, valid = self._turn(m)
        rows = self._rows(m, valid)
        placed, mine, writes = Signal.like(turned), Signal.like(enables), Signal()
        assert PLACE_LATENCY == 2, "a pixel has two stages on its way"
        m.d.sync += [writes.eq(valid), mine.eq(enables & valid.replicate(len(enables)))]
        with m.If(valid):
            m.d.sync += placed.eq(turned)
        m.d.comb += [
            self.stall.eq(self.near.valid),
            self.write.enable.eq(self.copies.enable | mine),
            *(
                port[bank].eq(Mux(writes, near, copied[bank]))
                for port, nears, copied in (
                    (self.write.row, rows, self.copies.row),
                    (self.write.data, [placed.word_select(n, 8) for n in range(len(rows))],
                     self.copies.data),
                )
                for bank, near in enumerate(nears)
            ),
        ]  # fmt: skip
        return m

    def _turn(self, m):
        """Stage 1: a pixel's bytes, and which banks they are for; whether there is one."""
        count, cols = self._banks.count, self._params.cols
        amount = self.near.addr[: (count - 1).bit_length()]
        bytes_, wanted = Signal(8 * count), Signal(count)
        m.d.comb += [
            bytes_.eq(self.near.data.as_value().as_unsigned()),
            wanted.eq(Cat(lane < self.near.cols for lane in range(cols))),
        ]
        turned, enables = Signal.like(bytes_, reset_less=True), Signal(count, reset_less=True)
        valid = Signal()
        m.d.sync += valid.eq(self.near.valid)
        with m.If(self.near.valid):
            m.d.sync += [
                turned.eq(rotated(m, bytes_, count, amount, left=True)),
                enables.eq(rotated(m, wanted, count, amount, left=True)),
            ]
        return turned, enables, valid

    def _rows(self, m, valid):
        """Stage 2: each bank's row."""
        count, row_bits = self._banks.count, self._banks.row_bits
        bank_bits = (count - 1).bit_length()
        addr = Signal(bank_bits + row_bits, reset_less=True)
        with m.If(self.near.valid):
            m.d.sync += addr.eq(self.near.addr[: len(addr)])
        row, rows = addr[bank_bits:], []
        following = Signal(row_bits)
        m.d.comb += following.eq((row + 1)[:row_bits])
        for bank in range(count):
            mine = Signal(row_bits, name=f"row_{bank}", reset_less=True)
            with m.If(valid):
                m.d.sync += mine.eq(Mux(bank < addr[:bank_bits], following, row))
            rows.append(mine)
        return rows
