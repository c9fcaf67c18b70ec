"""Operators that only move bytes, for onnx_pairs: all of them on the machine."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_weighted import TYPES, present
from tests.support.onnx_pairs_windows import SCALES

IMAGE = [8, 6, 5]


def begin(row, shape=None):
    """A network, its input's parameters, and the value that the operator gets."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], *(shape or IMAGE)])
    value = "x" if row["form"] == "integer" else net.real(x)
    if row["before"] == "pool":
        value = net.node("MaxPool", [value], "m", kernel_shape=[1, 1])
    elif row["before"] == "relu":
        value = net.node("Relu", [value], "m")
    return net, x, value


def end(row, net: Net, x, value):
    """Quantise the result, in integers and for the others' sake with a layer behind it."""
    if row["form"] == "integer":
        net.real([value, *x[1:]])
        return net.finish(value)
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


COMMON = {
    "form": ["qdq", "integer"], "dtype": TYPES, "batch": [1, "N"],
    "scales": list(SCALES), "before": [None, "pool", "relu"],
}


def possible(row) -> bool:
    """Integers have no Relu, and a MaxPool of them came with opset 12."""
    if row["form"] == "integer":
        return row["before"] is None or row["before"] == "pool" and row["opset"] >= 12
    return True


#: Axes, starts, ends, steps.
SLICES = {
    "rows": ([2], [1], [4], [1]), "columns": ([-1], [-4], [-1], [1]),
    "channels": ([1], [3], [7], [1]),
    "all": ([1, 2, 3], [2, 1, 0], [8, 99, 4], [1, 2, 3]),
    "left": (None, [0, 0, 1], [1, 5, 6], None),
    "paced": ([1], [1], [8], [3]), "one": ([3, 1], [-1, -1], [1 << 40, 1 << 40], [1, 1]),
    "clamped": ([2], [-99], [3], [2]), "paced channel": ([1, 3], [5, 1], [6, 5], [9, 2]),
}  # fmt: skip


def slice_(row):
    """Slice of rows, columns, channels, with steps."""
    net, x, value = begin(row)
    axes, starts, ends, steps = SLICES[row["slice"]]
    inputs = [net.const(name, values, np.int64)
              for name, values in (("starts", starts), ("ends", ends))]
    inputs += ["" if values is None else net.const(name, values, np.int64)
               for name, values in (("axes", axes), ("steps", steps))]
    while not inputs[-1]:
        inputs.pop()
    return end(row, net, x, net.node("Slice", [value, *inputs], "s"))


SLICE = Operator(
    COMMON | {"opset": [10, 11, 13, 19], "slice": list(SLICES)}, slice_,
    # "left" cuts the batch's first image.
    lambda row: possible(row) and not (row["batch"] == "N" and row["slice"] == "left"),
)

SPLITS = {"channels": (1, [3, 1, 4]), "rows": (2, [2, 3, 1]), "columns": (-1, [1, 2, 2]),
          "equal": (-3, [4, 4]), "odd": (3, [2, 2, 1])}  # fmt: skip


def split(row):
    """Split, its parts joined again in another order, or along another axis."""
    net, x, value = begin(row)
    axis, sizes = SPLITS[row["split"]]
    options, inputs = {"axis": axis}, [value]
    even = row["split"] in ("equal", "odd")
    if even and row["opset"] >= 18:
        options["num_outputs"] = len(sizes)
    elif row["split"] != "equal" and row["opset"] < 13:
        options["split"] = sizes
    elif row["split"] != "equal":
        inputs.append(net.const("sizes", sizes, np.int64))
    names = [f"part{number}" for number in range(len(sizes))]
    net.split(inputs, names, **options)
    joined = net.node("Concat", names[::-1] * 2 if row["twice"] else names[::-1], "c", axis=axis)
    return end(row, net, x, joined)


SPLIT = Operator(
    COMMON | {"opset": [10, 11, 13, 18, 21], "split": list(SPLITS), "twice": [True, False]},
    split, possible,
)  # fmt: skip

