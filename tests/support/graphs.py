"""Small checked graphs for tests: single layers with random options and full-range data."""

import numpy as np

from accel.graph.check import check
from accel.graph.ir import AveragePool, Conv, Graph, MaxPool, Port, Requant, Reshape, Tensor
from accel.graph.shapes import node_shape, out_size, window_counts
from accel.isa import Rounding
from accel.quant import quantize_multiplier, quantize_multipliers


def single(node, source: Tensor, out_shape=None, zero_point=None, scale=1.0) -> Graph:
    """A network of one node from tensor "in" to tensor "out"."""
    shape = out_shape or node_shape(node, source)
    zero_point = source.zero_point if zero_point is None else zero_point
    target = Tensor("out", tuple(shape), scale, zero_point)
    return check(Graph(
        "single", {"in": source, "out": target}, (node,),
        (Port("in", "in", source.shape, "HWC", "int8"),),
        (Port("out", "out", target.shape, "HWC", "int8"),),
    ))


def random_images(rng, shape, batch=2):
    return rng.integers(-128, 128, (batch, *shape), dtype=np.int8)


def _integers(rng, low, high, count):
    return tuple(int(v) for v in rng.integers(low, high + 1, count))


def random_requant(rng, channels, reach, zero_point) -> Requant:
    """Factors that take sums of about +-reach to about +-128; sometimes clamped."""
    multiplier, shift = quantize_multipliers(rng.uniform(0.2, 3, channels) * 128 / (reach + 1))
    lo, hi = sorted(_integers(rng, -128, 127, 2)) if rng.random() < 0.3 else (-128, 127)
    return Requant(multiplier, shift, zero_point, lo, hi, Rounding(int(rng.integers(3))))


def random_conv(rng) -> Graph:
    while True:
        groups = int(rng.choice([1, 1, 2, 3]))
        part, out_part = _integers(rng, 1, 5, 2)
        height, width = _integers(rng, 1, 9, 2)
        kernel, stride, dilation = (_integers(rng, 1, top, 2) for top in (4, 3, 3))
        padding = _integers(rng, 0, 3, 4)
        out = [
            out_size((height, width)[a], kernel[a], stride[a], (padding[a], padding[2 + a]),
                     dilation[a]) for a in (0, 1)
        ]
        if min(out) > 0:
            break
    in_zero, out_zero = _integers(rng, -128, 127, 2)
    channels = groups * out_part
    weights = rng.integers(-128, 128, (channels, *kernel, part), dtype=np.int8)
    reach = 127 * 80 * np.sqrt(weights[0].size)
    node = Conv(
        "conv", "conv2d", "in", "out", weights,
        rng.integers(-1000, 1000, channels, dtype=np.int32),
        random_requant(rng, channels, reach, out_zero), stride, padding, dilation, groups,
    )
    source = Tensor("in", (height, width, groups * part), 1.0, in_zero)
    return single(node, source, zero_point=out_zero)


def random_fully_connected(rng) -> Graph:
    size, channels = _integers(rng, 1, 60, 2)
    in_zero, out_zero = _integers(rng, -128, 127, 2)
    weights = rng.integers(-128, 128, (channels, 1, 1, size), dtype=np.int8)
    node = Conv(
        "fc", "fully_connected", "in", "out", weights,
        rng.integers(-1000, 1000, channels, dtype=np.int32),
        random_requant(rng, channels, 127 * 80 * np.sqrt(size), out_zero),
    )
    return single(node, Tensor("in", (1, 1, size), 1.0, in_zero), zero_point=out_zero)


def random_pool(rng, kind) -> Graph:
    while True:
        shape = (*_integers(rng, 1, 11, 2), int(rng.integers(1, 6)))
        kernel, stride = _integers(rng, 1, 5, 2), _integers(rng, 1, 4, 2)
        padding = tuple(int(rng.integers(0, kernel[a % 2])) for a in range(4))
        out = [out_size(shape[a], kernel[a], stride[a], (padding[a], padding[2 + a]))
               for a in (0, 1)]
        if min(out) < 1:
            continue
        counts = [window_counts(shape[a], out[a], kernel[a], stride[a], padding[a])
                  for a in (0, 1)]
        if min(counts[0].min(), counts[1].min()) > 0:
            break
    in_zero, out_zero = _integers(rng, -128, 127, 2)
    source = Tensor("in", shape, 1.0, in_zero)
    if kind == "max":
        return single(MaxPool("pool", "in", "out", kernel, stride, padding), source)
    scale = rng.uniform(0.3, 2)
    table = {int(n): quantize_multiplier(scale / n)
             for n in np.unique(np.outer(*counts))}
    node = AveragePool("pool", "in", "out", kernel, stride, padding, table, out_zero,
                       Rounding(int(rng.integers(3))))
    return single(node, source, zero_point=out_zero)


def reshape(shape, out_shape) -> Graph:
    return single(Reshape("reshape", "in", "out"), Tensor("in", shape, 1.0, 0), out_shape)
