"""Resize: to the nearest pixel, which only moves bytes, and by linear interpolation.

Interpolation is depthwise convolutions, one for each way in which an output can lie between its
neighbours (accel/frontend/linear.py), of an image with its outermost rows and columns repeated.
Rows and columns go together, and round once, where the products of their weights are int8: factors
up to 4, and odd ones up to 11.  Else rows come first, rounded to bytes, and so the result may be
one step off; 2 * f convolutions instead of f * f.
"""

import itertools
from fractions import Fraction

import numpy as np

from accel.frontend import linear, pieces
from accel.frontend.notes import EXACT, STEP, runs
from accel.frontend.onnx import borders, layers, nearest
from accel.frontend.onnx.build import Builder, keeping
from accel.frontend.onnx.moves import MOST_PIECES, moved
from accel.frontend.onnx.nodes import NodeView, image_shape
from accel.frontend.onnx.values import Activation, Assembled, Moved, Pending, Sums, Window, order_of
from accel.graph.ir import Place

#: Most convolutions that one interpolation becomes, along one axis or both.
MOST_PHASES = 256
#: Most weight of rows and columns together, and of one of them (accel/frontend/wide.py).
MOST_TOGETHER, MOST_WEIGHT = 127, 255
#: How far off, in inputs, the last output may be by taking a scale for a fraction.
NEAR = 1e-3


@runs("addresses", EXACT, "nearest: every row and column equally often, or equally many left out")
@runs("array", STEP, "linear, without antialias; scales that are fractions of small numbers")
def resize(builder: Builder, node: NodeView):
    """Resize."""
    mode = node.text("mode", "nearest")
    node.require(mode in ("nearest", "linear"), "mode must be 'nearest' or 'linear'", repr(mode))
    if mode == "linear":
        return _linear(builder, node)

    def build(source) -> Moved:
        image_shape(node, source.shape)
        layers.check_image(node, source)
        return _repeated(node, source, *nearest.axes(builder, node, source.shape))

    return keeping(builder, node, build)


def _repeated(node: NodeView, source, rows: pieces.Axis, columns: pieces.Axis) -> Moved:
    """Rows and columns as often as told: both at once, or many one after the other."""
    if rows.factor * columns.factor > MOST_PIECES:
        _, height, _ = source.shape
        source = _repeated(node, source, pieces.Axis(0, height, 1, 1), columns)
        columns = pieces.Axis(0, columns.count * columns.factor, 1, 1)
    channels = source.shape[0]
    shape = channels, rows.count * rows.factor, columns.count * columns.factor
    return moved(node, source, shape, pieces.resized(rows, columns, channels))


def _linear(builder: Builder, node: NodeView) -> Pending:
    """Interpolation of an image."""
    source = builder.activation(node, 0, quantised=False)
    layers.check_image(node, source)
    node.require(not node.integer("antialias", 0), "antialias must be 0", 1)
    outputs, scales = nearest.sizes(builder, node, (1, *source.shape))
    source = _spread(builder, node, source, outputs[2:])
    rows, columns = (
        _axis(node, builder.opset, source.shape[n - 1], outputs[n], scales[n]) for n in (2, 3)
    )
    source = _bordered(builder, node, source, rows, columns)
    largest = max(_largest(rows), _largest(columns))
    node.require(largest <= MOST_WEIGHT, f"weights must be at most {MOST_WEIGHT}", largest)
    if _largest(rows) * _largest(columns) <= MOST_TOGETHER:
        return _interpolated(builder, node, source, rows, columns)
    for user in builder.users(node.proto.output[0]):
        node.require(user.op == "QuantizeLinear"
                     and builder.scale(user, 1) >= source.scale / 2 * (1 - 1e-6),
                     "what interpolates finely must be quantised at once, with half the input's "
                     "scale or more", user.op)
    still = linear.axis(source.shape[2], source.shape[2], Fraction(1), Fraction(0))
    pending = _interpolated(builder, node, source, rows, still)
    name = f"{node.proto.output[0]}/rows"
    source = builder.emit(pending, name, source.scale, source.zero_point, "float32", node)
    still = linear.axis(source.shape[1], source.shape[1], Fraction(1), Fraction(0))
    return _interpolated(builder, node, source, still, columns)


def _largest(axis: linear.Axis) -> int:
    return max(max(phase.weights) for phase in axis.phases)


def _spread(builder: Builder, node: NodeView, source: Activation, outputs) -> Activation:
    """The image with a single row, or column, as often as there are outputs."""
    one = [size == 1 < wanted for size, wanted in zip(source.shape[1:], outputs, strict=True)]
    if not any(one):
        return source
    rows, columns = (
        pieces.Axis(0, size, 1, wanted if alone else 1)
        for size, wanted, alone in zip(source.shape[1:], outputs, one, strict=True)
    )
    node.require(max(rows.factor, columns.factor) <= MOST_PIECES,
                 f"it must repeat a pixel at most {MOST_PIECES} times", outputs)
    return _moved(builder, node, _repeated(node, source, rows, columns), "spread")


