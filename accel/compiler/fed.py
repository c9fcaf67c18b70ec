"""Pixels that the window unit puts into the array's buffer: what a pointwise layer reads of them.

The pixels of some rows lie behind each other with all their channels, as a LOAD would have put
them there; each WINDOW writes its C channels of every pixel:

    im2col buffer   | (0,0): c0..c15 c16..c31 | (0,1): c0..c15 c16..c31 | ...
    WINDOW group 0           ^^^^^^^                     ^^^^^^^
    WINDOW group 1                   ^^^^^^^^                    ^^^^^^^^

An EXEC waits for the WINDOWs that write what it reads, a WINDOW for the EXECs that read what it
overwrites.
"""

import numpy as np

from accel.compiler.layer import MachineLayer
from accel.compiler.stream import Stream


class Fed:
    """One image's pixels, of all channels, in blocks of rows that lie together.

    Parameters:
        stream: whose im2col buffer it is.
        layer: reads them.
        height: rows of a block.
    """

    def __init__(self, stream: Stream, layer: MachineLayer, height: int):
        self.stream, self.height = stream, height
        self.width = layer.slices[0].channels
        self.pitch = layer.columns.size * self.width
        self.size = layer.rows.size
        #: By block: where it lies.
        self._blocks: dict[int, int] = {}
        #: By row and group of channels: how many WINDOWs there have been when it was written.
        self._cell = stream.params.cols
        self._written = np.zeros((self.size, -(-self.width // self._cell)), np.int64)

    def cut(self, y0: int, y1: int) -> list[tuple[int, int]]:
        """Rows ``y0`` to ``y1 - 1``, block by block."""
        ends = [*range((y0 // self.height + 1) * self.height, y1, self.height), y1]
        return list(zip([y0, *ends], ends, strict=False))

    def address(self, row: int) -> int:
        """The virtual address of a row."""
        block = row // self.height
        if block not in self._blocks:
            rows = min(self.height, self.size - block * self.height)
            self._blocks[block] = self.stream.ring.reserve(rows * self.pitch)
        return self._blocks[block] + row % self.height * self.pitch

    def place(self, y0: int, y1: int, x0: int, channel: int) -> dict[str, int]:
        """The fields of the WINDOW that writes rows ``y0`` to ``y1 - 1`` from ``x0``, ``channel``.
        """
        ring, first = self.stream.ring, self.address(y0)
        end = first + (y1 - y0) * self.pitch
        return {
            "near": 1, "dst": (first + x0 * self.width + channel) % ring.size,
            "pitch_x": self.width, "pitch_y": self.pitch,
            "wait_exec": max(ring.wait(end), ring.settled(end)),
        }  # fmt: skip

    def written(self, y0: int, y1: int, channel: int, windows: int) -> None:
        """Note that so many WINDOWs have written these rows' channels from ``channel`` on."""
        self._written[y0:y1, channel // self._cell] = windows

    def windows(self, y0: int, y1: int, first: int, last: int) -> int:
        """How many WINDOWs to wait for before these rows' channels are read."""
        cells = slice(first // self._cell, -(-last // self._cell))
        return int(self._written[y0:y1, cells].max())


class FedRows:
    """Some of the channels, as a block's commands look at them: in place of rows.Rows.

    Parameters:
        fed: all channels.
        first, channels: which these are.
    """

    def __init__(self, fed: Fed, first: int, channels: int):
        self._fed, self._first, self._last = fed, first, first + channels
        self.pitch, self.width, self.windows = fed.pitch, fed.width, 0

    def need(self, first: int, last: int) -> None:
        """The next EXEC reads the rows ``first`` to ``last - 1``."""
        self.windows = self._fed.windows(first, last, self._first, self._last)

    def address(self, row: int) -> int:
        """The virtual address of a row's first byte of these channels."""
        return self._fed.address(row) + self._first


def fed_rows(fed: Fed, chunks: list[int]) -> list[FedRows]:
    """What chunks of so many channels each look at."""
    firsts = [sum(chunks[:number]) for number in range(len(chunks))]
    return [FedRows(fed, first, size) for first, size in zip(firsts, chunks, strict=True)]
