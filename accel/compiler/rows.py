"""Input rows on their way into a buffer, from top to bottom."""

import dataclasses
from collections.abc import Callable

from accel.compiler.layer import Axis
from accel.compiler.ready import Ready
from accel.compiler.ring import Ring
from accel.isa import FIELDS, Op

_MOST_INNER = {field.name: field.range[1] for field in FIELDS[Op.LOAD]}["inner"]


def split(columns: Axis, x0: int, x1: int) -> tuple[int, int, int]:
    """The inputs of outputs ``x0`` to ``x1 - 1``: padding before, pixels, padding behind."""
    lo, hi = columns.span(x0, x1)
    left = min(hi - lo, max(0, -lo))
    right = min(hi - lo - left, max(0, hi - columns.size))
    return left, hi - lo - left - right, right


@dataclasses.dataclass(frozen=True)
class Strip:
    """The columns of an image that rows are loaded of; all but ``size`` in bytes.

    Attributes:
        size: rows of the image.
        source: memory address of the first pixel of row 0.
        row_pitch, pixel_pitch: distances in memory.
        left, pixels, right: padding, copied pixels, padding of a row.
        width: of a pixel in the buffer.
        pitch: from row to row in the buffer.
        fill: the byte of the padding.
    """

    size: int
    source: int
    row_pitch: int
    pixel_pitch: int
    left: int
    pixels: int
    right: int
    width: int
    pitch: int
    fill: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in the buffer."""
        return (self.left + self.pixels + self.right) * self.width


@dataclasses.dataclass(frozen=True)
class Target:
    """A buffer: ``copy`` adds a copying command (see ``Stream.load``)."""

    ring: Ring
    copy: Callable[[dict[str, int], int, Ready, int | None, int | None], int]
    done: Callable[[], tuple[int, int]]


class Rows:
    """The rows of a strip in a buffer.

    Parameters:
        target: the buffer.
        ready: of the source tensor.
        strip: what to load.
        cols: channels of a pixel that matter; None if a row's copy holds all of them.
        stays: rows (padding included) that have a place of their own from the first one on; 0 if
            each load takes the buffer's next bytes.
    """

    def __init__(
        self, target: Target, ready: Ready, strip: Strip, cols: int | None = None, stays: int = 0
    ):
        self.target, self.ready, self.strip, self.cols = target, ready, strip, cols
        self.pitch, self.width, self.stays = strip.pitch, strip.width, stays
        #: WINDOWs to wait for: none, a copy has waited for them.
        self.windows = 0
        #: The first of the rows that lie one behind the other, those before it lie elsewhere; and
        #: the next one to be loaded.
        self.first = self.base = self.next = None
        # Padding rows of this kind are alike.
        self._kind = strip.pitch, strip.row_bytes, strip.fill

    def need(self, first: int, last: int) -> None:
        """Load the rows ``first`` to ``last - 1`` (negative: padding) that are not there yet."""
        if self.next is None or not self.stays and (
            not self.first <= first <= self.next or self._lost(first, last)
        ):
            self._begin(first)
        if last <= self.next:
            return
        size = self.strip.size
        for lo, hi in ((self.next, min(last, 0)), (0, size), (size, last)):
            lo, hi = max(lo, self.next), min(hi, last)
            if lo < hi and 0 <= lo < size and self.strip.pixels:
                self._copy(lo, hi)
            elif lo < hi:
                self._load(self._padding(hi - lo), hi)

    def address(self, row: int) -> int:
        """The virtual address of a row."""
        return self.base + row * self.pitch

    def _begin(self, first: int) -> None:
        """Find a place for the strip, whose first row is ``first``."""
        ring = self.target.ring
        self.base, self.first, self.next = ring.head - first * self.pitch, first, first
        if self.stays:
            ring.reserve(self.stays * self.pitch)
        elif first < 0 and ring.padding == (ring.head, self._kind):
            # The last row of the strip before this one is padding: share it.
            self.base, self.next = self.base - self.pitch, first + 1

    def _lost(self, first: int, last: int) -> bool:
        """Whether other rows, loaded meanwhile, are in the way."""
        ring = self.target.ring
        return (
            self.next < last and self.address(self.next) != ring.head
            or self.address(first) < ring.head - ring.size
        )

    def _copy(self, lo: int, hi: int) -> None:
        """Load rows from memory, those that are there first apart from those to come."""
        strip = self.strip
        width = strip.width if self.cols is None else self.cols
        length = (strip.pixels - 1) * strip.pixel_pitch + width
        first, last = (strip.source + row * strip.row_pitch for row in (lo, hi - 1))
        starts = range(first, last + 1, strip.row_pitch)
        for end in self.ready.together(starts, length, self.cols, self.target.done()):
            self._load(self._inside(self.next, lo + end - self.next), lo + end)

    def _load(self, fields: dict[str, int], end: int) -> None:
        length = (end - self.next) * self.pitch
        at = self.address(self.next) if self.stays else None
        address = self.target.copy(fields, length, self.ready, self.cols, at)
        if address != self.address(self.next):
            raise AssertionError("the rows of a strip must be contiguous")
        self.next = end
        if end > self.strip.size and self.address(end) == self.target.ring.head:
            self.target.ring.padding = self.target.ring.head, self._kind

    def _inside(self, row: int, count: int) -> dict[str, int]:
        strip = self.strip
        fields = {"src": strip.source + row * strip.row_pitch, "rows": count,
                  "items": 1, "inner": strip.pixels * strip.width,
                  "fill_left": strip.left * strip.width, "fill_right": strip.right * strip.width,
                  "fill_value": strip.fill}
        if strip.pixel_pitch != strip.width and strip.pixels > 1:
            fields |= {"items": strip.pixels, "inner": strip.width,
                       "item_pitch": strip.pixel_pitch}
        elif (
            strip.row_pitch == strip.pitch == fields["inner"]
            and count * strip.pitch <= _MOST_INNER
        ):
            return fields | {"rows": 1, "inner": count * strip.pitch}
        if count > 1:
            fields |= {"row_pitch": strip.row_pitch, "dst_pitch": strip.pitch}
        return fields

    def _padding(self, count: int) -> dict[str, int]:
        strip = self.strip
        fields = {"src": 0, "rows": 1, "items": 1, "inner": 0, "fill_value": strip.fill}
        together = (count - 1) * strip.pitch + strip.row_bytes
        if together <= _MOST_INNER:
            return fields | {"fill_left": together}
        return fields | {"rows": count, "dst_pitch": strip.pitch, "fill_left": strip.row_bytes}
