"""Steps of random ONNX networks: layers with weights, poolings, and what the host computes."""

import numpy as np
from onnx import TensorProto

from tests.support.onnx_pairs_weighted import present
from tests.support.random_graphs.onnx_sketch import Sketch, Value

#: The standard deviation of random bytes, and of random weights.
BYTE, WEIGHT = 50, 73


def window(s: Sketch, sizes, most=3, dilated=0.2, pool=False) -> dict:
    """Random attributes of a window on an image or line."""
    rank = len(sizes)
    kernel = [s.whole(1, min(size, most)) for size in sizes]
    made = {"kernel_shape": kernel}
    if s.chance(0.5):
        made["strides"] = [s.whole(1, 3) for _ in sizes]
    reach, mode = [*kernel], s.rng.random()
    if s.chance(dilated):
        made["dilations"] = [s.whole(1, 3) for _ in sizes]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, made["dilations"], strict=True)]
        mode = max(mode, 0.35)  # ONNX Runtime dilates nothing that is SAME
    if mode < 0.25:
        if pool and "strides" in made:  # its padding must not be negative
            made["strides"] = [min(pair) for pair in zip(kernel, made["strides"], strict=True)]
        made["auto_pad"] = s.choose(["SAME_UPPER", "SAME_LOWER"])
    elif mode < 0.35:
        made["auto_pad"] = "VALID"
    elif mode < 0.8:
        made["pads"] = [s.whole(0, max(0, reach[n % rank] - 1)) for n in range(2 * rank)]
    if not made.get("auto_pad", "").startswith("SAME"):  # ONNX Runtime crashes of empty results
        pads = made.get("pads", [0] * 2 * rank)
        if any(size + pads[n] + pads[n + rank] < reach[n] for n, size in enumerate(sizes)):
            raise ValueError("no window fits")
    return made | {"kernel": kernel}


def stored(s: Sketch, shape, axis, v: Value, biased=0.7):
    """Weights for a value: names, attributes, scale; and the names of a bias, or none."""
    dtype, rng, count = np.int8, s.rng, shape[axis]
    if v.dtype == np.uint8 and s.chance(0.4):
        dtype = np.uint8
    wide = s.chance(0.5)
    scales = rng.uniform(0.002, 0.01, count if wide else ()).astype(np.float32)
    zero = s.whole(-40, 40) if dtype == np.uint8 and s.chance(0.5) else 0
    values = rng.integers(-127, 128, shape) + (128 if dtype == np.uint8 else 0)
    w = s.const(values, dtype)
    names = [w, *s.net.params(w, scales, np.full(scales.shape, zero), dtype)]
    along = {"axis": axis} if wide else {}
    if not s.chance(biased):
        return names, along, scales.mean(), []
    b = s.const(rng.integers(-3000, 3000, count), np.int32)
    unit = scales * np.float32(v.scale)
    return names, along, scales.mean(), [b, *s.net.params(b, unit, None, np.int32)]


def layer(s: Sketch, op: str, v: Value, shape, axis, terms: int, **options) -> None:
    """A Conv, ConvTranspose or MatMul in one of its forms."""
    back = op == "ConvTranspose"
    bias = 0.0 if op == "MatMul" else 0.7
    w, along, scale, b = stored(s, shape, axis, v, bias)
    out = s.about(v.scale * BYTE * scale * WEIGHT * max(1, terms) ** 0.5)
    if s.qoperator() and not back:
        source, y = s.bytes(v), s.value(out)
        inputs = [*source, *w, *y.params, *b[:1]]
        s.net.node(f"QLinear{op}", inputs, y.name, **options)
        return
    inputs = [s.real(v), s.net.node("DequantizeLinear", w, s.name("w"), **along)]
    if b:
        inputs.append(s.net.node("DequantizeLinear", b, s.name("b"), **(along and {"axis": 0})))
    value, near = s.node(op, inputs, **options), "ConvTranspose" if back else None
    if s.chance(0.2):
        channels = shape[axis] * (options.get("group", 1) if back else 1)
        value, near = behind(s, value, channels, len(v.shape) - 1, out), "constants behind a layer"
    if s.chance(0.4):
        value, near = activation(s, value, out), near or f"{op}, activation"
    summed(s, v, value, out, op, near)


