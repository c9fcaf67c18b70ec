"""Constants behind a layer that is not quantised yet: they become part of it.

A bias of its own, batch normalisation, factors and shifts per channel: a file whose layers were
quantised while it learned, or that comes from TensorFlow, has them between a layer and its
QuantizeLinear.  A channel's factor scales what its sums stand for, its sign goes to the weights,
and shifts are added to the bias.
"""

import dataclasses
import math

import numpy as np

from accel.frontend.onnx import pixels, weighted
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.values import Assembled, Sums

#: The bias of a channel with the factor 0, whose result is its shift.
_LARGE = 1 << 20


def takes(value) -> bool:
    """Whether a value is a layer's sums, or a transposed convolution's, that nothing limits yet."""
    if isinstance(value, Assembled):
        return all(takes(part) for part in value.parts)
    return isinstance(value, Sums) and math.isinf(value.lo) and math.isinf(value.hi)


def per_channel(node: NodeView, value: Sums | Assembled, real: np.ndarray) -> np.ndarray:
    """Constants as one for each channel, [Cout] as the layer's own; one number is for all.

    They are [C] behind a matrix product, [C, 1, 1] behind a convolution, also with a 1 in front.
    """
    sums = value
    while isinstance(sums, Assembled):
        sums = sums.parts[0]
    channels = len(sums.unit)
    if sums.laid:
        wanted, shape = (channels,), pixels.of_channels(sums, real)
    else:
        wanted, shape = (channels, *(1 for _ in value.shape[1:])), real.shape
        shape = shape[1:] if len(shape) == 1 + len(wanted) and shape[0] == 1 else shape
    single = real.size == 1 and real.ndim <= len(value.shape) + (not value.bare)
    node.require(shape == wanted or single,
                 f"constants must be one number or have shape {list(wanted)}", list(real.shape))
    return np.broadcast_to(real.ravel(), channels)


def shifted(node: NodeView, value: Sums | Assembled, bias) -> Sums | Assembled:
    """Add a bias: floats [Cout], or a QuantConstant."""
    if isinstance(value, Assembled):
        parts = tuple(shifted(node, part, bias) for part in value.parts)
        return dataclasses.replace(value, parts=parts)
    whole = weighted.bias_integers(node, bias, value.unit)
    return dataclasses.replace(value, bias=value.bias + whole,
                               rounded=value.rounded + weighted.roundings(bias, value.unit))


def scaled(node: NodeView, value: Sums | Assembled, factor: np.ndarray, shift: np.ndarray):
    """``value`` * ``factor`` + ``shift``, float64 [Cout], in the layer's own order of channels."""
    if isinstance(value, Assembled):
        parts = tuple(scaled(node, part, factor, shift) for part in value.parts)
        return dataclasses.replace(value, parts=parts)
    with np.errstate(all="ignore"):
        unit = value.unit * np.abs(factor).astype(np.float32)
        still = unit == 0  # then a sum is its bias alone, and any unit will do
        alone = np.maximum(np.abs(shift).astype(np.float32) / np.float32(_LARGE),
                           np.finfo(np.float32).tiny)
        unit[still] = np.where(shift, alone, value.unit)[still]
    node.require(np.isfinite(unit).all(), "input scale times factor must be a float32",
                 unit[~np.isfinite(unit)][:1])
    sign = np.where(still, 0, np.sign(factor)).astype(np.int16)
    return dataclasses.replace(
        value, weights=value.weights * sign[:, None, None, None], unit=unit, products=None,
        bias=value.bias * sign + weighted.bias_integers(node, shift, unit),
        rounded=value.rounded + weighted.roundings(shift, unit),
        near=value.near or "numbers per channel are applied in float32",
    )
