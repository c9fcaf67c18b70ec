"""TFLite models of the builtin operators that quantised networks have, in all pairs of attributes.

As tflite_pairs.py, but LiteRT answers them when the tests run.  ``OPERATORS`` maps a name to
options, a function of a Chosen, and whether a row of options is possible.
"""

import functools

import numpy as np
import tflite

from tests.support.covering import covering
from tests.support.tflite_pairs import DTYPES, ZEROS, Chosen

BASE = {"dtype": DTYPES, "image": [[1, 6, 5, 4], [1, 7, 7, 2]], "zero": ZEROS}
#: What a second operand may be.
SECOND = ["image", "channels", "pixel", "column", "number", "stored image", "stored channels",
          "stored number", "stored first", "itself"]  # fmt: skip
REAL = {"dtype": "float32", "scale": None}


def _second(draw, same):
    """Two operands, one of them now and then constant, or smaller than the other."""
    image, kind = draw.image, draw.row["second"]
    fields = same or {}
    first = draw.input(**fields)
    shapes = {"channels": [1, 1, 1, image[3]], "pixel": [1, image[3]],
              "column": [1, *image[1:3], 1], "number": [1, 1, 1, 1],
              "stored channels": [image[3]], "stored number": [], "stored first": [1, 1, 1,
                                                                                  image[3]]}
    shape = shapes.get(kind, image)
    if kind == "itself":
        return [first, first]
    if not kind.startswith("stored"):
        return [first, draw.input(shape, **fields)]
    info = np.iinfo(draw.dtype)
    fields = {"scale": draw.scale(), "zero": draw.zero(), **fields}
    data = draw.rng.integers(info.min, info.max + 1, shape)
    stored = draw.model.tensor(shape, draw.dtype, data=data, **fields)
    return [stored, first] if kind == "stored first" else [first, stored]


def binary(draw):
    op = draw.row["op"]
    same = draw.same() if op in ("MAXIMUM", "MINIMUM") else None
    fields = {} if op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE") else {
        "FusedActivationFunction": draw.activation()}
    if same:
        return draw.op(op, _second(draw, same), draw.image, **same)
    return draw.op(op, _second(draw, same), draw.image, scale=draw.scale(-2, 1), **fields)


def compared(draw):
    same = draw.same()
    return draw.op(draw.row["op"], _second(draw, same), draw.image, dtype="bool", scale=None)


def unary(draw):
    op, source = draw.row["op"], draw.input([1, 16, 16, 1])
    options = {"LEAKY_RELU": {"Alpha": 0.1}, "GELU": {"Approximate": draw.row["approximate"]}}
    return draw.op(op, [source], [1, 16, 16, 1], **options.get(op, {}))


def prelu(draw):
    channels, kind = draw.image[3], draw.row["slopes"]
    shape = {"one": [1, 1, 1], "pixels": draw.image[1:]}.get(kind, [1, 1, channels])
    low = {"any": -128}.get(kind, 0)
    zero = 128 if draw.dtype == "uint8" else 0
    data = draw.rng.integers(low, 128, shape) + zero
    slopes = draw.model.tensor(shape, draw.dtype, draw.scale(-9, -6), zero, data)
    return draw.op("PRELU", [draw.input(), slopes], draw.image)


def transpose(draw):
    same, order = draw.same(), draw.row["order"]
    order = order if draw.row["rank"] == 4 else [0, 2, 1]
    shape = [draw.image[axis] for axis in range(len(order))]
    return draw.op("TRANSPOSE", [draw.input(shape, **same), draw.model.constant(order)],
                   [shape[axis] for axis in order], **same)


def squeeze(draw):
    same, (_, height, width, channels) = draw.same(), draw.image
    if draw.row["op"] == "EXPAND_DIMS":
        shape = [1, height, channels]
        axis = draw.row["axis"]
        made = [*shape]
        made.insert(axis if axis >= 0 else axis + 4, 1)
        return draw.op("EXPAND_DIMS", [draw.input(shape, **same), draw.model.constant(axis)], made,
                       **same)
    return draw.op("SQUEEZE", [draw.input([1, 1, width, channels], **same)], [1, width, channels],
                   SqueezeDims=_vector([1]), **same)


def _vector(values):
    return np.array(values, np.int32)


def arg(draw):
    axis = draw.row["axis"]
    shape = [size for at, size in enumerate(draw.image) if at != axis % 4]
    kind = draw.row["type"]
    return draw.op(draw.row["op"], [draw.input(), draw.model.constant(axis)], shape,
                   dtype=kind, scale=None, OutputType=getattr(tflite.TensorType, kind.upper()))


def reduce(draw):
    axes, keep, op = draw.row["axes"], draw.row["keep"], draw.row["op"]
    over = {axis % 4 for axis in axes}
    shape = [1 if axis in over else size for axis, size in enumerate(draw.image)
             if keep or axis not in over]
    same = draw.same()
    out = {"scale": draw.scale(-2, 2)} if op in ("SUM", "MEAN") else same
    return draw.op(op, [draw.input(**same), draw.model.constant(axes)], shape, KeepDims=keep,
                   **out)


