"""Graph nodes to layers of the window unit: depthwise convolution, pooling, pairs of tensors."""

import dataclasses

import numpy as np

from accel.compiler.axes import conv_axes, pool_axes
from accel.compiler.channels import INT32, folded_bias
from accel.compiler.errors import CompileError
from accel.compiler.layer import Axis, Context, Group, View
from accel.graph.ir import (
    NO_MACS,
    Add,
    AveragePool,
    Conv,
    Extreme,
    Max,
    MaxPool,
    Mul,
    Node,
    Sub,
)
from accel.graph.shapes import pair_shape
from accel.isa import FLOATS, Rounding, WindowMode
from accel.params import WINDOW_TILES

#: Times 2**30 * 2**(1 - 31): exactly one.
_ONE = {"multiplier": 1 << 30, "shift": 1}
#: The largest distance of an int8 from a zero point.
_REACH = 255


@dataclasses.dataclass(frozen=True)
class Region:
    """Outputs, rows y0 to y1 - 1 and columns x0 to x1 - 1, and their own fields of a WINDOW."""

    y0: int
    y1: int
    x0: int
    x1: int
    fields: dict[str, int]


@dataclasses.dataclass(frozen=True)
class WindowLayer:
    """A layer of sliding windows that do not mix channels.

    Attributes:
        name, op, nodes, output, macs: as a machine layer's.
        view: of the input.
        rows, columns: its windows.
        channels: of input and output.
        pad: the byte that padding is filled with.
        fields: the same for all WINDOWs.
        regions: make up the output.
        groups: a convolution's weights, for C channels each; empty for pools.
    """

    name: str
    op: str
    nodes: tuple[str, ...]
    output: str
    view: View
    rows: Axis
    columns: Axis
    channels: int
    pad: int
    fields: dict[str, int]
    regions: tuple[Region, ...]
    groups: tuple[Group, ...]
    macs: int

    @property
    def views(self) -> tuple[View, ...]:
        """Of its only input."""
        return (self.view,)


@dataclasses.dataclass(frozen=True)
class AddLayer:
    """An element-wise operator on two tensors.

    Attributes:
        name, op, nodes, output, macs: as a machine layer's.
        views: of the two operands.
        shape: height, width and channels of one image.
        fields: the same for all WINDOWs.
    """

    name: str
    op: str
    nodes: tuple[str, ...]
    output: str
    views: tuple[View, View]
    shape: tuple[int, int, int]
    fields: dict[str, int]
    macs: int = 0


def window_layer(context: Context, node: Node) -> WindowLayer | AddLayer | None:
    """The layer of a node that the window unit is for and that fits it, else None.

    Raises:
        CompileError: a node's shapes or numbers break a rule.
    """
    if not context.params.window_taps:
        return None
    if isinstance(node, Add):
        return _add(context, node)
    if isinstance(node, Mul):
        return _pair(context, node, WindowMode.MUL, _requant(node))
    if isinstance(node, Extreme):
        return _extreme(context, node)
    if isinstance(node, Conv):
        return _depthwise(context, node)
    if isinstance(node, MaxPool | AveragePool):
        return _pool(context, node)
    return None


def _depthwise(context: Context, node: Conv) -> WindowLayer | None:
    graph, params = context.graph, context.params
    source, target = graph.tensors[node.input], graph.tensors[node.output]
    outputs, kh, kw, cin = node.weights.shape
    channels = source.shape[2]
    if (
        (node.groups, outputs, cin) != (channels, channels, 1)
        or channels == 1
        or kh * kw > WINDOW_TILES * params.window_taps
    ):
        return None
    rows, columns = conv_axes(node, source, target)
    if (rows.dilation, columns.dilation) != (1, 1):
        return None
    need, bias = node.requant, folded_bias(context, node)
    groups = tuple(
        Group(first, 0, node.weights[part], bias[part], need.multiplier[part], need.shift[part])
        for first in range(0, channels, params.cols)
        for part in [slice(first, first + params.cols)]
    )
    return WindowLayer(
        name=node.name, op=node.op, nodes=(node.name,), output=node.output,
        view=context.view(node.input),
        rows=rows, columns=columns, channels=channels, pad=source.zero_point,
        fields={"mode": WindowMode.MAC, "rounding": need.rounding, "out_zero": need.zero_point,
                "lo": need.lo, "hi": need.hi},
        regions=(Region(0, rows.outputs, 0, columns.outputs, {}),),
        groups=groups,
        macs=context.batch * target.size * kh * kw if node.op not in NO_MACS else 0,
    )  # fmt: skip


