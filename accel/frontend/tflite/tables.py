"""Functions of one int8 as 256 values, by LiteRT's reference arithmetic.

Every table is indexed by q + 128 and int8; uint8 tensors come re-centred, which changes none of
the differences from the zero point that the arithmetic is about.
"""

import numpy as np

from accel.frontend.tflite.scales import divide32, rescale, round_away
from accel.graph.ir import Tensor
from accel.isa import Rounding
from accel.quant import QuantError, quantize_multiplier, requantise

_BYTES = np.arange(-128, 128)


def _clamped(values, zero_point: int) -> np.ndarray:
    """Rounded float values plus the zero point as int8; what no int32 holds is refused."""
    if not (np.abs(values) < 1 << 31).all():
        raise QuantError(f"table values must fit int32, not {np.abs(values).max()}")
    return np.clip(values.astype(np.int64) + zero_point, -128, 127).astype(np.int8)


def requantised(real: float, in_zero: int, out_zero: int, lo=-128, hi=127) -> np.ndarray:
    """Change of scale by ``real`` with double rounding, then a clamp: QUANTIZE, RELU, RELU6."""
    multiplier, shift = rescale(real)
    return requantise(_BYTES - in_zero, multiplier, shift, Rounding.DOUBLE, out_zero, lo, hi)


def quantised(source: Tensor, scale, zero_point: int) -> np.ndarray:
    """DEQUANTIZE, then QUANTIZE: float32 in between."""
    real = np.float32(source.scale) * (_BYTES - source.zero_point).astype(np.float32)
    return _clamped(round_away(divide32(real, scale)), zero_point)


def concatenated(in_scale, in_zero: int, out_scale, out_zero: int) -> np.ndarray:
    """Change of scale of a uint8 CONCATENATION: a product and a sum in float32, of raw bytes."""
    with np.errstate(all="ignore"):
        scale = np.float32(in_scale) * divide32(1, out_scale)
        offset = np.float32(-(in_zero + 128)) * scale
        values = round_away((_BYTES + 128).astype(np.float32) * scale + offset)
    return _clamped(values, out_zero)


def function(name: str, in_scale, in_zero: int, out_scale, out_zero: int) -> np.ndarray:
    """LOGISTIC and TANH, in float32 as LiteRT fills its own tables."""
    with np.errstate(all="ignore"):
        real = np.float32(in_scale) * (_BYTES - in_zero).astype(np.float32)
        if name == "LOGISTIC":
            grown = np.exp(-real.astype(np.float64)).astype(np.float32)
            result = np.float32(1) / (np.float32(1) + grown)
        else:
            result = np.tanh(real.astype(np.float64)).astype(np.float32)
        values = round_away(result * divide32(1, out_scale))
    return _clamped(values, out_zero)


def _high16(a: int, b: int) -> int:
    """Rounded upper half of twice a 16-bit product; both saturated at the one overflow."""
    return min((a * b + (1 << 14)) >> 15, 32767)


def _right(value: int, places: int) -> int:
    """Divide by a power of two, rounded half away from zero."""
    half = (1 << places) >> 1
    return (abs(value) + half >> places) * (-1 if value < 0 else 1)


def _saturate16(value: int) -> int:
    return max(-32768, min(32767, value))


def _factor16(real) -> tuple[int, int]:
    """A factor with a 15-bit multiplier: (multiplier, shift)."""
    multiplier, shift = quantize_multiplier(float(real))
    return min(multiplier + (1 << 15) >> 16, 32767), shift


def hard_swish(in_scale, in_zero: int, out_scale, out_zero: int) -> np.ndarray:
    """x * relu6(x + 3) / 6 in 16-bit fixed point."""
    fine = np.float32(in_scale) / np.float32(128)
    output, output_shift = _factor16(divide32(fine, out_scale))
    gate, gate_shift = _factor16(divide32(fine, np.float32(3 / 32768)))
    if output_shift > 0:
        raise QuantError(f"a hard-swish's input scale must be at most 128 times its output's, "
                         f"not {in_scale} / {out_scale}")
    values = []
    for byte in _BYTES.tolist():
        wide = (byte - in_zero) * 128
        share = wide
        if gate_shift > 0:  # the last doubling comes behind the multiplication, and saturates
            share = _saturate16(share << gate_shift - 1)
        share = _high16(share, gate)
        if gate_shift > 0:
            share = _saturate16(share * 2)
        elif gate_shift < 0:
            share = _right(share, -gate_shift)
        share = (share + (1 << 15)) >> 1  # from -1 .. 1 to 0 .. 1
        product = share * _high16(wide, output)
        towards_zero = (abs(product) >> 15) * (-1 if product < 0 else 1)
        values.append(_right(towards_zero, -output_shift) + out_zero)
    return np.clip(values, -128, 127).astype(np.int8)
