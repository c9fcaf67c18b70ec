"""Additions, functions, joins, views, softmax and changes of scale, for onnx_pairs."""

import numpy as np
from onnx import TensorProto, helper

from tests.support.onnx_pairs import KINDS, Net, Operator
from tests.support.onnx_pairs_weighted import TYPES, present
from tests.support.onnx_pairs_windows import SCALES

SHAPES = {"image": [4, 5, 3], "vector": [12]}


def add(row):
    """Add and QLinearAdd, of two activations, of one twice, of constants."""
    net = Net(row["dtype"], row["opset"])
    shape = SHAPES[row["rank"]]
    x = net.input([row["batch"], *shape])
    y = net.params("y", *SCALES[row["scales"]])
    if row["other"] == "activation":
        other = net.input([row["batch"], *shape], 0.05, 9, name="z")
    elif row["other"] == "itself":
        other = x
    else:
        size = {"number": (), "channels": (shape[0], 1, 1)[: len(shape)]}[row["other"]]
        centre = 128 if row["dtype"] == np.uint8 else 0
        values = net.random.integers(-100, 100, size)
        other = [net.const("c", values + centre, row["dtype"]), *net.params("c", 0.01, 0)]
    pair = [other, x] if row["swapped"] else [x, other]
    if row["form"] == "qoperator":
        net.node("QLinearAdd", [*pair[0], *pair[1], *y], "y", domain="com.microsoft")
        return net.finish("y")
    names = [net.real(values) for values in (pair[:1] if other is x else pair)]
    value = net.node("Add", (names * 2)[:2], "a")
    return net.finish(net.node("Relu", [value], "r") if row["relu"] else value, y)


ADD = Operator(
    {
        "form": ["qdq", "qoperator"], "dtype": TYPES, "opset": [11, 13, 19, 21],
        "batch": [1, "N"], "rank": list(SHAPES), "scales": list(SCALES), "swapped": [True, False],
        "other": ["activation", "itself", "number", "channels"], "relu": [True, False],
    },
    add,
    lambda row: not (row["form"] == "qoperator" and row["relu"]),
    near=lambda row: 0.05,
)  # fmt: skip

FUNCTIONS = {
    "Sigmoid": [{}], "Tanh": [{}], "LeakyRelu": [{}, {"alpha": 0.07}, {"alpha": 2.0}],
    "HardSigmoid": [{}, {"alpha": 0.3}, {"beta": 0.1}, {"alpha": 0.3, "beta": 0.7}],
    "HardSwish": [{}], "Relu": [{}], "Clip": [{}, {"min": -1.0}, {"max": 1.5},
                                             {"min": -1.0, "max": 1.5}],
}  # fmt: skip
CHOICES = [(name, options) for name, found in FUNCTIONS.items() for options in found]


def function(row):
    """A function of each element."""
    net = Net(row["dtype"], row["opset"])
    shape = [256] if row["rank"] == "vector" else [8, 8, 4]
    x = net.input([1, *shape], row["scale"], row["zero"])
    (name, options), y = row["function"], net.params("y", *SCALES[row["scales"]])
    every = np.arange(256, dtype=np.uint8).view(row["dtype"]).reshape(1, *shape)
    if row["form"] == "qoperator":
        net.node(f"QLinear{name}", [*x, *y], "y", domain="com.microsoft", **options)
        return net.finish("y"), {"x": every}
    inputs = [net.real(x)]
    if name == "Clip" and options:
        inputs += [net.const(bound, options[bound], np.float32) if bound in options else ""
                   for bound in ("min", "max")]
        options = {}
    return net.finish(net.node(name, inputs, "f", **options), y), {"x": every}


FUNCTION = Operator(
    {
        "form": ["qdq", "qoperator"], "dtype": TYPES, "opset": [14, 17, 21],
        "rank": list(SHAPES), "function": CHOICES, "scale": [0.03, 0.11], "zero": [-128, 0, 40],
        "scales": list(SCALES),
    },
    function,
    lambda row: row["form"] == "qdq" or row["function"][0] in ("Sigmoid", "LeakyRelu"),
)  # fmt: skip


