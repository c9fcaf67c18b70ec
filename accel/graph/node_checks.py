"""The rules of each kind of node, given its input and output tensors."""

import math

import numpy as np

from accel.graph import places, rules
from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Extreme,
    GraphError,
    LocalResponse,
    Max,
    MaxPool,
    Min,
    Mul,
    Pad,
    Requant,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)
from accel.graph.rules import INT32_MAX, INT32_MIN, require, title
from accel.graph.shapes import node_shape, pool_counts
from accel.isa import FLOATS
from accel.quant import OFFSET_SHIFT_MIN, SHIFT_MAX, SHIFT_MIN

#: Least multiplier of an average: LiteRT's MEAN divides a normalised one by the count.
TABLE_LEAST = 1 << 29
#: The quantisation of an integer softmax's output.
SOFTMAX_SCALE, SOFTMAX_ZERO = 1 / 256, -128
#: Shifts that the scaled differences of an integer softmax may have.
SOFTMAX_SHIFTS = (0, 31)
#: The sum of more exponentials may need more integer bits than it has, 12.
SOFTMAX_CHANNELS = (1 << 12) - 1


def sum_bounds(node: Conv, in_zero: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest exact sum (int64) of every output channel over all int8 inputs."""
    weights = node.weights.reshape(node.weights.shape[0], -1)
    above = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    below = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
    bias = node.bias.astype(np.int64)
    top, bottom = 127 - in_zero, -128 - in_zero
    return bias + above * bottom + below * top, bias + above * top + below * bottom


def _shape(node, target: Tensor, *sources: Tensor) -> None:
    shape = node_shape(node, *sources)
    require(target.shape == shape, title(node), f"output {target.name!r} must have shape {shape}",
            target.shape)


def _window(node) -> None:
    require(rules.ints(node.stride, 2, 1), title(node), "stride must be two integers from 1",
            node.stride)
    _padding(node)


def _padding(node) -> None:
    require(rules.ints(node.padding, 4, 0), title(node),
            "padding must be four integers from 0 (top, left, bottom, right)", node.padding)


def _requant(subject, requant: Requant, channels, target: Tensor) -> None:
    for what, low, high in (
        ("multiplier", 1 << 30, INT32_MAX), ("shift", SHIFT_MIN, SHIFT_MAX),
    ):
        values = np.asarray(getattr(requant, what))
        require(values.dtype.kind == "i" and values.shape == (channels,), subject,
                f"requantisation {what} must be integers [{channels}]",
                f"{values.dtype} {list(values.shape)}")
        good = (values >= low) & (values <= high)
        if what == "multiplier":
            good |= values == 0
        for value in values[~good][:1]:
            zero = "0 or " if what == "multiplier" else ""
            require(False, subject,
                    f"requantisation {what} must be {zero}from {low} to {high}", value)
    rules.rounding(subject, requant.rounding, requant.multiplier)
    rules.zero_point(subject, requant.zero_point, target)
    rules.clamp(subject, requant.lo, requant.hi)


def _left(shift, rounding):
    """Return by how much a requantiser shifts left before it multiplies, in 32 bits as well."""
    return 0 * shift if rounding in FLOATS else np.maximum(shift, 0)


def _conv(node: Conv, source: Tensor, target: Tensor) -> None:
    subject = title(node)
    weights = node.weights
    require(weights.dtype == np.int8 and weights.ndim == 4 and weights.size > 0, subject,
            "weights must be int8 [Cout, kh, kw, Cin/groups]",
            f"{weights.dtype} {list(weights.shape)}")
    require(rules.is_int(node.groups, 1), subject, "groups must be at least 1", node.groups)
    channels, out_channels = source.shape[2], weights.shape[0]
    require(channels % node.groups == 0 and out_channels % node.groups == 0, subject,
            f"groups must divide {channels} input and {out_channels} output channels",
            node.groups)
    require(weights.shape[3] * node.groups == channels, subject,
            f"weights must have {channels // node.groups} input channels", weights.shape[3])
    require(node.bias.dtype == np.int32 and node.bias.shape == (out_channels,), subject,
            f"bias must be int32 [{out_channels}]", f"{node.bias.dtype} {list(node.bias.shape)}")
    _window(node)
    require(rules.ints(node.dilation, 2, 1), subject, "dilation must be two integers from 1",
            node.dilation)
    _shape(node, target, source)
    _requant(subject, node.requant, out_channels, target)
    _conv_sums(node, source)


def _conv_sums(node: Conv, source: Tensor) -> None:
    low, high = sum_bounds(node, source.zero_point)
    folded = node.bias - source.zero_point * node.weights.sum(axis=(1, 2, 3), dtype=np.int64)
    left = _left(node.requant.shift.astype(np.int64), node.requant.rounding)
    least = np.minimum(np.minimum(low, folded), -((-low) << left))
    most = np.maximum(np.maximum(high, folded), high << left)
    for channel in np.flatnonzero((least < INT32_MIN) | (most > INT32_MAX))[:1]:
        raise GraphError(
            f"{title(node)}: the sums of output channel {channel} must stay within int32, not "
            f"reach {least[channel]} to {most[channel]}"
            + (f" (with left shift {left[channel]})" if left[channel] else "")
        )


def _pool(node: MaxPool | AveragePool, source: Tensor, target: Tensor) -> np.ndarray:
    require(rules.ints(node.kernel, 2, 1), title(node), "kernel must be two integers from 1",
            node.kernel)
    _window(node)
    rules.clamp(title(node), node.lo, node.hi)
    _shape(node, target, source)
    counts = pool_counts(node, source, target)
    require(counts.min() > 0, title(node),
            "every window must hold an element of the input", "one that is all padding")
    return counts


def _max_pool(node: MaxPool, source: Tensor, target: Tensor) -> None:
    _pool(node, source, target)
    rules.same_quantisation(node, source, target)


def _average_pool(node: AveragePool, source: Tensor, target: Tensor) -> None:
    subject = title(node)
    counts = _pool(node, source, target).tolist()
    require(rules.is_int(node.in_zero, -128, 127), subject, "in_zero must be from -128 to 127",
            node.in_zero)
    if node.in_zero == node.zero_point != source.zero_point:  # a mean of raw bytes
        rules.same_quantisation(node, source, target)
    else:
        require(node.in_zero == source.zero_point, subject,
                f"in_zero must be its input's zero point, {source.zero_point}", node.in_zero)
        rules.zero_point(subject, node.zero_point, target)
    for count in counts:
        require(count in node.table, subject, f"table must have an entry for {count} elements",
                sorted(node.table))
    for count, (multiplier, shift) in node.table.items():
        least = 1 << 30 if node.rounding in FLOATS else TABLE_LEAST
        rules.factor(subject, multiplier, shift, "table", least)
        reach = (count * 255) << _left(shift, node.rounding)
        require(reach <= INT32_MAX, subject,
                f"sums of {count} elements must stay within int32", f"reach {reach}")
    rules.rounding(subject, node.rounding, [multiplier for multiplier, _ in node.table.values()])


def _add(node: Add, sources: tuple[Tensor, ...], target: Tensor) -> None:
    subject = title(node)
    require(len(sources) == 2, subject, "inputs must be two", len(sources))
    require(len(node.operands) == 2, subject, "operands must be two", len(node.operands))
    _shape(node, target, *sources)
    for multiplier, shift in node.operands:
        rules.factor(subject, multiplier, shift, "operand", shifts=(SHIFT_MIN, 0))
    require(rules.is_int(node.offset, -128, 127), subject, "offset must be from -128 to 127",
            node.offset)
    require(not node.offset or node.operands[1][1] >= OFFSET_SHIFT_MIN, subject,
            f"an offset needs a second operand's shift from {OFFSET_SHIFT_MIN} to 0",
            node.operands[1][1])
    _requant(subject, node.requant, 1, target)
    left = int(_left(node.requant.shift, node.requant.rounding)[0])
    require(2 * 255 << 20 << left <= INT32_MAX, subject,
            "sums must stay within int32 when shifted left", f"by {left}")


def _mul(node: Mul, sources: tuple[Tensor, ...], target: Tensor) -> None:
    subject = title(node)
    require(len(sources) == 2, subject, "inputs must be two", len(sources))
    _shape(node, target, *sources)
    _requant(subject, node.requant, 1, target)
    left = int(_left(node.requant.shift, node.requant.rounding)[0])
    require(255 * 255 << left <= INT32_MAX, subject,
            "products must stay within int32 when shifted left", f"by {left}")


def _extreme(node: Extreme, sources: tuple[Tensor, ...], target: Tensor) -> None:
    subject = title(node)
    require(len(sources) == 2, subject, "inputs must be two", len(sources))
    _shape(node, target, *sources)
    for source in sources:
        rules.same_quantisation(node, source, target)
    rules.clamp(subject, node.lo, node.hi)


def _concat(node: Concat, sources: tuple[Tensor, ...], target: Tensor) -> None:
    require(len(sources) > 0, title(node), "inputs must be at least one", 0)
    _shape(node, target, *sources)
    for source in sources:
        rules.same_quantisation(node, source, target)


def _slice(node: Slice, source: Tensor, target: Tensor) -> None:
    places.check(node, node.place)
    require(rules.ints(node.shape, 3, 1), title(node), "shape must be three positive integers",
            node.shape)
    last = places.end(node.place, node.shape)
    require(all(a <= b for a, b in zip(last, source.shape, strict=True)), title(node),
            f"must end within its input {source.shape}", last)
    _shape(node, target, source)
    rules.same_quantisation(node, source, target)


def _assemble(node: Assemble, sources: tuple[Tensor, ...], target: Tensor) -> None:
    require(len(sources) > 0, title(node), "inputs must be at least one", 0)
    require(len(node.places) == len(sources), title(node),
            f"must have a place for each of {len(sources)} inputs", len(node.places))
    for place in node.places:
        places.check(node, place)
    _shape(node, target, *sources)
    places.check_cover(node, sources, target)
    for source in sources:
        rules.same_quantisation(node, source, target)


def _table(node: Table, source: Tensor, target: Tensor) -> None:
    require(node.values.dtype == np.int8 and node.values.shape == (256,), title(node),
            "values must be int8 [256]", f"{node.values.dtype} {list(node.values.shape)}")
    _shape(node, target, source)


def _pad(node: Pad, source: Tensor, target: Tensor) -> None:
    _padding(node)
    _shape(node, target, source)
    rules.same_quantisation(node, source, target)


def _reshape(node: Reshape, source: Tensor, target: Tensor) -> None:
    require(source.size == target.size, title(node),
            f"output must have the input's {source.size} elements", target.size)
    rules.same_quantisation(node, source, target)


def _softmax(node: Softmax, source: Tensor, target: Tensor) -> None:
    subject = title(node)
    require(node.arithmetic in ("integer", "table", "float"), subject,
            "arithmetic must be 'integer', 'table' or 'float'", repr(node.arithmetic))
    _shape(node, target, source)
    if node.arithmetic == "table":
        require((source.dtype, target.dtype) == ("int8", "int8"), subject,
                "input and output must be int8", f"{source.dtype} and {target.dtype}")
    if node.arithmetic == "integer":
        require(source.shape[2] <= SOFTMAX_CHANNELS, subject,
                f"channels must be at most {SOFTMAX_CHANNELS}", source.shape[2])
        rules.factor(subject, node.multiplier, node.shift, "difference", shifts=SOFTMAX_SHIFTS)
        require((target.dtype, target.scale, target.zero_point)
                == ("int8", SOFTMAX_SCALE, SOFTMAX_ZERO), subject,
                f"output must be int8 with scale {SOFTMAX_SCALE} and zero point {SOFTMAX_ZERO}",
                f"{target.dtype} with {target.scale} and {target.zero_point}")


def _local_response(node: LocalResponse, source: Tensor, target: Tensor) -> None:
    subject = title(node)
    require(rules.is_int(node.size, 1), subject, "size must be an integer from 1", node.size)
    for what in ("alpha", "beta"):
        value = getattr(node, what)
        require(math.isfinite(value) and value >= 0, subject,
                f"{what} must be finite and at least 0", value)
    require(math.isfinite(node.bias) and node.bias > 0, subject,
            "bias must be finite and above 0", node.bias)
    _shape(node, target, source)


#: By the kind of node: a function of the node, its input tensor (a tuple of them where it may have
#: several) and its output tensor.
CHECKS = {
    Conv: _conv, MaxPool: _max_pool, AveragePool: _average_pool, Add: _add, Sub: _add, Mul: _mul,
    Max: _extreme, Min: _extreme, Concat: _concat,
    Slice: _slice, Assemble: _assemble, Table: _table, Pad: _pad, Reshape: _reshape,
    Softmax: _softmax, LocalResponse: _local_response,
}  # fmt: skip
