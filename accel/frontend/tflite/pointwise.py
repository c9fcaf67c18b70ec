"""Operators that look at one element at a time, or at none: CONCATENATION, SOFTMAX,
changes of shape, QUANTIZE, DEQUANTIZE and stand-alone activation functions."""

import math

import numpy as np

from accel.frontend.notes import EXACT, OWN, runs
from accel.frontend.tflite import functions, tables
from accel.frontend.tflite.build import CENTRES, RANGES, TABLE_COST
from accel.frontend.tflite.file import ACTIVATIONS, MAX_ARGUMENTS
from accel.frontend.tflite.scales import activation_range, divide32
from accel.frontend.tflite.scales import softmax as softmax_factor
from accel.frontend.tflite.values import Chain, Dequantised, Sizes
from accel.frontend.tflite.view import View
from accel.graph.ir import (
    Assemble,
    Concat,
    Port,
    Reshape,
    Softmax,
    Table,
    Tensor,
)
from accel.graph.places import along


def _output_scale(op: View) -> np.float32:
    return op.builder.per_tensor(op.operator.outputs[0])[0]


@runs("addresses", EXACT, "any axis but the batch; uint8 of other scales by tables")
def concatenation(op: View) -> None:
    """Images behind each other along any axis; uint8 ones may change their scale."""
    op.counts(1, MAX_ARGUMENTS)
    rank, axis = len(op.record(0).shape), op.options["Axis"]
    op.require(-rank <= axis < rank and axis % rank, f"axis must be from 1 to {rank - 1}", axis)
    axis = axis % rank + 3 - rank  # that of memory: 0 rows, 1 columns, 2 channels
    fused = op.options["FusedActivationFunction"]
    op.require(fused == 0, "fused activation must be NONE", ACTIVATIONS.get(fused, fused))
    count = len(op.operator.inputs)
    sources, target = [op.source(at) for at in range(count)], op.target()
    dtype = op.record(0).dtype
    for at in range(count):
        op.require(op.record(at).dtype == dtype, f"{op.title(at)} must be {dtype} as the first",
                   op.record(at).dtype)
    names = [
        _rescaled(op, at, source, target) if dtype == "uint8" else source.name
        for at, source in enumerate(sources)
    ]
    if axis == 2:
        op.add(Concat(op.name, tuple(names), target.name))
        return
    sizes = [source.shape[axis] for source in sources]
    op.add(Assemble(op.name, tuple(names), target.name, along(axis, sizes)))


def _rescaled(op: View, at: int, source: Tensor, target: Tensor) -> str:
    """Return the name of an operand of a uint8 concatenation in the output's quantisation."""
    if (source.scale, source.zero_point) == (target.scale, target.zero_point):
        return source.name
    op.spend(TABLE_COST)
    moved = op.builder.extra(f"{op.name}_{at}", target, source.shape)
    values = tables.concatenated(op.scale(at), source.zero_point, _output_scale(op),
                                 target.zero_point)
    op.add(Table(moved.name, source.name, moved.name, values, op="requantise"))
    return moved.name


@runs("addresses", EXACT, "a static shape")
def reshape(op: View) -> None:
    """The same bytes in another shape, which must be static."""
    op.counts(1, 2)
    source, record = op.source(), op.result
    if len(op.operator.inputs) == 2 and _gives_shape(op):
        wanted = op.constant(1, ("int32",)).ravel().tolist()
        known = math.prod(size for size in wanted if size != -1)
        fits = len(wanted) == len(record.shape) and wanted.count(-1) <= 1 and all(
            size in (-1, own) for size, own in zip(wanted, record.shape, strict=True)
        )
        op.require(fits and (-1 in wanted or known == source.size),
                   f"new shape must be the output's, {list(record.shape)}", wanted)
    target = op.target()
    op.add(Reshape(op.name, source.name, target.name))


def _gives_shape(op: View) -> bool:
    """Whether the new shape is a constant; else the output's own, static one holds."""
    index = op.operator.inputs[1]
    return index != -1 and not isinstance(op.builder.values.get(index), Sizes)


@runs("border", EXACT, "for a new shape: dimensions that are known")
def sizes(op: View) -> None:
    """SHAPE, STRIDED_SLICE and PACK of dimensions: how converters reshape with a free batch."""
    op.counts(1, MAX_ARGUMENTS)
    for at in range(len(op.operator.inputs)):
        if op.record(at).data is None:
            found = op.value(at)
            op.require(op.op == "SHAPE" or isinstance(found, Sizes),
                       f"{op.title(at)} must be dimensions of a tensor", "data")
    record = op.result
    op.require(record.dtype == "int32", "output must be int32", record.dtype)
    op.builder.values[record.index] = Sizes()


