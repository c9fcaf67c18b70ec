"""Steps of random ONNX networks: operators on two values and on every byte, and moves of bytes."""

import numpy as np
from onnx import TensorProto

from tests.support.random_graphs.onnx_layers import BYTE
from tests.support.random_graphs.onnx_sketch import Sketch, Value


def partner(s: Sketch, v: Value, alike=0.0) -> Value:
    """Another value of a value's shape, or one that repeats in it; an input where there is none."""
    image, draw = v.shape, s.rng.random()
    shape = image
    if len(image) > 1 and draw < 0.45:  # a pixel, mostly, or a plane, row or column
        which = s.choose(["pixel", "pixel", "pixel", "plane", "row", "column"])
        kept = {"pixel": [0], "plane": [1, 2], "row": [1], "column": [2]}[which]
        shape = tuple(size if n in kept else 1 for n, size in enumerate(image))
    found = [one for one in s.values if one.shape == shape and one is not v]
    if found and s.chance(0.7):
        return s.choose(found)
    if shape != image and image[0] == shape[0] and s.chance(0.7):  # a gate
        real = s.node("ReduceMax", [s.real(v), s.const([2, 3])] if s.net.opset >= 18 else [
            s.real(v)], **({"axes": [2, 3]} if s.net.opset < 18 else {}))
        made = s.like(v)
        s.net.node("QuantizeLinear", [real, *made.params], made.name)
        made.shape = shape
        return made
    if shape == image and s.chance(0.5):
        return v
    return s.input(shape)


def pair(s: Sketch) -> None:
    """Sums, differences, products and extremes."""
    v = s.source(1, 2, 3)
    other, op = partner(s, v), s.choose(["Add", "Sub", "Mul", "Mul", "Max", "Min"])
    pairs = [v, other] if s.chance(0.5) else [other, v]
    spread = (v.scale**2 + other.scale**2) ** 0.5 * BYTE
    if op == "Mul":
        spread = v.scale * other.scale * BYTE**2
    near = None if op in ("Max", "Min") else op
    if s.qoperator() and op in ("Add", "Mul"):
        inputs = [*s.bytes(pairs[0]), *s.bytes(pairs[1])]
        y = s.value(s.about(spread), near=f"QLinear{op}")
        s.net.node(f"QLinear{op}", [*inputs, *y.params], y.name, domain="com.microsoft")
        return
    value = s.node(op, [s.real(one) for one in pairs])
    if s.chance(0.3):
        value = s.node("Relu", [value])
    s.quantise(value, s.about(spread), near=near)


def per_channel(s: Sketch) -> None:
    """Constants for channels: factors, divisors, shifts, statistics, slopes."""
    v = s.source(2, 3)
    rng, size = s.rng, (v.shape[0], *(1 for _ in v.shape[1:]))
    size = size if s.chance(0.7) else ()
    op = s.choose(["Mul", "Div", "Add", "Sub", "Max", "Min", "BatchNormalization", "PRelu"])
    real = s.real(v)
    if op == "BatchNormalization":
        names = [s.const(rng.uniform(0.3, 1.5, v.shape[0]), np.float32) for _ in range(4)]
        value = s.node(op, [real, *names])
    else:
        unit = 1 if op in ("Mul", "Div", "PRelu") else v.scale * BYTE
        numbers = rng.uniform(0.2, 1.5, size) * unit * rng.choice([-1, 1], size)
        constant = s.const(numbers, np.float32)
        first = s.chance(0.5) and op not in ("Div", "PRelu")
        value = s.node(op, [constant, real] if first else [real, constant])
    if s.chance(0.3):
        value = s.node("Relu", [value])
    # One number for all channels makes a table, which is exact.
    table = size == () and op != "BatchNormalization"
    s.quantise(value, s.about(v.scale * BYTE), near=None if table else f"{op} by channel")


#: Functions as exporters write them, of a sketch, a float's name and numbers for it.
FUNCTIONS = {
    **{op: lambda s, x, op=op: s.node(op, [x])
       for op in ("Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "HardSigmoid", "Relu", "Elu",
                  "Softplus", "Erf", "Abs", "Neg", "Softsign")},
    "Clip": lambda s, x: s.node("Clip", [x, s.const(-1, np.float32), s.const(1.5, np.float32)]),
    "SiLU": lambda s, x: s.node("Mul", [x, s.node("Sigmoid", [x])]),
    "Mish": lambda s, x: s.node("Mul", [x, s.node("Tanh", [s.node("Softplus", [x])])]),
    "GELU": lambda s, x: s.node("Mul", [s.node("Mul", [x, s.node("Add", [
        s.node("Erf", [s.node("Div", [x, s.const(2**0.5, np.float32)])]),
        s.const(1, np.float32)])]), s.const(0.5, np.float32)]),
    "HSwish": lambda s, x: s.node("Mul", [x, s.node("Div", [s.node("Clip", [
        s.node("Add", [x, s.const(3, np.float32)]), s.const(0, np.float32),
        s.const(6, np.float32)]), s.const(6, np.float32)])]),
    "Pow": lambda s, x: s.node("Pow", [x, s.const(2, np.float32)]),
}  # fmt: skip


