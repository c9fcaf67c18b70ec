"""Sums of what comes from memory, to be compared with what the program should sum up to.

All sums are of 32-bit words modulo 2**32 - 1: a carry out of the highest bit comes in again at the
lowest.  So any single wrong bit shows, however often the same word is read.
"""

from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

WORD_BITS = 32


def sum_bits(words: int) -> int:
    """Width of the sum of a :class:`Checksum` of so many words a cycle."""
    return WORD_BITS + exact_log2(words) + 1


class Checksum(wiring.Component):
    """Adds up words of 32 bits, several a cycle.

    Parameters:
        words: so many; a power of two.

    Members:
        valid, data: words.
        sum: of all since the reset, modulo 2**32 - 1; log2(words) + 1 cycles late.
    """

    def __init__(self, words: int):
        self._levels = exact_log2(words)
        super().__init__(
            {
                "valid": In(1),
                "data": In(data.ArrayLayout(WORD_BITS, words)),
                "sum": Out(sum_bits(words)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        valid, terms = self.valid, list(self.data)
        for level in range(1, self._levels + 1):
            late = Signal(name=f"valid_{level}")
            pairs = zip(terms[::2], terms[1::2], strict=True)
            terms = [Signal(WORD_BITS + level, name=f"sum_{level}_{n}", reset_less=True)
                     for n in range(len(terms) // 2)]  # fmt: skip
            m.d.sync += late.eq(valid)
            m.d.sync += [term.eq(a + b) for term, (a, b) in zip(terms, pairs, strict=True)]
            valid = late
        with m.If(valid):
            total = terms[0] + (self.sum[:WORD_BITS] + self.sum[WORD_BITS:])
            m.d.sync += self.sum.eq(total[: len(self.sum)])
        return m


class Total(wiring.Component):
    """Adds up sums, and compares.

    Parameters:
        widths: of the sums.

    Members:
        sums: side by side.
        expected: from 1 to 2**32 - 1; 0: nobody knows.
        wrong: the sums of some cycles ago are not what is expected.
    """

    def __init__(self, widths: list[int]):
        self._widths = widths
        super().__init__({"sums": In(sum(widths)), "expected": In(WORD_BITS), "wrong": Out(1)})

    def elaborate(self, platform):
        m = Module()
        sums, low = [], 0
        for width in self._widths:
            sums.append(self.sums[low : low + width])
            low += width
        total = sum(sums[1:], sums[0])
        for stage in range(3):
            late = Signal(max(WORD_BITS + 1, len(total)) if not stage else WORD_BITS + 1,
                          name=f"total_{stage}")  # fmt: skip
            m.d.sync += late.eq(total)
            total = late[:WORD_BITS] + late[WORD_BITS:]
        differs, known = Signal(), Signal()
        m.d.sync += [
            differs.eq(late[:WORD_BITS] != self.expected), known.eq(self.expected != 0),
            self.wrong.eq(differs & known),
        ]  # fmt: skip
        return m
