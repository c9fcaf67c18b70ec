"""A small ONNX file for every line of the table of operators, to see that the line is true.

``LINES`` maps an operator, its place, and how exact it is, where the place alone does not say, to
functions that make such a file's Net; ``HOSTED`` has files of operators that the host alone
computes.
"""

import functools

import numpy as np
from onnx import helper

from accel.frontend.notes import EXACT, STEP
from tests.support.onnx_pairs import Net

#: Integer image of the files, and what stands behind it.
IMAGE = [1, 4, 6, 6]
Y = (0.05, 3)


def start(shape=None, dtype=np.uint8, scale=0.03, zero=-7):
    """A net, and its input's name, scale and zero point."""
    net = Net(dtype, 21)
    return net, net.input(shape or IMAGE, scale, zero)


def floating(op, *others, shape=None, y=Y, first=True, before=(), scale=0.03, zero=-7,
             **attributes):
    """``op`` of the input, and constants (name, array), between DequantizeLinear and Quantize."""
    net, x = start(shape, scale=scale, zero=zero)
    value = net.real(x)
    for each in before:
        value = net.node(each, [value], f"{each}_before")
    names = [net.const(f"c{n}", array) if array is not None else ""
             for n, array in enumerate(others)]
    names = [value, *names] if first else [*names, value]
    return net.finish(net.node(op, names, "op", **attributes), net.params("y", *y))


def integral(op, *others, shape=None, **attributes):
    """``op`` on the bytes themselves."""
    net, x = start(shape)
    names = [net.const(f"c{n}", array) for n, array in enumerate(others)]
    return net.finish(net.node(op, [x[0], *names], "op", **attributes))


def two(op, other=None, y=Y):
    """``op`` of two tensors."""
    net, x = start()
    z = net.input(other or IMAGE, 0.04, 5, name="z")
    value = net.node(op, [net.real(x), net.real(z)], "op")
    return net.finish(value, net.params("y", *y))


def weighted(op, shape, image=None, then=None, zero=3, y=Y, **attributes):
    """``op`` with stored weights, int8; perhaps with an activation function behind it."""
    net, x = start(image)
    w = [net.const("w", net.random.integers(-127, 128, shape), np.int8),
         *net.params("w", 0.01, 0, np.int8)]
    value = net.node(op, [net.real(x), net.real(w)], "op", **attributes)
    if then:
        bounds = [net.const(f"bound{n}", np.float32(v)) for n, v in enumerate(then[1:])]
        value = net.node(then[0], [value, *bounds], "then")
    return net.finish(value, net.params("y", y[0], zero))


def qlinear(op, *others, shape=None, behind=False, **attributes):
    """A QLinear operator of one tensor; ``others`` stand between, or ``behind`` all."""
    net, x = start(shape)
    given = [net.const(f"c{n}", array) for n, array in enumerate(others)]
    y = net.params("y", *Y)
    inputs = [*x, *y, *given] if behind else [*x, *given, *y]
    return net.finish(net.node(op, inputs, "op", domain="com.microsoft", **attributes))


def qlinear_weighted(op, shape, image, domain=""):
    net, x = start(image)
    w = [net.const("w", net.random.integers(-127, 128, shape), np.int8),
         *net.params("w", 0.01, 0, np.int8)]
    bias = [""] if op == "QGemm" else []
    value = net.node(op, [*x, *w, *bias, *net.params("y", *Y)], "op", domain=domain)
    return net.finish(value)


def qlinear_two(op, other=None, constant=None):
    """QLinearAdd or QLinearMul of two tensors, or of one and a constant."""
    net, x = start()
    if constant is None:
        z = net.input(other or IMAGE, 0.04, 5, name="z")
    else:
        z = [net.const("z", np.random.default_rng(1).integers(1, 200, constant), np.uint8),
             *net.params("z", 0.013, 0)]
    y = net.params("y", *Y)
    return net.finish(net.node(op, [*x, *z, *y], "op", domain="com.microsoft"))


def qlinear_concat():
    net, x = start()
    y = net.params("y", *Y)
    z = net.input(IMAGE, 0.04, 5, name="z")
    return net.finish(net.node("QLinearConcat", [*y, *x, *z], "op", domain="com.microsoft", axis=1))


