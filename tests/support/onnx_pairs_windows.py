"""Poolings of windows and of whole images, paddings and normalisation, for onnx_pairs."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_weighted import PADDINGS, TYPES, present

#: By a scale's name: the output's scale and zero point; the input's are 0.03 and -7.
SCALES = {"same": (0.03, -7), "other": (0.047, 12), "low": (0.0213, -128)}


def image(row):
    """Shape of an image of three channels."""
    if row["last"]:
        return [row["batch"], *row["size"], 3]
    return [row["batch"], 3, *row["size"]]


def average(row):
    """AveragePool and QLinearAveragePool, perhaps with an operator before the QuantizeLinear."""
    net = Net(row["dtype"], row["opset"])
    x = net.input(image(row))
    y = net.params("y", *SCALES[row["scales"]])
    ceil, include = row["modes"]
    options = present(kernel_shape=row["kernel"], strides=row["strides"], ceil_mode=ceil,
                      count_include_pad=include, **PADDINGS[row["padding"]])
    if row["form"] == "qoperator":
        net.node("QLinearAveragePool", [*x, *y], "y", domain="com.microsoft", **options,
                 **present(channels_last=row["last"]))
        return net.finish("y")
    value = net.node("AveragePool", [net.real(x)], "p", **options)
    return net.finish(behind(net, value, row["behind"]), y)


def behind(net: Net, value, what):
    """Operators that keep the number of elements."""
    if what == "Clip":
        return net.node("Clip", [value, net.const("lo", -1, np.float32),
                                 net.const("hi", 1, np.float32)], "b")
    if what == "Reshape":
        return net.node("Reshape", [value, net.const("shape", [0, -1], np.int64)], "b")
    if what == "MaxPool":
        return net.node("MaxPool", [value], "b", kernel_shape=[2, 1], pads=[1, 0, 0, 0])
    if what == "Pad":
        return net.node("Pad", [value, net.const("by", [0, 0, 1, 0, 0, 0, 0, 2], np.int64)], "b")
    return net.node(what, [value], "b") if what else value


AVERAGE = Operator(
    {
        "form": ["qdq", "qoperator"], "dtype": TYPES, "opset": [11, 13, 19, 21], "batch": [1, "N"],
        "size": [[9, 8], [6, 7]], "kernel": [[2, 2], [3, 3], [2, 3], [4, 2]],
        "strides": [None, [2, 1], [3, 2], [2, 3]], "padding": list(PADDINGS),
        # ceil_mode and count_include_pad: both together, with every other attribute.
        "modes": [(None, None), (0, 0), (0, 1), (1, 0), (1, 1)], "scales": list(SCALES),
        "behind": [None, "Relu", "Clip", "Flatten", "Reshape", "MaxPool", "Pad"],
        "last": [None, 0, 1],
    },
    average,
    lambda row: not (row["form"] == "qoperator" and row["behind"])
    and not (row["form"] == "qdq" and row["last"] is not None)
    and not (row["padding"] == "pads" and min(row["kernel"]) < 3),
    ("windows of one size would need two divisors", "windows would begin inside the image"),
    lambda row: 0.25 if row["scales"] == "same" else 0.03,
)  # fmt: skip


def whole(row):
    """GlobalAveragePool, QLinearGlobalAveragePool and ReduceMean."""
    net = Net(row["dtype"], row["opset"])
    x = net.input(image(row))
    y = net.params("y", *SCALES[row["scales"]])
    if row["op"] == "QLinearGlobalAveragePool":
        net.node(row["op"], [*x, *y], "y", domain="com.microsoft", **present(
            channels_last=row["last"]))
        return net.finish("y")
    inputs, options = [net.real(x)], {}
    if row["op"] == "ReduceMean":
        options = present(keepdims=row["keep"])
        if row["opset"] < 18:
            options["axes"] = row["axes"]
        else:
            inputs.append(net.const("axes", row["axes"], np.int64))
    value = net.node(row["op"], inputs, "p", **options)
    if row["behind"] and not (row["op"] == "ReduceMean" and row["keep"] == 0):
        value = behind(net, value, row["behind"])
    return net.finish(value, y)


WHOLE = Operator(
    {
        "op": ["GlobalAveragePool", "QLinearGlobalAveragePool", "ReduceMean"], "dtype": TYPES,
        "opset": [11, 13, 18, 19, 21], "batch": [1, "N"], "size": [[9, 8], [1, 7], [16, 16]],
        "axes": [[2, 3], [-1, -2], [3, 2]], "keep": [None, 0, 1],
        "scales": list(SCALES), "behind": [None, "Relu", "Clip", "Flatten", "Reshape"],
        "last": [None, 0, 1],
    },
    whole,
    lambda row: not (row["op"] == "QLinearGlobalAveragePool" and row["behind"])
    and not (row["op"] != "QLinearGlobalAveragePool" and row["last"] is not None),
    near=lambda row: 0.05,
)  # fmt: skip


def maximum(row):
    """MaxPool of integers and of floats."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], 3, *row["size"]])
    options = present(kernel_shape=row["kernel"], strides=row["strides"], ceil_mode=row["ceil"],
                      storage_order=row["order"], dilations=row["dilations"],
                      **PADDINGS[row["padding"]])  # fmt: skip
    if row["form"] == "integer":
        return net.finish(net.node("MaxPool", ["x"], "y", **options))
    value = net.node("MaxPool", [net.real(x)], "p", **options)
    what = None if row["behind"] == "MaxPool" else row["behind"]
    return net.finish(behind(net, value, what), net.params("y", *SCALES[row["scales"]]))


