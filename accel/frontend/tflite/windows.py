"""AVERAGE_POOL_2D, MAX_POOL_2D, MEAN over space and PAD."""

import numpy as np

from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite import takes
from accel.frontend.tflite.build import CENTRES, FACTOR_COST
from accel.frontend.tflite.file import PADDINGS
from accel.frontend.tflite.scales import mean as mean_factor
from accel.frontend.tflite.scales import reciprocal
from accel.frontend.tflite.values import Padded
from accel.frontend.tflite.view import View
from accel.graph.ir import AveragePool, MaxPool, Pad
from accel.graph.shapes import window_counts
from accel.isa import Rounding

#: Most elements of a window, and most sizes that windows have where the edges cut them.
MOST_ELEMENTS, MOST_COUNTS = 1 << 20, 1 << 10
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@runs("window", EXACT)
def max_pool_2d(op: View) -> None:
    """Maximum over windows."""
    source, kernel, stride, padding = _window(op)
    target, (lo, hi) = op.target(), op.clamp()
    _counts(op, source, target, kernel, stride, padding)
    op.add(MaxPool(op.name, source.name, target.name, kernel, stride, padding, lo, hi))


@runs("window", EXACT)
def average_pool_2d(op: View) -> None:
    """Mean of the raw bytes of the valid elements, halves away from zero.

    A uint8's bytes are positive: re-centred, they lie above -128.
    """
    source, kernel, stride, padding = _window(op)
    target, (lo, hi) = op.target(), op.clamp()
    op.same(source, target)
    counts = _counts(op, source, target, kernel, stride, padding)
    origin = -CENTRES[op.record(0).dtype]
    table = {count: reciprocal(count) for count in counts}
    op.add(AveragePool(op.name, source.name, target.name, kernel, stride, padding, table,
                       in_zero=origin, zero_point=origin, rounding=Rounding.AWAY, lo=lo, hi=hi))


def _window(op: View):
    op.counts(1, 1)
    source = op.source()
    op.require(len(op.record(0).shape) == 4, f"{op.title(0)} must be an image [1, H, W, C]",
               list(op.record(0).shape))
    kernel = op.size("FilterHeight"), op.size("FilterWidth")
    op.require(kernel[0] * kernel[1] <= MOST_ELEMENTS,
               f"a window must have at most {MOST_ELEMENTS} elements", list(kernel))
    stride = op.size("StrideH"), op.size("StrideW")
    op.spend(sum(source.shape[:2]))
    return source, kernel, stride, op.padding(source.shape, kernel, stride)


def _counts(op: View, source, target, kernel, stride, padding) -> list[int]:
    """Return the numbers of valid elements that windows have."""
    rows, columns = (
        np.unique(window_counts(source.shape[axis], target.shape[axis], kernel[axis],
                                stride[axis], padding[axis]))
        for axis in (0, 1)
    )
    op.require(min(rows[0], columns[0]) > 0, "every window must hold an element of the input",
               "one that is all padding")
    op.spend(sum(target.shape[:2]) + len(rows) * len(columns) * FACTOR_COST)
    op.require(len(rows) * len(columns) <= MOST_COUNTS,
               f"windows must be of at most {MOST_COUNTS} sizes at the edges",
               len(rows) * len(columns))
    return np.unique(np.outer(rows, columns)).tolist()


@runs("window", EXACT, "over rows, columns or both")
def mean(op: View) -> None:
    """Mean over height, width or both, requantised with double rounding."""
    op.counts(2, 2)
    source, rank = op.source(), len(op.record(0).shape)
    axes = op.constant(1, ("int32",))
    op.require(axes.size <= rank, f"axes must be at most {rank}", axes.size)
    spatial = {axis % rank for axis in axes.ravel().tolist() if -rank <= axis < rank}
    allowed = {4: ({1}, {2}, {1, 2}), 3: ({1},)}.get(rank, ())
    op.require(spatial in allowed and len(spatial) == axes.size,
               "axes must be height, width or both of an image", axes.ravel().tolist())
    over = {axis + 4 - rank for axis in spatial}
    kernel = tuple(source.shape[axis - 1] if axis in over else 1 for axis in (1, 2))
    count = kernel[0] * kernel[1]
    op.require(count <= MOST_ELEMENTS, f"a mean must be over at most {MOST_ELEMENTS} elements",
               count)
    shape = op.record(0).shape
    kept = bool(op.options["KeepDims"])
    wanted = [1 if axis in spatial else size for axis, size in enumerate(shape)
              if kept or axis not in spatial]
    op.require(list(op.result.shape) == wanted, f"output must have shape {wanted}",
               list(op.result.shape))
    target = op.target()
    output_scale = op.builder.per_tensor(op.operator.outputs[0])[0]
    factor = mean_factor(op.scale(0), output_scale, count)
    if target.shape != (source.shape[0] // kernel[0], source.shape[1] // kernel[1],
                        source.shape[2]):
        raise op.error("a mean over the width alone must keep its dimensions")
    op.add(AveragePool(op.name, source.name, target.name, kernel, kernel, (0, 0, 0, 0),
                       {count: factor}, in_zero=source.zero_point,
                       zero_point=target.zero_point, rounding=Rounding.DOUBLE))


