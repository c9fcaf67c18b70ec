"""One-dimensional networks (sound, sensors): a line [C, L] is an image [C, 1, L] of one row.

Both lie in memory alike, so the handlers of images serve: a node gets an axis more in its
attributes, its weights and what it reads, for as long as its handler runs.
"""

import dataclasses

import numpy as np
import onnx

from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Input,
    Pending,
    QuantConstant,
    Same,
    memory_shape,
    order_of,
)

#: Layers with windows, and which input their weights are.
WINDOWS = {
    "Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3, "MaxPool": None,
    "AveragePool": None, "GlobalAveragePool": None, "GlobalMaxPool": None,
    "QLinearAveragePool": None, "QLinearGlobalAveragePool": None,
}  # fmt: skip
#: Operators with an axis, or several, in attributes or constant inputs.
_AXES = ("Concat", "QLinearConcat", "ReduceMax", "ReduceMean", "Resize", "Slice", "Softmax",
         "Split", "Pad")  # fmt: skip
OPERATORS = frozenset((*WINDOWS, *_AXES))
#: What an attribute of windows has for the rows.
_ROWS = {"kernel_shape": 1, "strides": 1, "dilations": 1, "output_padding": 0, "output_shape": 1}


def are_lines(builder, node: NodeView) -> bool:
    """Whether a node is one of these, and what it reads is a line."""
    if node.op not in OPERATORS or node.attributes.get("channels_last"):
        return False
    first = _data(node)[0]
    return builder.has(node, first) and _is_line(builder.value(node, first))


def wants(node: NodeView, name: str) -> bool:
    """Whether a node reads a line ``name`` as one: pixel by pixel."""
    reads = node.op in WINDOWS or node.op in ("ReduceMax", "ReduceMean")
    return reads and name == node.proto.input[0]


def handle(builder, node: NodeView, handler):
    """Run a handler of images on a node of lines; what it gives are lines again."""
    kept = {}
    for number in _data(node):
        name = node.proto.input[number]
        if name not in kept:
            value = builder.value(node, number)
            node.require(_is_line(value), "all inputs must be lines [1, C, L]",
                         getattr(value, "shape", "a constant"))
            kept[name] = value, _image(builder, node, value)
    for number, change in _constants(builder, node):
        if builder.has(node, number):
            value = builder.value(node, number)
            kept.setdefault(node.proto.input[number], (value, change(value)))
    builder.values |= {name: image for name, (_, image) in kept.items()}
    try:
        result = handler(builder, _with_rows(node))
    finally:
        for name, (value, image) in kept.items():
            now = builder.values[name]  # something pending may have become a tensor
            builder.values[name] = value if now is image else _line(now)
    return tuple(map(_line, result)) if isinstance(result, tuple) else _line(result)


def _data(node: NodeView) -> list[int]:
    """Which inputs are lines."""
    if node.op == "Concat":
        return list(range(len(node.proto.input)))
    return list(range(2, len(node.proto.input), 3)) if node.op == "QLinearConcat" else [0]


def _is_line(value) -> bool:
    return isinstance(value, Activation | Pending | Input) and len(value.shape) == 2


def _image(builder, node: NodeView, value):
    """A line as an image of one row."""
    channels, length = value.shape
    shape = channels, 1, length
    image = dataclasses.replace(value, shape=shape)
    if not isinstance(value, Activation) or value.order != order_of(shape):
        return image
    if value.tensor.shape == memory_shape(shape, value.order):
        return image
    seen = Same(f"{node.name}/row", value, shape, value.order, via=node.proto.input[0])
    return builder.emit(seen, node.proto.input[0], value.scale, value.zero_point, value.dtype, node)


def _line(value):
    """An image of one row as a line."""
    if len(getattr(value, "shape", ())) != 3:
        return value
    channels, _, length = value.shape
    return dataclasses.replace(value, shape=(channels, length))


def _with_rows(node: NodeView) -> NodeView:
    """The node with an axis more in its attributes."""
    proto = onnx.NodeProto.FromString(node.proto.SerializeToString())
    del proto.attribute[:]
    for name, value in node.attributes.items():
        if name in _ROWS and _is_list(value, 1):
            value = [_ROWS[name], *value]
        elif name == "pads" and node.op in WINDOWS and _is_list(value, 2):
            value = [0, value[0], 0, value[1]]
        elif name == "pads" and _is_list(value, 6):
            value = _inserted(value, 3, 0)
        elif name == "axis" and node.op in _AXES and isinstance(value, int):
            value = _axis(value)
        elif name == "axes" and node.op in _AXES:
            value = _axes(node, value)
        elif name in ("starts", "ends") and "axes" not in node.attributes and len(value) == 3:
            value = _inserted(value, 3, 0 if name == "starts" else 1)
        proto.attribute.append(onnx.helper.make_attribute(name, value))
    return NodeView(node.file, proto)


def _is_list(value, count: int) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == count


def _constants(builder, node: NodeView):
    """Numbers of constant inputs, each with what makes it one of an image's node."""
    if WINDOWS.get(node.op):
        return [(WINDOWS[node.op], _weights)]

    def all_axes(fill):
        return lambda value: _array(value, lambda a: a if a.size % 3 else _inserted(a, 3, fill))

    def axes(value):
        return _array(value, lambda a: np.array(_axes(node, a.tolist()), np.int64))

    match node.op:
        case "Slice" if builder.has(node, 3):
            return [(3, axes)]
        case "Slice":
            return [(1, all_axes(0)), (2, all_axes(1)), (4, all_axes(1))]
        case "Pad" if builder.has(node, 3):
            return [(3, axes)]
        case "Pad":
            return [(1, all_axes(0))]
        case "Resize" if "axes" not in node.attributes:
            return [(1 if builder.opset < 11 else 2, all_axes(1)), (3, all_axes(1))]
        case "ReduceMax" | "ReduceMean":
            return [(1, axes)]
    return []


def _array(value, change):
    """A constant of numbers, changed; what is none, the handler refuses."""
    return Constant(change(value.array.ravel())) if isinstance(value, Constant) else value


def _weights(value):
    """Kernels [.., .., k] as [.., .., 1, k]; a scale per channel stays where it is."""
    if isinstance(value, QuantConstant) and value.integers.ndim == 3:
        axis = value.axis % 3
        return dataclasses.replace(value, integers=value.integers[:, :, None],
                                   axis=axis + (axis == 2))
    if isinstance(value, Constant) and value.array.ndim == 3:
        return Constant(value.array[:, :, None])
    return value


def _axis(axis: int) -> int:
    """An axis of [N, C, L] as one of [N, C, 1, L]."""
    return {-3: 0, -2: 1, 2: 3}.get(axis, axis)


def _axes(node: NodeView, axes) -> list[int]:
    """Axes likewise; a reduction of the length is one of the whole image."""
    found = [_axis(int(axis)) for axis in axes]
    whole = node.op.startswith("Reduce") and (3 in found or -1 in found)
    return [2, *found] if whole else found


def _inserted(values, rank: int, fill):
    """Numbers of [N, C, L], so many times as there are, as of [N, C, 1, L]."""
    array = np.asarray(values)
    groups = array.reshape(-1, rank)
    made = np.insert(groups, 2, fill, axis=1).ravel()
    return made if isinstance(values, np.ndarray) else made.tolist()
