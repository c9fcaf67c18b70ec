"""The frozen network representation between an importer and the compiler.

All activations are int8 in [height, width, channel] order; the batch is not part of a shape (a
program is compiled for a batch).  Requantisation is already integer: an importer turns scales into
(multiplier, shift) pairs with accel.quant, so the golden model and the machine are given the same
integers and nothing else.
"""

import dataclasses

import numpy as np

from accel.isa import Rounding


class GraphError(ValueError):
    """A network breaks a rule; the message names the node, the rule and the value."""


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An int8 activation: real value = scale * (q - zero_point).

    ``shape`` is (height, width, channels); a flat vector is (1, 1, n).
    """

    name: str
    shape: tuple[int, int, int]
    scale: float
    zero_point: int

    @property
    def size(self) -> int:
        """Bytes of one image."""
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclasses.dataclass(frozen=True)
class Requant:
    """int32 sum -> int8: rounded sum * multiplier * 2**(shift - 31) + zero_point, clamped.

    ``multiplier`` (int32, [0] or [2**30, 2**31)) and ``shift`` (int8, positive is left, from -31 to
    30) have one entry per output channel; ``lo`` and ``hi`` clamp the int8 result.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    zero_point: int
    lo: int = -128
    hi: int = 127
    rounding: Rounding = Rounding.SINGLE


@dataclasses.dataclass(frozen=True)
class Conv:
    """2-D convolution (cross-correlation); fully connected where the input is (1, 1, n).

    ``weights`` int8 [Cout, kh, kw, Cin/groups], ``bias`` int32 [Cout] as the network has it:
    the input zero point is not folded in.  ``padding`` is (top, left, bottom, right),
    filled with the input's zero point.
    """

    name: str
    op: str  # "conv2d" or "fully_connected", for reports
    input: str
    output: str
    weights: np.ndarray
    bias: np.ndarray
    requant: Requant
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


@dataclasses.dataclass(frozen=True)
class MaxPool:
    """Maximum over the valid (unpadded) elements of each window; same quantisation out as in."""

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    op: str = "max_pool"


@dataclasses.dataclass(frozen=True)
class AveragePool:
    """Mean over windows: requantised sum of (q - input zero point) over the valid elements.

    ``table`` maps a window's number of valid elements to its (multiplier, shift); it has an entry
    for every count that occurs.  (Counting padded elements is a table with equal entries.)
    """

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    table: dict[int, tuple[int, int]]
    zero_point: int
    rounding: Rounding = Rounding.SINGLE
    op: str = "average_pool"


@dataclasses.dataclass(frozen=True)
class Reshape:
    """The same bytes in [height, width, channel] order under another shape; moves nothing."""

    name: str
    input: str
    output: str
    op: str = "reshape"


Node = Conv | MaxPool | AveragePool | Reshape


@dataclasses.dataclass(frozen=True)
class Port:
    """A network input or output as its user sees it.

    ``shape`` is one image's shape without the batch dimension, in ``layout`` order ("CHW",
    "HWC" or "N" for flat); ``dtype`` float32 (quantised on the way in, dequantised on the way out),
    int8 or uint8 (re-centred by 128).
    """

    name: str
    tensor: str
    shape: tuple[int, ...]
    layout: str
    dtype: str


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network: tensors by name, nodes in an order that computes inputs before their users."""

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
