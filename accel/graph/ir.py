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

    ``shape`` is (height, width, channels); a flat vector is (1, 1, n).  ``dtype`` is another one
    only for what the host alone handles (scale 1, zero point 0 then).
    """

    name: str
    shape: tuple[int, int, int]
    scale: float
    zero_point: int
    dtype: str = "int8"

    @property
    def size(self) -> int:
        """Elements of one image; of int8, its bytes."""
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclasses.dataclass(frozen=True)
class Requant:
    """int32 sum -> int8: rounded sum * multiplier * 2**(shift - 31) + zero_point, clamped.

    ``multiplier`` (int32, [0] or [2**30, 2**31)) and ``shift`` (int8, positive is left, from -31 to
    30) have one entry per output channel; ``lo`` and ``hi`` clamp the int8 result.  With
    Rounding.FLOAT the factor is a float32: the multiplier's low 7 bits are 0.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    zero_point: int
    lo: int = -128
    hi: int = 127
    rounding: Rounding = Rounding.SINGLE


class OneOutput:
    """A node with a single output tensor, ``output``."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors it computes."""
        return (self.output,)


class OneInput(OneOutput):
    """A node with a single input tensor, ``input``, and a single output tensor."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads."""
        return (self.input,)


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
    result is ``requant`` (one entry, not per channel) of t_0 + t_1.  This is LiteRT's reference
    ADD; with Rounding.FLOAT and a power of two in ``requant`` it is nearest to ONNX Runtime's.
    """

    name: str
    inputs: tuple[str, str]
    output: str
    operands: tuple[tuple[int, int], tuple[int, int]]
    requant: Requant
    op: str = "add"


@dataclasses.dataclass(frozen=True)
class Sub(Add):
    """Element-wise difference of two tensors: an Add's, of t_0 - t_1.  LiteRT's reference SUB."""

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
class Concat(OneOutput):
    """Tensors of one height and width behind each other along the channels, bytes unchanged."""

    name: str
    inputs: tuple[str, ...]
    output: str
    op: str = "concat"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a tensor lies in another: its first pixel's row, column and channel, and the step.

    Pixel (y, x) lies at row start[0] + y * step[0] and column start[1] + x * step[1] there, in the
    channels from start[2] on.
    """

    start: tuple[int, int, int]
    step: tuple[int, int] = (1, 1)


@dataclasses.dataclass(frozen=True)
class Slice(OneInput):
    """The part of a tensor at ``place``, of ``shape``, bytes unchanged; moves nothing."""

    name: str
    input: str
    output: str
    place: Place
    shape: tuple[int, int, int]
    op: str = "slice"


@dataclasses.dataclass(frozen=True)
class Assemble(OneOutput):
    """Tensors put together, each at its place, bytes unchanged: every pixel is given just once.

    Concatenation along any axis, and interleaving: what fills every second row, say.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    places: tuple[Place, ...]
    op: str = "assemble"


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


@dataclasses.dataclass(frozen=True)
class Pad(OneInput):
    """``padding`` (top, left, bottom, right) rows and columns of the zero point around an image."""

    name: str
    input: str
    output: str
    padding: tuple[int, int, int, int]
    op: str = "pad"


@dataclasses.dataclass(frozen=True)
class Reshape(OneInput):
    """The same bytes in [height, width, channel] order under another shape; moves nothing."""

    name: str
    input: str
    output: str
    op: str = "reshape"


@dataclasses.dataclass(frozen=True)
class Softmax(OneInput):
    """Softmax over the channels, on the host.

    ``arithmetic`` "integer" is LiteRT's reference fixed-point softmax: int8 in, int8 out
    with scale 1/256 and zero point -128, the scaled difference being
    ``multiplier * 2**(shift - 31)``.  "table" is ONNX Runtime's, int8 in and out: exponentials from
    a float32 table.  "float" computes in float32 on dequantised values (the output tensor is
    float32, or int8 and then quantised again).
    """

    name: str
    input: str
    output: str
    arithmetic: str
    multiplier: int = 0
    shift: int = 0
    op: str = "softmax"


@dataclasses.dataclass(frozen=True)
class LocalResponse(OneInput):
    """Local response normalisation over ``size`` channels, on the host, in float32 on dequantised
    values: x / (bias + alpha / size * sum(x**2)) ** beta, quantised to the output tensor."""

    name: str
    input: str
    output: str
    size: int
    alpha: float
    beta: float
    bias: float
    op: str = "lrn"


@dataclasses.dataclass(frozen=True)
class Port:
    """A network input or output as its user sees it.

    ``shape`` is one image's shape without the batch dimension, in ``layout`` order ("CHW",
    "HWC" or "N" for flat); ``dtype`` float32 (quantised on the way in, dequantised on the way out),
    int8 or uint8 (re-centred by 128), or that of a tensor that only the host handles.  ``away``
    says that quantising a float32 input rounds halves away from zero (LiteRT), not to even (ONNX).
    ``batched`` is False where the network itself knows no batch dimension.

    An input that the network reads in several ways has a port of the same name for each.
    """

    name: str
    tensor: str
    shape: tuple[int, ...]
    layout: str
    dtype: str
    away: bool = False
    batched: bool = True


@dataclasses.dataclass(frozen=True)
class External:
    """A part of a network that the runtime of its format computes, on the host, image by image.

    ``model`` is a file of that format, as bytes, for ``runtime`` ("onnxruntime" or "litert").  It
    reads and writes tensors of any type; ``reads`` and ``writes`` are its inputs and outputs as a
    network's own: what the file calls them, their shapes, layouts and types there.  ``macs`` are
    its multiply-accumulates for one image, ``reason`` is why the machine does not compute it.
    """

    name: str
    op: str
    reads: tuple[Port, ...]
    writes: tuple[Port, ...]
    runtime: str
    model: bytes
    macs: int
    reason: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads."""
        return tuple(port.tensor for port in self.reads)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors it computes."""
        return tuple(port.tensor for port in self.writes)


#: What the host computes; everything else runs on the machine.
HostNode = Softmax | LocalResponse | External
Node = (
    Conv | MaxPool | AveragePool | Add | Sub | Mul | Max | Min | Concat | Slice | Assemble | Table
    | Pad | Reshape | Softmax | LocalResponse | External
)


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network: tensors by name, nodes in an order that computes inputs before their users."""

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
