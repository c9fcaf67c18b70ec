"""Factors and shifts of whole channels, in layers: of a convolution, or a depthwise 1x1 one.

Batch normalisation is a factor and a shift per channel, and so are Mul, Div, Add and Sub by
constants of one number per channel.  Behind a convolution they become part of its weights.
Elsewhere (DenseNet, networks that normalise first, the mean and deviation of images) each is a
depthwise convolution with a 1x1 kernel.  ONNX Runtime quantises that, with a scale per channel if
asked, and the machine computes it exactly.
"""

import dataclasses

import numpy as np
from onnx import NodeProto, helper

from accel.frontend.onnx.nodes import TO_CHW, TO_HWC
from accel.frontend.onnx.rewriting import Rewriting, attribute

#: Channels of images: where the last dimension is one of these alone, they are in HWC order.
_COLOURS = (1, 3, 4)


@dataclasses.dataclass(frozen=True)
class Affine:
    """``source`` * ``factor`` + ``shift``, float64 [channels].

    ``scalar``: the same for all; ``last``: the channels are the last axis, as in HWC images.
    """

    source: str
    factor: np.ndarray
    shift: np.ndarray
    scalar: bool
    last: bool = False


def rewrite(graph: Rewriting, node: NodeProto) -> list[NodeProto] | None:
    """Write an affine node as (a part of) a convolution; None if it is none."""
    found = _normalisation(graph, node) or _arithmetic(graph, node)
    if found is None or not np.isfinite([found.factor, found.shift]).all():
        return None
    layer, last = _layer(graph, found)
    if layer is not None and _fold(graph, layer, found):
        last.output[0] = node.output[0]
        graph.maker[node.output[0]] = last
        return []
    rank = len(graph.shapes[found.source])
    # A single number is a matter of scales, but the first layer's input has none of its own yet.
    if rank < 3 or found.scalar and found.source not in graph.inputs:
        return None
    channels = len(found.factor)
    weights = found.factor.reshape(channels, *[1] * (rank - 1)).astype(np.float32)
    inputs = [found.source, graph.store(f"{node.name}_weights", weights),
              graph.store(f"{node.name}_bias", found.shift.astype(np.float32))]
    layer = helper.make_node("Conv", inputs, node.output[:1], name=node.name, group=channels,
                             kernel_shape=[1] * (rank - 2))  # fmt: skip
    if not found.last:
        return [layer]
    layer.input[0], layer.output[0] = (graph.unused(f"{node.name}_{p}") for p in ("chw", "made"))
    return [
        helper.make_node("Transpose", [found.source], layer.input[:1], perm=TO_CHW,
                         name=graph.unused(f"{node.name}_in")),
        layer,
        helper.make_node("Transpose", layer.output, node.output[:1], perm=TO_HWC,
                         name=graph.unused(f"{node.name}_out")),
    ]  # fmt: skip


def _layer(graph: Rewriting, found: Affine) -> tuple[NodeProto | None, NodeProto | None]:
    """What computes the source for this alone, and the node that gives it: behind a turn to HWC."""
    if not graph.alone(found.source):
        return None, None
    last = layer = graph.maker.get(found.source)
    if found.last:
        if last is None or last.op_type != "Transpose" or not graph.alone(last.input[0]):
            return None, None
        if tuple(attribute(last, "perm", ())) != TO_HWC:
            return None, None
        layer = graph.maker.get(last.input[0])
    return layer, last


def _normalisation(graph: Rewriting, node: NodeProto) -> Affine | None:
    """A BatchNormalization that does not learn."""
    if node.op_type != "BatchNormalization" or node.domain or len(node.output) > 1:
        return None
    values = [graph.constant(name) for name in node.input[1:]]
    if attribute(node, "training_mode", 0) or any(value is None for value in values):
        return None
    if node.input[0] not in graph.shapes:
        return None
    scale, shift, mean, variance = (value.astype(np.float64) for value in values)
    factor = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    return Affine(node.input[0], factor, shift - mean * factor, False)


def _arithmetic(graph: Rewriting, node: NodeProto) -> Affine | None:
    """Mul, Div, Add or Sub of an image and a constant per channel, or a single one."""
    if node.op_type not in ("Mul", "Div", "Add", "Sub") or node.domain:
        return None
    constants = [graph.constant(name) for name in node.input]
    if (constants[0] is None) == (constants[1] is None):
        return None
    first = constants[0] is not None  # the constant
    constant, source = constants[1 - first], node.input[int(first)]
    shape = graph.shapes.get(source, ())
    if constant.dtype != np.float32 or len(shape) < 2 or constant.ndim > len(shape):
        return None
    wide = (1,) * (len(shape) - constant.ndim) + constant.shape
    last = len(shape) == 4 and (
        wide[3] > 1 if constant.size > 1 else shape[3] in _COLOURS and shape[1] not in _COLOURS
    )
    channels = shape[3 if last else 1]
    if channels < 1 or constant.size > 1 and (wide[3 if last else 1], constant.size) != (
            channels, channels):
        return None
    values = np.broadcast_to(constant.astype(np.float64).ravel(), channels)
    one, none = np.ones(channels), np.zeros(channels)
    if node.op_type == "Mul":
        factor, shift = values, none
    elif node.op_type == "Add":
        factor, shift = one, values
    elif node.op_type == "Sub":
        factor, shift = (-one, values) if first else (one, -values)
    elif first or not values.all():
        return None
    else:
        factor, shift = 1 / values, none
    return Affine(source, factor, shift, constant.size == 1 and channels > 1, last)


def _fold(graph: Rewriting, layer: NodeProto, found: Affine) -> bool:
    """Make a factor and shift part of the layer whose result they are for, if it has weights."""
    axis = _output_axis(layer)
    if axis is None:
        return False
    weights = graph.constant(layer.input[1])
    given = len(layer.input) > 2 and layer.input[2]
    bias = graph.constant(layer.input[2]) if given else np.zeros(len(found.factor))
    if weights is None or bias is None or weights.shape[axis] != len(found.factor):
        return False
    factor = found.factor.reshape([-1 if n == axis else 1 for n in range(weights.ndim)])
    bias = np.broadcast_to(bias, len(found.factor)) * found.factor + found.shift
    # The constants' own names, for a reader of the table; other layers may share the old ones.
    layer.input[1] = graph.store(layer.input[1], (weights * factor).astype(np.float32))
    name = graph.store(layer.input[2] if given else f"{layer.name}_bias", bias.astype(np.float32))
    layer.input[:] = [*layer.input[:2], name]
    return True


def _output_axis(layer: NodeProto) -> int | None:
    """Where the weights of a layer count its outputs; None if it is not such a layer."""
    if layer.op_type == "Conv":
        return 0
    if layer.op_type == "ConvTranspose" and attribute(layer, "group", 1) == 1:
        return 1
    plain = attribute(layer, "alpha", 1.0) == 1 and attribute(layer, "beta", 1.0) == 1
    if layer.op_type == "Gemm" and plain:
        return 0 if attribute(layer, "transB", 0) else 1
    return None
