"""The write port of the window unit's buffer: for copies, and for what the array has computed."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.params import Params
from accel.rtl.im2col.banks import window_banks
from accel.rtl.im2col.place import PLACE_LATENCY
from accel.rtl.interfaces import banks_write, near_layout
from accel.rtl.parts.delay import Delay


class BufferEntrance(wiring.Component):
    """Lets words of post-processing into the buffer, between the chunks that copies bring.

    They are whole words, at addresses that are multiples of C.

    Post-processing cannot wait, copies can: their placer makes no step in the cycle in which a word
    comes, so that the port is free when the word, as much later, gets there.

    Parameters:
        params: the machine; ``window_taps`` is not 0.

    Members:
        near: words for the buffer.
        copies: what the placer writes.
        stall: to the placer: a word has come.
        write: to the buffer.

    Latency: a word is written PLACE_LATENCY cycles after it came, a chunk at once.
    """

    def __init__(self, params: Params):
        self._params, self._banks = params, window_banks(params)
        super().__init__(
            {
                "near": In(near_layout(params)),
                "copies": In(banks_write(self._banks)),
                "stall": Out(1),
                "write": Out(banks_write(self._banks)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        banks = self._banks
        m.submodules.way = way = Delay(near_layout(self._params), PLACE_LATENCY)
        bank_bits = bits_for(banks.count - 1)
        word, row = Signal.like(self.near.data.as_value()), Signal(banks.row_bits)
        addr = way.o.addr[bits_for(banks.word) - 1 :]
        m.d.comb += [
            way.i.eq(self.near),
            self.stall.eq(self.near.valid),
            word.eq(way.o.data.as_value()),
            row.eq(addr[bank_bits : bank_bits + banks.row_bits]),
        ]
        for bank in range(banks.count):
            mine = way.o.valid & (addr[:bank_bits] == bank)
            lanes = slice(banks.word * bank, banks.word * (bank + 1))
            m.d.comb += [
                self.write.enable[lanes].eq(
                    self.copies.enable[lanes] | mine.replicate(banks.word)
                ),
                self.write.row[bank].eq(Mux(way.o.valid, row, self.copies.row[bank])),
                self.write.data[bank].eq(Mux(way.o.valid, word, self.copies.data[bank])),
            ]
        return m
