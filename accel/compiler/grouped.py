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
(:func:`by_groups`).  And where a layer takes a whole image in chunks of channels, so that it starts
when the first of them are there, each chunk is a group (accel/compiler/tile.py).
"""

import dataclasses

import numpy as np

from accel.compiler import tile, walks
from accel.compiler.layer import Axis, Context, MachineLayer, View
from accel.compiler.seats import Seat
from accel.compiler.window import AddLayer
from accel.graph import places
from accel.graph.ir import Concat, Conv, Graph

#: The share of the array's buffer that the rows of a block may take: groups cannot come in chunks
#: of channels, as pixels can.
_SHARE = 0.5
#: Groups of a tensor that are too few to let a layer load the columns that it leaves out, too.
_FEW = 2
#: The part of a tensor's bytes that may be added, so that the last group has as much room as all.
_SPARE = 0.125
#: So many times as long as it takes to read such a tensor must a layer keep the array busy.
_BUSY = 2
#: Beats of a group's row that are worth it in a batch, whose small images are one tall image to
#: the array: as measured.
_LONG = 8


def seat(name: str, shape: tuple[int, int, int], cols: int) -> Seat:
    """Where a tensor by groups of ``cols`` channels lies: in memory of its own."""
    height, width, channels = shape
    row = width * filled(channels, cols)
    return Seat(name, 0, cols, row, height * row, width * cols)


def filled(channels: int, cols: int) -> int:
    """Channels of whole groups: the last group may have fewer, but takes as much room."""
    return -(-channels // cols) * cols


def by_groups(context: Context, node: Conv, view: View, rows: Axis, columns: Axis):
    """A convolution of a tensor by groups as one of fewer channels; others stay as they are.

    Returns ``node`` with its weights in that form, ``view``, ``rows`` and ``columns``.
    """
    if not view.group:
        return node, view, rows, columns
    weights, cell = node.weights, context.params.cols
    # What lies behind the channels of the last group counts for nothing.
    spare = filled(weights.shape[3], cell) - weights.shape[3]
    if spare:
        node = dataclasses.replace(node, weights=np.pad(weights, [(0, 0)] * 3 + [(0, spare)]))
    if node.name in context.parts:
        return node, view, rows, columns
    outputs, kh, kw, channels = node.weights.shape
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
    """The tensors that lie by groups, without the parts of those that are joined of some.

    Parameters:
        layers, tilings: all of a network, legalised and cut with none by groups.
        stored: the tensors that are in memory at all.
    """
    choice = _Choice(context, layers, tilings, stored)
    return frozenset(name for name in context.graph.tensors if choice.fits(name))


class _Choice:
    """Which tensors can lie by groups, and had better; the parameters are those of ``chosen``."""

    def __init__(self, context: Context, layers: list, tilings: list, stored: set[str]):
        self._context, self._graph, self._stored = context, context.graph, stored
        self._cols = context.params.cols
        self._writers = {layer.output: layer for layer in layers}
        self._cuts = {layer.name: cut[0] for layer, cut in zip(layers, tilings, strict=True)
                      if isinstance(layer, MachineLayer)}  # fmt: skip
        self._readers: dict[str, list] = {}
        for layer in layers:
            for view in layer.views:
                self._readers.setdefault(view.tensor, []).append(layer)
        self._ports = {port.tensor for port in (*self._graph.inputs, *self._graph.outputs)}
        self._users: dict[str, set[str]] = {}
        for node in self._graph.nodes:
            for name in node.inputs:
                self._users.setdefault(name, set()).add(node.name)
        self._inside: dict[str, set[str]] = {}
        for name, seat_of in context.seats.items():
            self._inside.setdefault(seat_of.root, set()).add(name)

    def fits(self, name: str) -> bool:
        """Whether a tensor lies by groups."""
        found = parts(self._graph, name)
        known = {node for layer in self._readers.get(name, ()) for node in layer.nodes}
        return (
            self._worth(self._graph.tensors[name].shape)
            and name in self._readers
            and self._users[name] <= known
            and self._inside.get(name) == {name, *found}
            and not self._ports & {name, *found}
            and not self._padded_sum(name)
            and all(self._written(part, name, first) for part, first in found.items())
            and all(self._read(layer, name) for layer in self._readers[name])
        )

    def _padded_sum(self, name: str) -> bool:
        """Whether a tensor whose last group has room to spare is one of an addition's.

        The bus is all that an addition waits for.
        """
        around = [self._writers.get(name), *self._readers.get(name, ())]
        spare = self._graph.tensors[name].shape[2] % self._cols
        return spare > 0 and any(isinstance(layer, AddLayer) for layer in around)

    def _worth(self, shape: tuple[int, int, int]) -> bool:
        """Whether there is more than a group, and than a pixel in a row: of a batch many more."""
        cols, (_, width, channels) = self._cols, shape
        short = width * cols < _LONG * self._context.params.bus_bytes
        spare = filled(channels, cols) - channels
        several = spare <= _SPARE * channels and channels > cols and width > 1
        return several and not (short and self._context.batch > 1)

    def _written(self, part: str, whole_name: str, first: int) -> bool:
        """Whether a layer makes whole groups of a part, which nobody reads but as such."""
        layer, cols = self._writers.get(part), self._cols
        if layer is None or part not in self._stored:
            return False
        if part != whole_name and len(self._users[part]) != 1:
            return False
        channels = self._graph.tensors[part].shape[2]
        behind = first + channels < self._graph.tensors[whole_name].shape[2]
        if first % cols or behind and channels % cols:
            return False
        if not isinstance(layer, MachineLayer):
            return True
        groups = [group for one in layer.slices for group in one.groups]
        return all(
            group.first % cols == 0 and group.cols == min(cols, channels - group.first)
            for group in groups
        )

    def _read(self, layer, name: str) -> bool:
        """Whether a layer can read a tensor by groups, and starts as early, and loads as little.

        One that reads some of the channels first would have to wait for all.
        """
        if not isinstance(layer, MachineLayer):
            return True
        (part, *others), (_, width, channels) = layer.slices, self._graph.tensors[name].shape
        rows, view, params = layer.rows, layer.view, self._context.params
        needed = (rows.kernel + rows.stride) * width * filled(channels, self._cols)
        return (
            self._fills(layer, channels) and
            not others
            and part.channels == channels
            and all(group.width == channels for group in part.groups)
            and layer.columns.size > 1
            and (view.pixel_pitch == channels or channels > _FEW * self._cols)
            and (view.row_pitch == width * channels or self._pointwise(layer, width))
            and rows.dilation == 1
            and (self._by_chunks(layer) if len(self._cuts[layer.name].chunks) > 1
                 else needed <= _SHARE * params.input_bytes)
        )  # fmt: skip

    def _fills(self, layer: MachineLayer, channels: int) -> bool:
        """Whether a layer has time for the last group's room, and takes no more weight tiles."""
        params, full = self._context.params, filled(channels, self._cols)
        if full == channels:
            return True
        plain, tiles = (
            walks.kernel(layer.rows, layer.columns, count, params.rows).tiles
            for count in (channels, full)
        )
        array = len(layer.slices[0].groups) * tiles * layer.rows.outputs * layer.columns.outputs
        beats = layer.rows.size * layer.columns.size * full / params.bus_bytes
        return plain == tiles and beats * _BUSY <= array

    def _by_chunks(self, layer: MachineLayer) -> bool:
        """Whether a layer that takes its channels in chunks can take them group by group."""
        params, cut = self._context.params, self._cuts[layer.name]
        groups = tile.in_groups(layer, layer.slices[0], params, cut)
        return (
            not cut.apart
            and layer.view.pixel_pitch == layer.slices[0].channels
            and len(groups.chunks) <= tile.PARTS
            and tile.holds(layer, params, groups.chunks)
            and sum(one.tiles for one in groups.chunks) == sum(one.tiles for one in cut.chunks)
        )

    def _pointwise(self, layer: MachineLayer, width: int) -> bool:
        """Whether a layer that leaves out rows takes a row's groups side by side."""
        fits = (width - 1) * self._cols % self._context.params.rows == 0
        alone = layer.rows.kernel == layer.columns.kernel == 1
        return alone and fits and layer.name in self._context.whole


