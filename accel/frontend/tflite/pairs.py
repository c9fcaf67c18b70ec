"""Operators on two operands, one of which may be constant: ADD, MUL and PRELU.

A constant of one number makes a table (functions.py).  One number for each channel is a tensor that
a convolution without weights makes, or the weights of one that looks at single channels.
"""

import numpy as np

from accel.frontend import wide
from accel.frontend.tflite.build import CENTRES
from accel.frontend.tflite.functions import function
from accel.frontend.tflite.scales import addition, divide32, product
from accel.frontend.tflite.view import View
from accel.graph.ir import Add, Conv, Mul, Requant, Tensor
from accel.isa import Rounding
from accel.quant import quantize_multiplier

#: A factor of one.
_ONE = 1 << 30, 1


def add(op: View) -> None:
    """Sum of two images of one shape, or of one and a constant."""
    op.counts(2, 2)
    if _one_number(op):
        function(op)
        return
    sources = _operands(op)
    shapes = [list(source.shape) for source in sources]
    op.require(shapes[0] == shapes[1], f"inputs must have one shape, {shapes[0]}", shapes[1])
    target = op.target()
    *operands, factor = addition(op.scale(0), op.scale(1), _output_scale(op))
    names = tuple(source.name for source in sources)
    op.add(Add(op.name, names, target.name, tuple(operands), _requant(op, target, factor)))


def mul(op: View) -> None:
    """Product of two images of one shape, or of an image and a factor for each of its channels."""
    op.counts(2, 2)
    if _one_number(op):
        function(op)
        return
    at = _stored(op)
    if at is not None:
        _scaled(op, at)
        return
    sources, target = _operands(op), op.target()
    if sources[0].shape[:2] == (1, 1):  # the image first
        sources.reverse()
    first, second = (source.shape for source in sources)
    op.require(second in (first, (1, 1, first[2])), f"inputs must have one shape, {list(first)}, "
               f"or one be [1, 1, {first[2]}]", list(second))
    factor = product(op.scale(0), op.scale(1), _output_scale(op))
    op.add(Mul(op.name, tuple(source.name for source in sources), target.name,
               _requant(op, target, factor)))


def prelu(op: View) -> None:
    """PRELU(input, slopes): one slope is a table, one for each channel a sum.

    Where no slope is negative, one of two convolutions gives the output's zero point, and the other
    one the result: that of the positive inputs, and that of the others.
    """
    op.counts(2, 2)
    if _one_number(op):
        function(op)
        return
    source, slopes = op.source(), _channels(op, 1)
    op.require(slopes.min() >= 0, "slopes must not be negative", int(slopes.min()))
    target, output = op.target(), _output_scale(op)
    zero, halves = target.zero_point, []
    for name, weights, factor, lo, hi in (
        ("above", np.ones_like(slopes), quantize_multiplier(float(divide32(op.scale(), output))),
         zero, 127),
        ("below", slopes, product(op.scale(0), op.scale(1), output), -128, zero),
    ):
        half = op.builder.extra(f"{target.name}/{name}", target)
        op.add(_each_channel(op, f"{op.name}/{name}", source, half, weights, factor, lo, hi))
        halves.append(half.name)
    *operands, factor = addition(output, output, output)
    op.add(Add(op.name, tuple(halves), target.name, tuple(operands),
               _requant(op, target, factor, clamped=False), op="prelu"))


def _output_scale(op: View) -> np.float32:
    return op.builder.per_tensor(op.operator.outputs[0])[0]


def _requant(op: View, target: Tensor, factor: tuple[int, int], clamped: bool = True) -> Requant:
    lo, hi = op.clamp() if clamped else (-128, 127)
    return Requant(np.array(factor[:1], np.int32), np.array(factor[1:], np.int8),
                   target.zero_point, lo, hi, Rounding.DOUBLE)


def _stored(op: View) -> int | None:
    """Which operand is constant."""
    return next((at for at in (0, 1) if op.record(at).data is not None), None)


def _one_number(op: View) -> bool:
    at = _stored(op)
    return at is not None and all(size == 1 for size in op.record(at).shape)


def _operands(op: View) -> list[Tensor]:
    """Both operands, of one type; a constant one is made an image."""
    dtypes = [op.record(at).dtype for at in (0, 1)]
    op.require(dtypes[0] == dtypes[1], f"inputs must both be {dtypes[0]}", dtypes[1])
    stored = _stored(op)
    if stored is None:
        return [op.source(0), op.source(1)]
    source = op.source(1 - stored)
    made = _image(op, stored, source)
    return [made, source] if stored == 0 else [source, made]


def _channels(op: View, at: int) -> np.ndarray:
    """Constant operand ``at``, a number for each channel of the other one, less its zero point."""
    record, source = op.record(at), op.source(1 - at)
    dtype, shape = op.record(1 - at).dtype, record.shape
    op.require(shape[-1:] == source.shape[2:] and all(size == 1 for size in shape[:-1])
               and len(shape) <= len(op.record(1 - at).shape),
               f"{op.title(at)} must be one number for each of {source.shape[2]} channels",
               list(shape))
    op.spend(16 * source.shape[2])
    zero_point = op.builder.per_tensor(record.index)[1]
    return op.constant(at, (dtype,)).ravel().astype(np.int64) - zero_point


def _image(op: View, at: int, like: Tensor) -> Tensor:
    """Constant operand ``at`` as an image as large as the other one."""
    values, record = _channels(op, at), op.record(at)
    scale, zero_point = op.builder.per_tensor(record.index)
    made = op.builder.extra(f"{op.builder.names[record.index]}/image", Tensor(
        "", like.shape, float(scale), zero_point - CENTRES[record.dtype]))
    op.add(_each_channel(op, f"{op.name}/constant", like, made, 0 * values, _ONE, bias=values))
    return made


def _scaled(op: View, at: int) -> None:
    """Each channel times a constant, as the weights of a convolution that sees one channel."""
    source = op.source(1 - at)
    weights, target = _channels(op, at), op.target()
    if not wide.fits(weights):  # the window unit multiplies numbers of nine bits
        names = source.name, _image(op, at, source).name
        op.add(Mul(op.name, names, target.name, _requant(
            op, target, product(op.scale(0), op.scale(1), _output_scale(op)))))
        return
    factor = product(op.scale(0), op.scale(1), _output_scale(op))
    op.add(_each_channel(op, op.name, source, target, weights, factor, *op.clamp(), name="mul"))


def _each_channel(op: View, title: str, source: Tensor, target: Tensor, weights: np.ndarray,
                  factor: tuple[int, int], lo: int = -128, hi: int = 127, bias=None,
                  name: str = "conv2d") -> Conv:
    """A convolution of single pixels and channels."""
    count = len(weights)
    requant = Requant(np.full(count, factor[0], np.int32), np.full(count, factor[1], np.int8),
                      target.zero_point, lo, hi, Rounding.DOUBLE)
    bias = np.zeros(count, np.int32) if bias is None else bias.astype(np.int32)
    return Conv(title, name, source.name, target.name,
                weights.astype(np.int8).reshape(count, 1, 1, 1), bias, requant, groups=count)