def summed(s: Sketch, v: Value, real: str, scale: float, op: str, near=None) -> Value:
    """Quantise a sum of products; to another type than its input's ONNX Runtime does in float."""
    made = s.quantise(real, scale, near=near)
    if made.dtype != v.dtype:
        s.near.setdefault(made.name, f"{op} to another type")
    return made


def behind(s: Sketch, value: str, channels: int, axes: int, scale: float) -> str:
    """Batch normalisation, or a factor or shift per channel, of sums that are not quantised yet."""
    factors = s.rng.uniform(0.5, 1.5, channels) * s.rng.choice([-1, 1], channels)
    shifts = s.rng.normal(0, 20 * scale, channels)
    op = s.choose(["BatchNormalization", "Add", "Mul", "Sub", "Div"] if axes else ["Add", "Mul"])
    if op == "BatchNormalization":
        ones = np.ones(channels)
        return s.node(op, [value, *(s.const(each, np.float32)
                                    for each in (factors, shifts, shifts / 2, ones))])
    numbers = shifts if op in ("Add", "Sub") else factors
    return s.node(op, [value, s.const(numbers.reshape(-1, *[1] * axes), np.float32)])


def activation(s: Sketch, value: str, scale: float) -> str:
    """A Relu or Clip."""
    if s.chance(0.6):
        return s.node("Relu", [value])
    return s.node("Clip", [value, s.const(-20 * scale, np.float32),
                           s.const(60 * scale, np.float32)])


