"""Element-wise activations and their gradients, for arrays of any shape and their own dtype.

NumPy's own loops are as fast as the memory here, so there is nothing for Numba to add.
"""

import numpy as np

from accel.golden.check import floating, like, real


def relu(x) -> np.ndarray:
    """Compute max(x, 0); a NaN stays one.

    Raises:
        ValueError: x is no float array.
    """
    floating("x", x)
    return np.maximum(x, x.dtype.type(0))


def relu_backward(dy, x) -> np.ndarray:
    """Gradient by relu's input: dy where x > 0, else 0 (the gate; at the kink x = 0 it is shut).

    Args:
        dy: gradient by the output.
        x: the layer's input or its output: both are positive at the same places.

    Raises:
        ValueError: the arrays are not of one shape and float dtype.
    """
    like("dy", dy, floating("x", x).shape, x.dtype)
    return np.where(x > 0, dy, x.dtype.type(0))


def leaky_relu(x, slope=0.01) -> np.ndarray:
    """Compute x where x > 0, else slope * x (Maas et al. 2013).

    Raises:
        ValueError: x is no float array, or slope not in 0 <= slope < 1.
    """
    floating("x", x)
    return np.where(x > 0, x, x.dtype.type(real("slope", slope, 0, 1)) * x)


def leaky_relu_backward(dy, x, slope=0.01) -> np.ndarray:
    """Gradient by leaky_relu's input ``x``: dy where x > 0, else slope * dy.

    Raises:
        ValueError: the arrays are not of one shape and float dtype, or slope is out of range.
    """
    like("dy", dy, floating("x", x).shape, x.dtype)
    return np.where(x > 0, dy, x.dtype.type(real("slope", slope, 0, 1)) * dy)


def sigmoid(x) -> np.ndarray:
    """Compute 1 / (1 + exp(-x)), with no overflow for large negative x.

    Raises:
        ValueError: x is no float array.
    """
    floating("x", x)
    small = np.exp(-np.abs(x))  # at most 1
    return np.where(x < 0, small, x.dtype.type(1)) / (1 + small)


def sigmoid_backward(dy, y) -> np.ndarray:
    """Gradient by sigmoid's input, from its output y: dy * y * (1 - y).

    Raises:
        ValueError: the arrays are not of one shape and float dtype.
    """
    like("dy", dy, floating("y", y).shape, y.dtype)
    return dy * y * (1 - y)


def tanh(x) -> np.ndarray:
    """Hyperbolic tangent.

    Raises:
        ValueError: x is no float array.
    """
    return np.tanh(floating("x", x))


def tanh_backward(dy, y) -> np.ndarray:
    """Gradient by tanh's input, from its output y: dy * (1 - y * y).

    Raises:
        ValueError: the arrays are not of one shape and float dtype.
    """
    like("dy", dy, floating("y", y).shape, y.dtype)
    return dy * (1 - y * y)
