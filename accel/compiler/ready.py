"""When which part of a tensor is in memory, counted in completed POST and WINDOW commands."""

import copy
import dataclasses

import numpy as np

from accel.program import Placement

#: Writers that may still be under way when a copy behind them is issued.
RECENT = 8
#: Copies that a block's rows are cut into at most, by the writers they wait for.
RECENT_CUTS = 3
#: The two engines that write tensors: rows of a count.
POST, WINDOW = 0, 1


@dataclasses.dataclass(frozen=True)
class Known:
    """Counts (POSTs, WINDOWs) that have been looked up already, for what asks a Ready."""

    counts: tuple[int, int]

    def before(self, first: int, last: int, cols: int | None = None) -> tuple[int, int]:
        """The counts, wherever."""
        return self.counts


class Snapshot:
    """Answers as its Ready does now, and sooner where the same rows are asked for often."""

    def __init__(self, ready: "Ready"):
        self._ready = ready
        #: By rows: the POSTs, and the WINDOWs, of each channel cell.
        self._rows: dict[tuple[int, int], list[list[int]]] = {}

    def before(self, first: int, last: int, cols: int | None = None) -> tuple[int, int]:
        """See Ready.before."""
        start, row_bytes = self._ready.start, self._ready.row_bytes
        row, offset = divmod(first - start, row_bytes)
        rows = row, (last - start) // row_bytes + 1
        if rows not in self._rows:
            part = self._ready.counts[:, slice(*rows)]
            self._rows[rows] = np.maximum.reduce(part, axis=1).tolist()
        posts, windows = self._rows[rows]
        cells = self._ready.cells(offset, cols)
        return max(posts[cells]), max(windows[cells])


class Ready:
    """After how many POSTs and WINDOWs each row and channel cell of a tensor is in memory.

    Rows are those of the whole batch.  What lies in another tensor shares that one's: a row is
    there when all that write into it have.
    A pair of counts is an array [POSTs, WINDOWs].

    Parameters:
        placement: where the tensor lies, without gaps.
        cell: channels that are told apart: an array pass's.
    """

    def __init__(self, placement: Placement, cell: int):
        height, width, self.channels = placement.shape
        self.start, self.row_bytes, self.cell = placement.address, width * self.channels, cell
        if placement.group:
            self.row_bytes = placement.row
        self.whole = False
        #: Of a tensor by channel groups: bytes of one in a row.
        self.group = placement.group
        cells = -(-self.channels // cell)
        self.counts = np.zeros((2, placement.batch * height, cells), np.int64)

    def reshaped(self) -> "Ready":
        """The same memory, seen with another shape: its channels are not told apart."""
        other = copy.copy(self)
        other.whole = True
        return other

    def written(
        self, address: int, rows: int, pitch: int, cols: int | None, writer: int, count: int
    ) -> None:
        """Note that a command, the engine's latest so far, wrote into ``rows`` rows.

        It wrote ``cols`` channels of pixels, from the one at ``address`` in the first row on; None
        is any.  The rows are ``pitch`` bytes apart.
        """
        row, offset = divmod(address - self.start, self.row_bytes)
        step = max(1, pitch // self.row_bytes)
        lines = slice(row, row + (rows - 1) * step + 1, step)
        self.counts[writer, lines, self.cells(offset, cols)] = count

    def spanned(
        self, first: int, last: int, cols: int | None, writer: int, count: int
    ) -> None:
        """The same of a command that wrote pixels from address ``first`` to ``last``."""
        rows = (last - self.start) // self.row_bytes - (first - self.start) // self.row_bytes + 1
        self.written(first, rows, self.row_bytes, cols, writer, count)

    def before(self, first: int, last: int, cols: int | None = None) -> np.ndarray:
        """The counts to wait for before reading memory from ``first`` to ``last``.

        ``cols`` channels from the one at ``first`` on are read of every pixel; None is any.
        """
        row, offset = divmod(first - self.start, self.row_bytes)
        end = (last - self.start) // self.row_bytes + 1
        part = self.counts[:, row:end, self.cells(offset, cols)]
        return np.maximum.reduce(part, axis=(1, 2))

    def together(self, starts: range, length: int, cols: int | None, now) -> list[int]:
        """Where to cut a list of source rows, so that early ones need not wait for late ones.

        Rows of ``length`` bytes from memory addresses ``starts`` are grouped by the commands they
        wait for, as far as these are among the latest before ``now``; older ones are surely done.
        Returns the ends of the groups.
        """
        row, offset = divmod(starts[0] - self.start, self.row_bytes)
        if starts.step == self.row_bytes and offset + length <= self.row_bytes:
            cells = self.cells(offset, cols)
            pairs = self.counts[:, row : row + len(starts), cells].max(axis=2).T
        elif cols is None and starts.step == self.group:
            lines = (np.arange(offset, offset + len(starts) * self.group, self.group)
                     // self.row_bytes)  # fmt: skip
            pairs = self.counts[:, row : row + lines[-1] + 1].max(axis=2)[:, lines].T
        else:
            pairs = np.array([self.before(start, start + length - 1, cols) for start in starts])
        # Copies run in order, so that a row waits for whatever the rows before it wait for.
        pairs = np.maximum(np.maximum.accumulate(pairs), np.asarray(now) - RECENT)
        waits = pairs.sum(axis=1).tolist()
        oldest = sorted(set(waits))[-RECENT_CUTS:][0]
        cuts = (n for n in range(1, len(waits)) if max(oldest, waits[n - 1]) < waits[n])
        return [*cuts, len(starts)]

    def cells(self, offset: int, cols: int | None) -> slice:
        """Those of ``cols`` channels from the one ``offset`` bytes behind a row's first."""
        if cols is None or self.whole:
            return slice(None)
        first = offset % self.channels
        if self.group:
            first = offset // self.group * self.cell
        return slice(first // self.cell, -(-min(first + cols, self.channels) // self.cell))
