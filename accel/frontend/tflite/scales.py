"""From a TFLite file's scales to integer factors, as LiteRT's reference kernels compute them.

Scales are float32 in the file.  Which products LiteRT forms in float32 and which in float64 decides
the last bit of a multiplier, so each function here says which kernel's preparation it follows.
A factor is written as (multiplier, shift) of :mod:`accel.quant`.
"""

import math

import numpy as np

from accel.quant import QuantError, check_scale, quantize_multiplier, quantize_multipliers

#: An ADD's operands are shifted left by this much before they are scaled.
ADD_SHIFT = 20
#: Integer bits of a softmax's scaled differences.
SOFTMAX_BITS = 5
_INT32_MAX = (1 << 31) - 1


def divide32(a, b) -> np.float32:
    """float32 quotient; infinite or NaN where it has no finite value."""
    with np.errstate(all="ignore"):
        return np.float32(a) / np.float32(b)


def round_away(value) -> np.ndarray:
    """Nearest integers, halves away from zero (C's round), in the type of ``value``."""
    whole = np.trunc(value)
    return whole + np.sign(value) * (np.abs(value - whole) >= 0.5)


def weighted(input_scale, weight_scales, output_scale, dtype) -> tuple[np.ndarray, np.ndarray]:
    """Factors of a convolution or fully connected layer, one per scale of the weights.

    float64 throughout, except that uint8 convolutions multiply the two scales in float32.
    """
    if dtype == "float32":
        with np.errstate(all="ignore"):
            product = np.float32(input_scale) * np.asarray(weight_scales, np.float32)
    else:
        product = float(input_scale) * np.asarray(weight_scales, np.float64)
    return quantize_multipliers(product.astype(np.float64) / float(output_scale))


def rescale(real: float) -> tuple[int, int]:
    """Return the factor of a change of scale whose 9-bit differences stay within int32."""
    multiplier, shift = quantize_multiplier(real)
    if shift > 22:
        raise QuantError(f"rescaling factor must be below 2**22, not {real!r}")
    return multiplier, shift


def activation_range(activation, scale, zero_point, low, high) -> tuple[int, int]:
    """Bounds that a fused activation sets on the output (CalculateActivationRangeQuantized).

    Args:
        activation: the schema's name: NONE, RELU, RELU6 or RELU_N1_TO_1.
        scale: float32, of the output.
        zero_point: of the output, as is the result re-centred or not.
        low: smallest output of its type.
        high: largest output of its type.
    """
    bounds = {
        "NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0),
    }
    below, above = bounds[activation]
    if below is not None:
        low = max(low, zero_point + _quantise(below, scale))
    if above is not None:
        high = min(high, zero_point + _quantise(above, scale))
    return low, high


def _quantise(value, scale) -> int:
    quotient = float(divide32(value, scale))
    if not abs(quotient) <= _INT32_MAX:
        raise QuantError(f"activation bound {value} / scale must fit int32, not {quotient}")
    return int(round_away(np.float32(quotient)))


def addition(scale_a, scale_b, output_scale):
    """Factors of an ADD: of either operand, and of the sum."""
    twice = 2 * max(float(scale_a), float(scale_b))
    with np.errstate(all="ignore"):
        step = float(np.float32(1 << ADD_SHIFT) * np.float32(output_scale))
    factors = []
    for real in (float(scale_a) / twice, float(scale_b) / twice, twice / check_scale(step)):
        if not real < 1:
            raise QuantError(f"an addition's factors must be below 1, not {real!r}")
        factors.append(quantize_multiplier(real))
    return factors


def product(scale_a, scale_b, output_scale) -> tuple[int, int]:
    """Factor of a MUL, which LiteRT computes in float32."""
    with np.errstate(all="ignore"):
        real = divide32(np.float32(scale_a) * np.float32(scale_b), output_scale)
    return quantize_multiplier(float(check_scale(real)))


def mean(input_scale, output_scale, count: int) -> tuple[int, int]:
    """Return the factor of a MEAN over ``count`` elements: the division goes into the multiplier.

    The multiplier may come out below 2**30.
    """
    multiplier, shift = quantize_multiplier(float(input_scale) / float(output_scale))
    extra = min(count.bit_length() - 1, 31 + shift)
    return (multiplier << extra) // count, shift - extra


def reciprocal(count: int) -> tuple[int, int]:
    """1 / count, rounded up: exact for sums of up to 2**22 bytes when halves go away from zero.

    With S = 31 - shift the error of the factor is below 2**-S, and that of a sum of ``count``
    bytes below 255 * count * 2**-S.  A quotient that is no half is at least 1 / (2 * count) away
    from one, and 2**S >= count * 2**30, so no quotient crosses a half; halves themselves are
    met or passed outwards.
    """
    places = 30 + (count - 1).bit_length()
    return -(-(1 << places) // count), 31 - places


def softmax(beta: float, input_scale) -> tuple[int, int]:
    """Return the factor of a softmax's differences (PreprocessSoftmaxScaling)."""
    if not (math.isfinite(beta) and beta > 0):
        raise QuantError(f"beta must be positive and finite, not {beta}")
    real = min(beta * float(input_scale) * (1 << (31 - SOFTMAX_BITS)), (1 << 31) - 1.0)
    if not real > 1:
        raise QuantError(f"beta * scale * 2**{31 - SOFTMAX_BITS} must exceed 1, not {real!r}")
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    return (1 << 30, shift + 1) if multiplier == 1 << 31 else (multiplier, shift)