@runs("addresses", EXACT, "with the zero point")
def padv2(op: View) -> None:
    """PADV2 with the zero point."""
    op.counts(3, 3)
    value = op.constant(2, (op.record(0).dtype,)).ravel().tolist()
    zero_point = op.builder.per_tensor(op.record(0).index)[1]
    op.require(value == [zero_point], f"it must pad with the zero point {zero_point}", value)
    pad(op.viewing(0, 1))


@runs("window", EXACT, "over rows and columns")
def reduce_max(op: View) -> None:
    """REDUCE_MAX over height and width: pooling of everything."""
    op.counts(2, 2)
    source, rank = op.source(), len(op.record(0).shape)
    axes = sorted(axis % 4 for axis in op.constant(1, ("int32",)).ravel().tolist())
    op.require(rank == 4 and axes == [1, 2], "it must be over height and width of an image", axes)
    kernel = source.shape[:2]
    op.require(kernel[0] * kernel[1] <= MOST_ELEMENTS,
               f"it must be over at most {MOST_ELEMENTS} elements", list(kernel))
    target = op.target()
    op.same(source, target)
    op.require(target.shape == (1, 1, source.shape[2]), f"output must have {source.shape[2]} "
               "elements", list(target.shape))
    op.add(MaxPool(op.name, source.name, target.name, kernel, kernel, (0, 0, 0, 0)))


@runs("addresses", EXACT, "rows and columns, or channels; before a convolution it is the "
      "convolution's")
def pad(op: View) -> None:
    """Zero points around an image; left to the next operators if they are convolutions."""
    op.counts(2, 2)
    source, sizes = op.source(), op.constant(1, ("int32", "int64"))
    rank, record = len(op.record(0).shape), op.result
    op.require(sizes.shape == (rank, 2), f"paddings must have shape [{rank}, 2]",
               list(sizes.shape))
    batch, *inner = sizes.tolist()
    rows = [batch, *[[0, 0]] * (4 - rank), *inner]
    op.require(all(size >= 0 for row in rows for size in row) and rows[0] == [0, 0],
               "paddings must be from 0, and 0 for the batch", sizes.tolist())
    (top, bottom), (left, right) = rows[1:3]
    padding = top, left, bottom, right
    wanted = [size + sum(row) for size, row in zip(op.record(0).shape, sizes.tolist(),
                                                   strict=True)]
    op.require(list(record.shape) == wanted, f"output must have shape {wanted}",
               list(record.shape))
    target = op.target()
    if rows[3] != [0, 0]:
        op.require(not any(padding), "channels must be padded alone", sizes.tolist())
        takes.pad_channels(op, source, target, *rows[3])
    elif _folds(op, record.index):
        op.same(source, target)
        del op.builder.tensors[target.name]
        op.builder.values[record.index] = Padded(source, padding)
    else:
        op.add(Pad(op.name, source.name, target.name, padding))


def _folds(op: View, index: int) -> bool:
    """Whether a padded image is read by nothing but convolutions that do not pad."""
    users = op.builder.users.get(index, [])
    return bool(users) and index not in op.builder.contents.outputs and all(
        user.op in _CONVOLUTIONS and user.inputs.index(index) == 0
        and PADDINGS.get(user.options["Padding"]) == "VALID"
        and user.inputs.count(index) == 1
        for user in users
    )
