"""Graph nodes to machine layers: fuse pools, turn everything into convolutions, fold batches."""

import dataclasses

import numpy as np

from accel.compiler.channels import slices
from accel.compiler.errors import CompileError
from accel.compiler.layer import Axis, MachineLayer, Pooling, View
from accel.graph.ir import AveragePool, Conv, Graph, MaxPool, Requant, Reshape, Tensor
from accel.isa import FIELDS, Op, Pool
from accel.params import POOL_TABLE, Params

PoolNode = MaxPool | AveragePool
_POOL_LIMIT = {field.name: field.range[1] for field in FIELDS[Op.POST]}["kh"]


def legalise(graph: Graph, params: Params, batch: int) -> list[MachineLayer]:
    """The machine layers of a graph, in its order.

    Raises:
        CompileError: a node that the machine cannot run.
    """
    users: dict[str, list] = {}
    for node in graph.nodes:
        users.setdefault(node.input, []).append(node)
    kept = {port.tensor for port in graph.outputs}
    layers, fused = [], set()
    for node in graph.nodes:
        if isinstance(node, Reshape) or node.name in fused:
            continue
        if isinstance(node, Conv):
            behind = users.get(node.output, [])
            pool = None
            if (
                len(behind) == 1
                and isinstance(behind[0], PoolNode)
                and node.output not in kept
            ):
                pool = behind[0]
                fused.add(pool.name)
            layers.append(_layer(graph, params, batch, node, pool))
        elif isinstance(node, PoolNode):
            layers.append(_layer(graph, params, batch, _identity(graph, node), node))
        else:
            raise CompileError(f"{node.name}: the machine has no operation {node.op!r}")
    return layers


def _identity(graph: Graph, pool: PoolNode) -> Conv:
    """A convolution that hands the pool's input through unchanged."""
    channels = graph.tensors[pool.input].shape[2]
    return Conv(
        name=pool.name,
        op=pool.op,
        input=pool.input,
        output=pool.input,
        weights=np.ones((channels, 1, 1, 1), np.int8),
        bias=np.zeros(channels, np.int32),
        # Times 2**30 * 2**(1 - 31): exactly one.
        requant=Requant(
            np.full(channels, 1 << 30, np.int32),
            np.ones(channels, np.int8),
            graph.tensors[pool.input].zero_point,
        ),
        groups=channels,
    )


def _axis(name: str, what: str, size: int, outputs: int, kernel, stride, pads, dilation) -> Axis:
    """A convolution's axis, checked against the shapes of its tensors."""
    if kernel == 1:
        dilation = 1
    axis = Axis(size, outputs, kernel, stride, pads[0], dilation)
    if min(size, outputs, kernel, stride, dilation) < 1 or min(pads) < 0:
        raise CompileError(f"{name}: {what}: sizes must be positive, not {axis}")
    if axis.span(0, outputs)[1] > size + pads[1]:
        raise CompileError(
            f"{name}: {what}: {outputs} outputs need more than the {size} inputs and "
            f"{pads[1]} padding behind them"
        )
    return axis


def _pool_axis(name: str, what: str, size: int, outputs: int, kernel, stride, before) -> Axis:
    """A pooling axis: every window touches an input, and the fields hold it."""
    axis = Axis(size, outputs, kernel, stride, before)
    if min(size, outputs, kernel, stride) < 1 or before < 0:
        raise CompileError(f"{name}: {what}: sizes must be positive, not {axis}")
    if before >= kernel or (outputs - 1) * stride - before >= size:
        raise CompileError(f"{name}: {what}: a pooling window lies wholly in the padding: {axis}")
    if outputs == 1:
        # A single window: its padding and stride do not matter, and it ends with the input.
        kernel = min(kernel - before, size)
        axis = Axis(kernel, 1, kernel, kernel)
    if max(axis.kernel, axis.stride) > _POOL_LIMIT:
        raise CompileError(
            f"{name}: {what}: pooling kernels and strides go up to {_POOL_LIMIT}, "
            f"not {kernel} and {stride}"
        )
    # Inputs behind the last window stay in: they are computed although no window looks at them, so
    # that a layer's cycles relate to the multiplications of the network's own definition.
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
        tensor.zero_point,
        node.zero_point,
        node.rounding,
        tuple(table),
        alone=len(different) > len(places),
    )