def function(s: Sketch) -> None:
    """A function of every byte, perhaps of several operators; QLinearSigmoid and -LeakyRelu."""
    v = s.source(1, 2, 3)
    if s.qoperator():
        op = s.choose(["Sigmoid", "LeakyRelu"])
        source = s.bytes(v)
        y = s.value(1 / 256 if op == "Sigmoid" else v.scale, -128 if op == "Sigmoid" else None)
        s.net.node(f"QLinear{op}", [*source, *y.params], y.name, domain="com.microsoft")
        return
    name = s.choose([*FUNCTIONS])
    value = FUNCTIONS[name](s, s.real(v))
    s.quantise(value, 1 / 100 if name in ("Sigmoid", "Tanh", "Erf", "HardSigmoid", "Softsign")
               else s.about(v.scale * BYTE * (v.scale * BYTE if name == "Pow" else 1)))


def gated(s: Sketch) -> None:
    """x * f(x) with quantised values between, as quantisers write what exporters wrote."""
    v = s.source(1, 2, 3)
    real = s.real(v)
    value = s.node(s.choose(["Sigmoid", "HardSigmoid"]), [real])
    inner = s.value(1 / 256, -128)
    s.net.node("QuantizeLinear", [value, *inner.params], inner.name)
    inner.shape = v.shape
    y = s.about(v.scale * BYTE)
    if s.qoperator():
        inputs = [*s.bytes(v), *s.bytes(inner)]
        made = s.value(y, near="QLinearMul")
        s.net.node("QLinearMul", [*inputs, *made.params], made.name, domain="com.microsoft")
        return
    s.quantise(s.node("Mul", [real, s.real(inner)]), y, near="Mul")


def moved(s: Sketch, v: Value, op: str, *constants, **attributes) -> None:
    """An operator that puts bytes elsewhere: on integers, or between floats."""
    integer = op not in ("Resize",) and s.chance(0.35)
    source = s.bytes(v)[0] if integer else s.real(v)
    if integer:
        made = s.like(v)
        s.net.node(op, [source, *constants], made.name, **attributes)
        return
    value = s.node(op, [source, *constants], **attributes)
    if s.chance(0.7):
        made = s.like(v)
        s.net.node("QuantizeLinear", [value, *made.params], made.name)
    else:
        s.quantise(value, s.about(v.scale * BYTE))


def slice_(s: Sketch) -> None:
    v = s.source(2, 3)
    axes = [n + 1 for n in range(len(v.shape)) if s.chance(0.5)] or [1]
    numbers = [], [], []
    for axis in axes:
        size = v.shape[axis - 1]
        first = s.whole(0, size - 1)
        last = s.whole(first + 1, size)
        numbers[0].append(first - size if s.chance(0.3) else first)
        numbers[1].append(1 << 40 if last == size and s.chance(0.5) else last)
        numbers[2].append(s.whole(1, 2))
    starts, ends, steps = numbers
    moved(s, v, "Slice", *map(s.const, (starts, ends, axes, steps)))


def split(s: Sketch) -> None:
    """Split, and its parts joined in another order, or one of them by itself."""
    v = s.source(2, 3)
    axis = s.whole(1, len(v.shape))
    size = v.shape[axis - 1]
    first = s.whole(1, size - 1)
    sizes = [first, size - first]
    if s.chance(0.4) and size - first > 1:
        sizes = [first, 1, size - first - 1]
    names = [s.name("part") for _ in sizes]
    s.net.split([s.real(v), s.const(sizes)], names, axis=axis)
    if s.chance(0.3):
        value = s.choose(names)
    else:
        again = [s.node("Relu", [name]) if s.chance(0.3) else name for name in names]
        value = s.node("Concat", again[::-1], axis=axis)
    made = s.like(v)
    s.net.node("QuantizeLinear", [value, *made.params], made.name)


def concat(s: Sketch) -> None:
    """Values behind each other on any axis, of their own scales."""
    v = s.source(2, 3)
    axis = s.whole(1, len(v.shape))

    def fits(one):
        return len(one.shape) == len(v.shape) and all(
            a == b or n == axis - 1 for n, (a, b) in enumerate(zip(one.shape, v.shape, strict=True)
                                                               ))

    found = [one for one in s.values if fits(one)]
    parts = [v, *(s.choose(found) for _ in range(s.whole(1, 2)))]
    parts = [parts[n] for n in s.rng.permutation(len(parts))]
    scale = max(part.scale for part in parts)
    if s.qoperator():
        inputs = sum((s.bytes(part) for part in parts), [])
        y = s.value(scale)
        s.net.node("QLinearConcat", [*y.params, *inputs], y.name, domain="com.microsoft", axis=axis)
        return
    value = s.node("Concat", [s.real(part) for part in parts], axis=axis)
    if s.chance(0.5):
        made = s.like(v)
        s.net.node("QuantizeLinear", [value, *made.params], made.name)
    else:
        s.quantise(value, s.about(scale * BYTE))


