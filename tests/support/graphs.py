"""Small checked graphs for tests: single layers with random options and full-range data."""

import dataclasses
import math

import numpy as np

from accel.graph.check import check
from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Graph,
    LocalResponse,
    Max,
    MaxPool,
    Mul,
    Pad,
    Place,
    Port,
    Requant,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)
from accel.graph.shapes import node_shape, out_size, window_counts
from accel.isa import FLOATS, Rounding
from accel.quant import float_multipliers, quantize_multiplier, quantize_multipliers


def single(node, source: Tensor, out_shape=None, zero_point=None, scale=1.0) -> Graph:
    """A network of one node from tensor "in" to tensor "out"."""
    shape = out_shape or node_shape(node, source)
    zero_point = source.zero_point if zero_point is None else zero_point
    return joined(node, [source], Tensor("out", tuple(shape), scale, zero_point))


def joined(node, sources, target: Tensor) -> Graph:
    """A network of one node between tensors."""
    ports = [
        Port(tensor.name, tensor.name, tensor.shape, "HWC", tensor.dtype)
        for tensor in (*sources, target)
    ]
    return check(Graph("single", {tensor.name: tensor for tensor in (*sources, target)}, (node,),
                       tuple(ports[:-1]), tuple(ports[-1:])))


def random_inputs(rng, graph: Graph, batch=2) -> dict:
    """Random images for every input of a network."""
    return {port.tensor: random_images(rng, graph.tensors[port.tensor].shape, batch)
            for port in graph.inputs}


def random_images(rng, shape, batch=2):
    return rng.integers(-128, 128, (batch, *shape), dtype=np.int8)


def _integers(rng, low, high, count):
    return tuple(int(v) for v in rng.integers(low, high + 1, count))


def random_requant(rng, channels, reach, zero_point) -> Requant:
    """Factors that take sums of about +-reach to about +-128; sometimes clamped."""
    rounding = Rounding(int(rng.integers(len(Rounding))))
    quantize = float_multipliers if rounding in FLOATS else quantize_multipliers
    multiplier, shift = quantize(rng.uniform(0.2, 3, channels) * 128 / (reach + 1))
    return Requant(multiplier, shift, zero_point, *_clamp(rng), rounding)


def _clamp(rng) -> tuple[int, int]:
    lo, hi = sorted(_integers(rng, -128, 127, 2)) if rng.random() < 0.3 else (-128, 127)
    return lo, hi


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
    source = Tensor("in", shape, 1.0, int(rng.integers(-128, 128)))
    if kind == "max":
        node = MaxPool("pool", "in", "out", kernel, stride, padding, *_clamp(rng))
        return single(node, source)
    return _random_average(rng, source, kernel, stride, padding, np.unique(np.outer(*counts)))


def _random_average(rng, source, kernel, stride, padding, counts) -> Graph:
    zeros = source.zero_point, int(rng.integers(-128, 128))
    raw = rng.random() < 0.3  # bytes counted from elsewhere than the zero point
    rounding = Rounding(int(rng.integers(len(Rounding))))
    quantize = float_multipliers if rounding in FLOATS else quantize_multipliers
    scale = 1 if raw else rng.uniform(0.3, 2)
    pairs = zip(*quantize(scale / counts), strict=True)
    table = {int(n): (int(m), int(s)) for n, (m, s) in zip(counts, pairs, strict=True)}
    node = AveragePool(
        "pool", "in", "out", kernel, stride, padding, table,
        *([zeros[1]] * 2 if raw else zeros), rounding, *_clamp(rng),
    )  # fmt: skip
    return single(node, source, zero_point=zeros[0] if raw else zeros[1])


def _random_tensor(rng, name="in", scale=1.0) -> Tensor:
    shape = (*_integers(rng, 1, 6, 2), int(rng.integers(1, 9)))
    return Tensor(name, shape, scale, int(rng.integers(-128, 128)))


def _random_pair(rng) -> tuple[Tensor, Tensor, Tensor]:
    """Operands of one shape, or one a pixel, and the output's tensor."""
    target = _random_tensor(rng, "out")
    shapes = [target.shape, target.shape]
    if rng.random() < 0.5:
        shapes[int(rng.integers(2))] = 1, 1, target.shape[2]
    one, other = (
        dataclasses.replace(target, name=name, shape=shape, zero_point=int(rng.integers(-128, 128)))
        for name, shape in zip("ab", shapes, strict=True)
    )
    return one, other, target


