"""Fully connected layers on every pixel: 1x1 convolutions, as transformers and ConvNeXt have them.

A value [1, ..., C] whose last dimension lies in memory as channels is an image of many pixels to
them, and what they give is one again.  ONNX Runtime's tools, and others, write such a layer as a
Gemm on a list of pixels [P, C], with a Reshape before and behind: between the two the value has no
dimension for the batch (``bare``), and only what is in OPERATORS may read it.
"""

import contextlib
import dataclasses
import math

import numpy as np

from accel.frontend.errors import ModelError
from accel.frontend.onnx.nodes import NodeView, reshaped
from accel.frontend.onnx.values import Activation, Pending, Same, Shape, flat
from accel.graph.ir import Reshape

#: Layers, and which of their inputs the weights are.
LAYERS = {"Gemm": 1, "MatMul": 1, "MatMulInteger": 1, "QGemm": 3, "QLinearMatMul": 3}
#: What leads from one layer, or from what the host computes, to the next.
_BETWEEN = frozenset({"QuantizeLinear", "DequantizeLinear", "Reshape", "Identity", "Dropout"})
#: What may read a value without a batch.
OPERATORS = _BETWEEN | LAYERS.keys() | {
    "Cast", "Mul", "Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "HardSwish",
    "Gelu", "Erf",
}  # fmt: skip


def is_bare(value) -> bool:
    """Whether a value has no dimension for the batch."""
    return isinstance(value, Activation | Pending) and value.bare


def are_listed(builder, node: NodeView) -> bool:
    """Whether a node reads values without a batch; refuses one that may not."""
    values = [builder.values.get(name) for name in node.proto.input]
    listed = [is_bare(value) for value in values if isinstance(value, Activation | Pending)]
    node.require(not any(listed) or all(listed) and node.op in OPERATORS, "a list of pixels, "
                 "without a batch, may be read by layers and functions of one byte", node.op)
    return any(listed)


def bare(value):
    """A value made of one without a batch, which has none either."""
    known = isinstance(value, Activation | Pending)
    return dataclasses.replace(value, bare=True) if known else value


def leads_to_layer(builder, name: str, full: Shape) -> bool:
    """Whether a layer reads a value, at once or after changes of its shape, as several pixels.

    Args:
        builder: the import.
        name: of the value.
        full: its shape, with the batch if it has one.
    """
    stack, known = [(name, tuple(full))], set()
    while stack:
        value, shape = stack.pop()
        if value in known:
            continue
        known.add(value)
        for user in builder.users(value):
            if user.proto.input[0] != value:
                continue
            if user.op in LAYERS:
                weights = user.proto.input[LAYERS[user.op]]
                if math.prod(shape[:-1]) > 1 and _stored(builder, weights):
                    return True
            elif user.op == "Reshape":
                with contextlib.suppress(ModelError):
                    made = reshaped(user, shape, lambda n, user=user: builder.constant(user, n))
                    stack += [(result, tuple(made)) for result in user.proto.output]
            elif user.op in _BETWEEN:
                stack += [(result, shape) for result in user.proto.output]
    return False


def _stored(builder, name: str) -> bool:
    """Whether weights are stored, perhaps with a DequantizeLinear."""
    maker = builder.maker(name)
    while maker is not None and maker.op in ("DequantizeLinear", "QuantizeLinear", "Transpose"):
        name = maker.proto.input[0]
        maker = builder.maker(name)
    return maker is None and name in builder.stored or maker is not None and maker.op == "Constant"


def laid_out(shape: Shape) -> tuple[int, int, int]:
    """The tensor's shape of a value whose last dimension are channels: an image, or one row."""
    return shape if len(shape) == 3 else (1, math.prod(shape[:-1]), shape[-1])


def are_pixels(value: Activation) -> bool:
    """Whether a value has several dimensions, and its channels, the last one, lie together."""
    return (len(value.shape) > 1 and value.order == flat(value.shape)
            and value.tensor.shape[2] == value.shape[-1])


def kept(value: Activation) -> tuple[int, int, int] | None:
    """The tensor's shape of what is made of such a value for each channel alone."""
    return value.tensor.shape if are_pixels(value) else None


def of_channels(value, constant: np.ndarray) -> tuple[int, ...]:
    """The shape of a constant without ones in front, if it goes with a value's last dimension."""
    rank = len(value.shape) + (not value.bare)
    alone = constant.ndim <= rank and constant.shape[-1:] == (constant.size,)
    return constant.shape[-1:] if alone else constant.shape


def made(builder, name: str, shape: Shape, quantisation, bare: bool) -> Activation:
    """A new value of (scale, zero point, dtype) whose last dimension are channels."""
    scale, zero_point, dtype = quantisation
    value = builder.add_tensor(name, shape, flat(shape), scale, zero_point, dtype)
    tensor = dataclasses.replace(value.tensor, shape=laid_out(shape))
    builder.tensors[tensor.name] = tensor
    return dataclasses.replace(value, tensor=tensor, bare=bare)


def seen(builder, node: NodeView, value: Activation) -> Activation:
    """A value as such a layer reads it; a vector, whatever its order, as it is."""
    if len(value.shape) == 1 or are_pixels(value):
        return value
    node.require(value.order == flat(value.shape), "input must be flat [1, n], or lie in memory "
                 "with its last dimension as channels", [1, *value.shape])
    tensor = dataclasses.replace(value.tensor, name=builder.unused(f"{value.tensor.name}/pixels"),
                                 shape=laid_out(value.shape))
    builder.tensors[tensor.name] = tensor
    name = builder.unique(f"{node.name}/pixels", tensor.name)
    builder.add_node(Reshape(name, value.tensor.name, tensor.name), node)
    return dataclasses.replace(value, tensor=tensor)


def together(builder, node: NodeView, *values: Activation) -> list[Activation]:
    """Values of one shape, all as images of the last dimension's channels if one is."""
    alike = len({(value.shape, value.order) for value in values}) == 1
    if not alike or len({value.tensor.shape for value in values}) == 1:
        return list(values)
    return [seen(builder, node, value) for value in values] if any(
        map(are_pixels, values)) else list(values)


def reshape(builder, node: NodeView, value, constants):
    """A Reshape from or to a value without a batch; None if it is neither."""
    full = value.shape if value.bare else (1, *value.shape)
    wanted = reshaped(node, full, constants)
    without = wanted[0] != 1
    if not value.bare and not (without and leads_to_layer(builder, node.proto.output[0],
                                                            wanted)):
        return None
    node.require(len(wanted) >= 2 and value.order == flat(value.shape), "a Reshape to or from a "
                 "list of pixels must be of what lies in memory with channels last", list(wanted))
    shape = tuple(wanted) if without else tuple(wanted[1:])
    if isinstance(value, Activation):
        return dataclasses.replace(value, shape=shape, order=flat(shape), bare=without)
    return Same(node.name, value, shape, flat(shape), via=node.proto.input[0], bare=without)
