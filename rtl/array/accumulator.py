"""The accumulators: C columns of int32 sums in two banks, one read-modify-write a cycle."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from accel.params import ACC_READ_LATENCY, PARAM_SLOTS, PE_LATENCY, Params
from accel.rtl.interfaces import SLOT_BITS, acc_read, param_write, tag_layout
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.parity import watch

#: Bytes of a bias: as many planes of a parameter record, from plane 0 on.
BIAS_BYTES = 4
#: What a column does for a tag in the cycles it stays there: address the bank, fetch its word
#: (and the bias), add, write.  A read one cycle after WRITE sees the new sum, so the same row may
#: come back every STAGES cycles; it never comes sooner, as a tile takes at least R >= 4.
STAGES = 4
READ, FETCH, ADD, WRITE = range(STAGES)


class AccumulatorColumn(wiring.Component):
    """The sums of one output channel: two banks, and the biases of the blocks under way.

    A bank is a memory with one read and one write port.  The bank that is being filled uses both
    for read-modify-write; the other one's read port is free for post-processing.

    Members:
        tags: the tag in each of its ``STAGES`` cycles, the earliest first.
        psum: the array's sum that belongs to ``tags[ADD]``.
        bias_write, bias_slot, bias_byte: write one byte of a slot's bias; ``bias_write`` has a bit
            for each byte.
        read_bank, read_row: post-processing's address; heeded unless a tag reads that bank.
        read_used: the sum there will be used; only with parity.
        sum: the sum there, ``ACC_READ_LATENCY`` cycles later.

    One tag a cycle, without back-pressure.
    """

    def __init__(self, params: Params):
        self.params = params
        tag = tag_layout(params)
        super().__init__(
            {
                "tags": In(data.ArrayLayout(tag, STAGES)),
                "psum": In(signed(32)),
                "bias_write": In(BIAS_BYTES),
                "bias_slot": In(SLOT_BITS),
                "bias_byte": In(8),
                "read_bank": In(1),
                "read_row": In(tag["row"].shape),
                **({"read_used": In(1)} if params.parity else {}),
                "sum": Out(signed(32)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        total = Signal(signed(32), reset_less=True)
        stored = [self._bank(m, number, total, platform) for number in range(2)]
        bias = self._bias(m, platform)
        tag = self.tags[ADD]
        start = Mux(tag.first, bias, Mux(tag.bank, stored[1], stored[0]))
        m.d.sync += total.eq((self.psum + start)[:32].as_signed())

        m.submodules.read_bank = late = Delay(1, ACC_READ_LATENCY, reset_less=True)
        m.d.comb += [
            late.i.eq(self.read_bank),
            self.sum.eq(Mux(late.o, stored[1], stored[0])),
        ]
        return m

    def _bank(self, m, number, total, platform):
        """Build a bank that stores ``total``; return its word, read ACC_READ_LATENCY ago."""
        memory = Memory(shape=signed(32), depth=self.params.bank_rows, init=[])
        m.submodules[f"bank{number}"] = memory
        read, write = memory.read_port(), memory.write_port()
        coming, leaving = self.tags[READ], self.tags[WRITE]
        filling = coming.valid & (coming.bank == number)
        # Block RAM answers late in the cycle: register its word before doing anything with it.
        word = Signal(signed(32), name=f"word{number}", reset_less=True)
        m.d.comb += [
            read.addr.eq(Mux(filling, coming.row, self.read_row)),
            read.en.eq(1),
            write.addr.eq(leaving.row),
            write.data.eq(total),
            write.en.eq(leaving.valid & (leaving.bank == number)),
        ]
        m.d.sync += word.eq(read.data)
        if self.params.parity:
            fetched, used = self.tags[FETCH], Signal(name=f"used{number}")
            m.d.sync += used.eq(self.read_used & (self.read_bank == number))
            mine = fetched.valid & (fetched.bank == number)
            watch(platform, read, Mux(mine, ~fetched.first, used))
        return word

    def _bias(self, m, platform):
        """Build the bias memory; return the bias of the tag that is in ADD."""
        m.submodules.biases = memory = Memory(shape=32, depth=PARAM_SLOTS, init=[])
        write = memory.write_port(granularity=8)
        read = memory.read_port(domain="comb")
        bias = Signal(signed(32), reset_less=True)
        m.d.comb += [
            write.addr.eq(self.bias_slot),
            write.data.eq(self.bias_byte.replicate(BIAS_BYTES)),
            write.en.eq(self.bias_write),
            read.addr.eq(self.tags[FETCH].slot),
        ]
        m.d.sync += bias.eq(read.data)
        watch(platform, read, self.tags[FETCH].valid & self.tags[FETCH].first)
        return bias


class Accumulator(wiring.Component):
    """Adds up the array's sums over the weight tiles of a block, starting from the biases.

    A tag comes with every vector that enters the array; it waits here for that vector's sums,
    which leave the array one column a cycle.

    Members:
        tag: what to do with the vector that enters the array in this cycle.
        psums: the array's sums (column c comes R - 1 + PE_LATENCY + c cycles after the tag).
        param: parameter records; planes 0 to 3 are the bytes of the biases.  A bias must be there
            before the sums of its block's first vector are.
        read: post-processing's view of the bank that is not being filled.
        block_done: the last sum of a block is being written; its bank may be read from the
            next cycle on.  Comes R + PE_LATENCY + C - 1 cycles after its tag.

    One vector a cycle, without back-pressure; the same row again after 4 cycles at the earliest.
    """

    def __init__(self, params: Params):
        self.params = params
        super().__init__(
            {
                "tag": In(tag_layout(params)),
                "psums": In(data.ArrayLayout(signed(32), params.cols)),
                "param": In(param_write(params)),
                "read": In(acc_read(params)),
                "block_done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        columns = [AccumulatorColumn(self.params) for _ in range(self.params.cols)]
        tags = self._tags(m)
        byte = Signal(BIAS_BYTES)
        for number in range(BIAS_BYTES):
            m.d.comb += byte[number].eq(self.param.valid & (self.param.plane == number))
        for c, column in enumerate(columns):
            m.submodules[f"column_{c}"] = column
            m.d.comb += [
                *(column.tags[stage].eq(tags[c + stage]) for stage in range(STAGES)),
                column.psum.eq(self.psums[c]),
                column.bias_write.eq(byte),
                column.bias_slot.eq(self.param.slot),
                column.bias_byte.eq(self.param.data[c]),
                column.read_bank.eq(self.read.bank),
                column.read_row.eq(self.read.row),
                self.read.data[c].eq(column.sum),
            ]
            if self.params.parity:
                m.d.comb += column.read_used.eq(self.read.used)
        written = tags[self.params.cols - 1 + WRITE]
        m.d.comb += self.block_done.eq(written.valid & written.done)
        return m

    def _tags(self, m):
        """Delay the tag: column 0 sees it in stage s as item s, column c as item c + s."""
        tag = tag_layout(self.params)
        first_sum = self.params.rows - 1 + PE_LATENCY
        m.submodules.wait = wait = Delay(tag, first_sum - ADD)
        m.d.comb += wait.i.eq(self.tag)
        tags = [wait.o]
        for number in range(1, self.params.cols - 1 + STAGES):
            later = Signal(tag, name=f"tag{number}")
            m.d.sync += later.eq(tags[-1])
            tags.append(later)
        return tags
