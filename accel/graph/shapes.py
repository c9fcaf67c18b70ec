"""Shape arithmetic of windows: how large an output is, and how many elements a window sees."""

import numpy as np

from accel.graph import places
from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Extreme,
    GraphError,
    LocalResponse,
    MaxPool,
    Mul,
    Node,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Table,
    Tensor,
)


def out_size(size, kernel, stride, pads, dilation=1, ceil_mode=False) -> int:
    """Number of window positions along one axis; not positive if not even one fits.

    Args:
        size: elements of the input.
        kernel: elements of the window.
        stride: distance between windows.
        pads: (before, after): padded elements.
        dilation: distance between neighbouring elements of a window.
        ceil_mode: also count a last window that starts inside the (front-padded) input but ends
            behind its padding.
    """
    before, after = pads
    room = size + before + after - (dilation * (kernel - 1) + 1)
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    if (count - 1) * stride >= size + before:
        count -= 1  # that window would see nothing but padding
    return count


def window_counts(size, out, kernel, stride, before) -> np.ndarray:
    """Number of real (unpadded) elements in each of ``out`` windows along one axis."""
    start = np.arange(out, dtype=np.int64) * stride - before
    return np.minimum(start + kernel, size) - np.maximum(start, 0)


def pool_counts(node: MaxPool | AveragePool, source: Tensor, target: Tensor) -> np.ndarray:
    """Numbers of real elements that a pooling node's windows have, ascending, each once."""
    rows, columns = (
        np.unique(window_counts(source.shape[a], target.shape[a], node.kernel[a], node.stride[a],
                                node.padding[a]).clip(0))
        for a in (0, 1)
    )
    return np.unique(np.outer(rows, columns))


def _window_shape(node, shape, kernel, channels, dilation=(1, 1)) -> tuple[int, int, int]:
    top, left, bottom, right = node.padding
    height = out_size(shape[0], kernel[0], node.stride[0], (top, bottom), dilation[0])
    width = out_size(shape[1], kernel[1], node.stride[1], (left, right), dilation[1])
    if height < 1 or width < 1:
        raise GraphError(
            f"node {node.name!r}: kernel {tuple(kernel)} with dilation {tuple(dilation)} must fit "
            f"the padded input, not {shape[0]}x{shape[1]} with padding {tuple(node.padding)}"
        )
    return height, width, channels


def _concat_shape(node: Concat, sources) -> tuple[int, int, int]:
    height, width, _ = sources[0].shape
    for source in sources[1:]:
        if source.shape[:2] != (height, width):
            raise GraphError(
                f"node {node.name!r}: inputs must all be {height}x{width}, not "
                f"{source.shape[0]}x{source.shape[1]} ({source.name!r})"
            )
    return height, width, sum(source.shape[2] for source in sources)


def pair_shape(*shapes) -> tuple[int, int, int] | None:
    """The shape of an element-wise operator's output: of its inputs, or of the one that is not a
    pixel; None if they do not fit."""
    one, other = shapes
    if one == other:
        return one
    if one[2] != other[2] or (1, 1) not in (one[:2], other[:2]):
        return None
    return max(shapes, key=lambda shape: shape[0] * shape[1])


def _pair_shape(node: Add | Mul | Extreme, sources) -> tuple[int, int, int]:
    first, second = (source.shape for source in sources)
    shape = pair_shape(first, second)
    if shape is None:
        raise GraphError(
            f"node {node.name!r}: inputs must have one shape, or one of them be (1, 1, C), not "
            f"{first} and {second}"
        )
    return shape


def node_shape(node: Node, *sources: Tensor) -> tuple[int, int, int] | None:
    """Shape (height, width, channels) a node gives its output; None for Reshape (any).

    Raises:
        GraphError: the inputs' shapes do not fit the node, or one another.
    """
    source = sources[0]
    match node:
        case Conv():
            out_channels, kernel_h, kernel_w, _ = node.weights.shape
            return _window_shape(
                node, source.shape, (kernel_h, kernel_w), out_channels, node.dilation
            )
        case MaxPool() | AveragePool():
            return _window_shape(node, source.shape, node.kernel, source.shape[2])
        case Add() | Mul() | Extreme():
            return _pair_shape(node, sources)
        case Concat():
            return _concat_shape(node, sources)
        case Slice():
            return tuple(node.shape)
        case Assemble():
            return places.whole(node, sources)
        case Pad():
            top, left, bottom, right = node.padding
            height, width, channels = source.shape
            return height + top + bottom, width + left + right, channels
        case Table() | Softmax() | LocalResponse():
            return source.shape
        case Reshape():
            return None
    raise GraphError(f"node {node!r} is of no known kind")
