"""Reading ONNX nodes: attributes, window geometry, reshape targets."""

import dataclasses
import itertools
import math

import numpy as np
import onnx

from accel.errors import shortened
from accel.frontend.errors import EmptyError, ModelError
from accel.frontend.onnx.values import Shape, Window
from accel.graph.shapes import out_size, window_counts

#: Largest kernel, stride, padding or dilation taken seriously; keeps hostile files cheap.
LIMIT = 1 << 16
#: Most dimensions of a value.
MOST_AXES = 8
#: Most rows times columns of an image.
LARGEST_IMAGE = 1 << 24
#: What a Transpose of an image from or to HWC order has as ``perm``.
TO_CHW, TO_HWC = (0, 3, 1, 2), (0, 2, 3, 1)
#: The same of a line.
TURNED = (0, 2, 1)


class NodeView:
    """An ONNX node with what its handlers need: attributes by name and errors that name it."""

    def __init__(self, file: str, node: onnx.NodeProto):
        self.file, self.proto = file, node
        self.op = node.op_type
        texts = (node.name, node.op_type, node.domain, *node.input, *node.output)
        if not all(isinstance(text, str) for text in texts):  # what is not UTF-8 comes as bytes
            raise ModelError(f"{file}: truncated or not an ONNX file: names must be text")
        self.name = node.name or next((name for name in node.output if name), "")
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}

    def error(self, text: str) -> ModelError:
        """Return an error about this node, to be raised by the caller."""
        return ModelError(f"{self.file}: node {self.name!r} ({self.op}): {text}")

    def require(self, condition, rule: str, value) -> None:
        """Raise the node's error unless ``condition`` holds."""
        if not condition:
            raise self.error(f"{rule}, not {shortened(format(value))}")

    def integer(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        value = self.attributes.get(name, default)
        self.require(isinstance(value, int), f"{name} must be an integer", repr(value))
        return value

    def number(self, name: str, default: float) -> float:
        """Return a finite float attribute."""
        value = self.attributes.get(name, default)
        self.require(isinstance(value, float) and math.isfinite(value),
                     f"{name} must be a finite number", repr(value))
        return value

    def integers(self, name: str, count: int, default, low: int) -> tuple[int, ...]:
        """Return an attribute of ``count`` integers, each at least ``low``."""
        value = self.attributes.get(name, default)
        good = isinstance(value, (list, tuple)) and len(value) == count
        good = good and all(isinstance(v, int) and low <= v <= LIMIT for v in value)
        self.require(good, f"{name} must be {count} integers from {low} to {LIMIT}", value)
        return tuple(value)

    def text(self, name: str, default: str) -> str:
        """Return a string attribute."""
        value = self.attributes.get(name, default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def permutation(self, rank: int) -> tuple[int, ...]:
        """Return a Transpose's order of ``rank`` dimensions."""
        order = self.attributes.get("perm", range(rank)[::-1])
        good = isinstance(order, (list, tuple, range)) and all(isinstance(v, int) for v in order)
        self.require(good and sorted(order) == list(range(rank)),
                     f"perm must order {rank} dimensions", order)
        return tuple(order)


def image_shape(node: NodeView, shape: Shape) -> tuple[int, int, int]:
    """Return (C, H, W) of an image, refusing other ranks."""
    node.require(len(shape) == 3, "input must be an image [1, C, H, W]", [1, *shape])
    check_area(node, shape[1:])
    return shape


def check_area(node: NodeView, size) -> None:
    """Refuse an image of absurd (height, width)."""
    node.require(math.prod(size) <= LARGEST_IMAGE,
                 f"an image must have at most {LARGEST_IMAGE} rows times columns", list(size))


def window(node: NodeView, shape: Shape, kernel, pool=False) -> tuple[Window, tuple[int, int]]:
    """Return a node's window, its paddings made explicit, and the output (height, width).

    ``ceil_mode`` is turned into padding behind the image, as the graph knows no such mode.  Where
    the windows begin inside the image (see :func:`same_padding`) the padding is negative.
    """
    stride = node.integers("strides", 2, (1, 1), 1)
    dilation = node.integers("dilations", 2, (1, 1), 1)
    pads = node.integers("pads", 4, (0, 0, 0, 0), 0)
    mode = node.text("auto_pad", "NOTSET")
    ceil_mode = bool(node.integer("ceil_mode", 0))
    known = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    node.require(mode in known, f"auto_pad must be one of {known}", repr(mode))
    begin, end, out = [], [], []
    for axis, size in enumerate(shape[1:]):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        given = pads[axis], pads[2 + axis]
        count, before, after = positions(
            node, size, (kernel[axis], stride[axis], dilation[axis], given), ceil_mode, pool)
        begin.append(before)
        end.append(max(0, after, (count - 1) * stride[axis] + reach - size - before))
        out.append(count)
    check_area(node, out)
    return Window(tuple(kernel), stride, (*begin, *end), dilation), tuple(out)


def positions(node: NodeView, size: int, axis, ceil_mode: bool, pool: bool) -> tuple[int, int, int]:
    """How many windows there are along one axis, and the padding before and after it.

    Args:
        node: with its auto_pad, and for errors.
        size: elements of the input.
        axis: the kernel's elements, the stride, the dilation and the pads (before, after).
        ceil_mode: whether a window may reach beyond the padding behind.
        pool: whether it is a pooling.

    Raises:
        EmptyError: no window fits.
        ModelError: a window reaches beyond the padding: that is the host's.
    """
    kernel, stride, dilation, pads = axis
    mode, reach = node.text("auto_pad", "NOTSET"), (kernel - 1) * dilation + 1
    if mode.startswith("SAME"):
        count = -(-size // stride)
        # ONNX Runtime's poolings forget the gaps here, and their outputs are fewer then.
        reached = kernel if pool else reach
        missing = (count - 1) * stride + reached - size
        before = same_padding(missing, mode == "SAME_LOWER", pool)
        after, padded = missing - before, size + missing
        if reached == reach:
            return count, before, after
    else:
        before, after = pads if mode == "NOTSET" else (0, 0)
        padded = size + before + after
    count = out_size(size, kernel, stride, (before, after), dilation, ceil_mode)
    text = f"kernel (reaching {reach} elements) must fit the padded input, not {padded}"
    if count < 1:
        raise EmptyError(str(node.error(f"{text}: the image is too small")))
    if padded < reach:
        raise node.error(text)
    return count, before, after


def same_padding(missing: int, lower: bool, pool: bool) -> int:
    """Padding before the image with auto_pad SAME_UPPER or SAME_LOWER, as ONNX Runtime has it.

    Args:
        missing: elements that the windows reach beyond the image; negative where the last one ends
            before the image does, as a stride larger than the kernel may have it.  ONNX Runtime
            then leaves some out on both sides: the first window begins inside the image.
        lower: whether the larger half goes before the image.
        pool: a pooling or a convolution; they differ in how they halve a negative number.
    """
    if missing >= 0:
        return (missing + lower) // 2
    unused = -missing
    return -(max(unused - lower, 0) // 2 if pool else max(unused - 1 - lower, 0) // 2)


def pool_window(node: NodeView, shape: Shape, gaps=False) -> tuple[Window, tuple[int, int]]:
    """Return :func:`window` of a pooling node, whose kernel is an attribute.

    ``gaps``: whether there may be some between a window's elements (dilations).
    """
    image_shape(node, shape)
    view, out = window(node, shape, node.integers("kernel_shape", 2, None, 1), pool=True)
    # Between the elements of a kernel of 1 there is nothing to dilate.
    dilation = tuple(d if k > 1 else 1 for d, k in zip(view.dilation, view.kernel, strict=True))
    node.require(gaps or dilation == (1, 1), "an average's dilations must be 1", view.dilation)
    node.require(min(view.padding) >= 0,
                 "auto_pad must be NOTSET or VALID where the strides are larger than the kernel: "
                 "the windows would begin inside the image",
                 f"{node.text('auto_pad', '')} with strides {list(view.stride)} and kernel "
                 f"{list(view.kernel)}")
    return dataclasses.replace(view, dilation=dilation), out


def average_divisors(node: NodeView, shape: Shape, view: Window, out):
    """What the sum of a window with so many elements of the image is divided by.

    With count_include_pad ONNX Runtime's integer kernel always divides by the whole kernel, also
    where ceil_mode lets a window reach beyond the padding.  Its float kernel, which it takes where
    something stands between the AveragePool and its QuantizeLinear, counts padding but not what
    lies beyond.

    Returns:
        The integer kernel's {elements: divisor}, and the float kernel's, None where it needs two
        divisors for one number of elements.
    """
    counts = [
        window_counts(shape[1 + axis], out[axis], view.kernel[axis], view.stride[axis],
                      view.padding[axis])
        for axis in (0, 1)
    ]
    node.require(min(count.min() for count in counts) > 0,
                 "every window must hold an element of the input", "one that is all padding")
    sizes = {int(n) for n in np.unique(np.outer(*map(np.unique, counts)))}
    if not node.integer("count_include_pad", 0):
        divisors = {size: size for size in sizes}
        return divisors, divisors
    integer = dict.fromkeys(sizes, view.kernel[0] * view.kernel[1])
    pads = node.integers("pads", 4, (0, 0, 0, 0), 0)
    mode = node.text("auto_pad", "NOTSET")
    pairs = []
    for axis, real in enumerate(counts):
        before, after = view.padding[axis], view.padding[2 + axis]
        if not mode.startswith("SAME"):
            after = pads[2 + axis] if mode == "NOTSET" else 0
        counted = window_counts(shape[1 + axis] + before + after, out[axis], view.kernel[axis],
                                view.stride[axis], 0)
        pairs.append({(int(r), int(c)) for r, c in zip(real, counted, strict=True)})
    floating = {}
    for (rows, counted_rows), (columns, counted_columns) in itertools.product(*pairs):
        divisor = counted_rows * counted_columns
        if floating.setdefault(rows * columns, divisor) != divisor:
            return integer, None
    return integer, floating


def new_shape(node: NodeView, shape: Shape, constants) -> Shape:
    """Return the shape (without batch) that a Reshape, Flatten, Squeeze or Unsqueeze gives.

    Args:
        node: the node.
        shape: its input's shape without batch.
        constants: function from an input's number to its array, or None if absent.
    """
    result = reshaped(node, (1, *shape), constants)
    node.require(len(result) >= 2 and result[0] == 1,
                 "shape must keep the batch dimension of 1", result)
    return tuple(result[1:])


def reshaped(node: NodeView, full: Shape, constants) -> list[int]:
    """As :func:`new_shape`, but of all dimensions."""
    size = math.prod(full)
    if node.op == "Flatten":
        axis = node.integer("axis", 1)
        axis += len(full) if axis < 0 else 0
        node.require(0 <= axis <= len(full), f"axis must be from 0 to {len(full)}", axis)
        result = [math.prod(full[:axis]), math.prod(full[axis:])]
    elif node.op == "Reshape":
        target = constants(1)
        node.require(target is not None and target.ndim == 1 and target.dtype.kind == "i",
                     "shape must be a constant list of integers",
                     None if target is None else f"{target.dtype} {list(target.shape)}")
        result = [int(v) for v in target]
        if not node.integer("allowzero", 0):
            node.require(all(v or i < len(full) for i, v in enumerate(result)),
                         "shape may copy existing dimensions only", result)
            result = [v or full[i] for i, v in enumerate(result)]
        node.require(result.count(-1) <= 1 and all(v >= -1 for v in result),
                     "shape must hold sizes and at most one -1", result)
        if -1 in result:
            rest = math.prod(v for v in result if v != -1)
            node.require(rest > 0 and size % rest == 0, f"shape must hold {size} elements", result)
            result[result.index(-1)] = size // rest
    else:
        axes = constants(1) if len(node.proto.input) > 1 else node.attributes.get("axes")
        axes = None if axes is None else [int(v) for v in np.asarray(axes).ravel()]
        rank = len(full) + (len(axes or ()) if node.op == "Unsqueeze" else 0)
        node.require(all(-rank <= v < rank for v in axes or ()),
                     f"axes must be from {-rank} to {rank - 1}", axes)
        chosen = {v % rank for v in axes or ()}
        if node.op == "Unsqueeze":
            rest = iter(full)
            node.require(axes is not None and len(chosen) == len(axes),
                         "axes must be different integers", axes)
            result = [1 if i in chosen else next(rest) for i in range(rank)]
        else:
            if axes is None:
                chosen = {i for i, v in enumerate(full) if v == 1 and i}
            node.require(all(full[i] == 1 for i in chosen), "squeezed sizes must be 1", full)
            result = [v for i, v in enumerate(full) if i not in chosen]
    node.require(len(result) <= MOST_AXES, f"shape must have at most {MOST_AXES} dimensions",
                 len(result))
    node.require(math.prod(result) == size, f"shape must hold {size} elements", result)
    return result
