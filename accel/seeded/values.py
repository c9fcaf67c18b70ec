"""The numbers of layers: random weights, and the factors that go with them."""

import math

import numpy as np

from accel.graph.ir import Requant
from accel.isa import Rounding
from accel.quant import quantize_multiplier, quantize_multipliers
from accel.seeded.spread import Spread

#: Root mean square of a random byte.
_BYTE = math.sqrt(((1 << 16) - 1) / 12)
#: Bytes of a number of a random source.
_RAW = 8
#: Channels differ: their deviations are up to this factor apart, their means by this deviation.
_GAINS, _MEANS = (0.7, 1.4), 0.1


def weights(random: np.random.Generator, shape: tuple[int, int, int, int]) -> np.ndarray:
    """Random int8 weights [outputs, kh, kw, inputs]: those of ``random.bytes``, but quicker."""
    count, source = math.prod(shape), random.bit_generator
    if count % _RAW or source.state["has_uint32"]:  # half a number would be left, or is
        return np.frombuffer(random.bytes(count), np.int8).reshape(shape)
    raw = source.random_raw(count // _RAW).astype("<u8", copy=False)
    return raw.view(np.int8).reshape(shape)


def convolution(random, given: np.ndarray, source: Spread, target: Spread):
    """Bias and requantisation that give a layer's sums mean 0 and deviation 1, about."""
    outputs = given.shape[0]
    filters = given.reshape(outputs, -1)
    gain = random.uniform(*_GAINS, outputs)
    # One of a weight, in real numbers.
    unit = gain / (_BYTE * source.deviation * math.sqrt(filters.shape[1]))
    mean = source.mean * filters.sum(axis=1, dtype=np.int32)
    shifted = random.normal(0, _MEANS, outputs) / unit
    bias = np.rint((shifted - mean) / source.scale).astype(np.int32)
    factors = quantize_multipliers(unit * source.scale / target.scale)
    return bias, Requant(*factors, target.zero_point, rounding=Rounding.SINGLE)


def addition(one: Spread, other: Spread, target: Spread):
    """The operands' factors and the requantisation of a sum, as LiteRT chooses them."""
    twice = 2 * max(one.scale, other.scale)
    operands = tuple(quantize_multiplier(spread.scale / twice) for spread in (one, other))
    factors = quantize_multipliers([twice / (target.scale * (1 << 20))])
    return operands, Requant(*factors, target.zero_point, rounding=Rounding.DOUBLE)


def averages(counts) -> dict[int, tuple[int, int]]:
    """The table of an average pooling that keeps its input's quantisation."""
    return {int(count): quantize_multiplier(1 / int(count)) for count in counts}


def table(function, source: Spread, target: Spread) -> np.ndarray:
    """A function of a real number as 256 int8 values."""
    real = (np.arange(-128, 128) - source.zero_point) * source.scale
    steps = np.rint(function(real) / target.scale) + target.zero_point
    return np.clip(steps, -128, 127).astype(np.int8)