def conv(s: Sketch) -> None:
    v = s.source(2, 3)
    channels, options = v.shape[0], window(s, v.shape[1:])
    kernel, groups, filters = options.pop("kernel"), 1, s.whole(1, 12)
    if s.chance(0.35):
        groups = channels if s.chance(0.6) else s.choose([n for n in range(1, channels + 1)
                                                          if channels % n == 0])
        filters = groups * s.whole(1, 2)
    shape = (filters, channels // groups, *kernel)
    terms = int(np.prod(shape[1:]))
    layer(s, "Conv", v, shape, 0, terms, **options, **present(group=groups if groups > 1 else None))


def conv_transpose(s: Sketch) -> None:
    v = s.source(2, 3)
    channels, sizes = v.shape[0], v.shape[1:]
    kernel, strides = [s.whole(1, 4) for _ in sizes], [s.whole(1, 3) for _ in sizes]
    groups = s.choose([1, 1, channels])
    options = present(group=groups if groups > 1 else None) | {"strides": strides}
    draw = s.rng.random()
    if draw < 0.4:
        options["pads"] = [s.whole(0, kernel[n % len(sizes)] // 2) for n in range(2 * len(sizes))]
        options["output_padding"] = [s.whole(0, stride - 1) for stride in strides]
    elif draw < 0.6:
        options["auto_pad"] = s.choose(["SAME_UPPER", "SAME_LOWER", "VALID"])
    if s.chance(0.2):
        options["dilations"] = [s.whole(1, 2) for _ in sizes]
    shape = (channels, s.whole(1, 6) if groups == 1 else s.whole(1, 2), *kernel)
    layer(s, "ConvTranspose", v, shape, 1, channels // groups * int(np.prod(kernel)) // 2,
          **options)


def dense(s: Sketch) -> None:
    """A vector, or the flattened image, times a matrix; or every pixel of a transposed image."""
    v = s.source(1, 2, 3)
    if len(v.shape) == 3 and s.chance(0.4) and not s.qoperator():
        w, along, scale, _ = stored(s, (v.shape[0], s.whole(1, 9)), 1, v, 0)
        real = s.node("Transpose", [s.real(v)], perm=[0, 2, 3, 1])
        out = s.about(v.scale * BYTE * scale * WEIGHT * v.shape[0] ** 0.5)
        weights = s.net.node("DequantizeLinear", w, s.name("w"), **along)
        turned = s.like(v)
        s.net.node("QuantizeLinear", [real, *turned.params], turned.name)
        product = s.node("MatMul", [s.real(turned), weights])
        made = summed(s, v, product, out, "MatMul")
        back = s.like(made)
        s.net.node("QuantizeLinear", [s.node("Transpose", [s.real(made)], perm=[0, 3, 1, 2]),
                                      *back.params], back.name)
        return
    if len(v.shape) > 1:
        flat = s.like(v)
        v.used, length = True, int(np.prod(v.shape))
        s.net.node("Flatten", [v.name], flat.name)
        flat.shape, v = (length,), flat
    length, outputs = v.shape[0], s.whole(2, 12)
    if s.chance(0.6):
        layer(s, "MatMul", v, (length, outputs), 1, length)
        return
    turned = s.chance(0.5)
    shape, axis = ((outputs, length), 0) if turned else ((length, outputs), 1)
    w, along, scale, b = stored(s, shape, axis, v)
    out = s.about(v.scale * BYTE * scale * WEIGHT * length**0.5)
    if s.qoperator():
        source, y = s.bytes(v), s.value(out)
        s.net.node("QGemm", [*source, *w, b[0] if b else "", *y.params], y.name,
                   domain="com.microsoft", transB=int(turned))
        return
    inputs = [s.real(v), s.net.node("DequantizeLinear", w, s.name("w"), **along)]
    if b:
        inputs.append(s.net.node("DequantizeLinear", b, s.name("b"), **(along and {"axis": 0})))
    value, near = s.node("Gemm", inputs, transB=int(turned)), None
    if s.chance(0.4):
        value, near = activation(s, value, out), "Gemm, activation"
    summed(s, v, value, out, "Gemm", near)


def integer(s: Sketch) -> None:
    """MatMulInteger, a Cast and a factor; or ConvInteger, which ONNX Runtime has for uint8 only."""
    v = s.source(1, 3)
    image = len(v.shape) == 3
    shape = (s.whole(1, 8), v.shape[0], 1, 1) if image else (v.shape[0], s.whole(2, 9))
    w, value = s.const(s.rng.integers(-127, 128, shape), np.int8), s.bytes(v)
    op = "ConvInteger" if image else "MatMulInteger"
    made = s.node("Cast", [s.node(op, [value[0], w, value[2]])], to=TensorProto.FLOAT)
    wide = (shape[0], 1, 1) if image else (shape[1],)
    factors = s.rng.uniform(0.5, 2, wide if s.chance(0.5) else ()) / 4000
    made = s.node("Mul", [made, s.const(factors, np.float32)])
    s.quantise(made, s.about(BYTE * WEIGHT * v.shape[0] ** 0.5 / 4000), near=op)


def max_pool(s: Sketch) -> None:
    v = s.source(2, 3)
    options = window(s, v.shape[1:], 4, 0.3, pool=True)
    options.pop("kernel")
    if s.chance(0.3) and "auto_pad" not in options:
        options["ceil_mode"] = 1
    if s.qoperator() or s.chance(0.2):
        source, made = s.bytes(v)[0], s.like(v)
        s.net.node("MaxPool", [source], made.name, **options)
        return
    value = s.node("MaxPool", [s.real(v)], **options)
    if s.chance(0.2):
        value = activation(s, value, v.scale)
    if s.chance(0.6):
        made = s.like(v)
        s.net.node("QuantizeLinear", [value, *made.params], made.name)
    else:
        s.quantise(value, s.about(v.scale * BYTE))


def average(s: Sketch) -> None:
    v = s.source(2, 3)
    options = window(s, v.shape[1:], 4, 0, pool=True)
    options.pop("kernel")
    if s.chance(0.3):
        options["count_include_pad"] = 1
    if s.chance(0.3) and "auto_pad" not in options:
        options["ceil_mode"] = 1
    if s.qoperator():
        source, y = s.bytes(v), s.value(v.scale * s.rng.uniform(0.4, 1), near="QLinearAveragePool")
        s.net.node("QLinearAveragePool", [*source, *y.params], y.name, domain="com.microsoft",
                   **options)
        return
    value = s.node("AveragePool", [s.real(v)], **options)
    same = s.chance(0.3)
    s.quantise(value, v.scale if same else v.scale * s.rng.uniform(0.4, 1),
               v.zero if same else None, near="AveragePool")


def whole(s: Sketch) -> None:
    """Poolings of all pixels, and reductions."""
    v = s.source(2, 3)
    op = s.choose(["GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax"])
    near = None if "Max" in op else op
    inputs, options = [], {}
    if op.startswith("Reduce"):
        axes = s.choose([[2, 3], [-1, -2]]) if len(v.shape) == 3 else [-1]
        inputs, options = [s.const(axes)], {"keepdims": s.whole(0, 1)}
        if s.net.opset < 18:
            inputs, options = [], options | {"axes": axes}
    scale = v.scale * BYTE / np.prod(v.shape[1:]) ** 0.5 if near else v.scale * BYTE
    if s.qoperator() and op == "GlobalAveragePool":
        source, y = s.bytes(v), s.value(s.about(scale), near=f"QLinear{op}")
        s.net.node(f"QLinear{op}", [*source, *y.params], y.name, domain="com.microsoft")
        return
    s.quantise(s.node(op, [s.real(v), *inputs], **options), s.about(scale), near=near)


def on_host(s: Sketch) -> None:
    """What the machine does not compute, between layers that it does."""
    v = s.source(2, 3)
    real, channels, rng = s.real(v), v.shape[0], s.rng
    what, spread, near = s.whole(0, 8), 1.0, None
    if what == 0:
        width = v.shape[-1]
        value = s.node("LayerNormalization", [real, s.const(rng.uniform(0.5, 2, width), np.float32),
                                              s.const(rng.normal(0, 1, width), np.float32)])
    elif what == 1:
        value, spread = s.node("Softmax", [real], axis=s.choose([1, -1])), 0.1
    elif what == 2:
        pair = [s.const(rng.uniform(0.5, 2, channels), np.float32) for _ in range(2)]
        value = s.node("InstanceNormalization", [real, *pair])
    elif what == 3:
        value = s.node("ReduceSum", [real, s.const([1])], keepdims=1)
        spread = v.scale * BYTE * channels**0.5
    elif what == 4:
        axis = s.whole(1, len(v.shape))
        picks = rng.integers(0, v.shape[axis - 1], s.whole(1, 5))
        value, spread = s.node("Gather", [real, s.const(picks)], axis=axis), v.scale * BYTE
    elif what == 5:  # attention's product
        order = [0, *range(1, len(v.shape) - 1), len(v.shape), len(v.shape) - 1]
        value = s.node("MatMul", [real, s.node("Transpose", [real], perm=order)])
        spread = (v.scale * BYTE) ** 2 * v.shape[-1] ** 0.5
    elif what == 6:
        value, near = s.node("LRN", [real], size=s.choose([1, 3, 5]), alpha=0.01), "LRN"
        spread = v.scale * BYTE
    elif what == 7:  # a layer that was left float
        shape = (s.whole(1, 6), channels, *(1 for _ in v.shape[1:]))
        value = s.node("Conv", [real, s.const(rng.normal(0, 1, shape), np.float32)])
        value, spread = s.node("Relu", [value]), v.scale * BYTE * channels**0.5
    else:
        value, spread = s.node("Tile", [real, s.const([1, 1, *(s.whole(1, 2) for _ in v.shape[
            1:])])]), v.scale * BYTE
    s.quantise(value, s.about(spread), near=near)


#: Steps by name, and how often each is drawn.
STEPS = {"conv": (conv, 6), "conv_transpose": (conv_transpose, 2), "dense": (dense, 1),
         "integer": (integer, 0.5), "max_pool": (max_pool, 2), "average": (average, 1.5),
         "whole": (whole, 0.7),
         "on_host": (on_host, 2)}  # fmt: skip
