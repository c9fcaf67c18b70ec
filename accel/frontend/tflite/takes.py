"""Operators that take rows, columns and channels in another order, or more than once: MIRROR_PAD,
REVERSE_V2, GATHER, TILE, BROADCAST_TO; and PADs of channels.
"""

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.takes import piece_count, stages
from accel.frontend.tflite.build import LIMIT, MOST_PIECES, TABLE_COST
from accel.frontend.tflite.view import View
from accel.graph.ir import Concat, Reshape, Table, Tensor

#: With more pieces than this, channels are moved by a convolution.
_FEW_CHANNELS = 8


def put(op: View, source: Tensor, lists) -> None:
    """Append what takes elements by their indices: of the file's dimensions behind the batch."""
    lists = [range(1)] * (3 - len(lists)) + list(lists)
    target = op.target()
    op.same(source, target)
    source = moved(op, source, lists, "moved")
    op.shaped(source.shape)
    op.add(Reshape(op.name, source.name, target.name))


def moved(op: View, source: Tensor, lists, name: str) -> Tensor:
    """Append what takes rows, columns and channels by their indices; return the image."""
    op.spend(16 * sum(map(len, lists)))
    lists = [list(one) for one in lists]
    parts = piece_count(source.shape, lists)
    op.require(parts <= MOST_PIECES, f"it must move at most {MOST_PIECES} parts", parts)
    steps = stages(source.shape, lists)
    every = list(range(source.shape[2]))
    if lists[2] == every or len(steps[-1][1]) <= _FEW_CHANNELS:
        return _moved(op, source, steps, name)
    source = _moved(op, source, stages(source.shape, [*lists[:2], every]), name)
    return _reordered(op, source, lists[2])


def _moved(op: View, source: Tensor, steps, name: str) -> Tensor:
    for number, (shape, parts) in enumerate(steps):
        made = op.builder.extra(f"{op.name}/{name}{number}", source, shape)

        def unused(wanted: str, like=source) -> str:
            return op.builder.extra(wanted, like).name

        tensors, nodes = pieces.nodes(made.name, source, made, parts, unused)
        for tensor in tensors:
            op.builder.tensors[tensor.name] = tensor
        for node in nodes:
            op.add(node)
        source = made
    return source


def _reordered(op: View, source: Tensor, order) -> Tensor:
    op.spend(len(order) * source.shape[2])
    made = op.builder.extra(f"{op.name}/order", source, (*source.shape[:2], len(order)))
    op.add(pieces.reordered(made.name, source, made, np.array(order)))
    return made


def _dimensions(op: View) -> tuple[Tensor, list[range]]:
    """The image, and all indices of its dimensions behind the batch."""
    source = op.source()
    return source, [range(size) for size in op.record(0).shape[1:]]


def _numbers(op: View, at: int) -> list[int]:
    return op.constant(at, ("int32", "int64")).ravel().tolist()


@runs("addresses", EXACT, "not of the batch")
def mirror_pad(op: View) -> None:
    """MIRROR_PAD(input, paddings)."""
    op.counts(2, 2)
    source, lists = _dimensions(op)
    sizes = op.constant(1, ("int32", "int64"))
    op.require(sizes.shape == (1 + len(lists), 2), f"paddings must have shape "
               f"[{1 + len(lists)}, 2]", list(sizes.shape))
    sizes = sizes.tolist()
    skip = 1 - op.options["Mode"]  # REFLECT leaves the border itself out, SYMMETRIC repeats it
    op.require(sizes[0] == [0, 0] and op.options["Mode"] in (0, 1) and all(
                   0 <= size <= len(one) - skip
                   for one, pair in zip(lists, sizes[1:], strict=True) for size in pair),
               "paddings must be mirrored inside of the image, and none of the batch", sizes)
    put(op, source, [
        [*range(before - 1 + skip, skip - 1, -1), *one,
         *range(len(one) - 1 - skip, len(one) - 1 - skip - after, -1)]
        for one, (before, after) in zip(lists, sizes[1:], strict=True)
    ])


