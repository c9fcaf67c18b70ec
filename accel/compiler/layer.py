"""Machine layers: what a graph becomes before it is cut into blocks.

A machine layer is one convolution with an optional pooling behind it.  Rows and columns obey the
same arithmetic, so each direction is an :class:`Axis`; a layer without pooling has the trivial
pooling axes (kernel 1, stride 1), so that later stages know one form only.
"""

import dataclasses
import functools

import numpy as np

from accel.compiler.seats import Seat
from accel.graph.ir import Graph
from accel.isa import Pool, Rounding
from accel.params import Params


@dataclasses.dataclass(frozen=True)
class Axis:
    """One direction of a sliding window.

    Attributes:
        size: inputs along the axis, without padding.
        outputs: window positions.
        kernel, stride, dilation: of the window.
        before: padding ahead of input 0 (what lies behind the last input is implied).
    """

    size: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    before: int = 0
    dilation: int = 1

    @property
    def extent(self) -> int:
        """Inputs from the first to the last one a window touches."""
        return (self.kernel - 1) * self.dilation + 1

    @functools.cached_property
    def _alike(self) -> bool:
        """Whether every output is its input."""
        return (self.kernel, self.stride, self.before, self.size) == (1, 1, 0, self.outputs)

    def span(self, lo: int, hi: int) -> tuple[int, int]:
        """Inputs that outputs ``lo`` to ``hi - 1`` need; may reach into the padding."""
        return lo * self.stride - self.before, (hi - 1) * self.stride - self.before + self.extent

    def elements(self, output: int) -> int:
        """Inputs (without padding) that one window holds."""
        lo, hi = self.inside(output, output + 1)
        return hi - lo

    def inside(self, lo: int, hi: int) -> tuple[int, int]:
        """:meth:`span` without the padding."""
        first, last = self.span(lo, hi)
        return max(0, first), min(self.size, last)

    def cover(self, lo: int, hi: int) -> tuple[int, int]:
        """:meth:`inside`, but the last output also takes all inputs behind its window."""
        if self._alike:
            return lo, min(hi, self.size)
        first, last = self.inside(lo, hi)
        return first, self.size if hi == self.outputs else last


@dataclasses.dataclass(frozen=True)
class View:
    """How a layer reads its input tensor: ``images`` of rows of pixels, by byte distances.

    ``group``: of two channel groups, if each has a row of pixels of its own; else 0.
    """

    tensor: str
    images: int
    image_pitch: int
    row_pitch: int
    pixel_pitch: int
    group: int = 0


@dataclasses.dataclass(frozen=True)
class Context:
    """What legalising a node needs to know beside the node.

    Attributes:
        graph: the network.
        seats: where its tensors lie.
        params, batch: what it is compiled for.
        data: whether weights and biases matter.
        whole: the layers that read whole rows (accel/compiler/grouped.py).
        parts: those that read a whole image in chunks of channels.
    """

    graph: Graph
    seats: dict[str, Seat]
    params: Params
    batch: int
    data: bool
    whole: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()

    def view(self, name: str) -> View:
        """All images of a tensor."""
        seat = self.seats[name]
        return View(name, self.batch, seat.image, seat.row, seat.pixel, seat.group)


@dataclasses.dataclass(frozen=True)
class Group:
    """Up to C output channels that the array computes together (an n-group).

    Attributes:
        first: the first output channel.
        offset: where its input channels start in the slice.
        weights: int8 [outputs, kh, kw, input channels].
        bias: int32 [outputs], the input zero point folded in.
        multiplier, shift: the requantisation, per output.
    """

    first: int
    offset: int
    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray

    @functools.cached_property
    def cols(self) -> int:
        """Output channels."""
        return self.weights.shape[0]

    @property
    def width(self) -> int:
        """Input channels."""
        return self.weights.shape[3]


@dataclasses.dataclass(frozen=True)
class Slice:
    """Input channels ``first`` to ``first + channels - 1`` and the groups computed from them."""

    first: int
    channels: int
    groups: tuple[Group, ...]

    @functools.cached_property
    def splittable(self) -> bool:
        """Whether every group reads the whole slice, so that it may be loaded in chunks."""
        return all(group.width == self.channels for group in self.groups)


@dataclasses.dataclass(frozen=True)
class Pooling:
    """The values of a pooling; its windows are the layer's ``pool_rows`` and ``pool_columns``.

    ``table`` has (elements, multiplier, shift) for every size of window that occurs.  ``alone``:
    two of them need different values in the same place of the hardware's table, so that every
    window is computed as an image of its own, with its own TABLE command.
    """

    kind: Pool = Pool.NONE
    in_zero: int = 0
    out_zero: int = 0
    rounding: Rounding = Rounding.SINGLE
    table: tuple[tuple[int, int, int], ...] = ()
    alone: bool = False


@dataclasses.dataclass(frozen=True)
class MachineLayer:
    """A convolution with optional pooling, ending in the tensor ``output`` in memory.

    ``channels`` are those of the stored tensor; ``pad`` is the byte that padding is filled with;
    ``table``, if any, is the activation that requantised values go through.
    """

    name: str
    op: str
    nodes: tuple[str, ...]
    output: str
    view: View
    rows: Axis
    columns: Axis
    slices: tuple[Slice, ...]
    pad: int
    rounding: Rounding
    out_zero: int
    lo: int
    hi: int
    table: np.ndarray | None
    pooling: Pooling
    pool_rows: Axis
    pool_columns: Axis
    channels: int
    macs: int

    @property
    def views(self) -> tuple[View, ...]:
        """Of its only input."""
        return (self.view,)
