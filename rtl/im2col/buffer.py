"""The data buffers: byte rings that yield R words of a convolution window each cycle."""

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.params import IM2COL_LATENCY, Params
from accel.rtl.im2col.banks import Banks, im2col_banks
from accel.rtl.interfaces import banks_read, banks_write
from accel.rtl.parts.parity import watch
from accel.rtl.parts.rotate import rotated


class BankedBuffer(wiring.Component):
    """Banks from which any R words of a vector's window come without conflict.

    Word address a of the ring lies in bank a % R at row a // R.  Lane r of the vector at base b
    wants the word at b + r + R * offset[r], so it finds it in bank (b + r) % R: whatever the
    offsets, R lanes meet R different banks.  Seen from bank j, with s = b % R:

        lane (j - s) % R,  row b // R + offset[lane] + (1 if j < s else 0)

    where the last term is the carry of (b + r) // R.  So the offsets are rotated by s to the
    banks, and the words are rotated back by s to the lanes.

    Parameters:
        banks: the buffer.
        parity: whether somebody tells what is used, for Guards (accel.rtl.parts.parity).

    Members:
        write: any bytes of a word into each bank.
        read: a vector's base with ``valid``, and a cycle later its lanes' row offsets.
        lanes: the R words.
        used, used_bytes: with ``read.valid``, which of the lanes, and which bytes of their words,
            matter; only with parity.

    Latency: ``lanes`` IM2COL_LATENCY cycles after ``read.valid``:

        cycle 0  base           1  base registered, offsets given    2  offsets at their banks
              3  bank rows      4  memory output                     5  its register
              6  words at their lanes

    Throughput: R words in and R words out each cycle; nothing ever waits.  Bytes written in a
    cycle are seen by reads issued in the next.
    """

    def __init__(self, banks: Banks, parity: bool = False):
        self._banks, self._parity = banks, parity
        used = {"used": In(banks.count), "used_bytes": In(banks.word)}
        super().__init__(
            {
                "write": In(banks_write(banks)),
                "read": In(banks_read(banks)),
                **(used if parity else {}),
                "lanes": Out(data.ArrayLayout(signed(8 * banks.word), banks.count)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        count, word = self._banks.count, self._banks.word
        valid, first_bank, base_row = self._travel(m)

        offsets = Signal(data.ArrayLayout(self._banks.row_bits, count), reset_less=True)
        m.d.sync += offsets.eq(rotated(m, self.read.offsets, count, first_bank[1], left=True))

        found = Signal(data.ArrayLayout(8 * word, count), reset_less=True)
        used = self._used(m, valid, first_bank) if self._parity else None
        for bank in range(count):
            row = self._row(m, bank, first_bank, base_row, offsets)
            reader = self._read(m, bank, valid[3], row)
            m.d.sync += found[bank].eq(reader.data)
            if used is not None:
                watch(platform, reader, used[bank])

        lanes = Signal.like(self.lanes, reset_less=True)
        m.d.sync += lanes.eq(rotated(m, found, count, first_bank[5], left=False))
        m.d.comb += self.lanes.eq(lanes)
        return m

    def _travel(self, m):
        """What travels beside the data; each stage has its own register.

        Returns, by stage, the valid bit, the bank that lane 0 meets and the row it has there.
        """
        lane_bits = bits_for(self._banks.count - 1)
        base = self.read.base
        valid = [self.read.valid]
        first_bank = [base[:lane_bits]]
        for stage in range(1, IM2COL_LATENCY):
            valid.append(Signal(name=f"valid_{stage}"))
            first_bank.append(Signal(lane_bits, name=f"first_bank_{stage}", reset_less=True))
            m.d.sync += [
                valid[stage].eq(valid[stage - 1]),
                first_bank[stage].eq(first_bank[stage - 1]),
            ]
        base_row = [base[lane_bits:]]
        for stage in (1, 2):
            base_row.append(Signal(self._banks.row_bits, name=f"base_row_{stage}", reset_less=True))
            m.d.sync += base_row[stage].eq(base_row[stage - 1])
        return valid, first_bank, base_row

    def _row(self, m, bank, first_bank, base_row, offsets):
        """Return the row in which a bank has the word of its lane."""
        bank_bits = self._banks.row_bits
        row = Signal(bank_bits, name=f"row_{bank}", reset_less=True)
        carry = Signal(name=f"carry_{bank}")
        # One carry chain for the sum of three: the low bits 1 + carry make the carry-in.
        total = Cat(1, base_row[2]) + Cat(carry, offsets[bank])
        m.d.comb += carry.eq(bank < first_bank[2])
        m.d.sync += row.eq(total[1 : 1 + bank_bits])
        return row

    def _read(self, m, bank, enable, row):
        """A bank's memory; returns its port that reads ``row``."""
        word = self._banks.word
        memory = Memory(shape=8 * word, depth=self._banks.rows, init=[])
        m.submodules[f"bank_{bank}"] = memory
        writer, reader = memory.write_port(granularity=8), memory.read_port()
        m.d.comb += [
            writer.en.eq(self.write.enable[word * bank : word * (bank + 1)]),
            writer.addr.eq(self.write.row[bank]),
            writer.data.eq(self.write.data[bank]),
            reader.en.eq(enable),
            reader.addr.eq(row),
        ]
        return reader

    def _used(self, m, valid, first_bank):
        """The bytes of each bank that matter, beside its memory's output."""
        count, word = self._banks.count, self._banks.word
        lanes, bytes_ = [self.used], [self.used_bytes]
        for stage in range(1, 5):
            lane, byte = Signal(count, name=f"used_{stage}"), Signal(word, name=f"bytes_{stage}")
            last = lanes[-1]
            if stage == 2:
                last = rotated(m, last, count, first_bank[1], left=True)
            m.d.sync += [lane.eq(last), byte.eq(bytes_[-1])]
            lanes.append(lane)
            bytes_.append(byte)
        return [lanes[4][bank].replicate(word) & valid[4].replicate(word) & bytes_[4]
                for bank in range(count)]  # fmt: skip


class Im2colBuffer(BankedBuffer):
    """The im2col line buffer: R banks of single bytes.

    Parameters:
        params: the machine.
    """

    def __init__(self, params: Params):
        super().__init__(im2col_banks(params), params.parity)
