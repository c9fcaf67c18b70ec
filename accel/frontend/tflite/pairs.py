"""Operators on two tensors: ADD, SUB, MUL, MAXIMUM, MINIMUM.

Both are images of one shape, or one is a number for each channel: a computed pixel or a constant.
"""

import dataclasses
import math

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite.build import CENTRES, FACTOR_COST
from accel.frontend.tflite.scales import addition, product
from accel.frontend.tflite.view import View
from accel.graph.ir import Add, Conv, Max, Min, Mul, Place, Requant, Slice, Sub, Tensor
from accel.graph.shapes import pair_shape
from accel.isa import Rounding


@runs("window", EXACT, "two tensors of one shape, or one a number for each channel")
def add(op: View) -> None:
    """Sum of two tensors."""
    _sum(op, Add)


@runs("window", EXACT, "two tensors of one shape, or one a number for each channel")
def sub(op: View) -> None:
    """Difference of two tensors; LiteRT scales them as ADD does."""
    _sum(op, Sub)


def _sum(op: View, kind: type[Add]) -> None:
    sources, target = _operands(op)
    *operands, factor = addition(op.scale(0), op.scale(1), output_scale(op))
    names = tuple(source.name for source in sources)
    op.add(kind(op.name, names, target.name, tuple(operands), _requant(op, factor, target)))


@runs("window", EXACT, "two tensors of one shape, or one a number for each channel")
@runs("array", EXACT, "stored factors for the channels")
def mul(op: View) -> None:
    """Product of two tensors; by constants that fit int8, a depthwise convolution."""
    known = _known(op)
    if any(known):
        at = known.index(True)
        source, target = op.source(1 - at), op.target()
        factor = product(op.scale(0), op.scale(1), output_scale(op))
        by_constant(op, at, source, op.name, target, _requant(op, factor, target))
        return
    sources, target = _operands(op)
    factor = product(op.scale(0), op.scale(1), output_scale(op))
    names = tuple(source.name for source in sources)
    op.add(Mul(op.name, names, target.name, _requant(op, factor, target)))


def by_constant(op: View, at: int, source: Tensor, name: str, target: Tensor, need: Requant):
    """Add a node that multiplies an image by constant input ``at``.

    Both nodes that do so compute the same; the convolution is quicker, but its weights are int8.
    """
    values, zero = channel_values(op, at, source)
    weights = values.astype(np.int16) - zero
    if not np.array_equal(weights, weights.astype(np.int8)):
        factors = _constant(op, at, source)
        op.add(Mul(name, (source.name, factors.name), target.name, need))
        return
    channels = len(weights)
    need = dataclasses.replace(need, multiplier=np.repeat(need.multiplier, channels),
                               shift=np.repeat(need.shift, channels))
    op.add(Conv(name, "conv2d", source.name, target.name,
                weights.astype(np.int8).reshape(-1, 1, 1, 1), np.zeros(channels, np.int32), need,
                groups=channels))  # fmt: skip


@runs("window", EXACT, "two tensors quantised alike, or one a number for each channel")
def maximum(op: View) -> None:
    """The larger bytes of two tensors that are quantised alike."""
    _extreme(op, Max)


@runs("window", EXACT, "two tensors quantised alike, or one a number for each channel")
def minimum(op: View) -> None:
    """The smaller bytes."""
    _extreme(op, Min)


def _extreme(op: View, kind: type[Max | Min]) -> None:
    sources, target = _operands(op)
    for at, source in enumerate(sources):
        same = source.zero_point == target.zero_point and math.isclose(
            source.scale, target.scale, rel_tol=1e-6)
        op.require(same, f"{op.title(at)} must be quantised as the output, with scale "
                   f"{target.scale} and zero point {target.zero_point + CENTRES[op.dtype]}",
                   f"{source.scale} and {source.zero_point + CENTRES[op.dtype]}")
    op.add(kind(op.name, tuple(source.name for source in sources), target.name))


def _known(op: View) -> list[bool]:
    """Which of the two inputs are constants; checks what all operators have in common."""
    op.counts(2, 2)
    dtypes = [op.record(at).dtype for at in (0, 1)]
    op.require(dtypes[0] == dtypes[1], f"inputs must both be {dtypes[0]}", dtypes[1])
    known = [op.record(at).data is not None for at in (0, 1)]
    op.require(not all(known), "an input must be computed", "two constants")
    return known


def _operands(op: View) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Both inputs and the output."""
    known = _known(op)
    sources = [None if constant else op.source(at) for at, constant in enumerate(known)]
    if any(known):
        at = known.index(True)
        sources[at] = _constant(op, at, sources[1 - at])
    first, second = (source.shape for source in sources)
    op.require(pair_shape(first, second), f"inputs must have one shape, {list(first)}, or one be a "
               "number for each channel", list(second))
    return tuple(sources), op.target()


def channel_values(op: View, at: int, other: Tensor) -> tuple[np.ndarray, int]:
    """The bytes of a constant, one for each channel of the other input, and their zero point."""
    values, channels = op.constant(at, tuple(CENTRES)), other.shape[2]
    op.require(values.size == 1 or values.shape[-1] == values.size == channels,
               f"{op.title(at)} must be one number, or one for each of {channels} channels",
               list(values.shape))
    op.spend(FACTOR_COST * channels)
    centre = CENTRES[op.dtype]
    values = np.broadcast_to((values.ravel().astype(np.int16) - centre).astype(np.int8), channels)
    return values, op.builder.per_tensor(op.operator.inputs[at])[1] - centre


def _constant(op: View, at: int, other: Tensor) -> Tensor:
    """A constant as a pixel that the machine makes."""
    values, zero = channel_values(op, at, other)
    made = op.builder.extra(f"{op.name}_{at}", Tensor("", (1, 1, len(values)), float(op.scale(at)),
                                                      zero))
    source = other
    if other.shape != made.shape:
        source = op.builder.extra(f"{op.name}_pixel", other, made.shape)
        op.add(Slice(source.name, other.name, source.name, Place((0, 0, 0)), made.shape))
    op.add(pieces.constant(made.name, source, made, values))
    return made


def output_scale(op: View) -> np.float32:
    """The output's scale as the file has it."""
    return op.builder.per_tensor(op.operator.outputs[0])[0]


def _requant(op: View, factor: tuple[int, int], target: Tensor) -> Requant:
    return requant(factor, target, *op.clamp())


def requant(factor: tuple[int, int], target: Tensor, lo: int = -128, hi: int = 127) -> Requant:
    """A requantisation by one factor as LiteRT's."""
    return Requant(np.array(factor[:1], np.int32), np.array(factor[1:], np.int8),
                   target.zero_point, lo, hi, Rounding.DOUBLE)


HANDLERS = {"ADD": add, "SUB": sub, "MUL": mul, "MAXIMUM": maximum, "MINIMUM": minimum}