def resize(draw):
    same, (height, width) = draw.same(), draw.row["size"]
    return draw.op(draw.row["op"], [draw.input(**same), draw.model.constant([height, width])],
                   [1, height, width, draw.image[3]], **same, AlignCorners=draw.row["corners"],
                   HalfPixelCenters=draw.row["half"])


def bilinear(draw):
    """By powers of two, which the machine computes, and others."""
    same, (_, height, width, channels) = draw.same(), draw.image
    down, across = draw.row["by"]
    sizes = [height * down, width * across]
    if draw.row["corners"]:
        sizes = [(height - 1) * down + 1, (width - 1) * across + 1]
    return draw.op("RESIZE_BILINEAR", [draw.input(**same), draw.model.constant(sizes)],
                   [1, *sizes, channels], **same, AlignCorners=draw.row["corners"],
                   HalfPixelCenters=draw.row["half"])


def padding(draw):
    same, op, pads = draw.same(), draw.row["op"], draw.row["pads"]
    shape = [size + sum(pad) for size, pad in zip(draw.image, pads, strict=True)]
    inputs = [draw.input(**same), draw.model.constant(pads, draw.row["index"])]
    if op == "PADV2":
        inputs.append(draw.model.tensor([1], draw.dtype, data=[7], **same))
    return draw.op(op, inputs, shape, **same,
                   **({"Mode": draw.row["mode"]} if op == "MIRROR_PAD" else {}))


