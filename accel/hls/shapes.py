"""Each kind of layer as a struct of constants for a template of layers.h, and the call of it."""

import dataclasses
import math

import numpy as np

from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    Extreme,
    LocalResponse,
    Max,
    MaxPool,
    Mul,
    Node,
    Pad,
    Place,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)
from accel.hls.constants import elements
from accel.hls.split import Part

#: Constants of one line of a struct, by name.
Group = dict[str, int]


@dataclasses.dataclass(frozen=True)
class Shape:
    """What the C++ says of a node.

    ``template`` is the function of layers.h (of host.h, in that ``space``), "" where nothing is
    computed; ``groups`` are the constants of its struct, ``rounding`` another where not "", and
    ``floats`` are those that are no integers.  ``about`` is what a comment tells beside the
    tensors' shapes.
    """

    template: str
    groups: tuple[Group, ...] = ()
    rounding: str = ""
    about: str = ""
    floats: dict[str, float] = dataclasses.field(default_factory=dict)
    space: str = "layers"


def shape(part: Part, node: Node) -> Shape:
    """Describe a node of the exported part."""
    tensors = part.graph.tensors
    source, target = tensors[node.inputs[0]], tensors[node.output]
    match node:
        case Conv():
            return _dense(node, source) if _is_dense(node, source) else _conv(node, source, target)
        case MaxPool():
            groups = *_pool(node, source, target), {"lo": node.lo, "hi": node.hi}
            return Shape("max_pool", groups, about=_window(node.kernel, node.stride))
        case AveragePool():
            least, most = elements(part, node)
            groups = (
                *_pool(node, source, target),
                {"least_elements": least, "most_elements": most},
                {"in_zero": node.in_zero, **_ends(node)},
            )
            about = _window(node.kernel, node.stride)
            return Shape("average_pool", groups, node.rounding.name, about)
        case Add():
            return _add(node, [tensors[name] for name in node.inputs], target)
        case Mul():
            return _mul(node, [tensors[name] for name in node.inputs], target)
        case Extreme():
            return _extreme(node, [tensors[name] for name in node.inputs], target)
        case Concat():
            pixels = target.shape[0] * target.shape[1]
            return Shape("concat", ({"pixels": pixels, "channels": target.shape[2]},))
        case Slice():
            return Shape("slice", place(node.place, source, target))
        case Assemble():
            return Shape("assemble", ({"size": target.size},))
        case Table():
            return Shape("table", ({"size": target.size},))
        case Pad():
            sides = _sides(node.padding)
            return Shape("pad", (
                *_images(source, target, "channels"),
                {"pad_top": sides["pad_top"], "pad_left": sides["pad_left"]},
                {"zero": source.zero_point},
            ))
        case Reshape():
            return Shape("", about="the same bytes, nothing moves")
        case LocalResponse() | Softmax():
            return _on_host(node, source, target)
    raise TypeError(f"no layer of layers.h computes {node!r}")


def _is_dense(node: Conv, source: Tensor) -> bool:
    """Whether a convolution is a matrix times a vector."""
    taps = node.weights.shape[1:3]
    return (
        source.shape[:2] == taps == (1, 1) and not any(node.padding) and node.groups == 1
    )


def _dense(node: Conv, source: Tensor) -> Shape:
    groups = (
        {"inputs": source.shape[2], "outputs": node.weights.shape[0]},
        {"in_zero": source.zero_point, **_ends(node.requant)},
    )
    return Shape("fully_connected", groups, node.requant.rounding.name)


def _conv(node: Conv, source: Tensor, target: Tensor) -> Shape:
    _, kernel_h, kernel_w, depth = node.weights.shape
    groups = (
        *_images(source, target),
        *_windows((kernel_h, kernel_w), node.stride, node.padding),
        {"dilation_y": node.dilation[0], "dilation_x": node.dilation[1], "groups": node.groups},
        {"in_zero": source.zero_point, **_ends(node.requant)},
    )
    about = _window((kernel_h, kernel_w), node.stride)
    if node.dilation != (1, 1):
        about += f", dilation {node.dilation[0]}x{node.dilation[1]}"
    if node.groups > 1:
        about += ", depthwise" if depth == 1 else f", {node.groups} groups"
    return Shape("conv2d", groups, node.requant.rounding.name, about)


def _add(node: Add, sources: list[Tensor], target: Tensor) -> Shape:
    operands = [
        {f"{letter}_zero": one.zero_point, f"{letter}_multiplier": factor, f"{letter}_shift": shift}
        for letter, one, (factor, shift) in zip("ab", sources, node.operands, strict=True)
    ]
    need = node.requant
    total = {"multiplier": need.multiplier[0], "shift": need.shift[0]}
    groups = _sizes(sources, target), *operands, {"offset": node.offset}, total, _ends(need)
    template = "subtract" if isinstance(node, Sub) else "add"
    return Shape(template, groups, need.rounding.name, _repeated(sources))