def shuffle(s: Sketch) -> None:
    """A channel shuffle: Reshape, Transpose, Reshape."""
    v = s.source(3)
    channels, height, width = v.shape
    groups = s.choose([n for n in range(2, channels + 1) if channels % n == 0])
    value = s.node("Reshape", [s.real(v), s.const([0, groups, channels // groups, height, width])])
    value = s.node("Transpose", [value], perm=[0, 2, 1, 3, 4])
    value = s.node("Reshape", [value, s.const([0, channels, height, width])])
    made = s.like(v)
    s.net.node("QuantizeLinear", [value, *made.params], made.name)


def transpose(s: Sketch) -> None:
    v = s.source(2, 3)
    moved(s, v, "Transpose", perm=[0, *(int(n) + 1 for n in s.rng.permutation(len(v.shape)))])


def depth(s: Sketch) -> None:
    v, block = s.source(3), s.whole(2, 3)
    channels, height, width = v.shape
    if channels % block**2 == 0:
        moved(s, v, "DepthToSpace", blocksize=block, mode=s.choose(["DCR", "CRD"]))
    elif height % block == width % block == 0:
        moved(s, v, "SpaceToDepth", blocksize=block)
    else:
        raise ValueError("no such block")


def reshape(s: Sketch) -> None:
    """Squeeze, Unsqueeze, Flatten, Reshape."""
    v, what = s.source(1, 2, 3), s.whole(0, 3)
    if what == 0 and 1 in v.shape[1:]:
        return moved(s, v, "Squeeze", s.const([1 + v.shape.index(1, 1)]))
    if what == 1 and len(v.shape) < 3:
        return moved(s, v, "Unsqueeze", s.const([s.whole(1, len(v.shape) + 1)]))
    if what == 2 and len(v.shape) > 1:
        return moved(s, v, "Flatten")
    rest = [*v.shape[1:]]
    shape = [0, -1, *rest[::-1]] if s.chance(0.5) else [0, *v.shape[:1], -1]
    return moved(s, v, "Reshape", s.const(shape))


def pad(s: Sketch) -> None:
    v = s.source(2, 3)
    mode = s.choose(["constant", "constant", "reflect", "edge"])
    room = [0, *(min(2, size - 1) for size in v.shape[1:])]
    amounts = [0, *(s.whole(0, most) for most in room), 0, *(s.whole(0, most) for most in room)]
    value = s.node("Pad", [s.real(v), s.const(amounts)], mode=mode)
    made = s.like(v)
    s.net.node("QuantizeLinear", [value, *made.params], made.name)


def nearest(s: Sketch) -> None:
    v = s.source(2, 3)
    factors = [float(s.whole(1, 3)) for _ in v.shape[1:]]
    how = s.choose([("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"),
                    ("half_pixel", "round_prefer_ceil"), ("align_corners", "floor")])
    moved(s, v, "Resize", "", s.const([1, 1, *factors], np.float32), mode="nearest",
          coordinate_transformation_mode=how[0], nearest_mode=how[1])


def linear(s: Sketch) -> None:
    v = s.source(3)
    factors = [float(s.choose([1, 2, 2, 4])) for _ in range(2)]
    mode = s.choose(["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"])
    value = s.node("Resize", [s.real(v), "", s.const([1, 1, *factors], np.float32)],
                   mode="linear", coordinate_transformation_mode=mode)
    s.quantise(value, s.about(v.scale * BYTE), near="Resize linear")


def rescaled(s: Sketch) -> None:
    """A change of scale alone: the second branch of a tensor that is quantised twice."""
    v = s.source(1, 2, 3)
    s.quantise(s.node("Relu", [s.real(v)]), s.about(v.scale * BYTE))
    s.quantise(s.node("Identity", [s.real(v)]), s.about(v.scale * BYTE))


STEPS = {"pair": (pair, 4), "per_channel": (per_channel, 2), "function": (function, 2),
         "gated": (gated, 1.5), "slice": (slice_, 1.5), "split": (split, 1.5),
         "concat": (concat, 2), "shuffle": (shuffle, 1.5), "transpose": (transpose, 0.7),
         "depth": (depth, 1), "reshape": (reshape, 0.7), "pad": (pad, 1),
         "nearest": (nearest, 1), "linear": (linear, 0.7), "rescaled": (rescaled, 0.7)}


def arg_max(s: Sketch) -> None:
    v = s.source(1, 2, 3)
    s.ends[s.node("ArgMax", [s.real(v)], axis=1, keepdims=s.whole(0, 1))] = TensorProto.INT64


def float_end(s: Sketch) -> None:
    s.ends[s.real(s.source(1, 2, 3))] = TensorProto.FLOAT


def soft_end(s: Sketch) -> None:
    s.ends[s.node("Softmax", [s.real(s.source(1, 2, 3))], axis=1)] = TensorProto.FLOAT


ENDS = {"arg_max": (arg_max, 1), "float_end": (float_end, 1), "soft_end": (soft_end, 1)}
