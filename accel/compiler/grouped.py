"""Tensors that lie in memory by channel groups, so that what one pass writes lies together.

An array pass, like one of the window unit, makes C channels of all pixels.  Where the pixels of a
tensor lie one behind the other with all their channels, its results are C bytes each, as far apart
as a pixel is large: a burst for each.  So a tensor that only the machine writes and reads lies with
the groups of C channels of a row side by side,

    row 0: [group 0: x = 0, 1, 2, ...] [group 1: x = 0, 1, 2, ...] ... row 1: ...

and a pass writes, and the window unit reads, whole rows of a group: long bursts.

For the array that is an image of as many more rows, of C channels: row y * G + g is group g of row
y.  A convolution over G * C channels with kernel kh x kw is one over C channels with kernel
(kh * G) x kw whose stride, and padding, downwards is G times as large.  Only the order of the sum
differs.  So the array's layers need nothing new (:func:`as_rows`).
"""

import dataclasses

import numpy as np

from accel.compiler.layer import Axis, Context, MachineLayer, View
from accel.compiler.seats import Seat
from accel.graph.ir import Conv, Graph

#: The share of the array's buffer that the rows of a block may take: groups cannot come in chunks
#: of channels, as pixels can.
_SHARE = 0.5


def seat(name: str, shape: tuple[int, int, int], cols: int) -> Seat:
    """Where a tensor by groups of ``cols`` channels lies: in memory of its own."""
    height, width, channels = shape
    row = width * channels
    return Seat(name, 0, cols, row, height * row, width * cols)


def as_rows(node: Conv, view: View, rows: Axis) -> tuple[Conv, View, Axis]:
    """A convolution of a tensor by groups as one of more rows and fewer channels; others stay."""
    if not view.group:
        return node, view, rows
    outputs, kh, kw, channels = node.weights.shape
    count = channels // view.pixel_pitch
    weights = node.weights.reshape(outputs, kh, kw, count, view.pixel_pitch)
    weights = np.moveaxis(weights, 3, 2).reshape(outputs, kh * count, kw, view.pixel_pitch)
    rows = Axis(*(value * count if what != "outputs" else value for what, value in (
        ("size", rows.size), ("outputs", rows.outputs), ("kernel", rows.kernel),
        ("stride", rows.stride), ("before", rows.before),
    )))  # fmt: skip
    view = dataclasses.replace(view, row_pitch=view.group, group=0)
    return dataclasses.replace(node, weights=weights), view, rows


def chosen(context: Context, layers: list, stored: set[str]) -> frozenset[str]:
    """The tensors that lie by groups.

    Parameters:
        layers: all of a network, legalised with none by groups.
        stored: the tensors that are in memory at all.
    """
    graph, cols = context.graph, context.params.cols
    writers = {layer.output: layer for layer in layers}
    readers: dict[str, list] = {}
    for layer in layers:
        for view in layer.views:
            readers.setdefault(view.tensor, []).append(layer)
    return frozenset(
        name
        for name in stored & writers.keys() & readers.keys()
        if _can(graph.tensors[name].shape, cols)
        and _alone(context, name, writers, readers[name])
        and _writes(writers[name], cols)
        and all(_reads(layer, graph.tensors[name].shape, context) for layer in readers[name])
    )


def _can(shape: tuple[int, int, int], cols: int) -> bool:
    """Whether there is more than a group, and more than a pixel in a row."""
    return shape[2] % cols == 0 and shape[2] > cols and shape[1] > 1


def _alone(context: Context, name: str, writers: dict, readers: list) -> bool:
    """Whether only these layers look at a tensor, and nothing else lies in its memory."""
    graph = context.graph
    users = {node.name for node in graph.nodes if name in node.inputs}
    known = {node for layer in readers for node in layer.nodes}
    ports = {port.tensor for port in (*graph.inputs, *graph.outputs)}
    return (
        users <= known
        and name not in ports
        and _shared(context, name) == 1
    )  # fmt: skip


def _shared(context: Context, name: str) -> int:
    return sum(seat.root == name for seat in context.seats.values())


def _writes(layer, cols: int) -> bool:
    """Whether a layer makes whole groups."""
    if not isinstance(layer, MachineLayer):
        return True
    groups = [group for part in layer.slices for group in part.groups]
    return all(group.first % cols == 0 and group.cols == cols for group in groups)


def _reads(layer, shape: tuple[int, int, int], context: Context) -> bool:
    """Whether a layer can read a tensor by groups, and as fast.

    One that leaves out rows would have to load them, too.
    """
    if not isinstance(layer, MachineLayer):
        return True
    (part, *others), (_, width, channels) = layer.slices, shape
    rows = layer.rows
    needed = (rows.kernel + rows.stride) * width * channels
    return (
        not others
        and part.channels == channels
        and all(group.width == channels for group in part.groups)
        and layer.columns.size > 1
        and layer.view.row_pitch == width * channels
        and rows.dilation == 1
        and needed <= _SHARE * context.params.input_bytes
    )


def seats_of(graph: Graph, names: frozenset[str], cols: int) -> dict[str, Seat]:
    """The seats of the tensors ``names`` by groups."""
    return {name: seat(name, graph.tensors[name].shape, cols) for name in names}
