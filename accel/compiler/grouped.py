"""Tensors that lie in memory by channel groups, so that what one pass writes lies together.

An array pass, like one of the window unit, makes C channels of all pixels.  Where the pixels of a
tensor lie one behind the other with all their channels, its results are C bytes each, as far apart
as a pixel is large: a burst for each.  So a tensor that only the machine writes and reads lies with
the groups of C channels of a row side by side,

    row 0: [group 0: x = 0, 1, 2, ...] [group 1: x = 0, 1, 2, ...] ... row 1: ...

and a pass writes, and the window unit reads, whole rows of a group: long bursts.

For the array that is an image of as many more rows, of C channels: row y * G + g is group g of row
y.  A convolution over G * C channels with kernel kh x kw is one over C channels with kernel
(kh * G) x kw whose stride, and padding, downwards is G times as large.  Or, of a pointwise one, the
groups of a row are one row: W pixels further is the same pixel's next group, a kernel 1 x G with
dilation W.  Only the order of the sum differs.  So the array's layers need nothing new
(:func:`by_groups`).
"""

import dataclasses

import numpy as np

from accel.compiler.layer import Axis, Context, MachineLayer, View
from accel.compiler.seats import Seat
from accel.compiler.tiling import Tiling
from accel.graph.ir import Conv, Graph

#: The share of the array's buffer that the rows of a block may take: groups cannot come in chunks
#: of channels, as pixels can.
_SHARE = 0.5
#: Groups of a tensor that are too few to let a layer load the columns that it leaves out, too.
_FEW = 2
#: Beats of a group's row that are worth it in a batch, whose small images are one tall image to
#: the array: as measured.
_LONG = 8


def seat(name: str, shape: tuple[int, int, int], cols: int) -> Seat:
    """Where a tensor by groups of ``cols`` channels lies: in memory of its own."""
    height, width, channels = shape
    row = width * channels
    return Seat(name, 0, cols, row, height * row, width * cols)


def by_groups(context: Context, node: Conv, view: View, rows: Axis, columns: Axis):
    """A convolution of a tensor by groups as one of fewer channels; others stay as they are.

    Returns ``node`` with its weights in that form, ``view``, ``rows`` and ``columns``.
    """
    if not view.group:
        return node, view, rows, columns
    outputs, kh, kw, channels = node.weights.shape
    cell = view.pixel_pitch
    count = channels // cell
    if is_side_by_side(context, node, view):
        width = view.group // cell
        columns = Axis(count * width, columns.outputs, count, columns.stride, 0, width)
        weights = node.weights.reshape(outputs, 1, count, cell)
        view = dataclasses.replace(view, group=0)
    else:
        rows = Axis(rows.size * count, rows.outputs, rows.kernel * count, rows.stride * count,
                    rows.before * count)  # fmt: skip
        weights = np.moveaxis(node.weights.reshape(outputs, kh, kw, count, cell), 3, 2)
        weights = weights.reshape(outputs, kh * count, kw, cell)
        view = dataclasses.replace(view, row_pitch=view.group, group=0)
    return dataclasses.replace(node, weights=weights), view, rows, columns


def is_side_by_side(context: Context, node: Conv, view: View) -> bool:
    """Whether a convolution takes all groups of a row as one row: a pointwise one of whole rows.

    The groups' distance has to fit the array's walk (accel/compiler/walks.py).
    """
    fits = (view.group - view.pixel_pitch) % context.params.rows == 0
    alone = node.weights.shape[1:3] == (1, 1) and not any(node.padding)
    return alone and fits and node.name in context.whole


def chosen(
    context: Context, layers: list, tilings: list, stored: set[str]
) -> frozenset[str]:
    """The tensors that lie by groups.

    Parameters:
        layers, tilings: all of a network, legalised and cut with none by groups.
        stored: the tensors that are in memory at all.
    """
    cuts = {
        layer.name: cut[0]
        for layer, cut in zip(layers, tilings, strict=True)
        if isinstance(layer, MachineLayer)
    }
    graph, cols = context.graph, context.params.cols
    writers = {layer.output: layer for layer in layers}
    readers: dict[str, list] = {}
    for layer in layers:
        for view in layer.views:
            readers.setdefault(view.tensor, []).append(layer)
    return frozenset(
        name
        for name in stored & writers.keys() & readers.keys()
        if _can(graph.tensors[name].shape, context)
        and _alone(context, name, writers, readers[name])
        and _writes(writers[name], cols)
        and all(
            _reads(layer, graph.tensors[name].shape, context)
            and _starts(layer, cuts)
            for layer in readers[name]
        )
    )


def _can(shape: tuple[int, int, int], context: Context) -> bool:
    """Whether there is more than a group, and more than a pixel in a row: of a batch many more."""
    cols, (_, width, channels) = context.params.cols, shape
    short = width * cols < _LONG * context.params.bus_bytes
    several = channels % cols == 0 and channels > cols and width > 1
    return several and not (short and context.batch > 1)


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
        and (layer.view.pixel_pitch == channels or channels > _FEW * context.params.cols)
        and (layer.view.row_pitch == width * channels or _pointwise(layer, width, context))
        and rows.dilation == 1
        and needed <= _SHARE * context.params.input_bytes
    )


def _pointwise(layer: MachineLayer, width: int, context: Context) -> bool:
    """Whether a layer that leaves out rows takes a row's groups side by side."""
    fits = (width - 1) * context.params.cols % context.params.rows == 0
    alone = layer.rows.kernel == layer.columns.kernel == 1
    return alone and fits and layer.name in context.whole


def _starts(layer, cuts: dict[str, Tiling]) -> bool:
    """Whether a layer starts no sooner with some of the channels."""
    return layer.name not in cuts or len(cuts[layer.name].chunks) == 1


def whole(layers: list, tilings: list) -> frozenset[str]:
    """The array's layers that read whole rows."""
    return frozenset(
        layer.name
        for layer, cut in zip(layers, tilings, strict=True)
        if isinstance(layer, MachineLayer)
        and not cut[0].apart
        and cut[0].width == layer.pool_columns.outputs
    )


def seats_of(graph: Graph, names: frozenset[str], cols: int) -> dict[str, Seat]:
    """The seats of the tensors ``names`` by groups."""
    return {name: seat(name, graph.tensors[name].shape, cols) for name in names}