@runs("host", OWN, "an exact twin of LiteRT's fixed-point arithmetic")
def softmax(op: View) -> None:
    """Softmax over the channels, by LiteRT's fixed-point arithmetic, on the host."""
    op.counts(1, 1)
    source, target, dtype = op.source(), op.target(), op.record(0).dtype
    op.require((target.scale, target.zero_point) == (1 / 256, -128),
               f"output must have scale 1/256 and zero point {CENTRES[dtype] - 128}",
               f"{target.scale} and {target.zero_point + CENTRES[dtype]}")
    multiplier, shift = softmax_factor(op.options["Beta"], op.scale(0))
    op.add(Softmax(op.name, source.name, target.name, "integer", multiplier, shift))


@runs("border", EXACT, "of a float input on the host")
def quantize(op: View) -> None:
    """Float input to a network's first int8 tensor, or int8 or uint8 to another scale."""
    op.counts(1, 1)
    found = op.value()
    if isinstance(found, Chain):
        functions.quantised(op, found)
        return
    if isinstance(found, Dequantised):
        _quantize_float(op, found)
        return
    source, target = op.source(), op.other()
    if (source.scale, source.zero_point, source.shape) == (
        target.scale, target.zero_point, target.shape,
    ):  # uint8 to int8: inside, they are one
        _alias(op, source, target)
    else:
        values = tables.requantised(float(op.scale(0)) / float(_output_scale(op)),
                                    source.zero_point, target.zero_point)
        op.add(Table(op.name, source.name, target.name, values, op="requantise"))


def _alias(op: View, source: Tensor, target: Tensor) -> None:
    del op.builder.tensors[target.name]
    op.builder.values[op.operator.outputs[0]] = source


def _quantize_float(op: View, found: Dequantised) -> None:
    record, shape = op.record(0), op.result.shape
    op.require(record.shape == shape, "output must have the input's shape", list(shape))
    target = op.other()
    if found.tensor is not None:
        values = tables.quantised(found.tensor, _output_scale(op), target.zero_point)
        op.add(Table(op.name, found.tensor.name, target.name, values, op="requantise"))
        return
    ports = op.builder.ports[record.index]
    for port in ports:
        known = op.builder.tensors[port.tensor]
        if (known.scale, known.zero_point) == (target.scale, target.zero_point):
            _alias(op, known, target)
            return
    ports.append(Port(op.builder.names[record.index], target.name, record.shape[1:], "HWC",
                      "float32", away=True))


@runs("border", EXACT)
def dequantize(op: View) -> None:
    """int8 or uint8 to float: for a network output, or to be quantised again."""
    op.counts(1, 1)
    source, record = op.source(), op.result
    op.require(record.dtype == "float32", "output must be float32", record.dtype)
    op.require(record.shape == op.record(0).shape, "output must have the input's shape",
               list(record.shape))
    op.builder.values[record.index] = Dequantised(source)


@runs("table", EXACT)
def relu(op: View) -> None:
    """RELU, RELU6 and RELU_N1_TO_1 by themselves."""
    op.counts(1, 1)
    source, target = op.source(), op.target()
    dtype, scale = op.record(0).dtype, _output_scale(op)
    zero_point = target.zero_point + CENTRES[dtype]
    bounds = activation_range(op.op, scale, zero_point, *RANGES[dtype])
    lo, hi = (bound - CENTRES[dtype] for bound in bounds)
    real = float(divide32(op.scale(0), scale))
    values = tables.requantised(real, source.zero_point, target.zero_point, lo, hi)
    op.add(Table(op.name, source.name, target.name, values, op=op.op.lower()))


@runs("table", EXACT)
def smooth(op: View) -> None:
    """LOGISTIC and TANH."""
    op.counts(1, 1)
    source, target = op.source(), op.target()
    if op.op == "LOGISTIC":
        op.require(target.scale == 1 / 256, "output must have scale 1/256", target.scale)
    values = tables.function(op.op, op.scale(0), source.zero_point, _output_scale(op),
                             target.zero_point)
    op.add(Table(op.name, source.name, target.name, values, op=op.op.lower()))


@runs("table", EXACT)
def hard_swish(op: View) -> None:
    """x * relu6(x + 3) / 6 in LiteRT's 16-bit arithmetic."""
    op.counts(1, 1)
    source, target = op.source(), op.target()
    values = tables.hard_swish(op.scale(0), source.zero_point, _output_scale(op),
                               target.zero_point)
    op.add(Table(op.name, source.name, target.name, values, op="hard_swish"))