def _sizes(sources: list[Tensor], target: Tensor) -> Group:
    """Elements of the result, and of the operands."""
    return {"size": target.size, "a_size": sources[0].size, "b_size": sources[1].size}


def _repeated(sources: list[Tensor]) -> str:
    same = sources[0].size == sources[1].size
    return "" if same else "one operand is a number for each channel"


def _mul(node: Mul, sources: list[Tensor], target: Tensor) -> Shape:
    need = node.requant
    groups = (
        _sizes(sources, target),
        {"a_zero": sources[0].zero_point, "b_zero": sources[1].zero_point},
        {"multiplier": need.multiplier[0], "shift": need.shift[0]},
        _ends(need),
    )
    return Shape("mul", groups, need.rounding.name, _repeated(sources))


def _extreme(node: Extreme, sources: list[Tensor], target: Tensor) -> Shape:
    groups = _sizes(sources, target), {"lo": node.lo, "hi": node.hi}
    template = "larger" if isinstance(node, Max) else "smaller"
    return Shape(template, groups, about=_repeated(sources))


def _on_host(node: LocalResponse | Softmax, source: Tensor, target: Tensor) -> Shape:
    """A layer that works on real numbers, all as float32."""
    sizes = {"pixels": target.shape[0] * target.shape[1], "channels": target.shape[2]}
    ends = {"in_zero": source.zero_point, "out_zero": target.zero_point}
    scales = {"in_scale": source.scale, "out_scale": target.scale}
    if isinstance(node, LocalResponse):
        before = (node.size - 1) // 2
        ends |= {"before": before, "after": node.size - 1 - before}
        floats = {"bias": node.bias, "share": node.alpha / node.size, "beta": node.beta}
        about = f"over {node.size} channels"
        return Shape("local_response", (sizes, ends), "", about, scales | floats, "host")
    if node.arithmetic == "float":
        return Shape("softmax", (sizes, ends), "", "", scales, "host")
    largest = np.float32(np.finfo(np.float32).max) / np.float32(target.shape[2])
    reserve = 5  # powers of e that a sum stays below the largest number
    raised = max(0.0, float(np.log(largest)) - reserve) / float(np.float32(source.scale))
    steps = math.floor(np.float32(1) / np.float32(target.scale))
    floats = {"in_scale": source.scale, "raise": raised, "steps": steps}
    return Shape("softmax_table", (sizes, ends), "", "", floats, "host")


def _pool(node: MaxPool | AveragePool, source: Tensor, target: Tensor) -> tuple[Group, ...]:
    return (
        *_images(source, target, "channels"), *_windows(node.kernel, node.stride, node.padding),
    )  # fmt: skip


def place(place: Place, whole: Tensor, part: Tensor) -> tuple[Group, ...]:
    """Where a part lies in a whole: its own sizes, the first byte, and bytes to the next one."""
    _, width, channels = whole.shape
    (y, x, c), (down, across) = place.start, place.step
    height, columns, depth = part.shape
    return (
        {"height": height, "width": columns, "channels": depth},
        {"first": (y * width + x) * channels + c, "row": down * width * channels,
         "pixel": across * channels},
    )  # fmt: skip


def _images(source: Tensor, target: Tensor, channels: str = "") -> tuple[Group, ...]:
    """The sizes of both images; ``channels`` is a name for what they have in common."""
    inner, outer = (
        {f"{side}_height": one.shape[0], f"{side}_width": one.shape[1],
         channels or f"{side}_channels": one.shape[2]}
        for side, one in (("in", source), ("out", target))
    )  # fmt: skip
    outer.pop(channels, None)
    return inner, outer


def _windows(kernel, stride, padding) -> tuple[Group, ...]:
    return (
        {"kernel_height": kernel[0], "kernel_width": kernel[1],
         "stride_y": stride[0], "stride_x": stride[1]},
        _sides(padding),
    )  # fmt: skip


def _sides(padding) -> Group:
    names = ("pad_top", "pad_left", "pad_bottom", "pad_right")
    return dict(zip(names, padding, strict=True))


def _ends(need) -> Group:
    """What is added to a rounded sum, and the bounds of a result."""
    return {"out_zero": need.zero_point, "lo": need.lo, "hi": need.hi}


def _window(kernel, stride) -> str:
    about = f"kernel {kernel[0]}x{kernel[1]}"
    return about if tuple(stride) == (1, 1) else f"{about}, stride {stride[0]}x{stride[1]}"
