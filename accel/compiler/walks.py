"""How EXEC commands walk a kernel: which taps each takes, and what row pitch that needs.

An EXEC's reduction index i reads the byte at base + i + (i // seg) * seg_skip * R.  One command
can therefore run over equal segments whose distance is their length plus a multiple of R:

- over whole kernel rows (segment: kw pixels) when columns are not dilated,
- over the taps of one kernel column (segment: one pixel),
- over the taps of one kernel row, when their distance happens to fit,
- and, always, over one tap alone.

The row pitch of the input buffer is free, so it is chosen to make the distance fit where the
arithmetic allows.
"""

import dataclasses
import functools
import math

from accel.compiler.layer import Axis
from accel.isa import FIELDS, Op

_MOST_SKIP = {field.name: field.range[1] for field in FIELDS[Op.EXEC]}["seg_skip"]


@dataclasses.dataclass(frozen=True)
class Walk:
    """One EXEC of a kernel.

    Attributes:
        taps: (ky, kx) in the order of the reduction index.
        segment: pixels in a segment.
        distance: rows (``by_row``) or pixels from a segment's start to the next one's.
        by_row: whether segments follow each other down the rows.
    """

    taps: tuple[tuple[int, int], ...]
    segment: int
    distance: int
    by_row: bool


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel's walks for pixels of ``channels`` bytes.

    A row pitch P must satisfy factor * P = residue (mod R); factor 0 leaves it free.  A row may
    have ``groups`` such pixels of each, a whole row of each group behind the other.
    """

    channels: int
    walks: tuple[Walk, ...]
    factor: int
    residue: int
    lanes: int
    groups: int = 1

    @property
    def depth(self) -> int:
        """Channels of all groups together."""
        return self.groups * self.channels

    @functools.cached_property
    def tiles(self) -> int:
        """Weight tiles of all walks together."""
        return sum(-(-len(w.taps) * self.channels // self.lanes) for w in self.walks)

    def pitch(self, row_bytes: int) -> int:
        """The smallest legal row pitch that holds ``row_bytes``."""
        while (self.factor * row_bytes - self.residue) % self.lanes:
            row_bytes += 1
        return row_bytes

    def fields(self, walk: Walk, pitch: int) -> dict[str, int]:
        """The k, seg and seg_skip fields of an EXEC."""
        k, seg = len(walk.taps) * self.channels, walk.segment * self.channels
        if k <= seg:
            return {"k": k, "seg": seg, "seg_skip": 0}
        step = walk.distance * (pitch if walk.by_row else self.channels)
        return {"k": k, "seg": seg, "seg_skip": (step - seg) // self.lanes}


def side_by_side(width: int, groups: int, channels: int, lanes: int) -> Kernel | None:
    """A pointwise kernel on rows of ``width`` pixels of each group; None if none fits."""
    distance = (width - 1) * channels
    if distance % lanes or distance // lanes > _MOST_SKIP:
        return None
    taps = tuple((0, group * width) for group in range(groups))
    return Kernel(channels, (Walk(taps, 1, width, False),), 0, 0, lanes, groups)


@functools.lru_cache(1 << 12)
def kernel(rows: Axis, columns: Axis, channels: int, lanes: int) -> Kernel:
    """The walks with the fewest weight tiles, then the fewest commands."""
    kh, kw, dh, dw = rows.kernel, columns.kernel, rows.dilation, columns.dilation
    every = [(ky, kx) for ky in range(kh) for kx in range(kw)]

    def solvable(residue: int) -> bool:
        return residue % math.gcd(dh, lanes) == 0

    def made(walks, residue=0, free=True):
        factor = 0 if free else dh
        return Kernel(channels, tuple(walks), factor, 0 if free else residue, lanes)

    options = [made(Walk((tap,), 1, 1, False) for tap in every)]
    if dw == 1:
        if kh == 1:
            options.append(made([Walk(tuple(every), kw, 1, False)]))
        if solvable(kw * channels):
            options.append(made([Walk(tuple(every), kw, dh, True)], kw * channels, kh == 1))
        by_row = [Walk(tuple((ky, kx) for kx in range(kw)), kw, 1, False) for ky in range(kh)]
        options.append(made(by_row))
    elif (dw - 1) * channels % lanes == 0:
        by_row = [Walk(tuple((ky, kx) for kx in range(kw)), 1, dw, False) for ky in range(kh)]
        options.append(made(by_row))
    if solvable(channels):
        by_column = [Walk(tuple((ky, kx) for ky in range(kh)), 1, dh, True) for kx in range(kw)]
        options.append(made(by_column, channels, kh == 1))
    return min(options, key=lambda option: (option.tiles, len(option.walks)))
