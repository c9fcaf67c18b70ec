"""Operators that compute nothing, or a maximum: bytes in another place, shape or order.

They exist on integers and on float, and may stand before as well as behind a quantisation.
"""

import dataclasses

from accel.frontend.notes import EXACT, runs
from accel.frontend.onnx import layers, pixels, shuffles
from accel.frontend.onnx.build import Builder, keeping, same_quantisation
from accel.frontend.onnx.nodes import TO_CHW, TO_HWC, TURNED, NodeView, new_shape
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Function,
    Hosted,
    Input,
    Passing,
    Pending,
    QuantConstant,
    Same,
    is_quantised,
    memory_shape,
    order_of,
    settled,
)


@runs("addresses", EXACT, "any axis but the batch; a part of another scale by a table")
def concat(builder: Builder, node: NodeView):
    """Concat of activations, or of constants."""
    numbers = range(len(node.proto.input))
    node.require(len(numbers) > 0, "Concat must have inputs", 0)
    values = [builder.value(node, number) for number in numbers]
    sources = [
        layers.apart(value) if _waits(value)
        else builder.activation(node, number, is_quantised(value))
        for number, value in zip(numbers, values, strict=True)
    ]
    joined = layers.concat(node, sources)
    node.require(len(set(map(is_quantised, sources))) == 1, "inputs must all be bytes, or all be "
                 "dequantised", "both")
    if not is_quantised(sources[0]):
        return joined
    first = sources[0]
    for source in sources[1:]:
        node.require(source.dtype == first.dtype
                     and same_quantisation(source, first.scale, first.zero_point),
                     "quantised inputs must share scale and zero point (else use QLinearConcat)",
                     f"{first.scale}, {first.zero_point} and {source.scale}, {source.zero_point}")
    return builder.emit(joined, node.proto.output[0], first.scale, first.zero_point, first.dtype,
                        node)


def _waits(value) -> bool:
    """Whether a part of a Concat is quantised as the whole will be."""
    if isinstance(value, Function):
        return True
    return (isinstance(value, Pending) and not isinstance(value, Hosted) and not value.laid
            and settled(value) is None)  # fmt: skip


@runs("addresses", EXACT, "the bytes stay where they are")
def reshape(builder: Builder, node: NodeView):
    """Reshape, Flatten, Squeeze and Unsqueeze, also of constants and of a float input."""
    def constants(number):
        return builder.constant(node, number)

    value = builder.value(node, 0)
    if isinstance(value, Input):
        node.require(not value.hwc, "a transposed input must be quantised before it is reshaped",
                     "float")
        return dataclasses.replace(value, shape=new_shape(node, value.shape, constants))
    if isinstance(value, (Constant, QuantConstant)):
        return _reshape_constant(node, value, constants)
    if isinstance(value, Passing):
        return shuffles.reshape(builder, node, value, constants)
    if isinstance(value, Activation | Pending):
        listed = pixels.reshape(builder, node, value, constants)
        if listed is not None:
            return listed
        shape = new_shape(node, value.shape, constants)
        if shuffles.begins(builder, node, value, shape):
            return shuffles.begin(node, value, shape)
    return keeping(builder, node, lambda source: layers.reshape(node, source, constants))


def _reshape_constant(node: NodeView, value, constants):
    """Reshape stored numbers (weights)."""
    array = value.array if isinstance(value, Constant) else value.integers
    node.require(node.op == "Reshape", "a constant may be reshaped by Reshape only", node.op)
    target = constants(1)
    node.require(target is not None, "shape must be given", None)
    try:
        array = array.reshape([int(size) for size in target.ravel()])
    except ValueError as error:
        raise node.error(f"shape must hold the constant's elements: {error}") from None
    if isinstance(value, Constant):
        return Constant(array)
    node.require(value.scale.size == 1, "a reshaped constant must have one scale",
                 value.scale.size)
    return dataclasses.replace(value, integers=array)


@runs("addresses", EXACT, "between NCHW and NHWC, and as a channel shuffle or pixel shuffle has it")
def transpose(builder: Builder, node: NodeView):
    """Transpose of stored weights, or of an activation between NCHW and NHWC: moves no bytes."""
    value = builder.value(node, 0)
    if isinstance(value, Input):
        order = node.permutation(1 + len(value.shape))
        node.require(order in (TO_HWC if value.hwc else TO_CHW, TURNED),
                     "an input must be transposed from NHWC to NCHW only", list(order))
        shape = tuple(value.shape[n - 1] for n in order[1:])
        return dataclasses.replace(value, shape=shape, hwc=not value.hwc)
    if isinstance(value, Passing):
        return shuffles.transpose(node, value)
    if isinstance(value, Pending):
        shape, order = layers.transposed(node, value)
        return Same(node.name, value, shape, order, via=node.proto.input[0])
    if isinstance(value, Activation):
        shape, order = layers.transposed(node, value)
        if value.tensor.shape == memory_shape(shape, order) or order != order_of(shape):
            return dataclasses.replace(value, shape=shape, order=order)
        return keeping(builder, node, lambda source: Same(node.name, source, shape, order,
                                                          via=node.proto.input[0]))
    array = value.array if isinstance(value, Constant) else value.integers
    order = list(node.permutation(array.ndim))
    if isinstance(value, Constant):
        return Constant(array.transpose(order))
    axis = 0 if value.scale.size == 1 else order.index(value.axis % array.ndim)
    return dataclasses.replace(value, integers=array.transpose(order), axis=axis)


@runs("addresses", EXACT)
def identity(builder: Builder, node: NodeView):
    """Identity and (in inference) Dropout."""
    return builder.value(node, 0)


HANDLERS = {
    "Concat": concat, "Reshape": reshape, "Flatten": reshape,
    "Squeeze": reshape, "Unsqueeze": reshape, "Transpose": transpose, "Identity": identity,
    "Dropout": identity,
}  # fmt: skip