def integer_sums(op, shape, image, scaled="Mul"):
    """ConvInteger or MatMulInteger, and what makes its sums a float."""
    net, x = start(image)
    names = [x[0], net.const("w", net.random.integers(-127, 128, shape), np.int8), x[2]]
    value = net.node("Cast", [net.node(op, names, "op")], "cast", to=1)
    value = net.node(scaled, [value, net.const("factor", np.float32(0.0003))], "scaled")
    return net.finish(value, net.params("y", *Y))


def dropped():
    net, x = start()
    return net.finish(net.node("Dropout", [net.real(x)], "op"), x[1:])


def joined():
    net, x = start()
    z = net.input(IMAGE, 0.03, -7, name="z")
    value = net.node("Concat", [net.real(x), net.real(z)], "op", axis=1)
    return net.finish(value, x[1:])


def halved():
    net, x = start()
    first, _ = net.split([x[0]], ["first", "second"], axis=1, num_outputs=2)
    return net.finish(first)


def requantised():
    net, x = start()
    return net.finish(net.real(x), net.params("y", *Y))


def dynamic():
    """A float behind it all, quantised as its own values say."""
    net, x = start()
    net.nodes.append(helper.make_node("DynamicQuantizeLinear", [net.real(x)], ["q", "s", "zero"],
                                      name="op"))
    return net.finish(net.node("DequantizeLinear", ["q", "s", "zero"], "d"),
                      net.params("y", *Y))


def channels(low, high, count=4):
    return np.linspace(low, high, count, dtype=np.float32).reshape(-1, 1, 1)


def of(build, *given, **options):
    return functools.partial(build, *given, **options)