def concat(row):
    """Concat of floats and of integers, and QLinearConcat."""
    net = Net(row["dtype"], row["opset"])
    shape = SHAPES[row["rank"]]
    axis = row["axis"] if row["rank"] == "image" else (-1 if row["axis"] < 0 else 1)
    sources = [
        net.input([row["batch"], *(count if n == axis % (1 + len(shape)) - 1 else size
                                   for n, size in enumerate(shape))],
                  *row["from"][number], name=f"x{number}")
        for number, count in enumerate([2, 3, 1][: row["count"]])
    ]  # fmt: skip
    y = net.params("y", *SCALES[row["scales"]])
    if row["form"] == "qoperator":
        net.node("QLinearConcat", [*y, *sum(sources, [])], "y", domain="com.microsoft", axis=axis)
        return net.finish("y")
    if row["form"] == "integer":
        net.node("Concat", [source[0] for source in sources], "y", axis=axis)
        for source in sources:  # what the bytes mean
            net.real(source)
        return net.finish("y")
    parts = [net.real(source) for source in sources]
    if row["function"]:
        parts[-1] = net.node("Sigmoid", parts[-1:], "s")
    return net.finish(net.node("Concat", parts, "c", axis=axis), y)


CONCAT = Operator(
    {
        "form": ["qdq", "qoperator", "integer"], "dtype": TYPES, "opset": [11, 13, 19, 21],
        "batch": [1, "N"], "rank": list(SHAPES), "count": [1, 2, 3], "axis": [1, -3, 2, -1],
        "from": [[(0.03, -7)] * 3, [(0.03, -7), (0.05, 3), (0.01, 0)]], "scales": list(SCALES),
        "function": [True, False],
    },
    concat,
    lambda row: not (row["form"] != "qdq" and row["function"])
    and not (row["form"] == "integer" and row["from"][0] != row["from"][1]),
)  # fmt: skip

#: By name: operator, attributes or second input; what an image of 4 x 5 x 3 or 4 x 1 x 1 becomes.
VIEWS = {
    "flatten": ("Flatten", {}), "flatten1": ("Flatten", {"axis": 1}),
    "flatten-": ("Flatten", {"axis": -3}), "reshape": ("Reshape", [1, -1]),
    "reshape0": ("Reshape", [0, -1]), "rows": ("Reshape", [0, 0, -1]),
    "image": ("Reshape", [1, 4, -1, 1]), "squeeze": ("Squeeze", [2, 3]),
    "squeeze-": ("Squeeze", [-1, -2]), "unsqueeze": ("Unsqueeze", [4]),
    "same": ("Identity", {}), "dropout": ("Dropout", {}), "turn": ("Transpose", [0, 2, 3, 1]),
    "stay": ("Transpose", [0, 1, 2, 3]),
}  # fmt: skip


def view(row):
    """What moves nothing, with a layer behind it that depends on the order."""
    net = Net(row["dtype"], row["opset"])
    name, how = VIEWS[row["view"]]
    shape = [4, 1, 1] if name == "Squeeze" else [4, 5, 3]
    x = net.input([1, *shape])
    value = "x" if row["form"] == "integer" else net.real(x)
    if row["pooled"] and name != "Squeeze":  # computed, not the input itself
        value = net.node("MaxPool", [value], "m", kernel_shape=[2, 1], pads=[1, 0, 0, 0])
    options, inputs = how if isinstance(how, dict) else {}, []
    if name == "Transpose":
        options = {"perm": how}
    elif name in ("Squeeze", "Unsqueeze") and row["opset"] < 13:
        options = {"axes": how}
    elif isinstance(how, list):
        inputs = [net.const("how", how, np.int64)]
    if name == "Reshape" and row["opset"] >= 14 and row["allow"]:
        options = {"allowzero": 0}
    value = net.node(name, [value, *inputs], "v", **options)
    if row["form"] == "integer":
        value = net.real([value, *x[1:]])
    y = net.params("y", *SCALES[row["scales"]])
    flat = net.const("flat", [1, -1], np.int64)
    if row["layer"]:
        size = int(np.prod(shape))
        value = net.node("Reshape", [value, flat], "fl")
        w = net.const("w", net.random.integers(-127, 128, (size, 3)), np.int8)
        w = net.real([w, *net.params("w", 0.004, 0, np.int8)])
        value = net.node("MatMul", [value, w], "d")
    return net.finish(value, y)


