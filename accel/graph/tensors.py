"""What every node of a network is made of: tensors, requantisation, inputs and outputs."""

import dataclasses

import numpy as np

from accel.errors import AccelError
from accel.isa import Rounding


class GraphError(AccelError, ValueError):
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
    Rounding.FLOAT and FLOAT_ODD the factor is a float32: the multiplier's low 7 bits are 0.
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