ints = functools.partial(np.array, dtype=np.int64)
floats = functools.partial(np.array, dtype=np.float32)
#: The input's own scale and zero point, for what only moves bytes.
SAME = (0.03, -7)
FLAT, PIXEL = [1, 24], [1, 4, 1, 1]
#: Functions of one byte; those that need positive numbers come behind a Sigmoid.
_ALONE = ("Abs", "Ceil", "Celu", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "Mish", "Neg",
          "Round", "Selu", "Sign", "Sin", "Softplus", "Softsign", "Tan", "ThresholdedRelu",
          "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "HardSwish")  # fmt: skip
_POSITIVE = ("Log", "Reciprocal", "Sqrt")
LINES = {
    **{(op, "table"): [of(floating, op)] for op in _ALONE},
    **{(op, "table"): [of(floating, op, before=["Sigmoid"])] for op in _POSITIVE},
    **{(op, "table"): [of(floating, op, floats(0.7))]
       for op in ("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub")},
    ("Pow", "table"): [of(floating, "Pow", floats(2))],
    ("PRelu", "table"): [of(floating, "PRelu", floats([0.1]))],
    **{(op, "window"): [of(two, op), of(two, op, PIXEL)]
       for op in ("Add", "Mul", "Sub")},
    **{(op, "window", EXACT): [of(two, op), of(two, op, PIXEL)] for op in ("Max", "Min")},
    **{(op, "window", STEP): [of(floating, op, channels(0.2, 1.4))] for op in ("Max", "Min")},
    **{(op, "array"): [of(floating, op, channels(0.2, 1.4))]
       for op in ("Add", "Div", "Mul", "Sub")},
    ("PRelu", "window"): [of(floating, "PRelu", channels(0.1, 0.8))],
    ("Conv", "array"): [of(weighted, "Conv", [5, 4, 3, 3]), of(weighted, "Conv", [4, 1, 3, 3],
                                                                group=4),
                        of(weighted, "Conv", [5, 4, 3], [1, 4, 9])],
    ("ConvTranspose", "array"): [of(weighted, "ConvTranspose", [4, 5, 3, 3], strides=[2, 2])],
    ("Gemm", "array"): [of(weighted, "Gemm", [24, 5], FLAT)],
    ("MatMul", "array"): [of(weighted, "MatMul", [24, 5], shape) for shape in (FLAT, [1, 7, 24])],
    ("Relu", "bounds", EXACT): [of(weighted, "Conv", [5, 4, 3, 3], then=["Relu"], zero=-128)],
    ("Relu", "bounds", STEP): [of(weighted, "Conv", [5, 4, 3, 3], then=["Relu"])],
    ("Clip", "bounds", EXACT): [of(weighted, "Conv", [5, 4, 3, 3], then=["Clip", 0, 6],
                                   zero=-128, y=(6 / 255, None))],
    ("Clip", "bounds", STEP): [of(weighted, "Conv", [5, 4, 3, 3], then=["Clip", -1, 3])],
    ("AveragePool", "window"): [of(floating, "AveragePool", kernel_shape=[2, 2])],
    ("GlobalAveragePool", "window"): [of(floating, "GlobalAveragePool")],
    ("ReduceMean", "window"): [of(floating, "ReduceMean", ints([2, 3]))],
    ("MaxPool", "window"): [of(integral, "MaxPool", kernel_shape=[2, 2], dilations=[2, 1])],
    ("GlobalMaxPool", "window"): [of(floating, "GlobalMaxPool", y=SAME)],
    ("ReduceMax", "window"): [of(floating, "ReduceMax", ints([2, 3]), y=SAME)],
    ("BatchNormalization", "array"): [of(floating, "BatchNormalization", *(
        channels(low, 1.5).ravel() for low in (-1, -0.5, 0.1, 0.4)))],
    ("Resize", "addresses"): [of(floating, "Resize", None, floats([1, 1, 2, 2]), y=SAME,
                                 mode="nearest", nearest_mode="floor",
                                 coordinate_transformation_mode="asymmetric")],
    ("Resize", "array"): [of(floating, "Resize", None, floats([1, 1, 2, 2]), mode="linear")],
    ("Concat", "addresses"): [joined],
    ("DepthToSpace", "addresses"): [of(integral, "DepthToSpace", blocksize=2)],
    ("SpaceToDepth", "addresses"): [of(floating, "SpaceToDepth", blocksize=2, y=SAME)],
    ("Dropout", "addresses"): [dropped],
    ("Identity", "addresses"): [of(integral, "Identity")],
    ("Flatten", "addresses"): [of(integral, "Flatten")],
    ("Reshape", "addresses"): [of(integral, "Reshape", ints([1, 4, 3, 12]))],
    ("Squeeze", "addresses"): [of(integral, "Squeeze", ints([2, 3]), shape=PIXEL)],
    ("Unsqueeze", "addresses"): [of(integral, "Unsqueeze", ints([2, 3]), shape=[1, 9])],
    ("Transpose", "addresses"): [of(integral, "Transpose", perm=[0, 2, 3, 1])],
    ("Slice", "addresses"): [of(integral, "Slice", ints([1, 0]), ints([4, 6]), ints([1, 2]),
                                ints([1, 2]))],
    ("Split", "addresses"): [halved],
    ("Pad", "addresses"): [of(floating, "Pad", ints([0, 0, 1, 1, 0, 0, 2, 1]), y=SAME),
                           of(floating, "Pad", ints([0, 0, 1, 1, 0, 0, 2, 1]), y=SAME,
                              mode="reflect")],
    ("QuantizeLinear", "border"): [requantised],
    ("DequantizeLinear", "border"): [requantised],
    ("Cast", "border"): [of(integer_sums, "MatMulInteger", [24, 5], FLAT)],
    ("Mul", "border"): [of(integer_sums, "MatMulInteger", [24, 5], FLAT)],
    ("ConvInteger", "array"): [of(integer_sums, "ConvInteger", [5, 4, 3, 3], IMAGE)],
    ("MatMulInteger", "array"): [of(integer_sums, "MatMulInteger", [24, 5], FLAT)],
    ("QLinearConv", "array"): [of(qlinear_weighted, "QLinearConv", [5, 4, 3, 3], IMAGE)],
    ("QLinearMatMul", "array"): [of(qlinear_weighted, "QLinearMatMul", [24, 5], FLAT)],
    ("QGemm", "array"): [of(qlinear_weighted, "QGemm", [24, 5], FLAT, "com.microsoft")],
    ("QLinearAdd", "window"): [of(qlinear_two, "QLinearAdd"), of(qlinear_two, "QLinearAdd", PIXEL)],
    ("QLinearAdd", "array"): [of(qlinear_two, "QLinearAdd", constant=[4, 1, 1])],
    ("QLinearAdd", "table"): [of(qlinear_two, "QLinearAdd", constant=[])],
    ("QLinearMul", "window"): [of(qlinear_two, "QLinearMul"), of(qlinear_two, "QLinearMul", PIXEL)],
    ("QLinearMul", "array"): [of(qlinear_two, "QLinearMul", constant=shape)
                              for shape in ([4, 1, 1], [])],
    ("QLinearConcat", "addresses"): [qlinear_concat],
    ("QLinearSigmoid", "table"): [of(qlinear, "QLinearSigmoid")],
    ("QLinearLeakyRelu", "table"): [of(qlinear, "QLinearLeakyRelu")],
    ("QLinearSoftmax", "host"): [of(qlinear, "QLinearSoftmax", shape=[1, 9], axis=1, opset=13)],
    ("QLinearAveragePool", "window"): [of(qlinear, "QLinearAveragePool", kernel_shape=[2, 2])],
    ("QLinearGlobalAveragePool", "window"): [of(qlinear, "QLinearGlobalAveragePool",
                                                channels_last=0)],
    ("Softmax", "host"): [of(floating, "Softmax", axis=1), of(floating, "Softmax", axis=2)],
    ("LRN", "host"): [of(floating, "LRN", size=3)],
    ("DynamicQuantizeLinear", "host"): [dynamic],
}  # fmt: skip

_INVERSE = ("Acos", "Asin", "Atan", "Atanh", "Asinh", "Cosh", "Sinh")
HOSTED = {
    **{op: of(floating, op, before=["Sigmoid"]) for op in _INVERSE},
    **{op: of(floating, op) for op in ("Hardmax", "LogSoftmax", "LpNormalization", "Shrink",
                                        "GlobalLpPool", "MeanVarianceNormalization", "Trilu")},
    **{op: of(floating, op, ints([1]), keepdims=1) for op in (
        "ReduceL1", "ReduceL2", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
        "ReduceLogSumExp")},
    "LpPool": of(floating, "LpPool", kernel_shape=[2, 2]),
    "LayerNormalization": of(floating, "LayerNormalization", np.ones(6, np.float32)),
    "InstanceNormalization": of(floating, "InstanceNormalization", np.ones(4, np.float32),
                                np.zeros(4, np.float32)),
    "GroupNormalization": of(floating, "GroupNormalization", np.ones(4, np.float32),
                             np.zeros(4, np.float32), num_groups=2),
    "CumSum": of(floating, "CumSum", ints(2)),
    "Expand": of(floating, "Expand", ints([1, 4, 6, 6]), shape=[1, 4, 6, 1]),
    "Tile": of(floating, "Tile", ints([1, 1, 2, 1])),
    "Gather": of(floating, "Gather", ints([0, 2]), axis=1),
    "GatherElements": of(floating, "GatherElements", np.zeros((1, 4, 6, 2), np.int64), axis=3),
    "GatherND": of(floating, "GatherND", ints([[0, 1]]), batch_dims=0),
    "ScatterND": of(floating, "ScatterND", ints([[0, 1]]), np.ones((1, 6, 6), np.float32)),
    "Einsum": of(floating, "Einsum", equation="bchw->bhwc"),
    "Mod": of(floating, "Mod", floats(0.7), fmod=1),
    "GridSample": of(floating, "GridSample", np.zeros((1, 3, 3, 2), np.float32)),
    "RoiAlign": of(floating, "RoiAlign", floats([[0, 0, 3, 3]]), ints([0])),
    "Sum": of(floating, "Sum", np.ones((1, 1, 6, 6), np.float32)),
    "Mean": of(floating, "Mean", np.ones((1, 1, 6, 6), np.float32)),
    "ReverseSequence": of(floating, "ReverseSequence", ints([3]), batch_axis=0, time_axis=1),
}  # fmt: skip
