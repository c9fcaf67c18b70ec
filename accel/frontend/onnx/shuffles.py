"""Chains of Reshape and Transpose that shuffle channels, or move them to rows and columns.

Between a Reshape of an image to more dimensions and the Reshape back nothing is in memory: the
value is :class:`Passing` and only remembers the steps.  Where they are known, they are tried on the
numbers of the elements, and what comes out is recognised.
"""

import dataclasses

import numpy as np

from accel.frontend import pieces
from accel.frontend.onnx import layers
from accel.frontend.onnx.build import Builder, same_quantisation
from accel.frontend.onnx.moves import moved
from accel.frontend.onnx.nodes import NodeView, new_shape
from accel.frontend.onnx.values import Activation, Moved, Passing, Pending, Shape, is_quantised

#: Operators that a value passes on its way to the Transpose.
_PASSED = frozenset({"QuantizeLinear", "DequantizeLinear", "Identity"})
#: Most steps of a chain, and most elements of an image.
MOST_STEPS, MOST_ELEMENTS = 8, 1 << 24
#: As many pieces of channels are copied; more go through a convolution.
FEW = 4


def begins(builder: Builder, node: NodeView, source, shape: Shape) -> bool:
    """Whether a Reshape to ``shape`` begins a chain: of an image, with a Transpose behind it."""
    if len(shape) < 4 or not isinstance(source, Activation | Pending) or len(source.shape) != 3:
        return False
    name, seen = node.proto.output[0], set()
    while len(builder.users(name)) == 1 and name not in seen:
        seen.add(name)
        (user,) = builder.users(name)
        if user.op not in _PASSED or not user.proto.output:
            return user.op == "Transpose"
        name = user.proto.output[0]
    return False


def begin(node: NodeView, source, shape: Shape) -> Passing:
    """The first step."""
    layers.check_image(node, source)
    size = int(np.prod(source.shape))
    node.require(size <= MOST_ELEMENTS, f"it may shuffle at most {MOST_ELEMENTS} elements", size)
    return Passing(source, shape, (shape,), via=node.proto.input[0])


def transpose(node: NodeView, value: Passing) -> Passing:
    """A Transpose within a chain."""
    full = (1, *value.shape)
    order = node.permutation(len(full))
    node.require(order[0] == 0, "the batch must stay the first dimension", list(order))
    step = tuple(n - 1 for n in order[1:])
    return _longer(node, value, tuple(value.shape[n] for n in step), ("transpose", step))


def reshape(builder: Builder, node: NodeView, value: Passing, constants):
    """A Reshape within a chain, or at its end, where it is an image again."""
    shape = new_shape(node, value.shape, constants)
    value = _longer(node, value, shape, shape)
    if len(shape) != 3:
        return value
    builder.spend(node, np.broadcast_to(np.int8(0), value.shape))
    found = _recognised(node, value)
    source = value.source
    if is_quantised(source):
        return builder.emit(found, node.proto.output[0], source.scale, source.zero_point,
                            source.dtype, node)
    return found


def _longer(node: NodeView, value: Passing, shape: Shape, step) -> Passing:
    node.require(len(value.steps) < MOST_STEPS, f"at most {MOST_STEPS} Reshapes and Transposes "
                 "may follow each other", "more")
    return dataclasses.replace(value, shape=shape, steps=(*value.steps, step))


def quantised(builder: Builder, node: NodeView, value: Passing, quantisation) -> Passing:
    """A QuantizeLinear to (scale, zero point, dtype) within a chain."""
    source, (scale, zero_point, dtype) = value.source, quantisation
    if isinstance(source, Activation) and same_quantisation(source, scale, zero_point):
        source = dataclasses.replace(source, dtype=dtype, centred=dtype == "uint8")
    else:
        source = builder.quantise(source, f"{node.proto.output[0]}/image", *quantisation, node)
    return dataclasses.replace(value, source=source)


def _recognised(node: NodeView, value: Passing) -> Moved:
    """What a chain does to an image."""
    channels, height, width = value.source.shape
    numbers = np.arange(channels * height * width, dtype=np.int32)
    numbers = numbers.reshape(value.source.shape)
    for step in value.steps:
        numbers = numbers.transpose(step[1]) if step[0] == "transpose" else numbers.reshape(step)
    order = _order(numbers, height, width)
    if order is not None:
        return _channels(node, value, order)
    outputs, high, wide = value.shape
    block = high // height
    if block > 1 and (high, wide, outputs * block**2) == (height * block, width * block, channels):
        orders = [_order(numbers[:, y::block, x::block], height, width)
                  for y in range(block) for x in range(block)]
        if all(one is not None for one in orders):
            order = np.concatenate(orders)
            return _moved(node, value, pieces.to_space((height, width, channels), block), order)
    raise node.error("the Reshapes and Transposes before it must shuffle channels, or move them to "
                     "rows and columns of blocks; no machine address does what they do")


def _order(numbers: np.ndarray, height: int, width: int) -> np.ndarray | None:
    """Which channel each plane is, if all are whole channels of an image."""
    plane = np.arange(height * width, dtype=np.int32).reshape(height, width)
    if numbers.shape[1:] != plane.shape:
        return None
    order, rest = np.divmod(numbers[:, 0, 0], height * width)
    same = (numbers == (order * height * width)[:, None, None] + plane).all()
    return order.astype(int) if same and not rest.any() else None


def _channels(node: NodeView, value: Passing, order: np.ndarray) -> Moved:
    """Channels in another order: a few pieces of them, or one by one."""
    channels, height, width = value.source.shape
    ends = [0, *(np.flatnonzero(np.diff(order) != 1) + 1).tolist(), channels]
    runs = list(zip(ends, ends[1:], strict=False))
    if len(runs) > FEW:
        return _moved(node, value, pieces.cut((0, 0, 0), (height, width, channels)), order)
    parts = [
        pieces.Piece(pieces.Place((0, 0, int(order[first]))), (height, width, end - first),
                     pieces.Place((0, 0, first)))
        for first, end in runs
    ]
    return _moved(node, value, parts, None)


def _moved(node: NodeView, value: Passing, parts, order) -> Moved:
    found = moved(node, value.source, value.shape, parts, channels=order)
    return dataclasses.replace(found, via=value.via)