def _pool(context: Context, node: MaxPool | AveragePool) -> WindowLayer:
    graph = context.graph
    source, target = graph.tensors[node.input], graph.tensors[node.output]
    rows, columns = pool_axes(node, source, target)
    fields = {"lo": node.lo, "hi": node.hi}
    if isinstance(node, MaxPool):
        pad, regions = -128, (Region(0, rows.outputs, 0, columns.outputs, _ONE),)
        fields |= {"mode": WindowMode.MAX, "rounding": Rounding.SINGLE}
    else:
        pad, regions = node.in_zero, _regions(node, rows, columns)
        fields |= {"mode": WindowMode.SUM, "rounding": node.rounding, "a_zero": node.in_zero,
                   "out_zero": node.zero_point}
    return WindowLayer(
        name=node.name, op=node.op, nodes=(node.name,), output=node.output,
        view=context.view(node.input),
        rows=rows, columns=columns, channels=source.shape[2], pad=pad, fields=fields,
        regions=regions, groups=(), macs=0,
    )  # fmt: skip


def _regions(node: AveragePool, rows: Axis, columns: Axis) -> tuple[Region, ...]:
    """Cut the outputs into rectangles whose windows share their requantisation.

    Windows at the edges hold fewer elements; padding is filled with what counts as zero.
    """
    down = [rows.elements(n) for n in range(rows.outputs)]
    across = [columns.elements(n) for n in range(columns.outputs)]
    factors = {count: _factor(node, count) for count in {a * b for a in down for b in across}}
    kinds = {a: tuple(factors[a * b] for b in across) for a in set(down)}
    result = []
    for y0, y1 in _runs([kinds[a] for a in down]):
        row = kinds[down[y0]]
        for x0, x1 in _runs(row):
            multiplier, shift = row[x0]
            result.append(Region(y0, y1, x0, x1, {"multiplier": multiplier, "shift": shift}))
    return tuple(result)


def _factor(node: AveragePool, count: int) -> tuple[int, int]:
    if count not in node.table:
        raise CompileError(f"{node.name}: its table has no entry for {count} elements")
    multiplier, shift = (int(value) for value in node.table[count])
    left = 0 if node.rounding in FLOATS else max(0, shift)
    if count * _REACH << left >= INT32:
        raise CompileError(
            f"{node.name}: sums must stay in int32, but {count} elements can reach "
            f"{count * _REACH} with a left shift of {left}"
        )
    return multiplier, shift


def _runs(values) -> list[tuple[int, int]]:
    """Ranges of equal neighbours."""
    starts = [n for n in range(len(values)) if n == 0 or values[n] != values[n - 1]]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))


def _pair(context: Context, node: Add | Mul | Extreme, mode: WindowMode, fields: dict) -> AddLayer:
    """The layer of a node of two operands, of whose commands ``fields`` are the same for all."""
    tensors = context.graph.tensors
    shape, shapes = tensors[node.output].shape, [tensors[name].shape for name in node.inputs]
    if pair_shape(*shapes) != shape:
        raise CompileError(
            f"{node.name}: operands must have the output's shape {shape}, one perhaps "
            f"{(1, 1, shape[2])}, but they have {shapes[0]} and {shapes[1]}"
        )
    return AddLayer(
        name=node.name, op=node.op, nodes=(node.name,), output=node.output,
        views=tuple(context.view(name) for name in node.inputs), shape=shape,
        fields=fields | {"mode": mode} | {
            f"{letter}_zero": tensors[name].zero_point
            for letter, name in zip("ab", node.inputs, strict=True)
        },
    )  # fmt: skip


def _requant(node: Add | Mul) -> dict[str, int]:
    """The fields of a node's only requantisation."""
    need = node.requant
    return {
        "rounding": need.rounding, "out_zero": need.zero_point, "lo": need.lo, "hi": need.hi,
        "multiplier": int(np.ravel(need.multiplier)[0]), "shift": int(np.ravel(need.shift)[0]),
    }  # fmt: skip


def _add(context: Context, node: Add) -> AddLayer:
    fields = _requant(node) | {"offset": int(node.offset)}
    for letter, (multiplier, shift) in zip("ab", node.operands, strict=True):
        if shift > 0:
            raise CompileError(f"{node.name}: operands' shifts must not be positive, not {shift}")
        fields |= {f"{letter}_multiplier": int(multiplier), f"{letter}_shift": int(shift)}
    mode = WindowMode.SUB if isinstance(node, Sub) else WindowMode.ADD
    return _pair(context, node, mode, fields)


def _extreme(context: Context, node: Extreme) -> AddLayer:
    """Bytes stay what they are, so neither zero points nor scales matter."""
    mode = WindowMode.MAX if isinstance(node, Max) else WindowMode.MIN
    fields = _ONE | {"rounding": Rounding.SINGLE, "lo": node.lo, "hi": node.hi}
    return _pair(context, node, mode, fields)