def _moved(builder: Builder, node: NodeView, pending: Moved, what: str) -> Activation:
    """A tensor of the input's bytes in other places."""
    source = builder.activation(node, 0, quantised=False)
    return builder.emit(pending, f"{node.proto.output[0]}/{what}", source.scale, source.zero_point,
                        "float32", node)


def _axis(node: NodeView, opset: int, size: int, outputs: int, scale) -> linear.Axis:
    """The phases of one axis."""
    if size == outputs:
        return linear.axis(size, size, Fraction(1), Fraction(0))
    mode = node.text("coordinate_transformation_mode", "half_pixel" if opset > 10 else "asymmetric")
    pace = Fraction(1 / float(scale)).limit_denominator(MOST_PHASES)
    node.require(abs(float(pace) - 1 / float(scale)) * outputs < NEAR,
                 f"scales must be fractions of numbers up to {MOST_PHASES}", float(scale))
    half = (pace - 1) / 2
    match mode:
        case "asymmetric":
            offset = Fraction(0)
        case "half_pixel":
            offset = half
        case "pytorch_half_pixel":
            offset = half if outputs > 1 else Fraction(0)
        case "half_pixel_symmetric":
            offset = Fraction(size) / 2 * (1 - outputs * pace / size) + half
        case "align_corners":
            pace, offset = Fraction(size - 1, max(1, outputs - 1)), Fraction(0)
        case _:
            raise node.error("coordinate_transformation_mode must be one that does not crop, not "
                             f"{mode!r}")
    node.require(pace > 0 and pace.denominator <= MOST_PHASES,
                 f"outputs must lie in at most {MOST_PHASES} ways between inputs",
                 pace.denominator)
    return linear.axis(size, outputs, pace, offset)


def _bordered(builder: Builder, node: NodeView, source: Activation, rows: linear.Axis,
              columns: linear.Axis) -> Activation:
    """The image with those rows and columns repeated that are read beyond it."""
    amounts = rows.repeated, columns.repeated
    if not any(map(any, amounts)):
        return source
    return _moved(builder, node, borders.mirrored(node, source, amounts, "edge"), "bordered")


def _interpolated(builder: Builder, node: NodeView, source: Activation, rows: linear.Axis,
                  columns: linear.Axis) -> Pending:
    """Convolutions of a bordered image, interleaved."""
    pairs = list(itertools.product(rows.phases, columns.phases))
    node.require(len(pairs) <= MOST_PHASES, f"outputs must lie in at most {MOST_PHASES} ways "
                 "between inputs", len(pairs))
    unit = np.float32(source.scale) / np.float32(rows.unit * columns.unit)
    parts = tuple(_part(builder, node, source, (rows, columns), pair, unit, number)
                  for number, pair in enumerate(pairs))
    if len(parts) == 1:
        return parts[0]
    places = tuple(Place((down.first, across.first, 0), (len(rows.phases), len(columns.phases)))
                   for down, across in pairs)
    shape = source.shape[0], rows.outputs, columns.outputs
    return Assembled(node.name, source, shape, order_of(shape), parts=parts, places=places)


def _part(builder: Builder, node: NodeView, source: Activation, axes, pair, unit,
          number: int) -> Sums:
    """The outputs of one phase of rows and one of columns."""
    channels, *size = source.shape
    down, across = pair
    start = [phase.start + axis.repeated[0] for phase, axis in zip(pair, axes, strict=True)]
    crop = channels, down.reach - down.start, across.reach - across.start
    name = f"{node.name}/{number}" if number else node.name
    if crop[1:] != tuple(size):
        cut = Moved(f"{name}/input", source, crop, order_of(crop), via=node.proto.input[0],
                    pieces=pieces.cut((*start, 0), (*crop[1:], channels)))
        source = _moved(builder, node, cut, f"input{number}")
    weights = np.outer(down.weights, across.weights)
    weights = np.tile(weights[None, :, :, None], (channels, 1, 1, 1)).astype(np.int16)
    builder.spend(node, weights)
    shape = channels, down.outputs, across.outputs
    return Sums(name, source, shape, order_of(shape), op="resize", weights=weights,
                bias=np.zeros(channels, np.int64), unit=np.full(channels, unit),
                window=Window(weights.shape[1:3], (down.stride, across.stride)), groups=channels,
                near="ONNX Runtime interpolates in float32")


HANDLERS = {"Resize": resize}
