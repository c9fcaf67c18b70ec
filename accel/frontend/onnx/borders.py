"""Pad: borders of zeros, of another constant, or of the image's own rows and columns.

Zeros are the machine's own (a node Pad).  Everything else is put together: the image lies in the
middle of the padded one, so that whatever makes it writes it there, and only the borders are made
or copied: of the image's own pixels, or of a table with one number for every byte.
"""

import itertools

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.onnx import layers
from accel.frontend.onnx.build import Builder, keeping
from accel.frontend.onnx.moves import MOST_PIECES, moved
from accel.frontend.onnx.nodes import LIMIT, NodeView, image_shape
from accel.frontend.onnx.values import (
    Activation,
    Assembled,
    Function,
    Moved,
    is_quantised,
    order_of,
)
from accel.graph.ir import Place

#: What is repeated; NumPy calls it so, too.
MODES = ("reflect", "edge", "wrap")


@runs("addresses", EXACT, "rows and columns, of a constant also channels; constant, reflect, edge, "
      "wrap")
def pad(builder: Builder, node: NodeView):
    """Pad, with amounts and the value from attributes or constant inputs."""
    mode = node.text("mode", "constant")
    node.require(mode in ("constant", *MODES), f"mode must be 'constant' or one of {MODES}",
                 repr(mode))
    value = builder.value(node, 0)
    node.require(hasattr(value, "shape"), "input must be an activation", "a constant")
    amounts = builder.constant(node, 1)
    amounts = node.attributes.get("pads", ()) if amounts is None else amounts.ravel().tolist()
    axes = builder.constant(node, 3)
    if axes is not None:
        amounts = _of_all_axes(node, amounts, axes.ravel().tolist(), 1 + len(value.shape))
    if mode != "constant":
        return keeping(builder, node, lambda source: mirrored(
            node, source, _amounts(node, source.shape, amounts)[1:], mode))
    fill = builder.constant(node, 2)
    fill = np.array(node.number("value", 0.0)) if fill is None else fill
    node.require(fill.size == 1 and fill.dtype.kind in "fiu" and not np.isnan(fill).any(),
                 "the padded value must be one number", fill.ravel()[:2])
    integers = is_quantised(value)
    real = float(fill.ravel()[0])
    if integers:
        real -= value.zero_point + (128 if value.dtype == "uint8" else 0)
        real *= value.scale
    if real == 0 and not any(_amounts(node, value.shape, amounts)[0]):
        return keeping(builder, node, lambda source: layers.pad(node, source, tuple(amounts)))
    source = builder.activation(node, 0, quantised=integers)
    found = filled(builder, node, source, _amounts(node, source.shape, amounts), real)
    if not integers:
        return found
    return builder.emit(found, node.proto.output[0], source.scale, source.zero_point, source.dtype,
                        node)


def _of_all_axes(node: NodeView, amounts, axes, rank: int) -> list[int]:
    """A Pad's amounts for all dimensions, from those of some."""
    node.require(all(-rank <= axis < rank for axis in axes) and len(amounts) == 2 * len(axes)
                 and len({axis % rank for axis in axes}) == len(axes),
                 f"axes must be different integers from {-rank} to {rank - 1}, with two pads each",
                 f"{axes[:8]} and {len(amounts)} pads")
    full = [0] * (2 * rank)
    for number, axis in enumerate(axes):
        full[axis % rank] = amounts[number]
        full[rank + axis % rank] = amounts[len(axes) + number]
    return full


def _amounts(node: NodeView, shape, amounts) -> tuple[tuple[int, int], ...]:
    """What stands before and behind channels, rows and columns."""
    image_shape(node, shape)
    node.require(len(amounts) == 8 and all(0 <= v <= LIMIT for v in amounts),
                 f"pads must be 8 integers from 0 to {LIMIT}", list(amounts))
    node.require(not amounts[0] and not amounts[4], "the batch must not be padded", list(amounts))
    return tuple((amounts[n], amounts[4 + n]) for n in (1, 2, 3))


