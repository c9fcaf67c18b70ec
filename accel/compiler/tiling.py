"""How a layer is cut: channel chunks, column strips, blocks of rows.

A *unit* is a stored pixel: a pooled one where the layer pools, else a convolution output.  A strip
is a range of unit columns; it computes every convolution column its windows need.  A block is what
one accumulator bank takes: whole rows of a strip, or a piece of one row if a row does not fit.

Two ways to order a strip's blocks:

- *local*: no pooling window crosses a block; every block is an image of its own, and all groups
  run on a block while its input is there.
- *carried*: the pooling unit carries partial windows from block to block, so a group runs through
  the whole strip before the next one starts; the input stays resident or is loaded again.
"""

import dataclasses

from accel.compiler import walks


@dataclasses.dataclass(frozen=True)
class Tiling:
    """The decisions for one slice of a layer.

    Attributes:
        chunks: kernels of the channel chunks, in order.
        width: unit columns of a strip (the last may be narrower).
        band: unit rows of a strip: all, or one where the pooling unit has no room for windows that
            overlap in rows (or its table for all of them); then rows are computed again.
        height: rows of a block: unit rows if ``local``, else convolution rows.
        piece: convolution columns of a block; less than a row only if ``carried``.
        local: see the module.
        resident: a carried strip's input stays in the buffer for all groups.
        apart: every block, group and chunk loads the input of its own columns, sharing nothing.
            Else chunks stay side by side in the buffer for all groups of a strip's only block.
    """

    chunks: tuple[walks.Kernel, ...]
    width: int
    band: int
    height: int
    piece: int
    local: bool
    resident: bool
    apart: bool
