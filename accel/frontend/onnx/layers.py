"""From a layer's parts to what is pending, whatever form it came in; but for those with weights."""

import dataclasses
import math

import numpy as np

from accel.frontend.onnx import pixels
from accel.frontend.onnx.nodes import (
    NodeView,
    average_divisors,
    image_shape,
    new_shape,
    pool_window,
)
from accel.frontend.onnx.values import (
    Activation,
    Extremes,
    Hosted,
    Joined,
    Mean,
    Order,
    Product,
    Same,
    Shape,
    Total,
    Window,
    flat,
    memory_shape,
    order_of,
)
from accel.graph.ir import LocalResponse, Softmax


def whole_image(node: NodeView, rank: int, axes) -> bool:
    """Refuse a reduction but for one of rows and columns; whether it keeps their axes."""
    node.require(rank == 4 and axes is not None and sorted(v % 4 for v in axes) == [2, 3],
                 "axes must be the rows and columns, [2, 3], of an image", axes)
    return bool(node.integer("keepdims", 1))


def average_pool(node: NodeView, source: Activation) -> Mean:
    """AveragePool of either form."""
    check_image(node, source)
    view, out = pool_window(node, source.shape)
    shape = (source.shape[0], *out)
    divisors, floating = average_divisors(node, source.shape, view, out)
    return Mean(node.name, source, shape, order_of(shape), window=view, divisors=divisors,
                floating=floating)


def global_average_pool(node: NodeView, source: Activation) -> Mean:
    """GlobalAveragePool of either form: one window as large as the image."""
    channels, height, width = image_shape(node, source.shape)
    check_image(node, source)
    shape, count = (channels, 1, 1), height * width
    return Mean(node.name, source, shape, order_of(shape), window=Window((height, width)),
                divisors={count: count}, floating={count: count}, whole=True)


def apart(value):
    """A pending value behind which the QuantizeLinear does not come at once.

    ONNX Runtime moves a QuantizeLinear forward through a MaxPool, Reshape or Transpose, not through
    a Flatten or Pad: an average before one of these it computes in float.
    """
    if isinstance(value, Mean):
        return dataclasses.replace(value, apart=True)
    if isinstance(value, Same):
        return dataclasses.replace(value, source=apart(value.source))
    return value


def reshape(node: NodeView, source, constants) -> Same:
    """Reshape, Flatten, Squeeze and Unsqueeze of either form; the source may be pending."""
    source = apart(source) if node.op == "Flatten" else source
    return Same(node.name, source, new_shape(node, source.shape, constants), source.order,
                via=node.proto.input[0])


def check_image(node: NodeView, source) -> None:
    """Refuse an image whose elements a Reshape left in an order that is not an image's."""
    image_shape(node, source.shape)
    if isinstance(source, Activation) and pixels.are_pixels(source):
        node.require(source.tensor.shape == memory_shape(source.shape, source.order), "channels of "
                     "pixels must not be an image's columns", [1, *source.shape])
    node.require(order_of(source.shape) == source.order,
                 "a Reshape must not mix channels with pixels before this node",
                 f"a reshape of {source.order[0]} x {source.order[1]} to {list(source.shape)}")


def total(node: NodeView, one: Activation, other: Activation, minus: bool = False) -> Total:
    """Sum or difference of two activations."""
    whole = larger(node, one, other)
    return Total(node.name, one, whole.shape, whole.order, other=other, minus=minus,
                 centred=one.centred and other.centred,
                 near="a difference is computed in float32" if minus else "")


def product(node: NodeView, one: Activation, other: Activation) -> Product:
    """Product of two activations."""
    whole = larger(node, one, other)
    return Product(node.name, one, whole.shape, whole.order, other=other,
                   centred=one.centred and other.centred)


def extremes(node: NodeView, sources, largest: bool) -> Extremes:
    """The largest or smallest of activations, or functions of such."""
    whole = sources[0]
    for source in sources[1:]:
        whole = larger(node, whole, source)
    return Extremes(node.name, sources[0], whole.shape, whole.order, sources=tuple(sources),
                    largest=largest)


def larger(node: NodeView, one, other):
    """The one of two operands of one shape, or of an image [C, H, W] and a pixel [C, 1, 1]."""
    small, large = sorted((one, other), key=lambda value: math.prod(value.shape))
    channels = large.shape[0]
    alike = (one.shape, one.order, laid_out(one)) == (other.shape, other.order, laid_out(other))
    gate = (
        len(large.shape) > 1 and small.shape == (channels, *(1 for _ in large.shape[1:]))
        and laid_out(large) == memory_shape(large.shape, large.order)
        and (laid_out(large)[2], laid_out(small)) == (channels, (1, 1, channels))
    )
    node.require(alike or gate, "both inputs must have the same shape, or one be a pixel [C, 1, 1]",
                 f"{[1, *one.shape]} and {[1, *other.shape]}")
    return one if alike else large


