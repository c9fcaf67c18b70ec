"""Computed values that wait: what an operator gives before its output's quantisation is known."""

import dataclasses

import numpy as np

from accel.frontend.onnx.known import Activation, Input
from accel.frontend.onnx.orders import Order, Shape
from accel.frontend.pieces import Piece
from accel.graph.ir import Place


@dataclasses.dataclass(frozen=True)
class Window:
    """Geometry of a sliding window; ``padding`` is (top, left, bottom, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)


@dataclasses.dataclass(frozen=True)
class Pending:
    """A computed value whose output quantisation is not known yet.

    ``lo`` and ``hi`` are the real bounds that activation functions have set so far; ``bare``: its
    shape has no batch in front; ``laid``: the shape of its tensor, if it is not what shape and
    order suggest (pixels.py); ``near``: why ONNX Runtime's result may be a step off (nearly.py).
    """

    name: str
    source: "Activation | Pending | Input"
    shape: Shape
    order: Order
    lo: float = -np.inf
    hi: float = np.inf
    bare: bool = False
    laid: tuple[int, int, int] | None = None
    near: str = ""


@dataclasses.dataclass(frozen=True)
class Products:
    """What makes Sums products of bytes, as QLinearMul computes them.

    ``scale`` is that of the constants, ``factors`` their differences from their zero point.
    """

    scale: float
    factors: np.ndarray


@dataclasses.dataclass(frozen=True)
class Sums(Pending):
    """int32 sums of a convolution or fully connected layer, in multiples of ``unit``.

    Weights beyond int8 are taken apart, as accel.frontend.wide tells: the layer then reads its
    input twice or three times, with a part of every weight each.
    """

    op: str = "conv2d"
    weights: np.ndarray = None  # int8 or int16 [Cout, kh, kw, Cin/groups]
    bias: np.ndarray = None  # int64 [Cout]
    unit: np.ndarray = None  # float32 [Cout]
    window: Window = None
    groups: int = 1
    scaled: bool = True  # False: int32 until a Mul gives them a scale
    rounded: int = 0  # how often real numbers were rounded to units, in the bias
    products: Products | None = None  # each sum is one product
    effort: object = None  # add.Effort of the whole file


@dataclasses.dataclass(frozen=True)
class Mean(Pending):
    """Window averages; ``divisors`` maps a window's real elements to what divides their sum.

    ``floating``: the same where ONNX Runtime averages in float, None where it is no such map.
    ``apart``: it does, since its QuantizeLinear does not come at once.
    ``whole``: one window as large as the image, which ONNX Runtime averages in its own way.
    """

    window: Window = None
    divisors: dict[int, int] = None
    floating: dict[int, int] | None = None
    apart: bool = False
    whole: bool = False


@dataclasses.dataclass(frozen=True)
class Function(Pending):
    """A function of each element: ``real`` float32 [256], what byte q becomes at q + 128.

    ``clamps``: it does nothing but clamp, so it may keep its source's quantisation.
    ``fused``: what gives its bytes where ONNX Runtime computes it in integers (fused.py).
    """

    op: str = "table"
    real: np.ndarray = None
    clamps: bool = False
    fused: object = None


@dataclasses.dataclass(frozen=True)
class Total(Pending):
    """Sum of two activations, ``source`` and ``other``; ``minus``: the first less the second.

    One of them may be a pixel [C, 1, 1].
    """

    other: "Activation" = None
    minus: bool = False
    centred: bool = False  # ONNX knows both as uint8
    effort: object = None  # add.Effort of the whole file


@dataclasses.dataclass(frozen=True)
class Product(Pending):
    """Product of an activation and another one of its shape, or of a pixel: a gate of channels."""

    other: "Activation" = None
    centred: bool = False  # ONNX knows both as uint8
    effort: object = None  # add.Effort of the whole file


@dataclasses.dataclass(frozen=True)
class Extremes(Pending):
    """The largest (or smallest) of ``sources``, each quantised alone: rounding keeps their order.

    Some may be pixels [C, 1, 1].
    """

    sources: "tuple[Activation | Pending, ...]" = ()
    largest: bool = True


@dataclasses.dataclass(frozen=True)
class Joined(Pending):
    """``sources`` (activations or functions of them) behind each other.

    ``axis`` is that of memory: 0 rows, 1 columns, 2 channels.
    """

    sources: "tuple[Activation | Function, ...]" = ()
    axis: int = 2


@dataclasses.dataclass(frozen=True)
class Assembled(Pending):
    """``parts`` that are quantised alike, each at its place in memory."""

    parts: tuple[Pending, ...] = ()
    places: tuple[Place, ...] = ()


@dataclasses.dataclass(frozen=True)
class Hosted(Pending):
    """What the host computes in float32; ``kind`` and ``options`` make the graph's node."""

    kind: type = None
    options: dict = None


@dataclasses.dataclass(frozen=True)
class Same(Pending):
    """A maximum pooling, padding or reshape: quantised as its source.

    All commute with quantisation and with clamps, so the source, which ONNX calls ``via``, may
    be pending itself, or a float input.  ``pads`` is (top, left, bottom, right).
    """

    window: Window | None = None
    pads: tuple[int, int, int, int] | None = None
    via: str = ""


@dataclasses.dataclass(frozen=True)
class Moved(Same):
    """Bytes of an image or a vector in other places: pieces of it, its channels perhaps reordered.

    ``channels``: which of the source's channels there are, before the pieces are cut.
    """

    pieces: tuple[Piece, ...] = ()
    channels: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Passing:
    """An image on its way through Reshapes and Transposes: ``source``, and what was done to it.

    A step is a shape, or ("transpose", order), both without the batch; ``via`` is what ONNX calls
    the source.
    """

    source: "Activation | Pending"
    shape: Shape
    steps: tuple
    via: str


def settled(value) -> Activation | None:
    """The activation whose quantisation a pending value may keep, if there is one.

    What is assembled of an activation's own parts may, too.
    """
    while isinstance(value, Same) or (isinstance(value, Function) and value.clamps):
        value = value.source
    if isinstance(value, Assembled):
        found = [settled(part) for part in value.parts]
        return found[0] if all(found) else None
    return value if isinstance(value, Activation) else None