def _layer(
    graph: Graph, params: Params, batch: int, node: Conv, pool: PoolNode | None
) -> MachineLayer:
    identity = pool is not None and node.output == node.input
    source, conv_out = graph.tensors[node.input], graph.tensors[node.output]
    result = graph.tensors[pool.output] if pool else conv_out
    _, kh, kw, cin = node.weights.shape
    height, width, channels = source.shape
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
    top, left, bottom, right = node.padding
    rows = _axis(node.name, "rows", height, conv_out.shape[0], kh, node.stride[0], (top, bottom),
                 node.dilation[0])
    columns = _axis(node.name, "columns", width, conv_out.shape[1], kw, node.stride[1],
                    (left, right), node.dilation[1])
    macs = 0 if identity else batch * conv_out.size * kh * kw * cin

    if pool:
        pool_rows = _pool_axis(pool.name, "rows", rows.outputs, result.shape[0], pool.kernel[0],
                               pool.stride[0], pool.padding[0])
        pool_columns = _pool_axis(pool.name, "columns", columns.outputs, result.shape[1],
                                  pool.kernel[1], pool.stride[1], pool.padding[1])
        pooling = _pooling(pool, conv_out, pool_rows, pool_columns)
    else:
        pool_rows = Axis(rows.outputs, rows.outputs)
        pool_columns = Axis(columns.outputs, columns.outputs)
        pooling = Pooling()
    rows = dataclasses.replace(rows, outputs=pool_rows.size)
    columns = dataclasses.replace(columns, outputs=pool_columns.size)

    view = View(node.input, batch, source.size, width * channels, channels)
    node, view, rows, columns = _flatten(node, view, rows, columns)
    view, rows, columns = _decimate(params, view, rows, columns)
    if not pool:
        view, rows = _fold(view, rows)
        pool_rows = Axis(rows.outputs, rows.outputs)
    pixel = node.weights.shape[3] * node.groups
    share = (
        node.groups > 1
        and node.weights.shape[1:3] == (1, 1)
        and 2 * pixel * columns.size <= params.input_bytes
    )
    return MachineLayer(
        name=node.name,
        op=node.op if identity or not pool else f"{node.op}+{pool.op}",
        nodes=(node.name,) if identity or not pool else (node.name, pool.name),
        output=result.name,
        view=view,
        rows=rows,
        columns=columns,
        slices=slices(node, source.zero_point, params, share),
        pad=source.zero_point,
        rounding=node.requant.rounding,
        out_zero=node.requant.zero_point,
        lo=node.requant.lo,
        hi=node.requant.hi,
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
    if whole and node.groups == 1:
        node = dataclasses.replace(
            node, weights=node.weights.reshape(node.weights.shape[0], 1, 1, -1)
        )
        size = view.image_pitch
        return node, View(view.tensor, view.images, size, size, size), Axis(1, 1), Axis(1, 1)
    return node, view, rows, columns


def _decimate(params: Params, view: View, rows: Axis, columns: Axis):
    """With a kernel of 1, load only the rows and columns that a stride uses."""
    if rows.kernel == 1 and not rows.before and rows.span(0, rows.outputs)[1] <= rows.size:
        view = dataclasses.replace(view, row_pitch=view.row_pitch * rows.stride)
        rows = Axis(rows.outputs, rows.outputs)
    # Loading single pixels pays when the bus would otherwise carry whole beats of unused ones.
    if (
        columns.kernel == 1
        and columns.stride > 1
        and not columns.before
        and columns.span(0, columns.outputs)[1] <= columns.size
        and view.pixel_pitch >= 2 * params.bus_bytes
    ):
        view = dataclasses.replace(view, pixel_pitch=view.pixel_pitch * columns.stride)
        columns = Axis(columns.outputs, columns.outputs)
    return view, rows, columns


def _fold(view: View, rows: Axis) -> tuple[View, Axis]:
    """Rows that are independent of each other: the batch is one tall image."""
    if rows == Axis(rows.outputs, rows.outputs) and view.image_pitch == rows.size * view.row_pitch:
        height = view.images * rows.size
        return dataclasses.replace(view, images=1), Axis(height, height)
    return view, rows
