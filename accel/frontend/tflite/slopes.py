"""PRELU: x, or a slope of its channel times x where x is negative."""

import numpy as np

from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite import pairs
from accel.frontend.tflite.scales import divide32, rescale
from accel.frontend.tflite.view import View
from accel.graph.ir import Add, Max, Min, Table, Tensor
from accel.isa import Rounding
from accel.quant import check_scale, requantise

_BYTES = np.arange(-128, 128)
#: What chooses the right side, and what the table then has on the other one.
_SIDES = ((Max, np.maximum, -128), (Min, np.minimum, 127))
#: Factors with which an Add is of whole bytes: times 1/2 * 2**20 each, and the sum times 2**-19.
_HALF, _WHOLE = (1 << 30, 0), (1 << 30, -18)


@runs("window", EXACT, "a slope for each channel")
@runs("table", EXACT, "one slope")
def prelu(op: View) -> None:
    """PRELU: one table if all slopes are alike, else a table's byte and slope * x."""
    op.counts(2, 2)
    source, dtypes = op.source(), [op.record(at).dtype for at in (0, 1)]
    op.require(dtypes[0] == dtypes[1], f"slopes must be {dtypes[0]}", dtypes[1])
    values, zero = pairs.channel_values(op, 1, source)
    target = op.target()
    with np.errstate(all="ignore"):
        real = divide32(np.float32(op.scale(0)) * np.float32(op.scale(1)), pairs.output_scale(op))
        same = divide32(op.scale(0), pairs.output_scale(op))
    slope, above = (rescale(float(check_scale(factor))) for factor in (real, same))
    x = _BYTES - source.zero_point
    positive = requantise(x, *above, Rounding.DOUBLE, target.zero_point)
    # A channel is as every other one of its slope.
    products = x[:, None] * (np.unique(values).astype(np.int16) - zero)
    scaled = requantise(products, *slope, Rounding.DOUBLE, target.zero_point)
    wanted = np.where(x[:, None] < 0, scaled, positive[:, None])
    if (wanted == wanted[:, :1]).all():
        op.add(Table(op.name, source.name, target.name, wanted[:, 0].astype(np.int8), op="prelu"))
        return
    for kind, choose, other in _SIDES:
        table = np.where(x < 0, other, positive).astype(np.int8)
        if np.array_equal(choose(table[:, None], scaled), wanted):
            names = _table(op, "positive", source, target, table), _times(op, source, target, slope)
            op.add(kind(op.name, names, target.name))
            return
    # Some slopes are above 1 and some below: the sum of both sides, each 0 where the other counts.
    table = np.where(x < 0, target.zero_point, positive).astype(np.int8)
    first = _table(op, "positive", source, target, table)
    below = np.minimum(_BYTES, source.zero_point).astype(np.int8)
    negative = op.builder.tensors[_table(op, "negative", source, source, below)]
    names = first, _times(op, negative, target, slope)
    op.add(Add(op.name, names, target.name, (_HALF, _HALF), pairs.requant(_WHOLE, target)))


def _table(op: View, part: str, source: Tensor, like: Tensor, values: np.ndarray) -> str:
    made = op.builder.extra(f"{op.name}_{part}", like, source.shape)
    op.add(Table(made.name, source.name, made.name, values))
    return made.name


def _times(op: View, source: Tensor, target: Tensor, slope: tuple[int, int]) -> str:
    made = op.builder.extra(f"{op.name}_scaled", target, source.shape)
    pairs.by_constant(op, 1, source, made.name, made, pairs.requant(slope, target))
    return made.name


HANDLERS = {"PRELU": prelu}