#: Every input row and column as often: by what, how places are computed and rounded.
RESIZES = {
    "asymmetric": (2, 3, "asymmetric", "floor"), "half": (2, 4, "half_pixel", "round_prefer_floor"),
    "ceil": (3, 2, "half_pixel", "round_prefer_ceil"), "odd": (3, 5, "half_pixel", None),
    "torch": (2, 2, "pytorch_half_pixel", "round_prefer_floor"),
    "large": (8, 1, "asymmetric", "floor"), "twice": (2, 2, "asymmetric", "round_prefer_floor"),
    "tf": (2, 2, "tf_half_pixel_for_nn", "floor"), "less": (1 / 2, 1, "asymmetric", "floor"),
    "mixed": (1 / 3, 2, "asymmetric", "floor"), "default": (2, 2, None, None),
    "symmetric": (2, 2, "half_pixel_symmetric", "round_prefer_floor"),
}  # fmt: skip


def resize(row):
    """Resize to the nearest pixel."""
    net, x, value = begin(row)
    down, across, mode, rounding = RESIZES[row["resize"]]
    scales = net.const("scales", [1, 1, down, across], np.float32)
    options = {"mode": "nearest"} if row["named"] else {}
    if row["opset"] == 10:
        return end(row, net, x, net.node("Resize", [value, scales], "r", **options))
    options |= present(coordinate_transformation_mode=mode, nearest_mode=rounding)
    roi = "" if row["opset"] >= 13 else net.const("roi", [], np.float32)
    inputs = [value, roi, scales]
    if row["sizes"]:
        channels, height, width = IMAGE
        sizes = [1, channels, int(height * down + 1e-6), int(width * across + 1e-6)]
        scales = "" if row["opset"] >= 13 else net.const("none", [], np.float32)
        inputs = [value, roi, scales, net.const("sizes", sizes, np.int64)]
    return end(row, net, x, net.node("Resize", inputs, "r", **options))


RESIZE = Operator(
    COMMON | {"opset": [10, 11, 13, 19], "resize": list(RESIZES), "sizes": [True, False],
              "named": [True, False]},
    resize,
    lambda row: possible(row) and not (row["opset"] < 18 and row["resize"] == "symmetric")
    and not (row["opset"] > 12 and row["resize"] == "tf")
    and not (row["batch"] == "N" and row["sizes"])
    and not (row["opset"] == 10 and (row["sizes"] or row["form"] == "integer")),
    least=0.75,
)  # fmt: skip


#: Interpolation: factors, how places are computed.
LINEAR = {
    "torch": (2, 2, "pytorch_half_pixel"), "half": (3, 2, "half_pixel"), "default": (4, 1, None),
    "asymmetric": (2, 3, "asymmetric"), "corners": (11 / 6, 9 / 5, "align_corners"),
    "uneven": (2, 2, "align_corners"), "down": (1 / 2, 1 / 3, "half_pixel"),
    "fraction": (3 / 2, 4 / 5, "half_pixel"), "less": (1 / 2, 2, "asymmetric"),
    "symmetric": (2, 2, "half_pixel_symmetric"), "eight": (8, 2, "half_pixel"),
    "sixteen": (16, 8, "half_pixel"), "same": (1, 1, "half_pixel"),
}  # fmt: skip


def linear(row):
    """Resize by linear interpolation, also of images of a single row, column or pixel."""
    shape = [3, *row["size"]]
    net, x, value = begin(row | {"form": "qdq"}, shape)
    factors, mode = LINEAR[row["resize"]][:2], LINEAR[row["resize"]][2]
    options = {"mode": "linear"} | present(coordinate_transformation_mode=mode)
    roi = "" if row["opset"] >= 13 else net.const("roi", [], np.float32)
    inputs = [value, roi, net.const("scales", [1, 1, *factors], np.float32)]
    if row["sizes"] or row["resize"] == "corners":
        sizes = [max(1, int(n * f + 1e-6)) for n, f in zip(shape, (1, *factors), strict=True)]
        scales = "" if row["opset"] >= 13 else net.const("none", [], np.float32)
        inputs[2:] = [scales, net.const("sizes", [1, *sizes], np.int64)]
    value = net.node("Resize", inputs, "r", **options)
    value = net.node("Relu", [value], "b") if row["behind"] else value
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


