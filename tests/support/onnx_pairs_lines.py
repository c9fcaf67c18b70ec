"""Operators on lines [N, C, L], as networks for sound have them, for onnx_pairs."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_weighted import TYPES, along, biased, present, weights
from tests.support.onnx_pairs_windows import SCALES

#: By the name of a padding: attributes.
PADDINGS = {
    "none": {}, "pads": {"pads": [2, 1]}, "notset": {"auto_pad": "NOTSET", "pads": [0, 0]},
    "upper": {"auto_pad": "SAME_UPPER"}, "lower": {"auto_pad": "SAME_LOWER"},
    "valid": {"auto_pad": "VALID"},
}  # fmt: skip
#: Input channels, filters, groups; ConvTranspose and Conv alike.
GROUPS = {"one": (4, 6, 1), "two": (4, 6, 2), "depthwise": (4, 4, 4), "mono": (1, 5, 1),
          "to mono": (4, 1, 1)}  # fmt: skip


def begin(row, channels, length=13):
    """A network and its input's parameters."""
    net = Net(row["dtype"], row["opset"])
    return net, net.input([row["batch"], channels, length])


def conv(row):
    """Conv, ConvTranspose and QLinearConv."""
    channels, filters, groups = GROUPS[row["group"]]
    net, x = begin(row, channels)
    kernel, back = row["kernel"], row["op"] == "ConvTranspose"
    shape = (channels, filters // groups, kernel) if back else (filters, channels // groups, kernel)
    axis = 1 if back else 0
    w, scales = weights(net, row, shape, axis)
    options = present(
        strides=row["strides"], dilations=row["dilations"], group=groups if groups > 1 else None,
        kernel_shape=[kernel] if row["named"] else None, **PADDINGS[row["padding"]],
    )  # fmt: skip
    if back:
        options |= present(output_padding=row["more"])
    unit = np.tile(scales * np.float32(0.03), groups if back else 1)
    y = net.params("y", 0.2, 4)
    if row["op"] == "QLinearConv":
        bias = [net.const("b", net.random.integers(-3000, 3000, filters), np.int32)]
        net.node(row["op"], [*x, *w, *y, *(bias if row["bias"] else [])], "y", **options)
        return net.finish("y")
    bias = biased(net, row, unit)
    inputs = [net.real(x), net.real(w, **along(row, axis)), *([bias] if bias else [])]
    value = net.node(row["op"], inputs, "c", **options)
    return net.finish(net.node("Relu", [value], "r") if row["relu"] else value, y)


CONV = Operator(
    {
        "op": ["Conv", "ConvTranspose", "QLinearConv"], "dtype": TYPES, "opset": [11, 13, 19],
        "batch": [1, "N"], "weights": TYPES, "per": [True, False], "zero": [0, 6],
        "bias": [None, "int32", "float"], "kernel": [1, 2, 5], "named": [True, False],
        "strides": [None, [1], [3]], "dilations": [None, [1], [2]], "padding": list(PADDINGS),
        "more": [None, [1]], "group": list(GROUPS), "relu": [True, False],
    },
    conv,
    lambda row: not (row["dtype"] == np.int8 and row["weights"] == np.uint8)
    and not (row["padding"] in ("upper", "lower") and row["dilations"] == [2])
    and not (row["padding"] == "pads" and row["kernel"] < 5)
    and not (row["op"] == "QLinearConv" and (row["relu"] or row["bias"] == "float"))
    and not (row["more"] and (row["op"] != "ConvTranspose" or row["strides"] != [3]))
    and not (row["opset"] < 13 and row["per"] and row["op"] != "QLinearConv")
    and not (row["zero"] and row["weights"] == np.int8),
    near=lambda row: 0.02 if row["relu"] or row["op"] == "ConvTranspose" else 0.0,
)  # fmt: skip


def pool(row):
    """Poolings of windows and of the whole line, and reductions."""
    net, x = begin(row, row["channels"])
    op, domain, options = row["op"], "", {}
    if op in ("MaxPool", "AveragePool", "QLinearAveragePool"):
        options = present(kernel_shape=[row["kernel"]], strides=row["strides"],
                          ceil_mode=row["ceil"], **PADDINGS[row["padding"]])
    if op != "MaxPool" and "AveragePool" in op and "Global" not in op:
        options |= present(count_include_pad=row["include"])
    y = net.params("y", *SCALES[row["scales"]])
    if op.startswith("QLinear"):
        net.node(op, [*x, *y], "y", domain="com.microsoft", **options)
        return net.finish("y")
    inputs = [net.real(x)]
    if op.startswith("Reduce"):
        options = present(keepdims=row["keep"])
        if row["opset"] < 18:
            options["axes"] = row["axes"]
        else:
            inputs.append(net.const("axes", row["axes"], np.int64))
    value = net.node(op, inputs, "p", domain=domain, **options)
    if row["flat"] and not (op.startswith("Reduce") and row["keep"] == 0):
        value = net.node("Flatten", [value], "f")
    return net.finish(value, y)


POOL = Operator(
    {
        "op": ["MaxPool", "AveragePool", "QLinearAveragePool", "GlobalAveragePool",
               "GlobalMaxPool", "QLinearGlobalAveragePool", "ReduceMean", "ReduceMax"],
        "dtype": TYPES, "opset": [13, 18, 20], "batch": [1, "N"], "channels": [1, 3],
        "kernel": [3, 4], "strides": [None, [1], [2]], "ceil": [None, 0, 1], "include": [None, 1],
        "padding": list(PADDINGS), "axes": [[2], [-1]], "keep": [None, 0, 1],
        "flat": [True, False], "scales": list(SCALES),
    },
    pool,
    refused=("windows of one size would need two divisors",),
    near=lambda row: 0.25 if row["scales"] == "same" else 0.05,
)  # fmt: skip

#: Operators that move parts of a line [6, 13], with attributes and constant inputs.
MOVES = {
    "slice": ("Slice", {}, ([1, 2], [4, 99], [1, 2], [1, 3])),
    "slice last": ("Slice", {}, ([-5], [-1], [-1])),
    "slice all": ("Slice", {}, ([0, 1, 3], [1, 6, 12])),
    "pad": ("Pad", {}, ([0, 0, 2, 0, 0, 1],)),
    "concat": ("Concat", {"axis": -1}, None), "concat channels": ("Concat", {"axis": 1}, None),
    "twice": ("Resize", {"mode": "nearest", "coordinate_transformation_mode": "asymmetric",
                         "nearest_mode": "floor"}, (None, [1, 1, 2])),
    "size": ("Resize", {"mode": "nearest", "coordinate_transformation_mode": "half_pixel"},
             (None, None, [1, 6, 39])),
    "turn": ("Transpose", {"perm": [0, 2, 1]}, ()),
    "flatten": ("Flatten", {}, ()), "unsqueeze": ("Unsqueeze", {}, ([2],)),
    "image": ("Reshape", {}, ([0, 6, 13, 1],)), "softmax": ("Softmax", {"axis": 1}, ()),
}  # fmt: skip


def move(row):
    """Operators that put bytes elsewhere; behind a convolution, so that it is a line for sure."""
    net, x = begin(row, 4)
    row = row | {"weights": np.int8, "per": False, "zero": 0}
    w, _ = weights(net, row, (6, 4, 1), 0)
    value = net.node("Conv", [net.real(x), net.real(w)], "c")
    params = net.params("c", *SCALES["other"])
    value = net.node("QuantizeLinear", [value, *params], "q")
    if not row["integer"]:
        value = net.real([value, *params])
    op, options, given = MOVES[row["move"]]
    inputs = [value, value] if given is None else [value]
    kinds = {2: np.float32} if op == "Resize" else {}
    for number, values in enumerate(given or (), 1):
        kind = kinds.get(number, np.int64)
        inputs.append("" if values is None else net.const(f"i{number}", values, kind))
    if op == "Pad" and row["integer"]:
        inputs.append("c_zero")
    value = net.node(op, inputs, "m", **options)
    if row["integer"]:
        net.real([value, *params])
        return net.finish(value)
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


MOVE = Operator(
    {"dtype": TYPES, "opset": [13, 18], "batch": [1, "N"], "integer": [True, False],
     "move": list(MOVES), "scales": list(SCALES)},
    move,
    lambda row: not (row["integer"] and row["move"] == "softmax")
    and not (row["batch"] == "N" and row["move"] in ("slice all", "size"))
    and not (row["integer"] and row["scales"] != "other"),
    near=lambda row: 0.02 if row["move"] == "softmax" else 0.0,
)  # fmt: skip


def sound(row):
    """Lines that come [N, L, C], are joined, split, gated and flattened."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], 12, 4] if row["turned"] else [row["batch"], 4, 12])
    row = row | {"weights": np.int8, "per": False, "zero": 0}
    value = net.real(x)
    if row["turned"]:
        value = net.node("Transpose", [value], "t", perm=[0, 2, 1])
    w, _ = weights(net, row, (4, 4, 3), 0)
    y = net.params("y", 0.06, 3)
    made = net.node("Conv", [value, net.real(w)], "c", pads=[1, 1])
    net.node("QuantizeLinear", [made, *y], "c_q")
    made = net.real(["c_q", *y])
    if row["what"] == "add":
        made = net.node("Add", [made, value], "s")
    elif row["what"] == "gate":
        gate = net.node("GlobalAveragePool", [made], "g")
        net.node("QuantizeLinear", [gate, *y], "g_q")
        made = net.node("Mul", [made, net.real(["g_q", *y])], "s")
    elif row["what"] == "split":
        parts = ["one", "two"]
        net.split([made, *([net.const("n", [3, 1], np.int64)] if row["opset"] > 12 else [])],
                  parts, axis=1, **({} if row["opset"] > 12 else {"split": [3, 1]}))
        made = net.node("Concat", parts[::-1], "s", axis=1)
    elif row["what"] == "turn":
        made = net.node("Transpose", [made], "s", perm=[0, 2, 1])
    elif row["what"] == "gemm":
        net.node("QuantizeLinear", [net.node("Flatten", [made], "f"), *y], "f_q")
        w = [net.const("v", net.random.integers(-127, 127, (48, 5)), np.int8),
             *net.params("v", 0.01, 0, np.int8)]
        made = net.node("Gemm", [net.real(["f_q", *y]), net.real(w)], "s")
    return net.finish(made, net.params("z", *SCALES[row["scales"]]))


SOUND = Operator(
    {"dtype": TYPES, "opset": [11, 13, 19], "batch": [1, "N"], "turned": [True, False],
     "what": [None, "add", "gate", "split", "turn", "gemm"], "scales": list(SCALES)},
    sound,
    near=lambda row: 0.03 if row["what"] in ("add", "gate") else 0.0,
)  # fmt: skip

OPERATORS = {"lines: Conv": CONV, "lines: pooling": POOL, "lines: moves": MOVE,
             "lines: networks": SOUND}  # fmt: skip
