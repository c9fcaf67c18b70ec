"""Operators that move bytes, as pieces: parts of a source and where they go in the target.

All in (row, column, channel) coordinates, as tensors lie in memory.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from accel.graph.ir import Assemble, Conv, Node, Place, Requant, Slice, Tensor

Shape = tuple[int, int, int]
#: The place of a whole tensor.
ALL = Place((0, 0, 0))


@dataclasses.dataclass(frozen=True)
class Piece:
    """The part of a source at ``source``, of ``shape``, which goes to ``target``."""

    source: Place
    shape: Shape
    target: Place


@dataclasses.dataclass(frozen=True)
class Axis:
    """``count`` rows or columns from ``first`` on, ``step`` apart, each ``factor`` times."""

    first: int
    count: int
    step: int
    factor: int


def pattern(taken: np.ndarray) -> Axis | None:
    """The pattern of the inputs that a row or column of each output takes, if it is one."""
    for factor in (len(taken) // len(np.unique(taken)), 1):
        single = taken[::factor]
        steps = np.unique(np.diff(single)) if len(single) > 1 else np.ones(1, int)
        if (len(single) * factor == len(taken) and len(steps) == 1 and steps[0] > 0
                and (np.repeat(single, factor) == taken).all()):
            return Axis(int(single[0]), len(single), int(steps[0]), factor)
    return None


def resized(rows: Axis, columns: Axis, channels: int) -> tuple[Piece, ...]:
    """Rows and columns repeated, or left out, or both."""
    part = rows.count, columns.count, channels
    (one,) = cut((rows.first, columns.first, 0), part, (rows.step, columns.step))
    return tuple(
        dataclasses.replace(one, target=piece.target)
        for piece in repeated(part, rows.factor, columns.factor)
    )


def cut(start: Shape, shape: Shape, step=(1, 1)) -> tuple[Piece, ...]:
    """A part of a tensor."""
    return (Piece(Place(tuple(start), tuple(step)), tuple(shape), ALL),)


def repeated(shape: Shape, down: int, across: int) -> tuple[Piece, ...]:
    """Every pixel so many times down and across: enlargement without interpolation."""
    return tuple(
        Piece(ALL, shape, Place((y, x, 0), (down, across)))
        for y in range(down) for x in range(across)
    )


def to_space(shape: Shape, block: int) -> tuple[Piece, ...]:
    """Channels (y, x, c) to rows and columns of blocks: DepthToSpace."""
    height, width, channels = shape
    part = channels // block**2
    return tuple(
        Piece(Place((0, 0, (y * block + x) * part)), (height, width, part),
              Place((y, x, 0), (block, block)))
        for y in range(block) for x in range(block)
    )


def to_depth(shape: Shape, block: int) -> tuple[Piece, ...]:
    """Rows and columns of blocks to channels (y, x, c): SpaceToDepth."""
    height, width, channels = shape
    part = height // block, width // block, channels
    return tuple(
        Piece(Place((y, x, 0), (block, block)), part, Place((0, 0, (y * block + x) * channels)))
        for y in range(block) for x in range(block)
    )


def planes_first(channels: int, block: int) -> np.ndarray:
    """The channels (c, y, x) of a pixel shuffle in the order (y, x, c) of :func:`to_space`."""
    order = np.arange(channels).reshape(-1, block, block)
    return order.transpose(1, 2, 0).ravel()


def nodes(
    name: str, source: Tensor, target: Tensor, pieces: tuple[Piece, ...],
    unused: Callable[[str], str],
) -> tuple[list[Tensor], list[Node]]:
    """The tensors, beside ``target``, and nodes that put pieces together.

    Args:
        name: of the last node; the others' begin with it.
        source, target: the operator's input and output.
        pieces: in any order.
        unused: makes a tensor's name different from others.
    """
    if len(pieces) == 1 and pieces[0].shape == target.shape:
        return [], [Slice(name, source.name, target.name, pieces[0].source, target.shape)]
    tensors, made, names, known = [], [], [], {}
    for number, piece in enumerate(pieces):
        key = piece.source, piece.shape
        if piece.source == ALL and piece.shape == source.shape:
            known[key] = source.name
        elif key not in known:
            part = dataclasses.replace(source, name=unused(f"{target.name}/{number}"),
                                       shape=piece.shape)
            tensors.append(part)
            made.append(Slice(f"{name}/{number}", source.name, part.name, *key))
            known[key] = part.name
        names.append(known[key])
    where = tuple(piece.target for piece in pieces)
    return tensors, [*made, Assemble(name, tuple(names), target.name, where)]


def reordered(name: str, source: Tensor, target: Tensor, order: np.ndarray) -> Conv:
    """Channels in another order (``order[n]`` becomes channel n), some left out or repeated.

    A byte cannot have an address of its own without a command of its own, so it is a convolution
    that passes one channel on for each: times 2**30 * 2**(1 - 31), exactly one.
    """
    weights = np.zeros((len(order), 1, 1, source.shape[2]), np.int8)
    weights[np.arange(len(order)), 0, 0, order] = 1
    zero = source.zero_point
    requant = Requant(np.full(len(order), 1 << 30, np.int32), np.ones(len(order), np.int8), zero)
    return Conv(name, "reorder", source.name, target.name, weights,
                np.zeros(len(order), np.int32), requant)



def constant(name: str, source: Tensor, target: Tensor, values: np.ndarray) -> Conv:
    """A pixel of known bytes: a convolution that pays no heed to the pixel that it reads."""
    channels = len(values)
    bias = values.astype(np.int32) - target.zero_point
    # Times 2**30 * 2**(1 - 31): exactly one.
    requant = Requant(np.full(channels, 1 << 30, np.int32), np.ones(channels, np.int8),
                      target.zero_point)
    return Conv(name, "constant", source.name, target.name, np.zeros((channels, 1, 1, 1), np.int8),
                bias, requant, groups=channels)