VIEW = Operator(
    {
        "form": ["qdq", "integer"], "dtype": TYPES, "opset": [12, 13, 19, 21],
        "view": list(VIEWS), "pooled": [True, False], "allow": [True, False],
        "layer": [True, False], "scales": list(SCALES),
    },
    view,
)  # fmt: skip


def softmax(row):
    """Softmax and QLinearSoftmax."""
    net = Net(row["dtype"], row["opset"])
    shape = {"vector": [12], "image": [12, 3, 2], "pixel": [12, 1, 1]}[row["rank"]]
    x = net.input([row["batch"], *shape], row["scale"])
    axis = {"first": 1, "negative": -len(shape), "left out": None}[row["axis"]]
    y = net.params("y", *row["to"])
    if row["form"] == "qoperator":
        net.node("QLinearSoftmax", [*x, *y], "y", domain="com.microsoft", opset=row["opset"],
                 **present(axis=axis))
        return net.finish("y")
    value = net.node("Softmax", [net.real(x)], "s", **present(axis=axis))
    if row["form"] == "float":
        return net.output(value)
    return net.finish(value, y)


SOFTMAX = Operator(
    {
        "form": ["qdq", "qoperator", "float"], "dtype": TYPES, "opset": [11, 13, 19],
        "batch": [1, "N"], "rank": ["vector", "image", "pixel"], "scale": [0.03, 0.2],
        "axis": ["first", "negative", "left out"],
        "to": [(1 / 256, -128), (1 / 255, -128), (0.01, -128)],
    },
    softmax,
    refused=("a softmax must be over the channels",),
    least=0.7,
)  # fmt: skip


def requantised(row):
    """Chains of QuantizeLinear and DequantizeLinear from a float or an integer input."""
    net = Net(row["dtype"], row["opset"])
    y = net.params("y", *SCALES[row["scales"]])
    if row["from"] == "float":
        net.inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT,
                                                        [row["batch"], 6, 4, 3]))
        given = {"x": net.random.normal(0, 2, (1, 6, 4, 3)).astype(np.float32)}
        first = net.params("x", 0.03, row["zero"])
        value = net.node("QuantizeLinear", ["x", *_zero(first, row)], "q")
    else:
        first = net.input([row["batch"], 6, 4, 3], 0.03, row["zero"])[1:]
        given, value = net.images(), "x"
    kept = _zero(first, row)
    value = net.node("DequantizeLinear", [value, *kept], "d")
    value = net.node("QuantizeLinear", [value, *y], "y")
    if row["to"] == "integer":
        return net.output(value, KINDS[row["dtype"]]), given
    return net.output(net.node("DequantizeLinear", [value, *y], "f")), given


def _zero(params, row):
    """Scale and zero point; a uint8's of 0 may be left out."""
    left = row["left out"] and row["dtype"] == np.uint8 and row["zero"] == -128
    return params[:1] if left else params


QUANTISE = Operator(
    {
        "from": ["float", "integer"], "to": ["float", "integer"], "dtype": TYPES,
        "opset": [10, 13, 19, 21], "batch": [1, "N"], "zero": [-128, 0, 127],
        "left out": [True, False], "scales": list(SCALES),
    },
    requantised,
    # ONNX Runtime merges two pairs of QuantizeLinear and DequantizeLinear into one of other scales.
    lambda row: (row["from"], row["to"]) != ("float", "float"),
)  # fmt: skip

OPERATORS = {"Add": ADD, "functions": FUNCTION, "Concat": CONCAT, "views": VIEW,
             "Softmax": SOFTMAX, "QuantizeLinear": QUANTISE}  # fmt: skip
