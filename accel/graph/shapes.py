"""Shape arithmetic of windows: how large an output is, and how many elements a window sees."""

import numpy as np

from accel.graph.ir import AveragePool, Conv, GraphError, MaxPool, Node, Reshape, Tensor


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
    """[out_h, out_w] numbers of real elements in a pooling node's windows."""
    rows, columns = (
        window_counts(source.shape[a], target.shape[a], node.kernel[a], node.stride[a],
                      node.padding[a]).clip(0)
        for a in (0, 1)
    )
    return np.outer(rows, columns)


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


def node_shape(node: Node, source: Tensor) -> tuple[int, int, int] | None:
    """Shape (height, width, channels) a node gives its output; None for Reshape (any)."""
    match node:
        case Conv():
            out_channels, kernel_h, kernel_w, _ = node.weights.shape
            return _window_shape(
                node, source.shape, (kernel_h, kernel_w), out_channels, node.dilation
            )
        case MaxPool() | AveragePool():
            return _window_shape(node, source.shape, node.kernel, source.shape[2])
        case Reshape():
            return None
    raise GraphError(f"node {node!r} is of no known kind")
