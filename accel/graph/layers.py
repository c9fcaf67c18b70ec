"""Nodes that compute bytes, each with its integer arithmetic."""

import dataclasses

import numpy as np

from accel.graph.tensors import OneInput, OneOutput, Requant
from accel.isa import Rounding

#: Convolutions that compute nothing of the network's: "reorder" moves channels, "constant" gives
#: known bytes.
NO_MACS = ("reorder", "constant")


@dataclasses.dataclass(frozen=True)
class Conv(OneInput):
    """2-D convolution (cross-correlation); fully connected where the input is (1, 1, n).

    ``weights`` int8 [Cout, kh, kw, Cin/groups], ``bias`` int32 [Cout] as the network has it:
    the input zero point is not folded in.  ``padding`` is (top, left, bottom, right),
    filled with the input's zero point.
    """

    name: str
    op: str  # "conv2d" or "fully_connected", for reports; or of NO_MACS
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
class MaxPool(OneInput):
    """Maximum over the valid (unpadded) elements of each window; same quantisation out as in.

    ``lo`` and ``hi`` clamp the result (an activation that the network fused).
    """

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    lo: int = -128
    hi: int = 127
    op: str = "max_pool"


@dataclasses.dataclass(frozen=True)
class AveragePool(OneInput):
    """Mean over windows: requantised sum of (q - in_zero) over the valid elements.

    ``table`` maps a window's number of valid elements to its (multiplier, shift); it has an entry
    for every count that occurs.  (Counting padded elements is a table with equal entries.)
    The result is the rounded, scaled sum plus ``zero_point``, clamped to ``lo`` .. ``hi``.  The
    zeros are the tensors'; or, of a network that averages raw bytes with equal quantisation on both
    sides, both are the number that it counts bytes from.  A multiplier may be as small as 2**29.
    """

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    table: dict[int, tuple[int, int]]
    in_zero: int
    zero_point: int
    rounding: Rounding = Rounding.SINGLE
    lo: int = -128
    hi: int = 127
    op: str = "average_pool"


@dataclasses.dataclass(frozen=True)
class Add(OneOutput):
    """Element-wise sum of two tensors, each with its own scale.

    They have one shape, or one is (1, 1, C): a number for each channel, of all pixels.

    With operand n's (multiplier, shift) from ``operands`` (shift <= 0),
    t_n = double rounding of ((q_n - zero_point_n) * 2**20) * multiplier * 2**(shift - 31), and the
    result is ``requant`` (one entry, not per channel) of t_0 + (t_1 + offset).  This is LiteRT's
    reference ADD, whose offset is 0.  With an ``offset`` (-128 to 127; then operand 1's shift is at
    least -22) it meets ONNX Runtime's float32 sums (accel/frontend/onnx/add.py).
    """

    name: str
    inputs: tuple[str, str]
    output: str
    operands: tuple[tuple[int, int], tuple[int, int]]
    requant: Requant
    op: str = "add"
    offset: int = 0


@dataclasses.dataclass(frozen=True)
class Sub(Add):
    """Element-wise difference of two tensors: as an Add, of t_0 - (t_1 + offset).  LiteRT's SUB."""

    op: str = "sub"


@dataclasses.dataclass(frozen=True)
class Mul(OneOutput):
    """Element-wise product of two tensors, of shapes as an Add's.

    The result is ``requant`` (one entry, not per channel) of
    (q_0 - zero_point_0) * (q_1 - zero_point_1).  LiteRT's reference MUL, and with Rounding.FLOAT
    ONNX Runtime's.
    """

    name: str
    inputs: tuple[str, str]
    output: str
    requant: Requant
    op: str = "mul"


@dataclasses.dataclass(frozen=True)
class Extreme(OneOutput):
    """Of two tensors of shapes as an Add's, one byte each; all have one quantisation.

    ``lo`` and ``hi`` clamp the result (an activation that the network fused).
    """

    name: str
    inputs: tuple[str, str]
    output: str
    lo: int = -128
    hi: int = 127


@dataclasses.dataclass(frozen=True)
class Max(Extreme):
    """The larger bytes of two tensors."""

    op: str = "max"


@dataclasses.dataclass(frozen=True)
class Min(Extreme):
    """The smaller bytes of two tensors."""

    op: str = "min"


@dataclasses.dataclass(frozen=True)
class Table(OneInput):
    """Any function of one int8: ``values`` int8 [256] is indexed by q + 128.

    Sigmoid, tanh, hard-swish, and a change of scale.
    """

    name: str
    input: str
    output: str
    values: np.ndarray
    op: str = "table"  # or the function's own name, for reports
