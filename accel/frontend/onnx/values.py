"""What an ONNX value stands for while a model is being imported.

    orders   how its elements lie in memory
    known    constants, inputs, activations, and what is on the host
    pending  what an operator gives before its output's quantisation is known
"""

from accel.frontend.onnx.known import (
    Activation,
    Constant,
    Elsewhere,
    Input,
    QuantConstant,
    is_quantised,
)
from accel.frontend.onnx.orders import Order, Shape, flat, memory_shape, order_of, permutation
from accel.frontend.onnx.pending import (
    Assembled,
    Extremes,
    Function,
    Hosted,
    Joined,
    Mean,
    Moved,
    Passing,
    Pending,
    Product,
    Products,
    Same,
    Sums,
    Total,
    Window,
    settled,
)

__all__ = [
    "Activation", "Assembled", "Constant", "Elsewhere", "Extremes", "Function", "Hosted", "Input",
    "Joined", "Mean", "Moved", "Order", "Passing", "Pending", "Product", "Products",
    "QuantConstant", "Same", "Shape", "Sums", "Total", "Window", "flat", "is_quantised",
    "memory_shape", "order_of", "permutation", "settled",
]  # fmt: skip
