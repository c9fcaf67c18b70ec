"""From a pending value, whose output quantisation is known by now, to a node of the graph."""

import dataclasses
import functools

import numpy as np

from accel.frontend.onnx import add, mul
from accel.frontend.onnx.values import (
    Activation,
    Assembled,
    Extremes,
    Function,
    Hosted,
    Joined,
    Mean,
    Product,
    Same,
    Sums,
    Total,
)
from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Max,
    MaxPool,
    Min,
    Mul,
    Node,
    Pad,
    Requant,
    Reshape,
    Softmax,
    Sub,
    Table,
)
from accel.graph.places import along
from accel.graph.ports import to_int8
from accel.isa import FLOATS, Rounding
from accel.quant import QuantError, float_multiplier, float_multipliers

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def _divide(a, b) -> np.ndarray:
    """a / b in float32; QuantError if that is not a number."""
    with np.errstate(all="ignore"):
        result = np.float32(a) / np.float32(b)
    for value in result[~np.isfinite(result)][:1] if np.ndim(result) else ():
        raise QuantError(f"requantisation factor must be finite, not {value}")
    return result


def _sums(pending: Sums, name, result: Activation, lo, hi) -> Node:
    if not pending.scaled:
        raise QuantError("int32 sums must be scaled by a Mul before they are quantised")
    beyond = (pending.bias < INT32_MIN) | (pending.bias > INT32_MAX)
    for value in pending.bias[beyond][:1]:
        raise QuantError(f"bias must be from {INT32_MIN} to {INT32_MAX} in multiples of input "
                         f"scale times weight scale, not {value}")
    if pending.products:
        requant = _by_constants(pending, result, lo, hi)
    else:
        requant = _by_units(pending, result, lo, hi)
    view = pending.window
    return Conv(
        name, pending.op, pending.source.tensor.name, result.tensor.name, pending.weights,
        pending.bias.astype(np.int32), requant, view.stride, view.padding, view.dilation,
        pending.groups,
    )


def _by_constants(pending: Sums, result: Activation, lo, hi) -> Requant:
    """One factor for all products of bytes."""
    source, constants, channels = pending.source, pending.products, len(pending.unit)
    one = mul.requant(
        (source.scale, constants.scale, result.scale), (source.zero_point, 0, result.zero_point),
        128 if source.centred else 0, lo, hi, pending.effort, constants.factors,
    )
    return dataclasses.replace(one, multiplier=np.repeat(one.multiplier, channels),
                               shift=np.repeat(one.shift, channels))


def _by_units(pending: Sums, result: Activation, lo, hi) -> Requant:
    """A factor for each channel, of what one of its sums stands for."""
    factors = _divide(pending.unit, result.scale)
    multiplier, shift = np.zeros(len(factors), np.int32), np.zeros(len(factors), np.int8)
    some = factors > 0  # one that underflows takes every sum to 0
    if some.any():
        multiplier[some], shift[some] = float_multipliers(factors[some])
    return Requant(multiplier, shift, result.zero_point, lo, hi, Rounding.FLOAT)


def _mean(pending: Mean, name, result: Activation, lo, hi) -> Node:
    source, view = pending.source, pending.window
    # ONNX Runtime's integer kernel needs the QuantizeLinear at once, and of the input's type.
    apart = pending.apart or (lo, hi) != (-128, 127) or source.centred != result.centred
    divisors = pending.floating if apart else pending.divisors
    if divisors is None:
        raise QuantError("count_include_pad and ceil_mode must not go together in an average with "
                         "an operator, or another type, before its QuantizeLinear: windows of one "
                         "size would need two divisors")
    table = {}
    for count, divisor in divisors.items():
        factor = _divide(source.scale, np.float32(result.scale) * np.float32(divisor))
        table[count] = float_multiplier(float(factor)) if factor else (0, 0)
    # ONNX Runtime's integer average adds the zero point before it rounds, its global and its float
    # one do not.
    before = not pending.whole and not apart
    return AveragePool(
        name, source.tensor.name, result.tensor.name, view.kernel, view.stride, view.padding,
        table, source.zero_point, result.zero_point, FLOATS[before and result.zero_point & 1], lo,
        hi,
    )


def _same(pending: Same, name, result: Activation, lo, hi) -> Node:
    ends = name, pending.source.tensor.name, result.tensor.name
    if pending.pads is not None:
        return Pad(*ends, pending.pads)
    if pending.window is None:
        return Reshape(*ends)
    view = pending.window
    return MaxPool(*ends, view.kernel, view.stride, view.padding)


def _function(pending: Function, name, result: Activation, lo, hi) -> Node:
    if pending.fused is not None and pending.fused.centred == result.centred:
        values = pending.fused.bytes(result.scale, result.zero_point)
    else:
        values = to_int8(pending.real, result.scale, result.zero_point)
    return Table(name, pending.source.tensor.name, result.tensor.name, values, pending.op)


def _total(pending: Total, name, result: Activation, lo, hi) -> Node:
    sources = pending.source, pending.other
    centre = 128 if pending.centred else 0
    runtime = functools.partial(add.runtime_bytes, centre=centre)
    found = add.factors(
        tuple(value.scale for value in (*sources, result)),
        tuple(value.zero_point for value in (*sources, result)),
        add.difference_bytes if pending.minus else runtime, pending.effort,
        pending.minus,
    )
    names = tuple(value.tensor.name for value in sources)
    return (Sub if pending.minus else Add)(
        name, names, result.tensor.name, found.operands,
        found.requant(result.zero_point, lo, hi), offset=found.offset,
    )


def _product(pending: Product, name, result: Activation, lo, hi) -> Node:
    sources = pending.source, pending.other
    requant = mul.requant(
        tuple(value.scale for value in (*sources, result)),
        tuple(value.zero_point for value in (*sources, result)),
        128 if pending.centred else 0, lo, hi, pending.effort,
    )
    return Mul(name, tuple(value.tensor.name for value in sources), result.tensor.name, requant)


def _extremes(pending: Extremes, name, result: Activation, lo, hi) -> Node:
    names = tuple(source.tensor.name for source in pending.sources)
    return (Max if pending.largest else Min)(name, names, result.tensor.name, lo, hi)


def _joined(pending: Joined, name, result: Activation, lo, hi) -> Node:
    names = tuple(source.tensor.name for source in pending.sources)
    if pending.axis == 2:
        return Concat(name, names, result.tensor.name)
    sizes = [source.tensor.shape[pending.axis] for source in pending.sources]
    return Assemble(name, names, result.tensor.name, along(pending.axis, sizes))


def _assembled(pending: Assembled, name, result: Activation, lo, hi) -> Node:
    names = tuple(part.tensor.name for part in pending.parts)
    return Assemble(name, names, result.tensor.name, pending.places)


def _hosted(pending: Hosted, name, result: Activation, lo, hi) -> Node:
    options = pending.options
    if pending.kind is Softmax:  # quantised again alike, ONNX Runtime computes it with a table
        floating = result.tensor.dtype == "float32"
        if not floating and pending.source.centred != result.centred:
            raise QuantError("a softmax's bytes must be of its input's type, int8 or uint8")
        options = {"arithmetic": "float" if floating else "table"}
    return pending.kind(name, pending.source.tensor.name, result.tensor.name, **options)


#: By the kind of pending value: a function of it, the node's name, its output and its clamp.
BUILDERS = {
    Sums: _sums, Mean: _mean, Same: _same, Function: _function, Total: _total,
    Product: _product, Extremes: _extremes, Joined: _joined, Assembled: _assembled, Hosted: _hosted,
}  # fmt: skip
