"""ConvTranspose: ordinary convolutions, each with a part of the kernel, that interleave."""

import dataclasses
import itertools

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import STEP, runs
from accel.frontend.onnx import layers, qdq, weighted
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.nodes import LIMIT, NodeView, check_area, image_shape
from accel.frontend.onnx.values import Activation, Assembled, Moved, Sums, Window, order_of
from accel.frontend.transposed import Phase, phases, taps
from accel.graph.ir import Place

#: Most convolutions that one becomes.
MOST_PHASES = 256


@runs("array", STEP, "stored weights with any zero point; strides, groups, dilations, output "
      "padding")
def conv_transpose(builder: Builder, node: NodeView) -> Assembled:
    """ConvTranspose: weights [Cin, Cout/group, kh, kw]."""
    source = builder.activation(node, 0, quantised=False)
    constant = qdq.stored_weights(builder, node, 1)
    channels, height, width = image_shape(node, source.shape)
    layers.check_image(node, source)
    shape = constant.integers.shape
    node.require(len(shape) == 4 and constant.integers.size > 0,
                 "weights must have shape [Cin, Cout/group, kh, kw]", list(shape))
    groups = node.integer("group", 1)
    node.require(shape[0] == channels, f"weights must have {channels} input channels", shape[0])
    node.require(groups >= 1 and channels % groups == 0,
                 f"group must divide {channels} input channels", groups)
    axes = _axes(node, (height, width), shape[2:])
    node.require(len(axes[0]) * len(axes[1]) <= MOST_PHASES,
                 f"strides must be up to {MOST_PHASES} together", [len(axis) for axis in axes])
    unit = np.tile(weighted.units(node, source, constant, 1), groups)
    given = qdq.stored_bias(builder, node, 2)
    bias, rounded = weighted.bias_integers(node, given, unit), weighted.roundings(given, unit)
    weights = _forward(weighted.integers(node, constant), groups)
    parts = tuple(
        dataclasses.replace(
            _part(builder, node, source, (rows, columns), number, weights, bias, unit, groups),
            rounded=rounded)
        for number, (rows, columns) in enumerate(itertools.product(*axes))
    )
    places = tuple(
        Place((rows.first, columns.first, 0), (len(axes[0]), len(axes[1])))
        for rows, columns in itertools.product(*axes)
    )
    out = len(unit), *(sum(phase.outputs for phase in axis) for axis in axes)
    return Assembled(node.name, source, out, order_of(out), parts=parts, places=places)


def _axes(node: NodeView, size, kernel) -> list[list[Phase]]:
    """The phases of rows and columns; where the outputs begin as ONNX Runtime has it."""
    given = node.integers("kernel_shape", 2, kernel, 1)
    node.require(given == tuple(kernel), f"kernel_shape must be the weights' {list(kernel)}",
                 list(given))
    stride = node.integers("strides", 2, (1, 1), 1)
    dilation = node.integers("dilations", 2, (1, 1), 1)
    pads = node.integers("pads", 4, (0, 0, 0, 0), 0)
    more = node.integers("output_padding", 2, (0, 0), 0)
    wanted = node.attributes.get("output_shape") and node.integers("output_shape", 2, None, 1)
    mode = node.text("auto_pad", "NOTSET")
    known = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    node.require(mode in known, f"auto_pad must be one of {known}", repr(mode))
    axes, out = [], []
    for n in (0, 1):
        full = stride[n] * (size[n] - 1) + more[n] + (kernel[n] - 1) * dilation[n] + 1
        if wanted or mode.startswith("SAME"):
            outputs = wanted[n] if wanted else min(full, size[n] * stride[n])
            missing = max(0, full - outputs)
            before = missing // 2 if mode == "SAME_UPPER" else missing - missing // 2
        else:
            before, after = (pads[n], pads[2 + n]) if mode == "NOTSET" else (0, 0)
            outputs = full - before - after
        node.require(1 <= outputs <= LIMIT, f"outputs must be from 1 to {LIMIT}", outputs)
        out.append(outputs)
        axes.append((size[n], kernel[n], stride[n], dilation[n], before, outputs))
    check_area(node, out)
    return [phases(*axis) for axis in axes]


def _forward(weights: np.ndarray, groups: int) -> np.ndarray:
    """Weights [Cin, Cout/group, kh, kw] as [Cout, kh, kw, Cin/group]."""
    inputs, outputs, kh, kw = weights.shape
    split = weights.reshape(groups, inputs // groups, outputs, kh, kw)
    return split.transpose(0, 2, 3, 4, 1).reshape(groups * outputs, kh, kw, inputs // groups)


def _part(builder: Builder, node: NodeView, source: Activation, axes, number: int, weights, bias,
          unit, groups: int) -> Sums:
    """The convolution of one phase of rows and one of columns."""
    rows, columns = axes
    name = f"{node.name}/{number}" if number else node.name
    channels, *size = source.shape
    crop = channels, rows.crop[1], columns.crop[1]
    if crop[1:] != tuple(size):
        part = pieces.cut((rows.crop[0], columns.crop[0], 0), (*crop[1:], channels))
        cut = Moved(f"{name}/input", source, crop, order_of(crop), pieces=part)
        source = builder.emit(cut, f"{node.proto.output[0]}/input{number}", source.scale,
                              source.zero_point, "float32", node)
    chosen = taps(weights, rows, columns)
    builder.spend(node, chosen)
    window = Window(
        chosen.shape[1:3], (1, 1),
        (rows.padding[0], columns.padding[0], rows.padding[1], columns.padding[1]),
        tuple(phase.dilation if count > 1 else 1
              for phase, count in zip(axes, chosen.shape[1:3], strict=True)),
    )
    shape = len(unit), rows.outputs, columns.outputs
    return Sums(name, source, shape, order_of(shape), op="conv_transpose", weights=chosen,
                bias=bias, unit=unit, window=window, groups=groups,
                near="ONNX Runtime has no integer ConvTranspose")


HANDLERS = {"ConvTranspose": conv_transpose}
