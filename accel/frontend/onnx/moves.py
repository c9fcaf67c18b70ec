"""Operators that put bytes elsewhere: Slice, Split, DepthToSpace, SpaceToDepth.

They exist on integers and on float, and may stand before as well as behind a quantisation.  What
they give is a :class:`Moved`: pieces of an image (or a vector), in memory's coordinates.
"""

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.onnx import layers
from accel.frontend.onnx.build import Builder, keeping
from accel.frontend.onnx.nodes import NodeView, image_shape
from accel.frontend.onnx.values import Moved, Shape, flat, memory_shape, order_of

#: Most pieces of an operator.
MOST_PIECES = 1024


def moved(node: NodeView, source, shape: Shape, parts, name="", channels=None) -> Moved:
    """What an operator makes of ``source``, which gives an ONNX ``shape``."""
    node.require(len(parts) <= MOST_PIECES, f"it must move at most {MOST_PIECES} parts",
                 len(parts))
    source = layers.apart(source)
    return Moved(name or node.name, source, shape, order_of(shape), via=node.proto.input[0],
                 pieces=tuple(parts), channels=channels)


def check_layout(node: NodeView, source) -> tuple[int, int, int]:
    """Refuse what is neither an image nor a vector; the (height, width, channels) in memory."""
    if len(source.shape) == 1:
        node.require(source.order == flat(source.shape), "a flattened image must not be cut",
                     source.order)
    else:
        layers.check_image(node, source)
    return memory_shape(source.shape, source.order)


def cut(node: NodeView, source, starts, counts, steps, name="") -> Moved:
    """A part of ``source``: of each ONNX dimension behind the batch, where, how many, how far."""
    check_layout(node, source)
    shape = tuple(counts)
    if len(shape) == 1:
        starts, counts, steps = ((values[0], fill, fill) for values, fill in
                                 ((starts, 0), (counts, 1), (steps, 1)))
    (channel, *start), (count, *size), (pace, *step) = starts, counts, steps
    if len(source.shape) == 3 and memory_shape(source.shape, source.order)[2] != source.shape[0]:
        raise node.error("an image whose elements lie otherwise must not be cut")
    channels = None
    if pace > 1 and count > 1:
        channels, channel = channel + pace * np.arange(count), 0
    parts = pieces.cut((*start, channel), (*size, count), step)
    return moved(node, source, shape, parts, name, channels)


@runs("addresses", EXACT, "stored numbers, positive steps")
def slice_(builder: Builder, node: NodeView):
    """Slice: starts, ends, axes and steps from constant inputs, or (opset 9) attributes."""
    if builder.has(node, 1):
        starts, ends, axes, steps = (
            None if array is None else array.ravel().tolist()
            for array in (builder.constant(node, number) for number in (1, 2, 3, 4))
        )
    else:
        starts, ends, axes = (node.attributes.get(name) for name in ("starts", "ends", "axes"))
        steps = None
    node.require(starts is not None and ends is not None, "starts and ends must be given", None)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    node.require(len(starts) == len(ends) == len(axes) == len(steps),
                 "starts, ends, axes and steps must have one length",
                 [len(starts), len(ends), len(axes), len(steps)])

    def build(source) -> Moved:
        full = (1, *source.shape)
        rank = len(full)
        node.require(all(-rank <= axis < rank for axis in axes)
                     and len({axis % rank for axis in axes}) == len(axes),
                     f"axes must be different integers from {-rank} to {rank - 1}", axes)
        first, count, pace = [0] * rank, list(full), [1] * rank
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            size = full[axis]
            node.require(step > 0, "steps must be positive", step)
            chosen = range(size)[slice(start, end, step)]
            node.require(len(chosen) > 0, "what it cuts must not be empty",
                         f"{start} to {end} of {size}")
            first[axis], count[axis], pace[axis] = chosen[0], len(chosen), step
        return cut(node, source, first[1:], count[1:], pace[1:])

    return keeping(builder, node, build)


@runs("addresses", EXACT, "any axis but the batch")
def split(builder: Builder, node: NodeView) -> tuple:
    """Split: sizes from an attribute, an input, or equal ones."""
    sizes = builder.constant(node, 1)
    sizes = node.attributes.get("split") if sizes is None else sizes.ravel().tolist()
    value = builder.value(node, 0)
    node.require(hasattr(value, "shape"), "input must be an activation", "a constant")
    full = (1, *value.shape)
    axis, count = node.integer("axis", 0), len(node.proto.output)
    node.require(-len(full) <= axis < len(full) and axis % len(full),
                 f"axis must be from 1 to {len(full) - 1}", axis)
    axis %= len(full)
    if sizes is None:
        node.require(node.integer("num_outputs", count) == count,
                     "num_outputs must be the number of outputs", count)
        most = -(-full[axis] // count)
        sizes = [most] * (count - 1) + [full[axis] - most * (count - 1)]
    node.require(len(sizes) == count and min(sizes) > 0 and sum(sizes) == full[axis],
                 f"split must give {full[axis]} elements to {count} outputs, none empty", sizes)
    results = []
    for number, size in enumerate(sizes):
        first, shape = [0] * len(full), list(full)
        first[axis], shape[axis] = sum(sizes[:number]), size

        def build(source, first=first, shape=shape, number=number) -> Moved:
            return cut(node, source, first[1:], shape[1:], [1] * (len(full) - 1),
                       f"{node.name}/{number}")

        results.append(keeping(builder, node, build, number))
    return tuple(results)


@runs("addresses", EXACT)
def depth_to_space(builder: Builder, node: NodeView):
    """DepthToSpace, channels as (y, x, c) (DCR) or as (c, y, x) (CRD, a pixel shuffle)."""
    mode = node.text("mode", "DCR")
    node.require(mode in ("DCR", "CRD"), "mode must be 'DCR' or 'CRD'", repr(mode))

    def build(source) -> Moved:
        block = _block(node)
        channels, height, width = image_shape(node, source.shape)
        check_layout(node, source)
        node.require(channels % block**2 == 0, f"channels must be a multiple of {block**2}",
                     channels)
        order = pieces.planes_first(channels, block) if mode == "CRD" else None
        if channels == block**2:
            order = None  # the same in both
        shape = channels // block**2, height * block, width * block
        return moved(node, source, shape, pieces.to_space((height, width, channels), block),
                     channels=order)

    return keeping(builder, node, build)


@runs("addresses", EXACT)
def space_to_depth(builder: Builder, node: NodeView):
    """SpaceToDepth."""
    def build(source) -> Moved:
        block = _block(node)
        channels, height, width = image_shape(node, source.shape)
        check_layout(node, source)
        node.require(height % block == 0 and width % block == 0,
                     f"rows and columns must be multiples of {block}", [height, width])
        shape = channels * block**2, height // block, width // block
        return moved(node, source, shape, pieces.to_depth((height, width, channels), block))

    return keeping(builder, node, build)


def _block(node: NodeView) -> int:
    block = node.integer("blocksize", 0)
    node.require(1 <= block <= MOST_PIECES, f"blocksize must be from 1 to {MOST_PIECES}", block)
    return block


HANDLERS = {
    "Slice": slice_, "Split": split, "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth,
}  # fmt: skip
