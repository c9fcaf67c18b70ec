"""Which element each output of a Resize to the nearest one takes, as ONNX Runtime computes it."""

import math

import numpy as np

from accel.frontend import pieces
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.nodes import LIMIT, NodeView
from accel.frontend.onnx.values import Shape

f32 = np.float32


def axes(builder: Builder, node: NodeView, shape: Shape) -> tuple[pieces.Axis, pieces.Axis]:
    """Rows and columns of a Resize of an image [C, H, W].

    Raises:
        ModelError: the elements that it takes form no such pattern.
    """
    full = (1, *shape)
    outputs, scales = sizes(builder, node, full)
    return tuple(
        _axis(node, builder.opset, full[n], outputs[n], scales[n],
              _nearest(builder, node, scales[n]))
        for n in (2, 3)
    )


def sizes(builder: Builder, node: NodeView, full) -> tuple[list[int], list[np.float32]]:
    """All dimensions' output sizes and scales."""
    oldest = builder.opset < 11
    given = builder.constant(node, 1 if oldest else 2)
    wholes = None if oldest else builder.constant(node, 3)
    rank = len(full)
    wanted = [int(axis) for axis in node.attributes.get("axes", range(rank))]
    node.require(all(-rank <= axis < rank for axis in wanted)
                 and len({axis % rank for axis in wanted}) == len(wanted),
                 f"axes must be different integers from {-rank} to {rank - 1}", wanted)
    chosen = [axis % rank for axis in wanted]
    array = wholes if wholes is not None and wholes.size else given
    node.require(array is not None and array.size == len(chosen),
                 f"scales or sizes must be {len(chosen)} constants",
                 None if array is None else array.size)
    result, factors = list(full), [f32(1)] * rank
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    node.require(policy == "stretch", "keep_aspect_ratio_policy must be 'stretch'", repr(policy))
    for axis, value in zip(chosen, array.ravel().tolist(), strict=True):
        node.require(math.isfinite(value) and 0 < value <= LIMIT, "scales and sizes must be "
                     f"positive, up to {LIMIT}", value)
        if array is wholes:
            result[axis], factors[axis] = value, f32(value) / f32(full[axis])
        else:
            result[axis], factors[axis] = math.floor(f32(value) * f32(full[axis])), f32(value)
    node.require(min(result) > 0 and max(result) <= LIMIT, f"outputs must be from 1 to {LIMIT}",
                 result)
    node.require(result[:2] == list(full[:2]), "only rows and columns may be resized", result)
    return result, factors


def _axis(node: NodeView, opset: int, size: int, outputs: int, scale, nearest) -> pieces.Axis:
    """The pattern of one axis."""
    place = np.arange(outputs, dtype=f32)
    taken = np.clip(nearest(_original(node, opset, place, scale, size, outputs)), 0, size - 1)
    found = pieces.pattern(taken.astype(int))
    node.require(found is not None, "it must repeat every row and column equally often, or leave "
                 "equally many out", f"take {taken[:8].astype(int).tolist()} .. of {size}")
    return found


def _original(node: NodeView, opset: int, place, scale, size: int, outputs: int) -> np.ndarray:
    """Where outputs lie among the inputs, in float32."""
    mode = node.text("coordinate_transformation_mode", "half_pixel" if opset > 10 else "asymmetric")
    half = f32(0.5)
    match mode:
        case _ if scale == 1:
            return place
        case "asymmetric":
            return place / scale
        case "half_pixel":
            return (place + half) / scale - half
        case "pytorch_half_pixel":
            return (place + half) / scale - half if outputs > 1 else place * f32(0)
        case "tf_half_pixel_for_nn":
            return (place + half) / scale
        case "align_corners":
            most = f32(outputs - 1)
            return place * f32(size - 1) / most if outputs > 1 else place * f32(0)
        case "half_pixel_symmetric":
            adjusted = f32(outputs) / (scale * f32(size))
            offset = f32(size) / f32(2) * (f32(1) - adjusted)
            return offset + (place + half) / scale - half
    raise node.error(f"coordinate_transformation_mode must be one that does not crop, not {mode!r}")


def _nearest(builder: Builder, node: NodeView, scale):
    """The function that rounds a place to a whole one."""
    if builder.opset < 11:  # has no such choice
        return np.ceil if scale < 1 else np.floor
    mode = node.text("nearest_mode", "round_prefer_floor")
    functions = {
        "round_prefer_floor": lambda x: np.ceil(x - f32(0.5)),
        "round_prefer_ceil": lambda x: np.floor(x + f32(0.5)),
        "floor": np.floor, "ceil": np.ceil,
    }
    node.require(mode in functions, f"nearest_mode must be one of {sorted(functions)}", repr(mode))
    return functions[mode]
