"""One function per layer kind: int8 images in, int8 images out (float32 only from the host)."""

import numpy as np

from accel.golden import host, kernels, softmax_int8, softmax_table
from accel.golden.integer import conv
from accel.golden.pairs import extreme, requantised
from accel.golden.threads import spread
from accel.golden.windows_int8 import average_pool, max_pool
from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Graph,
    LocalResponse,
    Max,
    MaxPool,
    Min,
    Mul,
    Node,
    OneInput,
    Pad,
    Place,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)


def concat(node: Concat, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Join all inputs' images along the channels."""
    out = np.empty((len(images[0]), *target.shape), images[0].dtype)
    first = 0
    for image in images:
        last = first + image.shape[3]
        # A pixel as one element: NumPy copies these several times as fast as many short rows.
        whole = f"V{image.shape[3] * image.itemsize}"
        out[..., first:last].view(whole)[...] = np.ascontiguousarray(image).view(whole)
        first = last
    return out


def part(place: Place, shape, images: np.ndarray) -> np.ndarray:
    """What lies at a place of images, as a view of them."""
    (y, x, c), (down, across), (height, width, channels) = place.start, place.step, shape
    rows, columns = y + (height - 1) * down + 1, x + (width - 1) * across + 1
    return images[:, y:rows:down, x:columns:across, c : c + channels]


def slice_(node: Slice, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """A part of every image."""
    return np.ascontiguousarray(part(node.place, node.shape, images))


def assemble(node: Assemble, sources: tuple[Tensor, ...], target: Tensor, images) -> np.ndarray:
    """Every input's images at their place."""
    result = np.empty((len(images[0]), *target.shape), images[0].dtype)
    for place, source, values in zip(node.places, sources, images, strict=True):
        part(place, source.shape, result)[:] = values
    return result


def table(node: Table, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Look every byte up."""
    # As an unsigned byte, q is q modulo 256: the table's second half comes first.
    values, out = np.roll(node.values, 128), np.empty(images.shape, node.values.dtype)
    bits, flat = np.ascontiguousarray(images).view(np.uint8).ravel(), out.ravel()
    spread(
        lambda first, last: kernels.look_up(values, bits, flat, first, last), bits.size, bits.size
    )
    return out


def pad(node: Pad, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Zero points around every image."""
    top, left, bottom, right = node.padding
    widths = (0, 0), (top, bottom), (left, right), (0, 0)
    return np.pad(images, widths, constant_values=source.zero_point)


def reshape(node: Reshape, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """The same bytes under another shape."""
    return images.reshape(-1, *target.shape)


def softmax(node: Softmax, source: Tensor, target: Tensor, images: np.ndarray) -> np.ndarray:
    """Softmax over the channels, in the node's arithmetic."""
    layers = {"integer": softmax_int8, "table": softmax_table, "float": host}
    return layers[node.arithmetic].softmax(node, source, target, images)


#: Functions of node, input tensor, output tensor and the input's images.
LAYERS = {
    Conv: conv, MaxPool: max_pool, AveragePool: average_pool, Table: table, Pad: pad,
    Reshape: reshape, Slice: slice_, Softmax: softmax, LocalResponse: host.local_response,
}  # fmt: skip
#: The same of nodes with several inputs, which are given as tuples.
JOINS = {
    Add: requantised, Sub: requantised, Mul: requantised, Max: extreme, Min: extreme,
    Concat: concat, Assemble: assemble,
}  # fmt: skip


def compute(graph: Graph, node: Node, values) -> np.ndarray:
    """Compute a node's output.

    Args:
        graph: the node's network.
        node: one of its nodes.
        values: the node's inputs [batch, height, width, channels] by tensor name.
    """
    sources = tuple(graph.tensors[name] for name in node.inputs)
    images = tuple(values[name] for name in node.inputs)
    target = graph.tensors[node.output]
    if isinstance(node, OneInput):
        return LAYERS[type(node)](node, sources[0], target, images[0])
    return JOINS[type(node)](node, sources, target, images)