def parts(graph: Graph, name: str) -> dict[str, int]:
    """What is written where a tensor lies, with its first channel: itself, or what it is joined of.
    """
    for node in graph.nodes:
        if isinstance(node, Concat) and node.output == name:
            found = places.of(node, graph.tensors)
            return {part: place.start[2] for part, place in zip(node.inputs, found, strict=True)}
    return {name: 0}


def whole(layers: list, tilings: list) -> frozenset[str]:
    """The array's layers that read whole rows."""
    return frozenset(
        layer.name
        for layer, cut in zip(layers, tilings, strict=True)
        if isinstance(layer, MachineLayer)
        and not cut[0].apart
        and cut[0].width == layer.pool_columns.outputs
    )


def in_parts(layers: list, tilings: list) -> frozenset[str]:
    """The array's layers that take a whole image in chunks of channels."""
    return frozenset(
        layer.name
        for layer, cut in zip(layers, tilings, strict=True)
        if isinstance(layer, MachineLayer) and len(cut[0].chunks) > 1 and not cut[0].apart
    )


def seats_of(graph: Graph, names: frozenset[str], cols: int) -> dict[str, Seat]:
    """The seats of the tensors ``names`` by groups, and of their parts."""
    found = {}
    for name in names:
        found[name] = whole_seat = seat(name, graph.tensors[name].shape, cols)
        for part, first in parts(graph, name).items():
            found[part] = dataclasses.replace(whole_seat, offset=first // cols * whole_seat.group)
    return found