def random_add(rng, kind=Add) -> Graph:
    """Factors as LiteRT's: of the operands up to 1/2, and of the sum about as large as fits."""
    one, other, target = _random_pair(rng)
    ratios = rng.permutation([0.5, rng.uniform(0.01, 0.5)])
    operands = tuple(quantize_multiplier(ratio) for ratio in ratios.tolist())
    need = random_requant(rng, 1, 100 << 20, target.zero_point)
    offset = int(rng.integers(-128, 128)) if rng.random() < 0.5 else 0
    node = kind("add", ("a", "b"), "out", operands, need, offset=offset)
    return joined(node, [one, other], target)


def random_sub(rng) -> Graph:
    """A difference."""
    return random_add(rng, Sub)


def random_extreme(rng, kind=Max) -> Graph:
    """The larger or the smaller bytes."""
    one, other, target = _random_pair(rng)
    one, other = (dataclasses.replace(each, zero_point=target.zero_point) for each in (one, other))
    return joined(kind("extreme", ("a", "b"), "out", *_clamp(rng)), [one, other], target)


def random_mul(rng) -> Graph:
    """A product."""
    one, other, target = _random_pair(rng)
    need = random_requant(rng, 1, 255 * 200, target.zero_point)
    return joined(Mul("mul", ("a", "b"), "out", need), [one, other], target)


def random_concat(rng) -> Graph:
    first = _random_tensor(rng, "in0")
    sources = [
        dataclasses.replace(first, name=f"in{n}", shape=(*first.shape[:2], channels))
        for n, channels in enumerate(_integers(rng, 1, 5, int(rng.integers(1, 5))))
    ]
    node = Concat("concat", tuple(source.name for source in sources), "out")
    shape = node_shape(node, *sources)
    return joined(node, sources, dataclasses.replace(first, name="out", shape=shape))


def random_slice(rng) -> Graph:
    source = _random_tensor(rng)
    start = tuple(int(rng.integers(size)) for size in source.shape)
    step = _integers(rng, 1, 3, 2)
    shape = tuple(
        int(rng.integers(1, (size - 1 - first) // pace + 2))
        for size, first, pace in zip(source.shape, start, (*step, 1), strict=True)
    )
    return single(Slice("slice", "in", "out", Place(start, step), shape), source)


def random_assemble(rng) -> Graph:
    """Tensors that interleave, beside one that stands alone in channels behind them."""
    down, across = _integers(rng, 1, 3, 2)
    one = _random_tensor(rng, "in0")
    count = down * across
    sources = [dataclasses.replace(one, name=f"in{n}") for n in range(count)]
    shape = one.shape[0] * down, one.shape[1] * across, int(rng.integers(1, 5))
    sources.append(dataclasses.replace(one, name=f"in{count}", shape=shape))
    places = [Place((y, x, 0), (down, across)) for y in range(down) for x in range(across)]
    places.append(Place((0, 0, one.shape[2])))
    node = Assemble("assemble", tuple(source.name for source in sources), "out", tuple(places))
    target = dataclasses.replace(one, name="out", shape=node_shape(node, *sources))
    return joined(node, sources, target)


def random_table(rng) -> Graph:
    values = rng.integers(-128, 128, 256, dtype=np.int8)
    return single(Table("table", "in", "out", values), _random_tensor(rng),
                  zero_point=int(rng.integers(-128, 128)), scale=0.3)


def random_pad(rng) -> Graph:
    return single(Pad("pad", "in", "out", _integers(rng, 0, 3, 4)), _random_tensor(rng))


def softmax(source: Tensor, arithmetic="integer", dtype="int8") -> Graph:
    """A softmax as LiteRT (integer) or ONNX Runtime would have it."""
    scaled = {}
    if arithmetic == "integer":
        fraction, shift = math.frexp(source.scale * 2**26)
        scaled = {"multiplier": int(fraction * 2**31), "shift": shift}
    node = Softmax("softmax", "in", "out", arithmetic, **scaled)
    quantisation = (1 / 256, -128) if dtype == "int8" else (1.0, 0)
    return joined(node, [source], Tensor("out", source.shape, *quantisation, dtype))


def random_local_response(rng) -> Graph:
    source = _random_tensor(rng, scale=0.05)
    node = LocalResponse("lrn", "in", "out", int(rng.integers(1, 6)), rng.uniform(0, 1),
                         rng.uniform(0.3, 1), rng.uniform(0.5, 2))
    return single(node, source, zero_point=int(rng.integers(-20, 20)), scale=0.06)


def reshape(shape, out_shape) -> Graph:
    return single(Reshape("reshape", "in", "out"), Tensor("in", shape, 1.0, 0), out_shape)
