"""Between what a network's user gives and gets, and the int8 images inside.

A port's array has a leading batch dimension.  Flat and channel-first layouts ("N", "CHW") list
the elements channel by channel; inside, every tensor is [batch, height, width, channels].
"""

from collections.abc import Mapping

import numpy as np

from accel.errors import AccelError, shown
from accel.graph.ir import Graph, Port, Tensor

#: Array types a port accepts and gives, by the port's ``dtype``.
DTYPES = {"float32": np.float32, "int8": np.int8, "uint8": np.uint8}
#: Types of tensors that only the host handles, as NumPy names them.
HOST_DTYPES = frozenset({
    "float16", "float32", "float64", "bool", "uint8", "int16", "uint16", "int32", "uint32", "int64",
    "uint64",
})


class InputError(AccelError, ValueError):
    """Input arrays do not fit the network; the message names the input, the rule and the value."""


def check_count(name: str, value: object, least: int) -> None:
    """Refuse a number of something that is none, or below its least.

    Raises:
        InputError: naming the parameter, the rule and the value.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} must be an integer of at least {least}, not {shown(value)}")
    if value < least:
        raise InputError(f"{name} must be at least {least}, not {value}")


def to_int8(values: np.ndarray, scale: float, zero_point: int, away=False) -> np.ndarray:
    """Float to int8: x / scale in float32, rounded, plus zero point, clamped.

    Halves are rounded to even, or ``away`` from zero.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is clamped
        scaled = np.asarray(values, np.float32) / np.float32(scale)
        if away:
            whole = np.trunc(scaled)
            scaled = whole + np.copysign(np.abs(scaled - whole) >= 0.5, scaled)
        else:
            scaled = np.rint(scaled)
    scaled = np.asarray(scaled + np.float32(zero_point))
    return np.clip(scaled, -128, 127, out=scaled).astype(np.int8)


def to_float(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """Turn int8 into float32: (q - zero point) * scale."""
    with np.errstate(over="ignore"):
        return (values.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


def recentre(values: np.ndarray) -> np.ndarray:
    """Turn uint8 into int8 by subtracting 128, or back by adding it: both flip the top bit."""
    flipped = values.view(np.uint8) ^ np.uint8(0x80)
    return flipped.view(np.int8) if values.dtype == np.uint8 else flipped


def to_tensor(port: Port, tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Check and convert one input array to int8 [batch, height, width, channels].

    What only the host handles keeps its type.
    """
    values = np.asarray(values)
    expected = np.dtype(port.dtype)
    if values.dtype != expected:
        raise InputError(f"input {port.name!r} must have dtype {expected}, not {values.dtype}")
    if values.shape[1:] != tuple(port.shape) or values.ndim != 1 + len(port.shape):
        wanted = ", ".join(map(str, ("N", *port.shape)))
        raise InputError(f"input {port.name!r} must have shape ({wanted}), not {values.shape}")
    if len(values) == 0:
        raise InputError(f"input {port.name!r} must have at least one image, not 0")
    if tensor.dtype == "int8" and port.dtype == "float32":
        if not np.isfinite(values).all():
            raise InputError(f"input {port.name!r} must be finite, not NaN or infinite")
        values = to_int8(values, tensor.scale, tensor.zero_point, port.away)
    elif tensor.dtype == "int8" and port.dtype == "uint8":
        values = recentre(np.ascontiguousarray(values))
    height, width, channels = tensor.shape
    if port.layout == "HWC":
        return np.ascontiguousarray(values.reshape(-1, height, width, channels))
    planes = values.reshape(-1, channels, height, width)
    if channels > 4:
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    images = np.empty((len(planes), height, width, channels), planes.dtype)
    for c in range(channels):  # of a few channels three times as fast as a transposed copy
        images[..., c] = planes[:, c]
    return images


def from_tensor(port: Port, tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Convert [batch, height, width, channels] to what the network's user expects.

    What only the host handles passes through as it is.
    """
    if port.layout != "HWC":
        values = values.transpose(0, 3, 1, 2)
    values = np.ascontiguousarray(values).reshape(-1, *port.shape)
    if tensor.dtype != "int8":
        return values
    if port.dtype == "float32":
        return to_float(values, tensor.scale, tensor.zero_point)
    return recentre(values) if port.dtype == "uint8" else values


def read_inputs(graph: Graph, inputs) -> dict[str, np.ndarray]:
    """Convert a user's inputs to int8 images by tensor name.

    Args:
        graph: the network.
        inputs: one array, a sequence of arrays in the network's order, or a mapping by port name.
    """
    names = list(dict.fromkeys(port.name for port in graph.inputs))
    if isinstance(inputs, Mapping):
        if set(inputs) != set(names):
            raise InputError(f"the network's inputs are {names}, not {sorted(inputs)}")
        arrays = [inputs[name] for name in names]
    elif isinstance(inputs, (list, tuple)):
        arrays = list(inputs)
        if len(arrays) != len(names):
            raise InputError(f"the network has {len(names)} inputs, not {len(arrays)}: {names}")
    else:
        if len(names) != 1:
            raise InputError(f"the network has {len(names)} inputs, not 1: {names}")
        arrays = [inputs]
    given = dict(zip(names, arrays, strict=True))
    images = {
        port.tensor: to_tensor(port, graph.tensors[port.tensor], given[port.name])
        for port in graph.inputs
    }
    batches = {len(values) for values in images.values()}
    if len(batches) > 1:
        raise InputError(f"all inputs must have the same number of images, not {sorted(batches)}")
    return images


def quantise(graph: Graph, images) -> np.ndarray:
    """:func:`read_inputs` of a network with one input: its int8 images."""
    (values,) = read_inputs(graph, [images]).values()
    return values


def outputs(graph: Graph, tensors: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Convert the tensors of a run to the network's outputs, in its order."""
    return [
        from_tensor(port, graph.tensors[port.tensor], tensors[port.tensor])
        for port in graph.outputs
    ]
