"""The accumulators: C columns of int32 sums in two banks, one read-modify-write a cycle."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from accel.params import ACC_READ_LATENCY, PARAM_SLOTS, PE_LATENCY, Params
from rtl.delay import Delay
from rtl.interfaces import SLOT_BITS, acc_read, param_write, tag_layout

#: Bytes of a bias; the parameter record's planes before this one are the bias's bytes.
BIAS_BYTES = 4
#: A tag is in a column for this many cycles: read, fetch, add, write.  The sum written is
#: visible to a read one cycle after the last, so the same row may come back after STAGES cycles;
#: it never comes sooner, as a tile takes at least R >= 4 cycles.
STAGES = 4
READ, FETCH, ADD, WRITE = range(STAGES)


class AccumulatorColumn(wiring.Component):
    """The sums of one output channel: two banks and the biases of the blocks under way.

    Each bank is a memory with one read and one write port.  The bank that is being filled uses both for
    read-modify-write; the other's read port is free for post-processing.

    Members:
        tags: this column's tag in each of its ``STAGES`` cycles, the earliest first.
        psum: the array's sum that belongs to ``tags[ADD]``.
        bias_slot, bias_write, bias_byte: write one byte (``bias_write`` is one-hot, or zero) of a
            slot's bias.
        read_bank, read_row: post-processing's address, which reaches a bank in every cycle in
            which no tag reads that bank.
        data: its sum ``ACC_READ_LATENCY`` cycles later.
    """

    def __init__(self, params: Params):
        self.params = params
        tag = tag_layout(params)
        super().__init__(
            {
                "tags": In(data.ArrayLayout(tag, STAGES)),
                "psum": In(signed(32)),
                "bias_slot": In(SLOT_BITS),
                "bias_write": In(BIAS_BYTES),
                "bias_byte": In(8),
                "read_bank": In(1),
                "read_row": In(tag["row"].shape),
                "data": Out(signed(32)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Block RAM is slow to answer: its output is registered before anything is done with it.
        words = [self._bank(m, number) for number in range(2)]
        bias = self._bias(m)

        adding = self.tags[ADD]
        stored = Mux(adding.bank, words[1], words[0])
        total = Signal(signed(32), reset_less=True)
        m.d.sync += total.eq((self.psum + Mux(adding.first, bias, stored))[:32].as_signed())

        for number in range(2):
            writing, port = self.tags[WRITE], m.submodules[f"bank{number}"].write_port
            m.d.comb += [
                port.en.eq(writing.valid & (writing.bank == number)),
                port.addr.eq(writing.row),
                port.data.eq(total),
            ]
        m.submodules.read_bank = late = Delay(1, ACC_READ_LATENCY, reset_less=True)
        m.d.comb += [
            late.i.eq(self.read_bank),
            self.data.eq(Mux(late.o, words[1], words[0])),
        ]
        return m