def moved(draw):
    """What only moves elements."""
    same, (_, height, width, channels) = draw.same(), draw.image
    op, source, fixed = draw.row["op"], draw.input(**same), draw.model.constant
    if op == "REVERSE_V2":
        return draw.op(op, [source, fixed([draw.row["axis"]])], draw.image, **same)
    if op == "TILE":
        return draw.op(op, [source, fixed([1, 1, 2, 1])], [1, height, 2 * width, channels], **same)
    if op == "BROADCAST_TO":
        given = draw.input([1, 1, 1, channels], **same)
        draw.model.inputs.remove(source)
        return draw.op(op, [given, fixed(draw.image)], draw.image, **same)
    if op == "GATHER":
        shape = [*draw.image]
        shape[draw.row["axis"]] = 3
        return draw.op(op, [source, fixed([0, 1, 1])], shape, **same, Axis=draw.row["axis"])
    if op == "STRIDED_SLICE":
        step = [1, 1, 1, 1]
        step[draw.row["axis"]] = -1
        return draw.op(op, [source, fixed([0, 0, 0, 0]), fixed([0, 0, 0, 0]), fixed(step)],
                       draw.image, **same, BeginMask=15, EndMask=15, ShrinkAxisMask=0)
    made = draw.op("SPACE_TO_BATCH_ND", [source, fixed([2, 2]), fixed(
        [[0, height % 2], [0, width % 2]])], [4, -(-height // 2), -(-width // 2), channels], **same)
    return draw.op("BATCH_TO_SPACE_ND", [made, fixed([2, 2]), fixed(
        [[0, height % 2], [0, width % 2]])], draw.image, **same)


def chosen(draw):
    """What selects: the larger ones, or by a condition."""
    same, op = draw.same(), draw.row["op"]
    first, second = draw.input(**same), draw.input(**same)
    if op == "TOPK_V2":
        draw.model.inputs.remove(second)
        values = draw.model.split(op, [first, draw.model.constant(2)], [[*draw.image[:3], 2]] * 2,
                                  dtype=draw.dtype, **same)
        draw.model.tensors[values[1]].update(dtype="int32", scale=None)
        return values[0]
    which = draw.op("GREATER", [first, second], draw.image, dtype="bool", scale=None)
    return draw.op(op, [which, first, second], draw.image, **same)


def normal(draw):
    op = draw.row["op"]
    fields = {"L2_NORMALIZATION": {"scale": 1 / 128, "zero": 0},
              "LOG_SOFTMAX": {"scale": 16 / 256, "zero": 127},
              "SOFTMAX": {"scale": draw.row["scale"], "zero": -128}}[op]
    if draw.dtype == "uint8":
        fields["zero"] += 128
    shape = [1, 9] if draw.row["rank"] == 2 else draw.image
    return draw.op(op, [draw.input(shape)], shape, **fields,
                   **({"Beta": 1.0} if op == "SOFTMAX" else {}))


def matmul(draw):
    x, y = draw.row["adjoint"]
    first = draw.input([1, 3, 5, 4][:] if not x else [1, 3, 4, 5])
    second = draw.input([1, 3, 6, 4] if y else [1, 3, 4, 6])
    return draw.op("BATCH_MATMUL", [first, second], [1, 3, 5, 6], scale=0.5, AdjX=x, AdjY=y)


def real(draw):
    """A float operator between a DEQUANTIZE and a QUANTIZE."""
    source = draw.model.op("DEQUANTIZE", [draw.input()], draw.image, **REAL)
    made = draw.model.op(draw.row["op"], [source], draw.image, **REAL)
    return draw.op("QUANTIZE", [made], draw.image)


def cast(draw):
    source = draw.input()
    kind = draw.row["to"]
    return draw.op("CAST", [source], draw.image, dtype=kind, scale=None)


#: LiteRT's reference kernels of these know no uint8.
INT8_ONLY = {"ABS", "RSQRT", "SQUARED_DIFFERENCE", "EXP", "GELU", "LOG", "ELU", "BATCH_MATMUL"}
HOST_OF = {"dtype": DTYPES, "zero": ZEROS}
OPERATORS = {
    "binary": ({**BASE, "activation": [0, 1, 2, 3], "second": SECOND,
                "op": ["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"]},
               binary, None),
    "compared": ({**BASE, "second": SECOND, "op": [
        "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL"]}, compared, None),
    "unary": ({**HOST_OF, "approximate": [False, True], "op": [
        "ABS", "LEAKY_RELU", "ELU", "EXP", "LOG", "GELU", "RSQRT", "NEG", "RELU_0_TO_1", "SIGN",
    ]}, unary, None),
    "prelu": ({**BASE, "slopes": ["one", "channels", "any", "pixels"]}, prelu, None),
    "transpose": ({**BASE, "rank": [3, 4], "order": [
        [0, 1, 2, 3], [0, 1, 3, 2], [0, 2, 1, 3], [0, 2, 3, 1], [0, 3, 1, 2], [0, 3, 2, 1]]},
        transpose, None),
    "squeeze": ({**BASE, "op": ["SQUEEZE", "EXPAND_DIMS"], "axis": [1, 2, 3, -1]}, squeeze, None),
    "arg": ({**BASE, "op": ["ARG_MAX", "ARG_MIN"], "axis": [1, 2, 3, -1],
             "type": ["int32", "int64"]}, arg, None),
    "reduce": ({**BASE, "op": ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"],
                "axes": [[1, 2], [3], [1], [-2], [1, 2, 3]], "keep": [False, True]}, reduce, None),
    "resize": ({**BASE, "op": ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"],
                "size": [[12, 10], [7, 9], [3, 3], [13, 4]], "corners": [False, True],
                "half": [False, True]}, resize,
               lambda row: not (row["corners"] and row["half"])),
    "bilinear": ({**BASE, "by": [[2, 2], [4, 4], [8, 8], [1, 2], [8, 2], [3, 2]],
                  "corners": [False, True], "half": [False, True]}, bilinear,
                 lambda row: not (row["corners"] and row["half"])),
    "padding": ({**BASE, "op": ["PAD", "PADV2", "MIRROR_PAD"], "index": ["int32", "int64"],
                 "mode": [0, 1], "pads": [[[0, 0], [1, 1], [2, 0], [0, 0]],
                                          [[0, 0], [0, 0], [0, 0], [1, 1]]]}, padding, None),
    "moved": ({**BASE, "axis": [1, 2, 3], "op": [
        "REVERSE_V2", "TILE", "BROADCAST_TO", "GATHER", "STRIDED_SLICE", "SPACE_TO_BATCH_ND"]},
        moved, None),
    "chosen": ({**BASE, "op": ["TOPK_V2", "SELECT", "SELECT_V2"]}, chosen, None),
    "normal": ({**BASE, "op": ["L2_NORMALIZATION", "LOG_SOFTMAX", "SOFTMAX"], "rank": [2, 4],
                "scale": [1 / 256]}, normal, None),
    "matmul": ({**HOST_OF, "adjoint": [(False, False), (True, False), (False, True),
                                       (True, True)]}, matmul, None),
    "real": ({**BASE, "op": ["SIN", "COS", "EXP", "ABS", "TANH", "LOGISTIC", "NEG", "SQUARE",
                             "ROUND", "FLOOR", "CEIL", "RELU", "HARD_SWISH", "ELU"]}, real, None),
    "cast": ({**BASE, "to": ["float32", "int32", "int64", "bool", "int16"]}, cast, None),
}  # fmt: skip


@functools.cache
def rows(name, seed=0) -> list[dict]:
    """The rows of an operator's options."""
    options, _, possible = OPERATORS[name]
    return covering(options, possible or (lambda row: True), seed)


def draw(name, number, seed=0):
    """The bytes of the model of a row, and images for the model's inputs."""
    made = Chosen(rows(name, seed)[number], [list(OPERATORS).index(name), number, seed])
    made.model.output(OPERATORS[name][1](made))
    return made.model.content(), made.inputs()
