"""Graph nodes to machine layers: fuse pools, turn everything into convolutions, fold batches."""

import dataclasses

import numpy as np

from accel.compiler import grouped, window_tile
from accel.compiler.axes import conv_axes, pool_axes
from accel.compiler.channels import folded_bias, slices
from accel.compiler.errors import CompileError
from accel.compiler.layer import Axis, Context, MachineLayer, Pooling, View
from accel.compiler.seats import Moves
from accel.compiler.window import AddLayer, WindowLayer, window_layer
from accel.graph.ir import (
    NO_MACS,
    Add,
    AveragePool,
    Conv,
    Extreme,
    Graph,
    MaxPool,
    Mul,
    Node,
    Pad,
    Requant,
    Table,
    Tensor,
)
from accel.isa import FIELDS, Op, Pool
from accel.params import POOL_TABLE

PoolNode = MaxPool | AveragePool
Layer = MachineLayer | WindowLayer | AddLayer
_POOL_LIMIT = {field.name: field.range[1] for field in FIELDS[Op.POST]}["kh"]


def legalise(context: Context, nodes: list[Node]) -> list[Layer]:
    """The machine's layers of some nodes of a graph, in the graph's order.

    Raises:
        CompileError: a node that the machine cannot run.
    """
    graph, params = context.graph, context.params
    users: dict[str, list] = {}
    for node in graph.nodes:
        for name in node.inputs:
            users.setdefault(name, []).append(node)
    kept = {port.tensor for port in graph.outputs}

    def follower(name: str) -> Node | None:
        """The only user of a tensor that nobody else looks at."""
        behind = users.get(name, [])
        return behind[0] if len(behind) == 1 and name not in kept else None

    layers, fused = [], set()
    for node in nodes:
        if isinstance(node, Moves) or node.name in fused:
            continue
        beside = window_layer(context, node)
        if beside and window_tile.fits(beside, params):
            layers.append(beside)
            continue
        chain = [node]
        if isinstance(node, Conv) and isinstance(follower(node.output), Table):
            chain.append(follower(node.output))
        behind = follower(chain[-1].output)
        if isinstance(behind, PoolNode) and isinstance(node, Conv | Table):
            apart = _clamps_averages(behind) or _folds(context, node, behind)
            chain += [] if apart else [behind]
        layers.append(_array_layer(context, chain))
        fused |= {part.name for part in chain}
    return layers


def _array_layer(context: Context, chain: list[Node]) -> MachineLayer:
    """One pass through the array: a convolution or a copy, then perhaps a table, then a pool."""
    first, last, params = chain[0], chain[-1], context.params
    if isinstance(first, Add | Mul | Extreme):
        raise CompileError(
            f"{first.name}: {first.op!r} of two tensors needs the window unit, so window_taps must "
            "not be 0"
        )
    if isinstance(last, PoolNode) and _clamps_averages(last):
        raise CompileError(
            f"{last.name}: averages are clamped to {last.lo} .. {last.hi} only by the window "
            f"unit, which has window_taps {params.window_taps} and window_bytes "
            f"{params.window_bytes}"
        )
    if not isinstance(first, Conv | PoolNode | Table | Pad):
        raise CompileError(f"{first.name}: the machine has no operation {first.op!r}")
    conv = first if isinstance(first, Conv) else _identity(context.graph, first)
    table = next((node.values for node in chain if isinstance(node, Table)), None)
    pool = last if isinstance(last, PoolNode) else None
    return _layer(context, conv, table, pool, chain)


def _clamps_averages(pool: PoolNode) -> bool:
    """Whether a pool clamps its averages, which the pooling unit of the array does not."""
    return isinstance(pool, AveragePool) and (pool.lo, pool.hi) != (-128, 127)


def _folds(context: Context, node: Conv | Table, pool: PoolNode) -> bool:
    """Whether a pool is better apart, so that a batch of small images becomes one large image."""
    height, width, _ = context.graph.tensors[node.output].shape
    small = context.batch > 1 and height * width < context.params.rows
    if not small or not isinstance(node, Conv) or node.weights.shape[1:3] != (1, 1):
        return False
    beside = window_layer(context, pool)
    return beside is not None and window_tile.fits(beside, context.params)


