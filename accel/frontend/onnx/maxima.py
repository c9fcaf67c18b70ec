"""MaxPool, GlobalMaxPool and ReduceMax: of windows, perhaps with gaps, and of whole images."""

import dataclasses
import itertools

from accel.frontend import dilated, pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.onnx import layers
from accel.frontend.onnx.build import Builder, keeping
from accel.frontend.onnx.nodes import NodeView, pool_window
from accel.frontend.onnx.values import Assembled, Moved, Same, Window, order_of
from accel.graph.ir import Place

#: Most poolings that one with gaps becomes.
MOST_PHASES = 256


@runs("window", EXACT, "one output (no indices); dilations, one or two dimensions")
def max_pool(builder: Builder, node: NodeView) -> Same | Assembled:
    """MaxPool on dequantised or quantised values; these may be pending, or a float input.

    Before opset 12 there is none of bytes, and so no QuantizeLinear moves forward through it.
    """
    node.require(len([name for name in node.proto.output if name]) == 1,
                 "a MaxPool must have one output", list(node.proto.output))
    return keeping(builder, node, lambda source: _windows(
        node, source if builder.opset >= 12 else layers.apart(source)))


def _windows(node: NodeView, source) -> Same | Assembled:
    layers.check_image(node, source)
    view, out = pool_window(node, source.shape, gaps=True)
    shape = source.shape[0], *out
    if view.dilation != (1, 1):
        return _with_gaps(node, source, view, shape)
    return Same(node.name, source, shape, order_of(shape), window=view, via=node.proto.input[0])


def _with_gaps(node: NodeView, source, view: Window, shape) -> Assembled:
    axes = [
        dilated.phases(source.shape[1 + n], view.kernel[n], view.stride[n], view.dilation[n],
                       view.padding[n], shape[1 + n])
        for n in (0, 1)
    ]
    node.require(None not in axes, "every window must hold an element of the input",
                 "one that is all padding")
    count = len(axes[0]) * len(axes[1])
    node.require(count <= MOST_PHASES, f"dilations must be up to {MOST_PHASES} together", count)
    pairs = list(itertools.product(*axes))
    parts = tuple(_part(node, source, view, pair, f"{node.name}/{number}")
                  for number, pair in enumerate(pairs))
    places = tuple(Place((rows.first, columns.first, 0), (len(axes[0]), len(axes[1])))
                   for rows, columns in pairs)
    return Assembled(node.name, source, shape, order_of(shape), parts=parts, places=places)


def _part(node: NodeView, source, view: Window, pair, name: str) -> Same:
    """The pooling of one phase of rows and one of columns."""
    rows, columns = pair
    crop, out = ((source.shape[0], *size) for size in (
        (rows.inputs, columns.inputs), (rows.outputs, columns.outputs)))
    given = Moved(f"{name}/input", source, crop, order_of(crop), via=node.proto.input[0],
                  pieces=pieces.cut((rows.start, columns.start, 0), (*crop[1:], crop[0]),
                                    view.dilation))
    window = Window(view.kernel, (rows.stride, columns.stride),
                    (rows.padding[0], columns.padding[0], rows.padding[1], columns.padding[1]))
    return Same(name, given, out, order_of(out), window=window, via=node.proto.input[0])


@runs("window", EXACT)
def global_max_pool(builder: Builder, node: NodeView) -> Same:
    """GlobalMaxPool on dequantised or quantised values."""
    return keeping(builder, node, lambda source: _whole(node, source))


def _whole(node: NodeView, source) -> Same:
    """One window as large as the image."""
    layers.check_image(node, source)
    channels, height, width = source.shape
    shape = channels, 1, 1
    return Same(node.name, source, shape, order_of(shape), window=Window((height, width)),
                via=node.proto.input[0])


@runs("window", EXACT, "over rows and columns")
def reduce_max(builder: Builder, node: NodeView) -> Same:
    """ReduceMax over rows and columns: a global maximum."""
    axes = builder.constant(node, 1)
    axes = node.attributes.get("axes") if axes is None else axes.ravel().tolist()

    def build(source) -> Same:
        keep = layers.whole_image(node, 1 + len(source.shape), axes)
        most = _whole(node, source)
        return most if keep else dataclasses.replace(most, shape=most.shape[:1])

    return keeping(builder, node, build)


HANDLERS = {"MaxPool": max_pool, "GlobalMaxPool": global_max_pool, "ReduceMax": reduce_max}