def mirrored(node: NodeView, source, amounts, mode: str):
    """Rows, then columns, before and behind an image: those that a mode repeats."""
    layers.check_image(node, source)
    result = source
    for axis, (before, after) in enumerate(amounts):
        if before or after:
            size = result.shape[1 + axis]
            most = {"reflect": size - 1, "edge": LIMIT, "wrap": size}[mode]
            node.require(max(before, after) <= most, f"pads in mode {mode} must be at most {most}",
                         [before, after])
            taken = np.pad(np.arange(size), (before, after), mode)
            result = _taken(node, result, axis, taken)
    if result is source:  # nothing to do
        whole = pieces.cut((0, 0, 0), (*source.shape[1:], source.shape[0]))
        return moved(node, source, source.shape, whole)
    return result


def _taken(node: NodeView, source, axis: int, taken: np.ndarray) -> Moved:
    """Rows (axis 0) or columns of an image, as many at a time as follow each other."""
    channels, *size = source.shape
    ends = [0, *(np.flatnonzero(np.diff(taken) != 1) + 1).tolist(), len(taken)]
    node.require(len(ends) <= MOST_PIECES, f"it must have at most {MOST_PIECES} parts", len(ends))
    parts = []
    for first, end in itertools.pairwise(ends):
        start, target, shape = [0, 0, 0], [0, 0, 0], [*size, channels]
        start[axis], target[axis], shape[axis] = int(taken[first]), first, end - first
        parts.append(pieces.Piece(Place(tuple(start)), tuple(shape), Place(tuple(target))))
    size[axis] = len(taken)
    return moved(node, source, (channels, *size), parts)


def filled(builder: Builder, node: NodeView, source: Activation, amounts, real: float) -> Assembled:
    """An image with a constant around it, in channels, too."""
    layers.check_image(node, source)
    channels, *size = source.shape
    inner = (*size, channels)
    (top, bottom), (left, right), (front, back) = (amounts[n] for n in (1, 2, 0))
    height, width = top + size[0] + bottom, left + size[1] + right
    parts, places, made = [source], [Place((top, left, front))], {}
    for start, shape in (
        ((0, 0, 0), (height, width, front)),
        ((0, 0, front + channels), (height, width, back)),
        ((0, 0, front), (top, width, channels)),
        ((top + size[0], 0, front), (bottom, width, channels)),
        ((top, 0, front), (size[0], left, channels)),
        ((top, left + size[1], front), (size[0], right, channels)),
    ):
        for at, part in _blocks(start, shape, inner):
            node.require(len(parts) < MOST_PIECES, f"it must have at most {MOST_PIECES} parts",
                         "more")
            if part not in made:
                made[part] = _constant(builder, node, source, part, real)
            parts.append(made[part])
            places.append(Place(at))
    shape = (front + channels + back, height, width)
    return Assembled(node.name, source, shape, order_of(shape), parts=tuple(parts),
                     places=tuple(places))


def _blocks(start, shape, most):
    """A box, in parts that are no larger than ``most``."""
    cuts = [range(0, size, step) for size, step in zip(shape, most, strict=True)]
    for first in itertools.product(*cuts):
        part = (min(step, size - at) for at, size, step in zip(first, shape, most, strict=True))
        yield tuple(a + b for a, b in zip(start, first, strict=True)), tuple(part)


def _constant(builder: Builder, node: NodeView, source: Activation, part, real: float) -> Function:
    """One number everywhere: a table on any part of the image of that size."""
    height, width, channels = part
    shape = channels, height, width
    view = Moved(f"{node.name}/border", source, shape, order_of(shape), via=node.proto.input[0],
                 pieces=pieces.cut((0, 0, 0), part))
    some = builder.emit(view, f"{node.proto.output[0]}/border", source.scale, source.zero_point,
                        "float32", node)
    return Function(f"{node.name}/fill", some, shape, some.order, op="fill",
                    real=np.full(256, real, np.float32))


HANDLERS = {"Pad": pad}
