"""TRANSPOSE_CONV: ordinary convolutions, each with a part of the kernel, that interleave."""

import itertools

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite import weighted
from accel.frontend.tflite.file import PADDINGS
from accel.frontend.tflite.view import View
from accel.frontend.transposed import Phase, phases, taps
from accel.graph.ir import Assemble, Place, Requant, Tensor
from accel.isa import Rounding

#: Most convolutions that one becomes.
MOST_PHASES = 256


@runs("array", EXACT, "stored weights; any stride")
def transpose_conv(op: View) -> None:
    """TRANSPOSE_CONV(output shape, weights [Cout, kh, kw, Cin], input, bias)."""
    op.counts(3, 4)
    wanted, shape = op.constant(0, ("int32",)).ravel().tolist(), list(op.result.shape)
    op.require(wanted == shape, f"output shape must be the output's, {shape}", wanted)
    op = op.viewing(2, 1, *range(3, len(op.operator.inputs)))  # as a convolution has them
    op.require(len(op.record(0).shape) == 4, f"{op.title(0)} must be an image [1, H, W, C]",
               list(op.record(0).shape))
    source, weights = op.source(), weighted.stored_weights(op, 4, 0)
    op.require(weights.shape[3] == source.shape[2],
               f"weights must have the input's {source.shape[2]} channels", weights.shape[3])
    stride = op.size("StrideH"), op.size("StrideW")
    op.require(stride[0] * stride[1] <= MOST_PHASES, f"strides must be up to {MOST_PHASES} "
               "together", list(stride))
    uint8 = op.record(0).dtype == "uint8"
    factors = weighted.stored_factors(op, len(weights), "float32" if uint8 else "float64")
    target, (lo, hi) = op.target(), op.clamp()
    op.require(target.shape[2] == len(weights), f"output must have {len(weights)} channels",
               target.shape[2])
    requant = Requant(*factors, target.zero_point, lo, hi, Rounding.DOUBLE)
    bias = weighted.stored_bias(op, len(weights))
    axes = [_axis(op, n, source, weights, stride[n], target) for n in (0, 1)]
    names, places = [], []
    for number, (rows, columns) in enumerate(itertools.product(*axes)):
        part = op.builder.extra(f"{target.name}/part{number}", target,
                                (rows.outputs, columns.outputs, len(weights)))
        _part(op, (rows, columns), source, part, (weights, bias, requant))
        names.append(part.name)
        places.append(Place((rows.first, columns.first, 0), (len(axes[0]), len(axes[1]))))
    op.add(Assemble(op.name, tuple(names), target.name, tuple(places)))


def _axis(op: View, n: int, source: Tensor, weights: np.ndarray, stride: int,
          target: Tensor) -> list[Phase]:
    """The phases of rows or columns; LiteRT pads as the convolution of the output would."""
    kernel, outputs = weights.shape[1 + n], target.shape[n]
    mode = PADDINGS.get(op.options["Padding"])
    op.require(mode is not None, f"Padding must be one of {sorted(PADDINGS)}",
               op.options["Padding"])
    inputs = -(-(outputs if mode == "SAME" else outputs - kernel + 1) // stride)
    op.require(inputs == source.shape[n], f"an output of {outputs} must come from an input of "
               f"{inputs}, with kernel {kernel} and stride {stride}", source.shape[n])
    before = max((inputs - 1) * stride + kernel - outputs, 0) // 2
    op.spend(source.shape[n] + outputs)
    return phases(source.shape[n], kernel, stride, 1, before, outputs)


def _part(op: View, axes, source: Tensor, target: Tensor, numbers) -> None:
    """The convolution of one phase of rows and one of columns."""
    (rows, columns), (weights, bias, requant) = axes, numbers
    shape = rows.crop[1], columns.crop[1], source.shape[2]
    if shape != source.shape:
        cut = op.builder.extra(f"{target.name}/input", source, shape)
        where = pieces.cut((rows.crop[0], columns.crop[0], 0), shape)
        for node in pieces.nodes(f"{target.name}/input", source, cut, where, str)[1]:
            op.add(node)
        source = cut
    chosen = taps(weights, rows, columns)
    op.spend(chosen.size)
    geometry = {"padding": (rows.padding[0], columns.padding[0], rows.padding[1],
                            columns.padding[1])}
    weighted.add_conv(op, target.name, source, target, chosen, bias, requant,
                    op_name="conv_transpose", **geometry)
