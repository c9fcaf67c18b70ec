"""What a computed tensor of a TFLite file stands for while the graph is built."""

import dataclasses

from accel.frontend.tflite.records import Operator
from accel.graph.ir import Tensor


@dataclasses.dataclass(frozen=True)
class Dequantised:
    """A float value in the file: a tensor's, dequantised, or (None) an input before a QUANTIZE."""

    tensor: Tensor | None


@dataclasses.dataclass(frozen=True)
class Chain:
    """A float value that is a function of one byte: that of the same element of a tensor.

    ``index`` is the tensor's in the file; ``operators`` lead from it to the value, in their order.
    """

    tensor: Tensor
    index: int
    operators: tuple[Operator, ...]


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Dimensions that the file computes; they are static here, so nobody needs their values."""


@dataclasses.dataclass(frozen=True)
class Padded:
    """A padded image that only convolutions read, which pad by themselves."""

    tensor: Tensor
    padding: tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """What the host computes, or is given, and the machine cannot go on with."""


#: What a tensor of the file may stand for.
Value = Tensor | Dequantised | Chain | Padded | Sizes | Elsewhere
