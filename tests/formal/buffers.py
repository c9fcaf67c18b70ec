"""Proofs of the data buffers: rotation, banks without conflicts, and what was written is read."""

from amaranth import Module, Signal, Value
from amaranth.hdl import Assume, Cover
from amaranth.utils import bits_for

from accel.params import IM2COL_LATENCY
from accel.rtl.im2col.banks import Banks
from tests.formal.inside import Inside
from tests.formal.prove import claim, constant, free, implies

#: Cycles from a read to its look into the memories: writes before that are seen.
LOOK = IM2COL_LATENCY - 3


def rotation(rotate, count: int = 16, width: int = 8) -> Module:
    """Element i comes out at i + amount, or the other way round, for every amount and element."""
    m = Module()
    amount_bits = bits_for(count - 1)
    amount, element = free(m, amount_bits, "amount"), free(m, amount_bits, "element")
    value = free(m, width * count, "value")
    left = rotate(m, value, count, amount, left=True)
    right = rotate(m, value, count, amount, left=False)
    place = Signal(amount_bits)
    m.d.comb += place.eq((element + amount)[:amount_bits])
    claim(
        m,
        left.word_select(place, width) == value.word_select(element, width),
        right.word_select(element, width) == value.word_select(place, width),
    )
    m.d.comb += Cover((left == right) & (amount != 0))
    return m


def lanes(banks_of, lanes_: int = 16, bits: int = 20) -> Module:
    """Lanes of a K tile meet different banks if rows have the pitch that the compiler gives them.

    Lane r of a tile wants byte ``base + k + ky * (pitch - kw * Cin)`` with ``k = first + r``, where
    ky is k's row of the kernel: the lanes of a tile may lie in different rows.  The compiler makes
    ``pitch - kw * Cin`` a multiple of the lanes, so lane r's byte is in bank ``(base + first + r) %
    lanes``, and its row is a whole offset from lane 0's: what BankedBuffer demands.
    """
    m = Module()
    lane_bits = bits_for(lanes_ - 1)
    base, first = constant(m, bits, "base"), constant(m, bits, "first")
    extra = constant(m, bits, "pitch_less_row")
    one, other = constant(m, lane_bits, "one_lane"), constant(m, lane_bits, "other_lane")
    one_ky, other_ky = constant(m, lane_bits, "one_ky"), constant(m, lane_bits, "other_ky")
    m.d.comb += Assume(banks_of(extra, lane_bits))
    wanted = [
        (base + first + lane + ky * extra)[:bits] for lane, ky in ((one, one_ky), (other, other_ky))
    ]
    whole = (wanted[0] - base - first - one)[:lane_bits]
    claim(m, implies(one != other, wanted[0][:lane_bits] != wanted[1][:lane_bits]), whole == 0)
    m.d.comb += Cover((one_ky != other_ky) & (extra != 0) & (one != other))
    return m


def legal_pitch(extra, lane_bits):
    """Whether the compiler would choose it (DESIGN: P = kw * Cin modulo R)."""
    return extra[:lane_bits] == 0


def any_pitch(extra, lane_bits):
    """A bug: rows end where they end."""
    return extra[:lane_bits] == 1


def banked_buffer(component, count: int = 4, word: int = 1, rows: int = 4) -> Module:
    """Every lane gets the byte that was last written to its address, whatever the offsets.

    The solver chooses a byte of the buffer and a lane, and writes and reads as it likes.  Whenever
    that lane's address is the byte's, IM2COL_LATENCY cycles later it is what was last written there
    before the look into the memories.
    """
    m = Module()
    banks = Banks(count, word, count * word * rows)
    dut = component(banks)
    inside = Inside.of(m, "dut", dut)
    for port in (dut.write.enable, dut.write.row, dut.write.data, dut.read.valid, dut.read.base,
                 dut.read.offsets):  # fmt: skip
        bits = Value.cast(port)
        m.d.comb += bits.eq(free(m, len(bits), bits.name if isinstance(bits, Signal) else "bits"))
    address = constant(m, banks.base_bits, "address")
    byte = constant(m, range(word), "byte") if word > 1 else 0
    lane = constant(m, range(count), "lane")
    bank, row = address[: bits_for(count - 1)], address[bits_for(count - 1) :]

    # The byte as a user knows it.
    written, cell = Signal(), Signal(8)
    place = Signal(range(count * word))
    m.d.comb += [
        place.eq(bank * word + byte),
        written.eq(dut.write.enable.bit_select(place, 1) & (dut.write.row[bank] == row)),
    ]
    data = Value.cast(dut.write.data).word_select(place, 8)
    with m.If(written):
        m.d.sync += cell.eq(data)

    # The lane's address: `offsets` come a cycle after `base`.
    base, asked = Signal.like(dut.read.base), Signal()
    m.d.sync += [base.eq(dut.read.base), asked.eq(dut.read.valid)]
    wanted = Signal(banks.base_bits)
    m.d.comb += wanted.eq(base + lane + count * dut.read.offsets[lane])
    mine = [asked & (wanted == address)]
    for cycle in range(2, IM2COL_LATENCY + 1):
        mine.append(Signal(name=f"mine_{cycle}"))
        m.d.sync += mine[-1].eq(mine[-2])
    expected = cell
    for cycle in range(LOOK + 1, IM2COL_LATENCY + 1):
        later = Signal(8, name=f"expected_{cycle}")
        m.d.sync += later.eq(expected)
        expected = later
    found = Value.cast(dut.lanes).word_select(lane * word + byte, 8)
    claim(m, implies(mine[-1], found == expected))
    for n in range(count):
        held = inside.word(f"bank_{n}", row, f"word_{n}").word_select(byte, 8)
        claim(m, implies(bank == n, held == cell))
    m.d.comb += Cover(mine[-1] & (expected == 0x5A))
    return m