def _identity(graph: Graph, node: PoolNode | Table | Pad) -> Conv:
    """A convolution that hands the node's input through unchanged, or padded."""
    channels = graph.tensors[node.input].shape[2]
    padded = isinstance(node, Pad)
    return Conv(
        name=node.name,
        op=node.op,
        input=node.input,
        output=node.output if padded else node.input,
        weights=np.ones((channels, 1, 1, 1), np.int8),
        bias=np.zeros(channels, np.int32),
        # Times 2**30 * 2**(1 - 31): exactly one.
        requant=Requant(
            np.full(channels, 1 << 30, np.int32),
            np.ones(channels, np.int8),
            graph.tensors[node.input].zero_point,
        ),
        padding=node.padding if padded else (0, 0, 0, 0),
        groups=channels,
    )


def _array_axis(name: str, what: str, axis: Axis) -> Axis:
    """A pooling axis that the fields of a POST hold."""
    if max(axis.kernel, axis.stride) > _POOL_LIMIT:
        raise CompileError(
            f"{name}: {what}: pooling kernels and strides go up to {_POOL_LIMIT}, "
            f"not {axis.kernel} and {axis.stride}"
        )
    return axis


def _pooling(node: PoolNode, tensor: Tensor, rows: Axis, columns: Axis) -> Pooling:
    if isinstance(node, MaxPool):
        return Pooling(Pool.MAX)
    counts = {
        axis: {axis.elements(n) for n in range(axis.outputs)} for axis in (rows, columns)
    }
    table = []
    for count in sorted({a * b for a in counts[rows] for b in counts[columns]}):
        if count not in node.table:
            raise CompileError(f"{node.name}: its table has no entry for {count} elements")
        multiplier, shift = node.table[count]
        table.append((count, int(multiplier), int(shift)))
    different = {(count % POOL_TABLE, multiplier, shift) for count, multiplier, shift in table}
    places = {count % POOL_TABLE for count, _, _ in table}
    return Pooling(
        Pool.AVERAGE,
        node.in_zero,
        node.zero_point,
        node.rounding,
        tuple(table),
        alone=len(different) > len(places),
    )


def _layer(
    context: Context, node: Conv, table: np.ndarray | None, pool: PoolNode | None, chain
) -> MachineLayer:
    graph, params, batch = context.graph, context.params, context.batch
    source, conv_out = graph.tensors[node.input], graph.tensors[node.output]
    result = graph.tensors[chain[-1].output]
    _, kh, kw, cin = node.weights.shape
    channels = source.shape[2]
    if channels != cin * node.groups or node.weights.shape[0] != conv_out.shape[2]:
        raise CompileError(
            f"{node.name}: weights {node.weights.shape} in {node.groups} groups do not fit "
            f"{channels} input and {conv_out.shape[2]} output channels"
        )
    if node.weights.shape[0] % node.groups:
        raise CompileError(
            f"{node.name}: groups must divide the {node.weights.shape[0]} output channels, "
            f"not {node.groups}"
        )
    rows, columns = conv_axes(node, source, conv_out)
    counts = node is chain[0] and node.op not in NO_MACS
    macs = batch * conv_out.size * kh * kw * cin if counts else 0

    if pool:
        pool_rows, pool_columns = (
            _array_axis(pool.name, what, axis)
            for what, axis in zip(
                ("rows", "columns"), pool_axes(pool, conv_out, result), strict=True
            )
        )
        pooling = _pooling(pool, conv_out, pool_rows, pool_columns)
    else:
        pool_rows = Axis(rows.outputs, rows.outputs)
        pool_columns = Axis(columns.outputs, columns.outputs)
        pooling = Pooling()
    rows = dataclasses.replace(rows, outputs=pool_rows.size)
    columns = dataclasses.replace(columns, outputs=pool_columns.size)

    view, bias = context.view(node.input), folded_bias(context, node)
    node, view, rows, columns = _flatten(node, view, rows, columns)
    view, rows, columns = _decimate(context, node, view, rows, columns)
    if not pool:
        view, rows = _fold(context, view, rows, result)
        pool_rows = Axis(rows.outputs, rows.outputs)
    node, view, rows, columns = grouped.by_groups(context, node, view, rows, columns)
    pixel = node.weights.shape[3] * node.groups
    share = (
        node.groups > 1
        and node.weights.shape[1:3] == (1, 1)
        and 2 * pixel * columns.size <= params.input_bytes
    )
    lo, hi = node.requant.lo, node.requant.hi
    if isinstance(pool, MaxPool) and table is not None:
        table = np.clip(table, pool.lo, pool.hi)
    elif isinstance(pool, MaxPool):
        # The maximum of clamped values is the clamped maximum.
        lo, hi = min(max(lo, pool.lo), pool.hi), max(min(hi, pool.hi), pool.lo)
    return MachineLayer(
        name=node.name,
        op="+".join(part.op for part in chain),
        nodes=tuple(part.name for part in chain),
        output=result.name,
        view=view,
        rows=rows,
        columns=columns,
        slices=slices(node, bias, params, share),
        pad=source.zero_point,
        rounding=node.requant.rounding,
        out_zero=node.requant.zero_point,
        lo=lo,
        hi=hi,
        table=table,
        pooling=pooling,
        pool_rows=pool_rows,
        pool_columns=pool_columns,
        channels=result.shape[2],
        macs=macs,
    )