LINEARLY = Operator(
    {"dtype": TYPES, "opset": [11, 13, 19], "batch": [1, "N"], "scales": list(SCALES),
     "before": [None, "pool"], "resize": list(LINEAR), "sizes": [True, False],
     "size": [[6, 5], [1, 1], [1, 5], [6, 1]], "behind": [None, "Relu"]},
    linear,
    lambda row: not (row["opset"] < 18 and row["resize"] == "symmetric")
    and not (row["batch"] == "N" and (row["sizes"] or row["resize"] == "corners"))
    and not (row["resize"] in ("corners", "fraction", "down", "less") and row["size"] != [6, 5])
    # What the rows make, rounded, is then interpolated once more.
    and not (row["resize"] == "sixteen" and row["behind"]),
    ("interpolates finely must be quantised at once",),
    # Where an output lies halfway between two bytes, ONNX Runtime's float may be off either way.
    lambda row: 0.4 if row["resize"] == "sixteen" else 0.3 if row["scales"] == "same" else 0.01,
)  # fmt: skip


def depth(row):
    """DepthToSpace and SpaceToDepth."""
    block, mode = row["block"], row["mode"]
    shape = [3, 2 * block, 3 * block] if mode == "depth" else [row["count"] * block**2, 3, 2]
    net, x, value = begin(row, shape)
    if mode == "depth":
        return end(row, net, x, net.node("SpaceToDepth", [value], "d", blocksize=block))
    options = present(mode=mode if row["opset"] > 10 else None)
    return end(row, net, x, net.node("DepthToSpace", [value], "d", blocksize=block, **options))


DEPTH = Operator(
    COMMON | {"opset": [10, 11, 13, 19], "block": [1, 2, 3], "mode": ["DCR", "CRD", None, "depth"],
              "count": [1, 2, 5]},
    depth, possible, least=0.6,
)  # fmt: skip

#: Kernel, strides, dilations, pads, output_padding, output_shape, auto_pad.
TRANSPOSED = {
    "twice": ([2, 2], [2, 2], None, None, None, None, None),
    "usual": ([3, 3], [2, 2], None, [1, 1, 1, 1], [1, 1], None, None),
    "four": ([4, 4], [2, 2], [1, 1], [1, 1, 1, 1], None, None, "NOTSET"),
    "uneven": ([3, 5], [2, 3], None, [0, 2, 1, 1], [1, 2], None, None),
    "plain": ([3, 3], None, None, None, None, None, "VALID"),
    "gaps": ([2, 1], [3, 4], None, None, None, None, None),
    "dilated": ([3, 2], [2, 3], [3, 2], [2, 1, 1, 0], None, None, None),
    "wide": ([3, 3], [2, 2], [2, 4], [1, 3, 2, 2], [1, 0], None, None),
    "cropped": ([2, 3], [1, 2], None, [3, 5, 2, 4], None, None, None),
    "shape": ([3, 4], [2, 3], None, None, None, [10, 13], None),
    "larger": ([3, 3], [2, 2], None, None, [1, 1], [14, 11], None),
    "upper": ([3, 4], [2, 2], None, None, None, None, "SAME_UPPER"),
    "lower": ([3, 4], [2, 3], None, None, [1, 1], None, "SAME_LOWER"),
    "upper shape": ([4, 3], [2, 2], None, None, None, [11, 9], "SAME_UPPER"),
    "one": ([1, 1], [1, 1], None, None, None, None, None),
    "upper gaps": ([1, 2], [3, 4], None, None, [1, 0], None, "SAME_UPPER"),
}  # fmt: skip


