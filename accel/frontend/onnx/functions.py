"""Activation functions in float32, rounded step by step as ONNX Runtime's processor kernels do.

A table of an int8 function is then ONNX Runtime's own, byte for byte.  Its sigmoid and tanh are
the rational approximations of the Eigen library, with a fused multiply-add in each step.
"""

import numpy as np

f32 = np.float32

#: Coefficients of numerator and denominator, highest power of x**2 first, and the largest |x|.
_SIGMOID = (
    (4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03,
     2.48287947061529e-01),
    (6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03,
     1.16817656904453e-01, 9.93151921023180e-01),
    18.0,
)  # fmt: skip
_TANH = (
    (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
     1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
    (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
    9.0,
)  # fmt: skip


def fused(a, b, c) -> np.ndarray:
    """a * b + c of float32 numbers, rounded once: the product is exact in float64."""
    return f32(np.float64(a) * np.float64(b) + np.float64(c))


def _horner(coefficients, x) -> np.ndarray:
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result = fused(result, x, f32(coefficient))
    return result


def _rational(x: np.ndarray, numerator, denominator, reach) -> np.ndarray:
    x = np.clip(x, f32(-reach), f32(reach))
    squared = x * x
    return _horner(numerator, squared) * x / _horner(denominator, squared)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e**-x)."""
    return np.clip(_rational(x, *_SIGMOID) + f32(0.5), f32(0), f32(1))


def tanh(x: np.ndarray) -> np.ndarray:
    """Hyperbolic tangent."""
    return _rational(x, *_TANH)


def leaky_relu(x: np.ndarray, alpha: float) -> np.ndarray:
    """x, or alpha * x where x is negative."""
    with np.errstate(over="ignore"):
        return np.where(x >= 0, x, f32(alpha) * x)


def hard_sigmoid(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """alpha * x + beta, from 0 to 1."""
    with np.errstate(over="ignore"):
        return np.clip(f32(alpha) * x + f32(beta), f32(0), f32(1))


def hard_swish(x: np.ndarray) -> np.ndarray:
    """x times its hard sigmoid."""
    return x * hard_sigmoid(x, 1 / 6, 0.5)