def _flatten(node: Conv, view: View, rows: Axis, columns: Axis):
    """A kernel as large as its unpadded input is a fully connected layer: one pixel an image."""
    whole = all(
        axis.kernel == axis.size and axis.outputs == 1 and not axis.before and axis.dilation == 1
        for axis in (rows, columns)
    )
    # A part of another tensor has gaps between its pixels or rows.
    row = columns.size * node.weights.shape[3]
    gaps = (
        columns.size > 1 and view.pixel_pitch != node.weights.shape[3]
        or rows.size > 1 and view.row_pitch != row
    )
    if whole and node.groups == 1 and not gaps:
        node = dataclasses.replace(
            node, weights=node.weights.reshape(node.weights.shape[0], 1, 1, -1)
        )
        pitch = view.image_pitch
        return node, View(view.tensor, view.images, pitch, pitch, pitch), Axis(1, 1), Axis(1, 1)
    return node, view, rows, columns


def _decimate(context: Context, node: Conv, view: View, rows: Axis, columns: Axis):
    """With a kernel of 1, load only the rows and columns that a stride uses."""
    inside = not rows.before and rows.span(0, rows.outputs)[1] <= rows.size
    whole = not view.group or grouped.is_side_by_side(context, node, view)
    if rows.kernel == 1 and inside and (whole or node.name in context.parts):
        view = dataclasses.replace(view, row_pitch=view.row_pitch * rows.stride)
        rows = Axis(rows.outputs, rows.outputs)
    # Loading single pixels pays when the bus would otherwise carry whole beats of unused ones.
    if (
        columns.kernel == 1
        and columns.stride > 1
        and not view.group
        and not columns.before
        and columns.span(0, columns.outputs)[1] <= columns.size
        and view.pixel_pitch >= 2 * context.params.bus_bytes
    ):
        view = dataclasses.replace(view, pixel_pitch=view.pixel_pitch * columns.stride)
        columns = Axis(columns.outputs, columns.outputs)
    return view, rows, columns


def _fold(context: Context, view: View, rows: Axis, result: Tensor) -> tuple[View, Axis]:
    """Rows that are independent of each other: the batch is one tall image.

    The output's images must follow each other as the input's do.
    """
    seat = context.seats[result.name]
    tall = (view.image_pitch == rows.size * view.row_pitch
            and seat.image == result.shape[0] * seat.row)
    if rows == Axis(rows.outputs, rows.outputs) and tall:
        height = view.images * rows.size
        return dataclasses.replace(view, images=1), Axis(height, height)
    return view, rows
