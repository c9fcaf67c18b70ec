"""The two slots of the window unit's parameters: channel parameters and weight tiles."""

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.params import PARAM_PLANES, WINDOW_TILES, Params
from accel.rtl.parts.parity import watch

#: Parameter records: one in use, one on its way.
SLOTS = 2
#: Cycles from the address of a tile to its words.
READ_LATENCY = 2


def weights_read(params: Params) -> wiring.Signature:
    """A tile's address, and READ_LATENCY cycles later its words, one for each tap."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "slot": Out(1),
            "tile": Out(range(WINDOW_TILES)),
            "words": In(data.ArrayLayout(8 * params.cols, params.window_taps)),
        }
    )


def scale_layout(params: Params) -> data.StructLayout:
    """The multipliers and shifts of all columns."""
    return data.StructLayout(
        {
            "multiplier": data.ArrayLayout(32, params.cols),
            "shift": data.ArrayLayout(signed(8), params.cols),
        }
    )


def word_write(params: Params) -> wiring.Signature:
    """A C-byte word of a slot: byte plane ``number``, or a tap's weights in a tile."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "weights": Out(1),  # else a plane
            "slot": Out(1),
            "number": Out(range(WINDOW_TILES * params.window_taps)),
            "data": Out(8 * params.cols),
        }
    )


class WindowParamMemory(wiring.Component):
    """Two slots of channel parameters and weight tiles.

    Parameters:
        params: the machine.

    Members:
        write: a word.
        weights: a tile, READ_LATENCY cycles after its address.
        bias_slot, biases: a slot's biases, at once.
        scale_slot, scales: a slot's multipliers and shifts, at once.
        biases_used, scales_used: they are used in this cycle; only with parity.

    A word written and all reads each cycle.  Nothing is read before it is written.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "write": In(word_write(params)),
                "weights": In(weights_read(params)),
                "bias_slot": In(1),
                "biases": Out(data.ArrayLayout(signed(32), params.cols)),
                "scale_slot": In(1),
                "scales": Out(scale_layout(params)),
            }
            | ({"biases_used": In(1), "scales_used": In(1)} if params.parity else {})
        )

    def elaborate(self, platform):
        m = Module()
        planes = [
            self._plane(m, n, "bias" if n < 4 else "scale", platform)
            for n in range(PARAM_PLANES)
        ]
        for c in range(self._params.cols):
            *words, shift = (plane.word_select(c, 8) for plane in planes)
            m.d.comb += [
                self.biases[c].eq(Cat(words[:4]).as_signed()),
                self.scales.multiplier[c].eq(Cat(words[4:])),
                self.scales.shift[c].eq(shift.as_signed()),
            ]
        for tap in range(self._params.window_taps):
            self._tap(m, tap, platform)
        return m

    def _plane(self, m, number, what, platform):
        """A byte plane of both slots, of biases or scales; returns its bytes in one of them."""
        memory = Memory(shape=8 * self._params.cols, depth=SLOTS, init=[])
        m.submodules[f"plane{number}"] = memory
        read, write = memory.read_port(domain="comb"), memory.write_port()
        written = self.write
        m.d.comb += [
            write.addr.eq(written.slot),
            write.data.eq(written.data),
            write.en.eq(written.valid & ~written.weights & (written.number == number)),
            read.addr.eq(self.bias_slot if what == "bias" else self.scale_slot),
        ]
        if self._params.parity:
            watch(platform, read, self.biases_used if what == "bias" else self.scales_used)
        return read.data

    def _tap(self, m, tap, platform):
        """The weights of one tap in all tiles of both slots, with a register behind."""
        memory = Memory(shape=8 * self._params.cols, depth=SLOTS * WINDOW_TILES, init=[])
        m.submodules[f"tap{tap}"] = memory
        read, write = memory.read_port(), memory.write_port()
        written, asked = self.write, self.weights
        tap_bits = exact_log2(self._params.window_taps)
        found, word = Signal(), Signal(8 * self._params.cols, name=f"word{tap}", reset_less=True)
        m.d.comb += [
            write.addr.eq(Cat(written.number[tap_bits:], written.slot)),
            write.data.eq(written.data),
            write.en.eq(written.valid & written.weights & (written.number[:tap_bits] == tap)),
            read.addr.eq(Cat(asked.tile, asked.slot)),
            read.en.eq(asked.valid),
            asked.words[tap].eq(word),
        ]
        m.d.sync += found.eq(asked.valid)
        watch(platform, read, found)
        with m.If(found):
            m.d.sync += word.eq(read.data)
