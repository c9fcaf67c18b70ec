"""Operators on two tensors, and on a tensor and constants for its channels, for onnx_pairs."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_pointwise import SHAPES
from tests.support.onnx_pairs_weighted import TYPES
from tests.support.onnx_pairs_windows import SCALES


def _halves(row) -> float:
    """The part of a product's bytes that may be exact halves, which no factor takes to the odd
    zero point's side (accel.frontend.onnx.mul): of scales 0.03 and of zero point -7."""
    return 0.15 if "Mul" in row["op"] and row["scales"] == "same" else 0.0


def pair(row):
    """Two tensors of one shape, or an image and a pixel; of extremes perhaps three."""
    net = Net(row["dtype"], row["opset"])
    shape = SHAPES[row["rank"]]
    x = net.input([row["batch"], *shape])
    pixel = [shape[0], *(1 for _ in shape[1:])] if row["other"] == "pixel" else shape
    other = net.input([row["batch"], *pixel], *row["from"], name="z")
    y = net.params("y", *SCALES[row["scales"]])
    pairs = [other, x] if row["swapped"] else [x, other]
    if row["op"].startswith("QLinear"):
        net.node(row["op"], [*pairs[0], *pairs[1], *y], "y", domain="com.microsoft")
        return net.finish("y")
    names = [net.real(values) for values in pairs]
    if row["function"]:
        names[0] = net.node("Sigmoid", names[:1], "s")
    if row["three"]:
        names.append(net.real(net.input([row["batch"], *shape], 0.02, 5, name="third")))
    value = net.node(row["op"], names, "a")
    return net.finish(net.node("Relu", [value], "r") if row["relu"] else value, y)


PAIR = Operator(
    {
        "op": ["Sub", "Max", "Min", "Mul", "Add", "QLinearAdd", "QLinearMul"], "dtype": TYPES,
        "opset": [13, 19, 21], "batch": [1, "N"], "rank": list(SHAPES), "scales": list(SCALES),
        "other": ["activation", "pixel"], "swapped": [False, True], "from": [(0.05, 9), (0.03, -7)],
        "function": [False, True], "three": [False, True], "relu": [False, True],
    },
    pair,
    lambda row: not (row["op"].startswith("QLinear") and (row["relu"] or row["function"]))
    and not (row["function"] and row["op"] not in ("Max", "Min"))
    and not (row["three"] and row["op"] not in ("Max", "Min"))
    and not (row["other"] == "pixel" and row["rank"] == "vector"),
    near=lambda row: 0.05 if "Add" in row["op"] else _halves(row),
)  # fmt: skip


def per_channel(row):
    """Constants for channels: factors, divisors, shifts, statistics, slopes."""
    net = Net(row["dtype"], row["opset"])
    shape, rng = SHAPES[row["rank"]], net.random
    x, y = net.input([row["batch"], *shape]), net.params("y", *SCALES[row["scales"]])
    size = [shape[0], *(1 for _ in shape[1:])]
    if row["op"] == "QLinearMul":
        size = [] if row["constant"] == "number" else size
        values = rng.integers(-100, 100, size) + 128 * (row["dtype"] == np.uint8)
        constant = [net.const("c", values, row["dtype"]), *net.params("c", 0.013, 3)]
        pair = [constant, x] if row["swapped"] else [x, constant]
        net.node("QLinearMul", [*pair[0], *pair[1], *y], "y", domain="com.microsoft")
        return net.finish("y")
    real = net.real(x)
    values = rng.uniform(0.3, 1.5, (4, shape[0])).astype(np.float32)
    signs = rng.choice([-1, 1], shape[0]) if row["negative"] else 1
    values[0] *= signs
    if row["op"] == "BatchNormalization":
        names = [net.const(f"n{number}", each, np.float32) for number, each in enumerate(values)]
        return net.finish(net.node("BatchNormalization", [real, *names], "a"), y)
    numbers = values[0] if row["op"] != "PRelu" else values[0] * 0.6
    if row["constant"] == "bytes":
        centre = 128 if row["dtype"] == np.uint8 else 0
        whole = np.rint(numbers / 0.012).clip(-128, 127).reshape(size) + centre
        constant = net.real([net.const("c", whole, row["dtype"]), *net.params("c", 0.012, 0)])
    else:
        constant = net.const("c", numbers.reshape(size), np.float32)
    first = row["swapped"] and row["op"] in ("Mul", "Sub")
    return net.finish(net.node(row["op"], [constant, real] if first else [real, constant], "a"), y)


PER_CHANNEL = Operator(
    {
        "op": ["Mul", "Div", "Sub", "BatchNormalization", "PRelu", "QLinearMul"], "dtype": TYPES,
        "opset": [14, 19, 21], "batch": [1, "N"], "rank": list(SHAPES), "scales": list(SCALES),
        "constant": ["floats", "bytes", "number"], "swapped": [False, True],
        "negative": [False, True],
    },
    per_channel,
    lambda row: (row["constant"] == "number") <= (row["op"] == "QLinearMul")
    and not (row["constant"] == "bytes" and row["op"] == "Div"),
    # Factors and shifts are rounded: to a float32's last place, and to 1/64 of an input's step.
    near=lambda row: {"QLinearMul": _halves(row), "PRelu": 0.02, "Mul": 0.02, "Div": 0.02}.get(
        row["op"], 0.1),
)  # fmt: skip

OPERATORS = {"pairs": PAIR, "channels": PER_CHANNEL}