def transposed(row):
    """ConvTranspose."""
    net = Net(row["dtype"], row["opset"])
    kernel, strides, dilations, pads, more, out, mode = TRANSPOSED[row["window"]]
    groups, inputs, outputs = row["groups"]
    x = net.input([row["batch"], inputs, *row["size"]])
    shape = inputs, outputs // groups, *kernel
    scale = np.full(shape[1], 0.004) if row["per"] else 0.004
    if row["per"]:
        scale = scale * np.linspace(0.5, 1.5, shape[1])
    kind = row["weights"]
    zero = np.full(np.shape(scale), row["zero"] if kind == np.uint8 else 0)
    w = [net.const("w", net.random.integers(-127, 128, shape) + (128 if kind == np.uint8 else 0),
                   kind), *net.params("w", scale, zero, kind)]
    values = [net.real(x), net.real(w, **present(axis=1 if row["per"] else None))]
    if row["bias"] == "float":
        values.append(net.const("b", net.random.normal(0, 1, outputs), np.float32))
    elif row["bias"] == "integer":
        unit = np.float32(0.03) * np.tile(np.broadcast_to(np.float32(scale), shape[1]), groups)
        b = net.const("b", net.random.integers(-9000, 9000, outputs), np.int32)
        unit = unit if row["per"] else unit[0]
        values.append(net.real([b, net.const("b_scale", unit, np.float32)],
                               **present(axis=0 if row["per"] else None)))
    value = net.node("ConvTranspose", values, "t", group=groups, **present(
        kernel_shape=kernel if row["said"] else None, strides=strides, dilations=dilations,
        pads=pads, output_padding=more, output_shape=out, auto_pad=mode))
    if row["bias"] == "Add":
        behind = net.const("b", net.random.normal(0, 1, (outputs, 1, 1)), np.float32)
        value = net.node("Add", [value, behind], "s")
    if row["activation"] == "Relu":
        value = net.node("Relu", [value], "r")
    elif row["activation"] == "Clip":
        value = net.node("Clip", [value, net.const("low", -0.5, np.float32)], "r")
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


TRANSPOSE = Operator(
    {
        "dtype": TYPES, "opset": [11, 13, 19], "batch": [1, "N"], "window": list(TRANSPOSED),
        "groups": [(1, 3, 5), (1, 8, 2), (2, 4, 6), (3, 3, 3)], "size": [[6, 5], [1, 7], [9, 3]],
        "per": [True, False], "weights": TYPES, "zero": [0, 5], "said": [True, False],
        "bias": [None, "float", "integer", "Add"], "activation": [None, "Relu", "Clip"],
        "scales": list(SCALES),
    },
    transposed,
    # Shapes that are given, and what is cut off, fit one size of image only.
    lambda row: not (row["opset"] < 13 and row["per"])
    and (row["size"] == [6, 5] or not (TRANSPOSED[row["window"]][5] or row["window"] == "cropped")),
    near=lambda row: 0.02, least=0.9,
)  # fmt: skip

#: The shape, then Reshapes and Transposes, without the batch.
SHUFFLES = {
    "two groups": ([8, 3, 2], [2, 4, 3, 2], (1, 0, 2, 3), [8, 3, 2]),
    "four groups": ([12, 2, 3], [4, 3, 2, 3], (1, 0, 2, 3), [12, 2, -1]),
    "flat pixels": ([6, 4, 2], [2, 3, 8, 1], (1, 0, 2, 3), [6, 4, 2]),
    "halves": ([6, 4, 2], [2, 3, 4, 2], (0, 1, 2, 3), [6, 4, 2]),
    "pixels": ([12, 3, 2], [3, 2, 2, 3, 2], (0, 3, 1, 4, 2), [3, 6, 4]),
    "pixels first": ([18, 2, 2], [3, 3, 2, 2, 2], (2, 3, 0, 4, 1), [2, 6, 6]),
}  # fmt: skip


def shuffle(row):
    """Reshape, Transpose, Reshape, with QuantizeLinears between them or none."""
    shape, *steps = SHUFFLES[row["shuffle"]]
    net, x, value = begin(row, shape)
    for number, step in enumerate(steps):
        name = f"s{number}"
        if isinstance(step, tuple):
            value = net.node("Transpose", [value], name, perm=[0, *(n + 1 for n in step)])
        else:
            batch = 0 if row["batch"] == "N" else 1
            size = net.const(f"size{number}", [batch, *step], np.int64)
            value = net.node("Reshape", [value, size], name)
        if row["between"] and row["form"] == "qdq" and number < 2:
            value = net.node("QuantizeLinear", [value, *x[1:]], f"q{number}")
            value = net.real([value, *x[1:]])
    return end(row, net, x, value)


SHUFFLE = Operator(
    COMMON | {"opset": [12, 13, 19], "shuffle": list(SHUFFLES), "between": [True, False]},
    shuffle, possible,
)  # fmt: skip

OPERATORS = {"shuffles": SHUFFLE, "ConvTranspose": TRANSPOSE, "Slice": SLICE, "Split": SPLIT,
             "Resize": RESIZE, "Resize linear": LINEARLY, "DepthToSpace": DEPTH}  # fmt: skip
