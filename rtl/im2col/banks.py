"""The shapes of the two data buffers: how a byte ring is spread over memories."""

import dataclasses

from amaranth.utils import bits_for

from accel.params import Params


@dataclasses.dataclass(frozen=True)
class Banks:
    """A ring of bytes in ``count`` memories of ``word`` bytes width, read and written side by side.

    Byte address a lies in byte a % word of bank a // word % count, at row a // (word * count).

    Attributes:
        count: memories; a power of two of at least 2.
        word: bytes of a memory's word; a power of two.
        size: bytes of the ring; a power of two of at least two rows.
    """

    count: int
    word: int
    size: int

    def __post_init__(self):
        for name, low in (("count", 2), ("word", 1), ("size", 2 * self.count * self.word)):
            value = getattr(self, name)
            if value < low or value & (value - 1):
                raise ValueError(f"{name} must be a power of two of at least {low}, not {value!r}")

    @property
    def lanes(self) -> int:
        """Bytes of a row of all banks."""
        return self.count * self.word

    @property
    def rows(self) -> int:
        """Depth of a bank."""
        return self.size // self.lanes

    @property
    def row_bits(self) -> int:
        """Width of a row number."""
        return bits_for(self.rows - 1)

    @property
    def base_bits(self) -> int:
        """Width of a word's address in the ring."""
        return bits_for(self.size // self.word - 1)

    def chunk(self, bus_bytes: int) -> int:
        """Bytes that a copy places in a cycle: a bus beat, or a part of it that fits the banks.

        With words of several bytes at most half a row, so that it never meets a bank twice.
        """
        return min(bus_bytes, self.lanes if self.word == 1 else self.lanes // 2)


def im2col_banks(params: Params) -> Banks:
    """The im2col line buffer: R banks of single bytes."""
    return Banks(params.rows, 1, params.input_bytes)


def window_banks(params: Params) -> Banks:
    """The window unit's buffer: T banks of C-byte words."""
    return Banks(params.window_taps, params.cols, params.window_bytes)
