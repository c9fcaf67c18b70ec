"""Values that are known, or in memory, or at least where they come from."""

import dataclasses

import numpy as np

from accel.frontend.onnx.orders import Order, Shape, order_of
from accel.graph.ir import Tensor


@dataclasses.dataclass(frozen=True)
class Constant:
    """Numbers known at import: an initializer or a Constant node."""

    array: np.ndarray


@dataclasses.dataclass(frozen=True)
class QuantConstant:
    """A constant that was dequantised: real value = integers * scale along ``axis``."""

    integers: np.ndarray  # int16, int64 if stored as int32; zero point already subtracted
    scale: np.ndarray  # float64 [1], or one per slice along `axis`
    axis: int
    narrow: bool = False  # stored in fewer than 8 bits

    @property
    def real(self) -> np.ndarray:
        """The real values in float64."""
        if self.scale.size == 1:
            return self.integers * self.scale.reshape(())
        shape = [1] * self.integers.ndim
        shape[self.axis] = -1
        return self.integers * self.scale.reshape(shape)


@dataclasses.dataclass(frozen=True)
class Input:
    """A float network input before it is quantised, possibly reshaped or transposed.

    ``hwc``: its user gives images pixel by pixel, and a Transpose has turned them.
    """

    name: str
    shape: Shape
    hwc: bool = False

    @property
    def order(self) -> Order:
        """The order its shape suggests."""
        return order_of(self.shape)


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """A value that the host computes: of ``node``, which the machine does not take."""

    name: str
    node: str


@dataclasses.dataclass(frozen=True)
class Activation:
    """An int8 tensor of the graph, seen as ``dtype``: float32 (dequantised), int8 or uint8.

    ``centred``: ONNX has it as uint8; ``bare``: its shape has no batch in front (pixels.py).
    """

    tensor: Tensor
    shape: Shape
    order: Order
    scale: float
    dtype: str
    centred: bool = False
    bare: bool = False

    @property
    def zero_point(self) -> int:
        """The tensor's zero point."""
        return self.tensor.zero_point


def is_quantised(value) -> bool:
    """Whether a value is an activation in integers."""
    return isinstance(value, Activation) and value.dtype != "float32"
