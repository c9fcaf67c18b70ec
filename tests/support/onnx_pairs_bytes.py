"""Clip of bytes behind whatever makes them, as Brevitas writes networks of 2 to 8 bits."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_weighted import TYPES

#: Of int8; those of uint8 lie 128 higher.
BOUNDS = {"4 bits": (-8, 7), "narrow": (-127, 127), "least": (-20, None), "most": (None, 33),
          "one": (5, 5), "all": (-128, 127)}  # fmt: skip


def clipped(net: Net, value: str, bounds, dtype, name: str) -> str:
    """A Clip of integers."""
    centre = 128 if dtype == np.uint8 else 0
    names = ["" if bound is None else net.const(f"{name}_{end}", np.array(bound + centre), dtype)
             for end, bound in zip(("least", "most"), bounds, strict=True)]
    return net.node("Clip", [value, *names], name)


def weights(net: Net, row, name: str) -> str:
    """Stored floats, quantised, clipped and dequantised in the graph."""
    real = net.const(name, net.random.normal(0, 0.3, (4, 4, 3, 3)), np.float32)
    scale = np.linspace(0.005, 0.015, 4) if row["per"] else 0.01
    params, axis = net.params(f"{name}_s", scale, dtype=np.int8), {"axis": 0} if row["per"] else {}
    quantised = net.node("QuantizeLinear", [real, *params], f"{name}_q", **axis)
    if row["weights"]:
        quantised = clipped(net, quantised, BOUNDS[row["weights"]], np.int8, f"{name}_c")
    return net.node("DequantizeLinear", [quantised, *params], f"{name}_d", **axis)


def made(net: Net, row) -> str:
    """The float that is quantised and clipped."""
    shape = [row["batch"], 4, 7, 6]
    if row["behind"] == "input":
        return net.real(net.input(shape))
    x = net.real(net.input(shape))
    match row["behind"]:
        case "Conv":
            value = net.node("Conv", [x, weights(net, row, "first")], "first_made")
            return net.node("Relu", [value], "r") if row["relu"] else value
        case "Add" | "Mul":
            return net.node(row["behind"], [x, net.real(net.input(shape, 0.05, 9, "z"))], "both")
        case "MaxPool" | "AveragePool":
            return net.node(row["behind"], [x], "pooled", kernel_shape=[2, 2])
        case "Concat":
            parts = [x, net.node("Conv", [x, weights(net, row, "first")], "c", pads=[1, 1, 1, 1])]
            return net.node("Concat", parts, "whole", axis=1)
        case other:
            return net.node(other, [x], "function")


def clip(row):
    """A value, its Clip, and who reads both."""
    net = Net(row["dtype"], row["opset"])
    params = net.params("a", 0.06, row["zero"])
    quantised = net.node("QuantizeLinear", [made(net, row), *params], "a")
    value = clipped(net, quantised, BOUNDS[row["bounds"]], row["dtype"], "a_c")
    if row["also"] == "output":
        net.finish(quantised)
    elif row["also"] == "reader":
        pooled = net.node("MaxPool", [net.real([quantised, *params])], "p", kernel_shape=[3, 2])
        net.finish(net.node("QuantizeLinear", [pooled, *params], "p_q"))
    if row["end"] == "Clip":
        return net.finish(value)
    channels = 8 if row["behind"] == "Concat" else 4
    real = net.node("DequantizeLinear", [value, *params], "clipped_real")
    if channels == 4:
        real = net.node("Conv", [real, weights(net, row, "last")], "last_made")
    return net.finish(net.node("QuantizeLinear", [real, *net.params("y", 0.05, 3)], "y"))


CLIP = Operator(
    {
        "behind": ["Conv", "Add", "Mul", "MaxPool", "AveragePool", "Sigmoid", "Relu", "Concat",
                   "input"],
        "bounds": list(BOUNDS), "dtype": TYPES, "opset": [13, 19, 21], "batch": [1, "N"],
        "zero": [0, -128, 7], "per": [False, True], "weights": [None, "narrow", "4 bits"],
        "relu": [False, True], "also": [None, "output", "reader"], "end": ["Conv", "Clip"],
    },
    clip,
    # A step of an average is several of the convolution behind it.
    near=lambda row: 0.5 if row["behind"] == "AveragePool" else 0.1,
)  # fmt: skip

OPERATORS = {"Clip of bytes": CLIP}
