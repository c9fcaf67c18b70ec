"""The im2col line buffer: a byte ring that yields R bytes of a convolution window each cycle."""

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.params import IM2COL_LATENCY, Params
from rtl.interfaces import buffer_read, buffer_write, row_bits
from rtl.rotate import rotated


class Im2colBuffer(wiring.Component):
    """R byte-wide banks from which any R lanes of a pixel's window come without conflict.

    Byte address a of the ring lies in bank a % R at row a // R.  Lane r of the pixel at base b
    wants the byte at b + r + R * offset[r], so it finds it in bank (b + r) % R: whatever the
    offsets, R lanes meet R different banks.  Seen from bank j, with s = b % R:

        lane (j - s) % R,  row b // R + offset[lane] + (1 if j < s else 0)

    where the last term is the carry of (b + r) // R.  So the offsets are rotated by s to the
    banks, and the bytes are rotated back by s to the lanes.

    Parameters:
        params: the machine.

    Members:
        write: a byte into each enabled bank.
        read: a pixel's base with ``valid``, and a cycle later its lanes' row offsets.
        lanes: the R bytes.

    Latency: ``lanes`` IM2COL_LATENCY cycles after ``read.valid``:

        cycle 0  base           1  base registered, offsets given    2  offsets at their banks
              3  bank rows      4  memory output                     5  its register
              6  bytes at their lanes

    Throughput: R bytes in and R bytes out each cycle; nothing ever waits.  Bytes written in a
    cycle are seen by reads issued in the next.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "write": In(buffer_write(params)),
                "read": In(buffer_read(params)),
                "lanes": Out(data.ArrayLayout(signed(8), params.rows)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rows = self._params.rows
        lane_bits, bank_bits = bits_for(rows - 1), row_bits(self._params)
        base = self.read.base

        # The bank that lane 0 meets travels beside the data; each stage has its own register.
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
            base_row.append(Signal(bank_bits, name=f"base_row_{stage}", reset_less=True))
            m.d.sync += base_row[stage].eq(base_row[stage - 1])

        offsets = Signal(data.ArrayLayout(bank_bits, rows), reset_less=True)
        m.d.sync += offsets.eq(
            rotated(m, self.read.offsets, rows, first_bank[1], left=True)
        )

        found = Signal(data.ArrayLayout(8, rows), reset_less=True)
        for bank in range(rows):
            row = Signal(bank_bits, name=f"row_{bank}", reset_less=True)
            carry = Signal(name=f"carry_{bank}")
            # One carry chain for the sum of three: the low bits 1 + carry make the carry-in.
            total = Cat(1, base_row[2]) + Cat(carry, offsets[bank])
            m.d.comb += carry.eq(bank < first_bank[2])
            m.d.sync += row.eq(total[1 : 1 + bank_bits])

            memory = Memory(shape=8, depth=self._params.input_rows, init=[])
            m.submodules[f"bank_{bank}"] = memory
            writer, reader = memory.write_port(), memory.read_port()
            m.d.comb += [
                writer.en.eq(self.write.enable[bank]),
                writer.addr.eq(self.write.row[bank]),
                writer.data.eq(self.write.data[bank]),
                reader.en.eq(valid[3]),
                reader.addr.eq(row),
            ]
            m.d.sync += found[bank].eq(reader.data)

        lanes = Signal.like(self.lanes, reset_less=True)
        m.d.sync += lanes.eq(rotated(m, found, rows, first_bank[5], left=False))
        m.d.comb += self.lanes.eq(lanes)
        return m
