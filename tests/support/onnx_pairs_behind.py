"""What stands between a layer and its QuantizeLinear, for onnx_pairs: constants, and a Concat."""

import numpy as np

from tests.support.onnx_pairs import Net, Operator
from tests.support.onnx_pairs_weighted import TYPES
from tests.support.onnx_pairs_windows import SCALES

#: By layer: the input's shape, the shape of the weights, which axis has outputs, its attributes.
LAYERS = {
    "Conv": ([4, 6, 5], (6, 4, 3, 3), 0, {"pads": [1, 1, 1, 1]}),
    "Conv groups": ([4, 6, 5], (6, 2, 3, 2), 0, {"group": 2}),
    "ConvTranspose": ([4, 3, 4], (4, 6, 3, 2), 1, {"strides": [2, 2]}),
    "ConvTranspose groups": ([4, 3, 4], (4, 3, 2, 2), 1, {"strides": [2, 2], "group": 2}),
    "Gemm": ([12], (12, 6), 1, {}),
    "MatMul": ([12], (12, 6), 1, {}),
    "MatMul of pixels": ([5, 12], (12, 6), 1, {}),
}
CHANNELS = 6


def layer(net: Net, row, real: str, name: str) -> str:
    """A layer of dequantised weights."""
    _, shape, axis, attributes = LAYERS[row["layer"]]
    whole = net.const(f"{name}_w", net.random.integers(-127, 128, shape), np.int8)
    per = row["per"] and "groups" not in row["layer"]
    scale = 0.004 * np.linspace(0.5, 1.5, shape[axis]) if per else 0.004
    weights = net.real([whole, *net.params(f"{name}_ws", scale, dtype=np.int8)],
                       **({"axis": axis} if per else {}))
    names = [real, weights]
    if row["bias"] and not row["layer"].startswith("MatMul"):
        names.append(net.const(f"{name}_b", net.random.normal(0, 1, CHANNELS), np.float32))
    return net.node(row["layer"].split()[0], names, name, **attributes)


def constants(net: Net, row, value: str, name: str) -> str:
    """Factors, divisors, shifts or statistics behind a value; some factors are negative, one 0."""
    numbers = net.random.uniform(0.3, 1.5, (4, CHANNELS)).astype(np.float32)
    numbers[0] *= net.random.choice([-1, 1], CHANNELS)
    if row["behind"] == "BatchNormalization":
        numbers[0, 1] = 0
        stored = [net.const(f"{name}{n}", each, np.float32) for n, each in enumerate(numbers)]
        return net.node("BatchNormalization", [value, *stored], name)
    behind = len(LAYERS[row["layer"]][0]) - 1 if "Conv" in row["layer"] else 0
    shape = [] if row["constant"] == "number" else [CHANNELS, *[1] * behind]
    real = numbers[0].ravel()[: CHANNELS if shape else 1].reshape(shape)
    if row["constant"] == "bytes":
        whole = np.rint(real / 0.012).clip(-128, 127)
        constant = net.real([net.const(f"{name}_q", whole, np.int8),
                             *net.params(f"{name}_q", 0.012, dtype=np.int8)])
    else:
        constant = net.const(f"{name}_c", real, np.float32)
    pair = [constant, value] if row["swapped"] and row["behind"] != "Div" else [value, constant]
    return net.node(row["behind"], pair, name)


def behind(row):
    """A layer, constants behind it, perhaps others, an activation, and perhaps a Concat."""
    net = Net(row["dtype"], row["opset"])
    real = net.real(net.input([row["batch"], *LAYERS[row["layer"]][0]]))
    value = constants(net, row, layer(net, row, real, "layer"), "behind")
    if row["again"]:
        value = constants(net, row, value, "again")
    if row["relu"]:
        value = net.node("Relu", [value], "relu")
    if row["concat"] == "layer":
        value = net.node("Concat", [value, layer(net, row, real, "other")], "whole", axis=1)
    elif row["concat"] == "pooled":
        other = net.node("Relu", [layer(net, row, real, "other")], "positive")
        pooled = [net.node("MaxPool", [each], f"{each}_pool", kernel_shape=[2, 2])
                  for each in (value, other)]
        value = net.node("Concat", pooled, "whole", axis=2)
    return net.finish(value, net.params("y", *SCALES[row["scales"]]))


BEHIND = Operator(
    {
        "layer": list(LAYERS), "behind": ["Add", "Mul", "Div", "Sub", "BatchNormalization"],
        "constant": ["floats", "bytes", "number"], "dtype": TYPES, "opset": [14, 19, 21],
        "batch": [1, "N"], "per": [False, True], "bias": [False, True], "again": [False, True],
        "swapped": [False, True], "relu": [False, True], "scales": list(SCALES),
        "concat": [None, "layer", "pooled"],
    },
    behind,
    lambda row: not (row["concat"] == "pooled" and "Conv" not in row["layer"])
    and not (row["layer"] == "MatMul of pixels"
             and (row["concat"] or row["behind"] == "BatchNormalization"))
    and not (row["behind"] == "BatchNormalization" and row["constant"] != "floats"),
    near=lambda row: 0.05,
)  # fmt: skip

OPERATORS = {"behind a layer": BEHIND}
