"""Fully connected layers on every pixel, for onnx_pairs: lists of pixels, rows of them, images."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_weighted import TYPES, along, weights

#: What the layer reads, behind the batch; "list": as [P, C], without one.
SHAPES = {"list": [3, 4, 10], "row": [7, 10], "image": [3, 4, 10], "tall": [1, 5, 10],
          "alone": [1, 1, 10]}  # fmt: skip
OUTPUTS = 6


def _from_image(net: Net, row, shape):
    """The layer's input, as it is given, or behind an image's Transpose: name and parameters."""
    if not row["turned"]:
        return net.input([row["batch"], *shape], zero=row["x_zero"])
    x = net.input([row["batch"], shape[-1], *shape[:-1]], zero=row["x_zero"])
    order = [0, *range(2, 1 + len(shape)), 1]
    return [net.node("Transpose", x[:1], "turned", perm=order), *x[1:]]


def layer(row):
    """A layer, with Reshapes around it, and what may stand behind it."""
    net = Net(row["dtype"], row["opset"])
    shape, op = SHAPES[row["rank"]], row["op"]
    x = _from_image(net, row, shape)
    if row["rank"] == "list":
        x = [net.node("Reshape", [x[0], net.const("flat", [-1, 10], np.int64)], "pixels"), *x[1:]]
    w, _ = weights(net, row, (10, OUTPUTS), 1)
    y = net.params("y", 0.1, row["y_zero"])
    whole = net.random.integers(-3000, 3000, OUTPUTS)
    if op == "QLinearMatMul":
        value = net.node(op, [*x, *w, *y], "c")
    elif op == "QGemm":
        bias = net.const("b", whole, np.int32) if row["bias"] else ""
        value = net.node(op, [*x, *w, bias, *y], "c", domain="com.microsoft")
    elif op == "MatMulInteger":
        sums = net.node("Cast", [net.node(op, [x[0], w[0], x[2], w[2]], "i")], "f", to=1)
        scale = net.random.uniform(1e-4, 3e-4, OUTPUTS if row["per"] else ())
        value = net.node("Mul", [sums, net.const("s", scale, np.float32)], "m")
    else:
        inputs = [net.real(x), net.real(w, **along(row, 1))]
        bias = net.const("b", 0.01 * whole, np.float32)
        if op == "Gemm" and row["bias"]:
            inputs.append(bias)
        value = net.node(op, inputs, "c")
        if op == "MatMul" and row["bias"]:
            value = net.node("Add", [bias, value], "a")
    if not op.startswith("Q"):
        value = net.node("QuantizeLinear", [value, *y], "q")
    if row["rank"] == "list":
        size = net.const("size", [-1, *shape[:-1], OUTPUTS], np.int64)
        value = net.node("Reshape", [value, size], "back")
    return net.finish(_behind(net, row, [value, *y], len(shape)))


def _behind(net: Net, row, value, rank):
    """A function, a factor for each channel, the image in its other order, a sum with itself."""
    z = net.params("z", 0.07, 5)
    if row["behind"] == "turned":
        return net.node("Transpose", value[:1], "t", perm=[0, rank, *range(1, rank)])
    if row["behind"] is None:
        return value[0]
    real = net.real(value)
    if row["behind"] == "function":
        made = net.node("Tanh", [real], "h")
    elif row["behind"] == "factor":
        factors = net.random.uniform(-1.5, 1.5, (*row["ones"], OUTPUTS))
        made = net.node("Mul", [real, net.const("factors", factors, np.float32)], "h")
    elif row["behind"] == "bytes":  # which are up to 9 bits from their zero point
        integers = net.random.integers(0, 128, (*row["ones"], OUTPUTS)) + 128 * (
            row["dtype"] == np.uint8)
        factors = net.real([net.const("factors", integers, row["dtype"]),
                            *net.params("factors", 0.007, -120)])
        made = net.node("Mul", [real, factors], "h")
    else:
        halved = net.node("Sigmoid", [real], "half")
        q = net.params("half", 0.004, -128)
        made = net.node("Add", [real, net.real([net.node("QuantizeLinear", [halved, *q], "hq0"),
                                                *q])], "h")
    return net.node("QuantizeLinear", [made, *z], "hq")


PIXELS = Operator(
    {
        "op": ["Gemm", "MatMul", "QGemm", "QLinearMatMul", "MatMulInteger"], "rank": list(SHAPES),
        "dtype": TYPES, "weights": TYPES, "per": [True, False], "zero": [0, 6], "opset": [13, 19],
        "batch": [1, "N"], "bias": [True, False], "turned": [False, True], "x_zero": [-7, 127],
        "y_zero": [0, -128], "behind": [None, "turned", "function", "factor", "bytes", "sum"],
        "ones": [[], [1], [1, 1]],
    },
    layer,
    lambda row: (row["rank"] == "list" or "Gemm" not in row["op"])
    and not (row["dtype"] == np.int8 and row["weights"] == np.uint8)
    and not (row["zero"] and row["weights"] == np.int8)
    and not (row["op"] == "MatMulInteger" and row["per"] and row["zero"])
    # A network's input of one dimension is taken for one that its first layer wants turned.
    and not (row["turned"] and row["rank"] == "row"),
    refused=("a list of pixels, without a batch",),
    near=lambda row: 0.05 if row["bias"] or row["behind"] in ("factor", "bytes", "sum")
    or row["op"] == "MatMulInteger" else 0.0,
    least=0.8,
)  # fmt: skip

OPERATORS = {"pixels": PIXELS}