def laid_out(value) -> tuple[int, int, int]:
    """The shape of an activation's tensor, or of that which a function of one will have."""
    return (value if isinstance(value, Activation) else value.source).tensor.shape


def check_rank(node: NodeView, value, constant: np.ndarray) -> None:
    """Refuse a number of so many dimensions that the result would have more than a value has."""
    rank = len(value.shape) + (not value.bare)
    node.require(constant.ndim <= rank, f"a constant must have at most {rank} dimensions",
                 constant.ndim)


def concat(node: NodeView, sources) -> Joined:
    """Activations (or functions of them) behind each other along any axis but the batch."""
    first = sources[0]
    rank = 1 + len(first.shape)
    axis = node.integer("axis", 1)
    node.require(-rank <= axis < rank and axis % rank, f"axis must be from 1 to {rank - 1}", axis)
    node.require(rank in (2, 4), "inputs must be images or vectors", [1, *first.shape])
    axis = axis % rank - 1

    def others(shape: Shape) -> Shape:
        return shape[:axis] + shape[axis + 1 :]

    for source in sources:
        node.require(len(source.shape) == len(first.shape)
                     and others(source.shape) == others(first.shape),
                     "inputs must agree but for the axis",
                     f"{[1, *first.shape]} and {[1, *source.shape]}")
        if len(source.shape) == 1:
            node.require(source.order == flat(source.shape),
                         "a flattened image must not be concatenated", source.order)
        else:
            check_image(node, source)
    whole = sum(source.shape[axis] for source in sources)
    shape = (*first.shape[:axis], whole, *first.shape[axis + 1 :])
    memory = (2, 0, 1)[axis]  # channels, rows, columns
    return Joined(node.name, first, shape, order_of(shape), sources=tuple(sources), axis=memory)


def softmax(node: NodeView, source: Activation, axis: int, joint: bool) -> Hosted:
    """Softmax over the channels; ``joint`` takes all dimensions from the axis on as one."""
    rank = 1 + len(source.shape)
    axis += rank if axis < 0 else 0
    single = rank == 2 or source.shape[1:] == (1, 1)
    if rank == 4:
        check_image(node, source)
    node.require(axis == 1 and rank in (2, 4) and (single or not joint),
                 "a softmax must be over the channels", f"axis {axis} of {[1, *source.shape]}")
    node.require(rank == 4 or min(source.order) == 1,
                 "a softmax must add up in the elements' order in memory", "a flattened image")
    return Hosted(node.name, source, source.shape, source.order, kind=Softmax)


def local_response(node: NodeView, source: Activation) -> Hosted:
    """LRN of an image."""
    check_image(node, source)
    options = {
        "size": node.integer("size", 0), "alpha": node.number("alpha", 1e-4),
        "beta": node.number("beta", 0.75), "bias": node.number("bias", 1.0),
    }  # fmt: skip
    node.require(options["size"] % 2 == 1 and options["size"] <= 1 << 16,
                 "size must be odd and positive", options["size"])
    return Hosted(node.name, source, source.shape, source.order, kind=LocalResponse,
                  options=options, near="powers of float32 differ in their last places")


def pad(node: NodeView, source, amounts) -> Same:
    """Pad of rows and columns; ``amounts`` has all dimensions' beginnings, then their ends."""
    check_image(node, source)
    top, left, bottom, right = amounts[2], amounts[3], amounts[6], amounts[7]
    channels, height, width = source.shape
    shape = (channels, top + height + bottom, left + width + right)
    source = apart(source)
    return Same(node.name, source, shape, order_of(shape), pads=(top, left, bottom, right),
                via=node.proto.input[0])


def transposed(node: NodeView, source) -> tuple[Shape, Order]:
    """Shape and order of a transposed activation, whose bytes stay where they are."""
    full, order = (1, *source.shape), node.permutation(1 + len(source.shape))
    shape = tuple(full[n] for n in order)[1:]
    moved = [n for n in order if full[n] != 1]
    if order[0] == 0 and moved == sorted(moved):
        return shape, source.order
    # The first dimensions become the last: channels, or what will be pixels.
    count = sorted(moved).index(moved[0]) if moved else 0
    turned = sorted(moved)[count:] + sorted(moved)[:count]
    back, front = (math.prod(full[n] for n in part)
                   for part in (moved[: len(moved) - count], moved[len(moved) - count :]))
    node.require(order[0] == 0 and moved == turned
                 and source.order in ((front, back), flat(source.shape)),
                 "an activation must be transposed between NCHW and NHWC only",
                 f"{[1, *source.shape]} by {list(order)}")
    return shape, flat(shape) if source.order == (front, back) else (back, front)
