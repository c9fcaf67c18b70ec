"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

LiteRT's reference kernels round convolutions twice.  Fully connected sums they multiply in
float64 and round halves away from zero.  The rounding AWAY gives that, with a factor of 31 bits:
next to a half, fewer than one sum in ten million can come out one step off.
"""

import math

import numpy as np

from accel.frontend import wide
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite.build import FACTOR_COST
from accel.frontend.tflite.scales import weighted
from accel.frontend.tflite.values import Padded
from accel.frontend.tflite.view import View
from accel.graph.ir import Concat, Conv, Requant, Reshape, Tensor
from accel.isa import Rounding

#: A bias may be off its scale, input * weights, by this much of an output step, LiteRT says.
BIAS_TOLERANCE = 0.02


@runs("array", EXACT, "stored weights: int8 per channel, uint8 with any zero point; groups, "
      "dilations")
def conv_2d(op: View) -> None:
    """Weights [Cout, kh, kw, Cin / groups]."""
    op.counts(2, 3)
    source, padding = _image(op)
    weights = stored_weights(op, 4, 0)
    channels = source.shape[2]
    op.require(channels % weights.shape[3] == 0,
               f"input channels of the weights must divide the input's {channels}",
               weights.shape[3])
    _convolution(op, source, padding, weights, channels // weights.shape[3])


@runs("array", EXACT, "as CONV_2D; any multiplier")
def depthwise_conv_2d(op: View) -> None:
    """Weights [1, kh, kw, Cout]; Cout is a multiple of Cin."""
    op.counts(2, 3)
    source, padding = _image(op)
    weights = stored_weights(op, 4, 3)
    channels, filters = source.shape[2], weights.shape[3]
    op.require(weights.shape[0] == 1, "weights must have shape [1, kh, kw, Cout]",
               list(weights.shape))
    op.require(filters == channels * op.options["DepthMultiplier"],
               f"DepthMultiplier times the input's {channels} channels must be the weights' "
               f"{filters}", op.options["DepthMultiplier"])
    _convolution(op, source, padding, weights.transpose(3, 1, 2, 0), channels)


@runs("array", EXACT, "stored weights in the default format; of a vector, or of every pixel "
      "(KeepNumDims)")
def fully_connected(op: View) -> None:
    """Weights [Cout, n]; the input is flattened, or with KeepNumDims each of its pixels."""
    op.counts(2, 3)
    op.require(op.options["WeightsFormat"] == 0, "WeightsFormat must be 0, the default",
               op.options["WeightsFormat"])
    source, weights = op.source(), stored_weights(op, 2, 0)
    filters, length = weights.shape
    per_pixel = op.options["KeepNumDims"] and source.shape[2] == length
    op.require(per_pixel or source.size == length,
               f"the weights' second dimension must be the input's {source.size} elements", length)
    if not per_pixel:
        source = _flat(op, source)
    factors = stored_factors(op, filters, "float64")
    node_weights = weights.reshape(filters, 1, 1, length)
    _append(op, source, node_weights, factors, Rounding.AWAY, op_name="fully_connected")


def _flat(op: View, source: Tensor) -> Tensor:
    """View an image as a vector, in the order of its bytes."""
    if source.shape == (1, 1, source.size):
        return source
    flat = op.builder.extra(f"{op.name}_flat", source, (1, 1, source.size))
    op.add(Reshape(flat.name, source.name, flat.name))
    return flat


def _image(op: View) -> tuple[Tensor, tuple[int, int, int, int]]:
    """Return the input, and padding that a PAD before has left to this operator."""
    found = op.value()
    op.require(len(op.record(0).shape) == 4, f"{op.title(0)} must be an image [1, H, W, C]",
               list(op.record(0).shape))
    if isinstance(found, Padded):
        return found.tensor, found.padding
    return op.source(), (0, 0, 0, 0)


def _convolution(op: View, source: Tensor, padded, weights, groups: int) -> None:
    kernel = weights.shape[1:3]
    stride = op.size("StrideH"), op.size("StrideW")
    dilation = op.size("DilationHFactor"), op.size("DilationWFactor")
    own = op.padding(source.shape, kernel, stride, dilation)
    uint8 = op.record(0).dtype == "uint8"
    factors = stored_factors(op, len(weights), "float32" if uint8 else "float64")
    padding = tuple(a + b for a, b in zip(own, padded, strict=True))  # a PAD meets VALID only
    _append(op, source, weights, factors, Rounding.DOUBLE, stride=stride, padding=padding,
            dilation=dilation, groups=groups)


def _append(op: View, source, weights, factors, rounding, op_name="conv2d", **geometry) -> None:
    target, (lo, hi) = op.target(), op.clamp()
    requant = Requant(*factors, target.zero_point, lo, hi, rounding)
    add_conv(op, op.name, source, target, weights, stored_bias(op, len(weights)), requant,
             op_name=op_name, **geometry)


def add_conv(op: View, name: str, source, target, weights, bias, requant, op_name,
             **geometry) -> None:
    """Append a convolution with weights of 8 or 9 bits."""
    if wide.fits(weights):
        weights = np.array(weights, np.int8, order="C")  # no longer the file's
    else:
        source, weights = _taken_apart(op, name, source, weights, geometry)
    op.add(Conv(name, op_name, source.name, target.name, weights, bias, requant, **geometry))


def _taken_apart(op: View, name: str, source: Tensor, weights: np.ndarray, geometry) -> tuple:
    """Input and weights of a layer whose weights need 9 bits; its geometry is widened in place."""
    op.spend(weights.size)
    pieces = wide.parts(weights)
    copies = len(pieces)
    height, width, channels = source.shape
    copied = op.builder.extra(f"{name}_copies", source, (height, width, copies * channels))
    op.add(Concat(copied.name, copies * (source.name,), copied.name))
    if geometry.get("groups", 1) == 1:
        return copied, wide.beside(pieces)
    dilation = geometry["dilation"]
    op.spend(math.prod(wide.across_shape(weights.shape, copies, dilation[1])))
    row = op.builder.extra(f"{name}_row", source, (height, copies * width, channels))
    op.add(Reshape(row.name, copied.name, row.name))
    (top, left, bottom, right), stride = geometry["padding"], geometry["stride"]
    geometry |= {"stride": (stride[0], copies * stride[1]), "dilation": (dilation[0], 1),
                 "padding": (top, copies * left, bottom, copies * right)}
    return row, wide.across(pieces, dilation[1])


def stored_weights(op: View, rank: int, axis: int) -> np.ndarray:
    """Return weights minus their zero point: int8, or int16 where that needs 9 bits."""
    record, title = op.record(1), op.title(1)
    dtype = op.record(0).dtype
    op.require(record.dtype == dtype, f"{title} must be {dtype} as the input", record.dtype)
    op.require(len(record.shape) == rank, f"{title} must have {rank} dimensions",
               list(record.shape))
    scales, zeros = op.builder.quantisation(record.index)
    values, filters = op.constant(1, (dtype,)), record.shape[axis]
    op.spend(values.size + FACTOR_COST * (filters + len(scales)))
    per_tensor = len(scales) == 1
    op.require(per_tensor or (len(scales) == filters and dtype == "int8"),
               f"{title} must have one scale" + f" or {filters}" * (dtype == "int8"), len(scales))
    op.require(per_tensor or record.quantisation.axis == axis,
               f"{title} must be quantised along dimension {axis}", record.quantisation.axis)
    symmetric = not per_tensor or (dtype == "int8" and op.op != "FULLY_CONNECTED")
    op.require(not (symmetric and zeros.any()), f"{title} must have zero points of 0",
               int(zeros[np.flatnonzero(zeros)[:1]].sum()))
    zero_point = int(zeros[0])
    if (dtype, zero_point) == ("int8", 0):
        return values
    weights = values.astype(np.int16) - zero_point
    return weights.astype(np.int8) if wide.fits(weights) else weights


def stored_factors(op: View, filters: int, product: str) -> tuple[np.ndarray, np.ndarray]:
    """Return multipliers and shifts of the sums, one of each per filter."""
    scales = op.builder.quantisation(op.record(1).index)[0]
    output_scale = op.builder.per_tensor(op.result.index)[0]
    multiplier, shift = weighted(op.scale(0), scales, output_scale, product)
    if len(scales) == 1:
        return np.repeat(multiplier, filters), np.repeat(shift, filters)
    return multiplier, shift


def stored_bias(op: View, filters: int) -> np.ndarray:
    """Return the bias, whose scale must be the sums'; zeros if there is none."""
    if len(op.operator.inputs) < 3 or op.operator.inputs[2] == -1:
        return np.zeros(filters, np.int32)
    bias, title = op.constant(2, ("int32",)), op.title(2)
    op.require(bias.size == filters, f"{title} must have {filters} elements", bias.size)
    if op.record(2).quantisation is not None:
        scales = op.builder.quantisation(op.record(2).index)[0].astype(np.float64)
        op.require(len(scales) in (1, filters), f"{title} must have 1 or {filters} scales",
                   len(scales))
        sums = float(op.scale(0)) * op.builder.quantisation(op.record(1).index)[0]
        off = np.abs(scales - sums.astype(np.float64)) / float(op.builder.per_tensor(
            op.operator.outputs[0])[0])
        op.require(off.max() <= BIAS_TOLERANCE,
                   f"{title} must have the scale of the sums, input * weights, to within "
                   f"{BIAS_TOLERANCE} of an output step", f"{off.max()} off")
    return bias.reshape(filters).astype(np.int32)