@runs("addresses", EXACT, "not of the batch")
def reverse_v2(op: View) -> None:
    """REVERSE_V2(input, axes)."""
    op.counts(2, 2)
    source, lists = _dimensions(op)
    rank = 1 + len(lists)
    axes = _numbers(op, 1)
    op.require(all(-rank <= axis < rank and axis % rank for axis in axes),
               f"axes must be from 1 to {rank - 1}", axes)
    for axis in {axis % rank for axis in axes}:
        lists[axis - 1] = lists[axis - 1][::-1]
    put(op, source, lists)


@runs("addresses", EXACT, "stored indices, along any axis but the batch")
def gather(op: View) -> None:
    """GATHER(input, indices) along an axis behind the batch."""
    op.counts(2, 2)
    source, lists = _dimensions(op)
    rank, axis = 1 + len(lists), op.options["Axis"]
    op.require(-rank <= axis < rank and axis % rank, f"axis must be from 1 to {rank - 1}", axis)
    op.require(op.options["BatchDims"] == 0, "BatchDims must be 0", op.options["BatchDims"])
    indices, total = _numbers(op, 1), len(lists[axis % rank - 1])
    op.require(len(op.record(1).shape) < 2 and 0 < len(indices) <= LIMIT
               and all(0 <= index < total for index in indices),
               f"indices must be a list of numbers from 0 to {total - 1}", indices[:8])
    lists[axis % rank - 1] = indices
    put(op, source, lists)


@runs("addresses", EXACT, "not of the batch")
def tile(op: View) -> None:
    """TILE(input, multiples)."""
    op.counts(2, 2)
    source, lists = _dimensions(op)
    times = _numbers(op, 1)
    sizes = [len(one) * count for one, count in zip(lists, times[1:], strict=False)]
    op.require(len(times) == 1 + len(lists) and times[0] == 1 and all(
        0 < size <= LIMIT for size in sizes), "multiples must be positive, and 1 of the batch",
        times)
    put(op, source, [[*one] * count for one, count in zip(lists, times[1:], strict=True)])


@runs("addresses", EXACT)
def broadcast_to(op: View) -> None:
    """BROADCAST_TO(input, shape): dimensions of one element repeated."""
    op.counts(2, 2)
    source, lists = _dimensions(op)
    wanted = _numbers(op, 1)
    op.require(wanted == list(op.result.shape) and wanted[:1] == [1] and len(wanted) <= 4,
               f"shape must be the output's, {list(op.result.shape)}", wanted)
    lists = [range(1)] * (len(wanted) - 1 - len(lists)) + lists
    op.require(all(len(one) in (1, size) and size <= LIMIT
                   for one, size in zip(lists, wanted[1:], strict=False))
               and len(lists) == len(wanted) - 1, "dimensions must be 1 or the output's",
               [len(one) for one in lists])
    put(op, source, [[0] * size if len(one) == 1 else one
                     for one, size in zip(lists, wanted[1:], strict=True)])


def pad_channels(op: View, source: Tensor, target: Tensor, before: int, after: int) -> None:
    """Channels of the zero point in front of and behind those of an image."""
    op.same(source, target)
    op.spend(TABLE_COST + before + after)
    zeros = op.builder.extra(f"{op.name}/zeros", source)
    op.add(Table(zeros.name, source.name, zeros.name,
                 np.full(256, source.zero_point, np.int8), op="zeros"))
    names = []
    for side, count in (("before", before), ("after", after)):
        for number in range(-(-count // source.shape[2])):
            size = min(source.shape[2], count - number * source.shape[2])
            names.append(_channels(op, zeros, size, f"{op.name}/{side}{number}"))
        if side == "before":
            names.append(source.name)
    op.require(len(names) <= MOST_PIECES, f"it must move at most {MOST_PIECES} parts", len(names))
    op.add(Concat(op.name, tuple(names), target.name))


def _channels(op: View, source: Tensor, count: int, name: str) -> str:
    if count == source.shape[2]:
        return source.name
    shape = *source.shape[:2], count
    part = op.builder.extra(name, source, shape)
    for node in pieces.nodes(part.name, source, part, pieces.cut((0, 0, 0), shape), str)[1]:
        op.add(node)
    return part.name


HANDLERS = {"MIRROR_PAD": mirror_pad, "REVERSE_V2": reverse_v2, "GATHER": gather, "TILE": tile,
            "BROADCAST_TO": broadcast_to}  # fmt: skip
