"""Conv, Gemm, MatMul, their quantised forms, and ConvInteger and MatMulInteger, for onnx_pairs."""

import numpy as np
from onnx import TensorProto

from tests.support.onnx_pairs import Net, Operator

TYPES = [np.int8, np.uint8]
#: By the name of a padding: attributes.
PADDINGS = {
    "none": {}, "pads": {"pads": [1, 2, 0, 1]}, "notset": {"auto_pad": "NOTSET", "pads": [0] * 4},
    "upper": {"auto_pad": "SAME_UPPER"}, "lower": {"auto_pad": "SAME_LOWER"},
    "valid": {"auto_pad": "VALID"},
}  # fmt: skip
GROUPS = {"one": (4, 6, 1), "two": (4, 6, 2), "depthwise": (4, 4, 4), "times": (4, 8, 4)}


def present(**attributes):
    """Attributes that are not None."""
    return {name: value for name, value in attributes.items() if value is not None}


def weights(net: Net, row, shape, axis, stored_axis=None):
    """A stored tensor's name, scale and zero point, and its float32 scales by output channel.

    Of each row: "weights" is the type, "per" whether scales are one per channel, "zero" how far
    the zero point is off the type's middle.
    """
    dtype, count = row["weights"], shape[axis]
    scale = net.random.uniform(0.002, 0.01, count if row["per"] else 1).astype(np.float32)
    centre = 128 if dtype == np.uint8 else 0
    values = np.clip(net.random.integers(-128, 128, shape), -127, 127) + centre
    w = net.const("w", values, dtype)
    stored = scale if row["per"] else scale[0]
    zeros = np.full(stored.shape, row["zero"])
    return [w, *net.params("w", stored, zeros, dtype)], np.broadcast_to(scale, count)


def biased(net: Net, row, unit):
    """The bias as the QDQ form has it, or None."""
    count = len(unit)
    whole = net.random.integers(-3000, 3000, count)
    if row["bias"] == "float":
        return net.const("b", whole * unit, np.float32)
    if row["bias"] == "int32":
        unit = unit if row["per"] else unit[0]
        return net.real([net.const("b", whole, np.int32), *net.params("b", unit, None, np.int32)],
                        **along(row, 0))
    return None


def activated(net: Net, value, row):
    """Behind an activation function."""
    if row["activation"] == "Relu":
        return net.node("Relu", [value], "r")
    if row["activation"] == "Clip":
        return net.node("Clip", [value, net.const("lo", 0, np.float32),
                                 net.const("hi", 6, np.float32)], "r")
    return value


def along(row, axis):
    """The attribute of a DequantizeLinear with one scale per channel."""
    return {"axis": axis} if row["per"] else {}


def float_layer(row) -> float:
    """An activation, a bias in float that ONNX Runtime keeps, make it compute in float."""
    return 0.01 if row.get("activation") else 0.0