MAXIMUM = Operator(
    {
        "form": ["qdq", "integer"], "dtype": TYPES, "opset": [12, 13, 19, 21], "batch": [1, "N"],
        "size": [[9, 8], [4, 7]], "kernel": [[2, 2], [3, 3], [1, 3], [4, 2]],
        "strides": [None, [1, 1], [2, 1], [3, 2]], "padding": list(PADDINGS),
        "ceil": [None, 0, 1], "order": [None, 0, 1], "dilations": [None, [1, 1], [2, 1], [2, 3]],
        "scales": list(SCALES), "behind": [None, "Relu", "Clip", "Flatten", "Reshape", "Pad"],
    },
    maximum,
    lambda row: not (row["form"] == "integer" and (row["behind"] or row["scales"] != "same"))
    and not (row["padding"] == "pads" and min(row["kernel"]) < 3)
    and not (row["dilations"] in ([2, 1], [2, 3]) and row["size"] == [4, 7]),
    ("windows would begin inside the image", "one that is all padding"),
    least=0.7,
)  # fmt: skip


def pad(row):
    """Pad of integers and of floats."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], 3, 5, 4])
    amounts = row["pads"]
    inputs = [net.const("by", amounts, np.int64)]
    if row["form"] == "integer":  # what stands for 0, or not
        zero = -7 + (128 if row["dtype"] == np.uint8 else 0)
        inputs.append("x_zero" if not row["value"] else net.const("v", zero + 5, row["dtype"]))
    elif row["value"] is not None:
        inputs.append(net.const("v", row["value"], np.float32))
    if row["axes"] and row["opset"] >= 18:
        inputs += [""] * (2 - len(inputs)) + [net.const("axes", row["axes"], np.int64)]
        inputs[0] = net.const("some", [amounts[n] for n in (2, 3, 6, 7)], np.int64)
    source = "x" if row["form"] == "integer" else net.real(x)
    value = net.node("Pad", [source, *inputs], "p", **present(mode=row["mode"]))
    if row["form"] == "integer":
        return net.finish(value)
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


PAD = Operator(
    {
        "form": ["qdq", "integer"], "dtype": TYPES, "opset": [11, 13, 18, 21], "batch": [1, "N"],
        "pads": [[0, 0, 1, 2, 0, 0, 3, 0], [0] * 8, [0, 0, 0, 0, 0, 0, 0, 1],
                 [0, 0, 4, 3, 0, 0, 4, 3], [0, 0, 7, 9, 0, 0, 6, 1], [0, 1, 0, 0, 0, 5, 1, 0]],
        "mode": [None, "constant", "reflect", "edge", "wrap"],
        "value": [None, 0, 1.3, -0.8, -np.inf], "axes": [None, [2, 3]], "scales": list(SCALES),
    },
    pad,
    # ONNX Runtime reflects and wraps more, this importer does not; nor has it "wrap" before 19.
    lambda row: not (row["mode"] == "wrap" and row["opset"] < 19)
    and not (row["mode"] in ("reflect", "wrap") and max(row["pads"]) > 4)
    and not (row["pads"][1] and (row["axes"] or row["mode"] not in (None, "constant"))),
)  # fmt: skip


def normalised(row):
    """LRN."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], 12, 5, 4], 0.1)
    options = present(size=row["size"], alpha=row["alpha"], beta=row["beta"], bias=row["bias"])
    value = net.node("LRN", [net.real(x)], "p", **options)
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


LRN = Operator(
    {
        "dtype": TYPES, "opset": [11, 13, 21], "batch": [1, "N"], "size": [1, 3, 5],
        "alpha": [None, 0.01, 0.5], "beta": [None, 0.5, 1.0], "bias": [None, 1.0, 2.0],
        "scales": list(SCALES),
    },
    normalised,
    near=lambda row: 0.005,
)  # fmt: skip

OPERATORS = {"AveragePool": AVERAGE, "GlobalAveragePool": WHOLE, "MaxPool": MAXIMUM, "Pad": PAD,
             "LRN": LRN}  # fmt: skip