def conv(row):
    """Conv and QLinearConv."""
    net = Net(row["dtype"], row["opset"])
    channels, filters, groups = GROUPS[row["group"]]
    x = net.input([1, 9, 8, channels] if row["last"] else [1, channels, 9, 8], zero=row["x_zero"])
    kernel = row["kernel"]
    shape = (filters, channels // groups, *kernel)
    w, scales = weights(net, row, shape, 0)
    options = present(
        strides=row["strides"], dilations=row["dilations"], group=groups if groups > 1 else None,
        kernel_shape=kernel if row["named"] else None, **PADDINGS[row["padding"]],
    )  # fmt: skip
    y = net.params("y", 0.25, row["y_zero"])
    unit = scales * np.float32(0.03)
    if row["form"] == "qoperator":
        bias = [net.const("b", net.random.integers(-3000, 3000, filters), np.int32)]
        domain = {} if row["last"] is None else {
            "domain": "com.microsoft", "channels_last": row["last"]}
        net.node("QLinearConv", [*x, *w, *y, *(bias if row["bias"] else [])], "y", **domain,
                 **options)
        return net.finish("y")
    bias = biased(net, row, unit)
    inputs = [net.real(x), net.real(w, **along(row, 0)), *([bias] if bias else [])]
    return net.finish(activated(net, net.node("Conv", inputs, "c", **options), row), y)


CONV = Operator(
    {
        "form": ["qdq", "qoperator"], "dtype": TYPES, "opset": [11, 13, 19, 21],
        "weights": TYPES, "per": [True, False], "zero": [0, 6, -40],
        "bias": [None, "int32", "float"], "kernel": [[1, 1], [3, 3], [1, 3], [2, 1]],
        "named": [True, False], "strides": [None, [1, 1], [2, 1], [3, 4]],
        "dilations": [None, [1, 1], [2, 1], [1, 3]], "padding": list(PADDINGS),
        "group": list(GROUPS), "activation": [None, "Relu", "Clip"],
        "x_zero": [-7, -128, 127], "y_zero": [0, -128], "last": [None, 0, 1],
    },
    conv,
    # ONNX Runtime has neither these, nor dilations with SAME.
    lambda row: not (row["dtype"] == np.int8 and row["weights"] == np.uint8)
    and not (row["padding"] in ("upper", "lower")
             and row["dilations"] not in (None, [1, 1]))
    and not (row["form"] == "qoperator" and (row["activation"] or row["bias"] == "float"))
    and not (row["form"] == "qdq" and row["last"] is not None)
    and not (row["opset"] < 13 and row["per"] and row["form"] == "qdq")  # nor scales along an axis
    and not (row["zero"] and row["weights"] == np.int8),
    near=float_layer,
)  # fmt: skip


def gemm(row):
    """Gemm and QGemm."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], 10], zero=row["x_zero"])
    shape, axis = ((5, 10), 0) if row["transB"] else ((10, 5), 1)
    w, scales = weights(net, row, shape, axis)
    options = present(transA=row["transA"], transB=row["transB"], alpha=row["alpha"])
    unit = scales * np.float32(0.03) * np.float32(1 if row["alpha"] is None else row["alpha"])
    y = net.params("y", 0.1, row["y_zero"])
    if row["form"] == "qoperator":
        whole = net.random.integers(-3000, 3000, (1, 5) if row["wide"] else 5)
        bias = net.const("b", whole, np.int32) if row["bias"] else ""
        net.node("QGemm", [*x, *w, bias, *y], "y", domain="com.microsoft", **options)
        return net.finish("y")
    bias = biased(net, row, unit)
    options |= present(beta=row["beta"])
    inputs = [net.real(x), net.real(w, **along(row, axis)), *([bias] if bias else [])]
    return net.finish(activated(net, net.node("Gemm", inputs, "c", **options), row), y)


GEMM = Operator(
    {
        "form": ["qdq", "qoperator"], "dtype": TYPES, "opset": [11, 13, 19], "weights": TYPES,
        "per": [True, False], "zero": [0, 6, -40], "bias": [None, "int32", "float"],
        "transA": [None, 0], "transB": [None, 0, 1], "alpha": [None, 1.0, 0.3, 2.5],
        "beta": [None, 1.0, 0.5, 0.0], "batch": [1, "N"], "wide": [True, False],
        "activation": [None, "Relu", "Clip"], "x_zero": [-7, 127], "y_zero": [0, -128],
    },
    gemm,
    lambda row: not (row["dtype"] == np.int8 and row["weights"] == np.uint8)
    and not (row["form"] == "qoperator" and (row["activation"] or row["bias"] == "float"
                                             or row["beta"] is not None))
    and not (row["opset"] < 13 and row["per"] and row["form"] == "qdq")  # nor scales along an axis
    and not (row["zero"] and row["weights"] == np.int8),
    near=lambda row: 0.02 if row["activation"] or row["beta"] in (0.5, 0.0) or row["alpha"]
    else 0.0,
)  # fmt: skip


def matmul(row):
    """MatMul and QLinearMatMul."""
    net = Net(row["dtype"], row["opset"])
    x = net.input([row["batch"], 10], zero=row["x_zero"])
    w, _ = weights(net, row, (10, 5), 1)
    y = net.params("y", 0.1, row["y_zero"])
    if row["form"] == "qoperator":
        net.node("QLinearMatMul", [*x, *w, *y], "y")
        return net.finish("y")
    value = net.node("MatMul", [net.real(x), net.real(w, **along(row, 1))], "c")
    if row["bias"]:
        value = net.node("Add", [value, net.const("b", net.random.normal(0, 2, row["bias"]),
                                                  np.float32)], "a")
    return net.finish(activated(net, value, row), y)


MATMUL = Operator(
    {
        "form": ["qdq", "qoperator"], "dtype": TYPES, "opset": [10, 13, 19, 21], "weights": TYPES,
        "per": [True, False], "zero": [0, 6, -40], "batch": [1, "N"],
        "bias": [None, [5], [1, 5], []], "activation": [None, "Relu", "Clip"],
        "x_zero": [-7, -128, 127], "y_zero": [0, -128],
    },
    matmul,
    lambda row: not (row["dtype"] == np.int8 and row["weights"] == np.uint8)
    and not (row["form"] == "qoperator" and (row["activation"] or row["bias"] is not None))
    and not (row["opset"] < 13 and row["per"] and row["form"] == "qdq")  # nor scales along an axis
    and not (row["opset"] < 11 and row["activation"] == "Clip")
    and not (row["zero"] and row["weights"] == np.int8),
    near=lambda row: 0.05 if row["activation"] or row["bias"] is not None else 0.0,
)  # fmt: skip


def integer(row):
    """ConvInteger and MatMulInteger, a Cast, a Mul and perhaps an Add behind them."""
    net = Net(row["dtype"], row["opset"])
    image = row["op"] == "ConvInteger"
    net.input([1, 4, 9, 8] if image else [row["batch"], 10], 1.0, row["x_zero"])
    centre = 128 if row["weights"] == np.uint8 else 0
    shape = (6, 4, *row["kernel"]) if image else (10, 6)
    w = net.const("w", net.random.integers(-127, 128, shape) + centre, row["weights"])
    zeros = [net.const("wz", centre + row["zero"], row["weights"])] if row["given"] else []
    options = {}
    if image:
        options = present(strides=row["strides"], dilations=row["dilations"],
                          **PADDINGS[row["padding"]])  # fmt: skip
    net.node(row["op"], ["x", w, "x_zero", *zeros], "i", **options)
    net.node("Cast", ["i"], "f", to=TensorProto.FLOAT)
    wide = (6, 1, 1) if image else (6,)
    scale = net.random.uniform(1e-4, 3e-4, wide if row["per"] else ())
    pair = ["f", net.const("s", scale, np.float32)]
    value = net.node("Mul", pair[::-1] if row["swapped"] else pair, "m")
    if row["bias"]:
        value = net.node("Add", [value, net.const("b", net.random.normal(size=wide), np.float32)],
                         "a")
    return net.finish(value, net.params("y", 0.1, row["y_zero"]))


INTEGER = Operator(
    {
        "op": ["ConvInteger", "MatMulInteger"], "dtype": TYPES, "opset": [11, 13, 19],
        "weights": TYPES, "zero": [0, 6], "given": [True, False], "batch": [1, "N"],
        "kernel": [[1, 1], [3, 2]], "strides": [None, [2, 3]], "dilations": [None, [1, 2]],
        "padding": list(PADDINGS), "per": [True, False], "swapped": [True, False],
        "bias": [True, False], "x_zero": [-7, 127], "y_zero": [0, -128],
    },
    integer,
    lambda row: not (row["padding"] in ("upper", "lower") and row["dilations"])
    and not (row["dtype"] == np.int8 and row["weights"] == np.uint8)
    and (row["given"] or row["weights"] == np.int8) and not (row["zero"] and not row["given"]),
    near=lambda row: 0.05,
    least=0.4,  # ConvInteger is for uint8 only in ONNX Runtime
)  # fmt: skip

OPERATORS = {"Conv": CONV, "Gemm": GEMM, "MatMul": MATMUL, "integer sums": INTEGER}
