"""A network's inputs and outputs, as its user sees them."""

import math

import numpy as np
import onnx

from accel.frontend.errors import ModelError
from accel.frontend.onnx import integer, qoperator
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.nodes import LIMIT, NodeView
from accel.frontend.onnx.values import (
    Activation,
    Hosted,
    Input,
    Pending,
    Sums,
    flat,
    memory_shape,
    settled,
)
from accel.graph.ir import Port, Reshape

#: Largest activation, in elements of one image.
LARGEST = 1 << 28

_DTYPES = {
    onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "uint8",
}  # fmt: skip


def check_size(shape, error) -> None:
    """Refuse a value too large to be taken seriously."""
    if math.prod(shape) > LARGEST:
        raise error(f"must have at most {LARGEST} elements, not {list(shape)}")


def add_input(builder: Builder, value: onnx.ValueInfoProto, nodes: list[NodeView]) -> None:
    """Check a network input; an integer one becomes a tensor at once."""
    where = f"{builder.file}: input {value.name!r}"
    kind = value.type.tensor_type
    if kind.elem_type not in _DTYPES:
        raise ModelError(
            f"{where}: type must be one of {sorted(_DTYPES.values())}, "
            f"not {onnx.TensorProto.DataType.Name(kind.elem_type).lower()}"
            if kind.elem_type in onnx.TensorProto.DataType.values()
            else f"{where}: type must be one of {sorted(_DTYPES.values())}, not {kind.elem_type}"
        )
    if not kind.HasField("shape") or not kind.shape.dim:
        raise ModelError(f"{where}: shape must be known, not missing")
    dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?"
            for d in kind.shape.dim]
    if isinstance(dims[0], int) and dims[0] != 1:
        raise ModelError(f"{where}: batch dimension must be 1 or symbolic, not {dims[0]}")
    shape = tuple(dims[1:])
    if not shape or not all(isinstance(d, int) and 1 <= d <= LIMIT for d in shape):
        raise ModelError(
            f"{where}: shape must be known, with sizes from 1 to {LIMIT} behind the batch "
            f"dimension, not {dims}"
        )
    check_size(shape, lambda text: ModelError(f"{where}: {text}"))
    builder.input_shapes[value.name] = shape
    dtype = _DTYPES[kind.elem_type]
    if dtype == "float32":
        builder.values[value.name] = Input(value.name, shape)
        return
    scale, zero_point = found_scale(builder, value.name, dtype, nodes)
    builder.values[value.name] = builder.add_input(
        (value.name, shape), shape, value.name, scale, zero_point, dtype, dtype
    )


def found_scale(builder: Builder, name: str, dtype: str, nodes) -> tuple[float, int]:
    """Quantisation of a value of bytes, as its first reader (behind views) has it.

    Operators on integers, such as ConvInteger, only know a zero point.
    """
    names, zero_point = {name}, -128 if dtype == "uint8" else 0
    for node in nodes:
        for at in [n for n, given in enumerate(node.proto.input) if given in names][:1]:
            if node.op in integer.HANDLERS:
                zero_point = builder.zero_point(node, 2, np.dtype(dtype))[0]
                break
            if node.op in qoperator.HANDLERS or node.op == "DequantizeLinear":
                scale = builder.scale(node, at + 1)
                return scale, builder.zero_point(node, at + 2, np.dtype(dtype))[0]
            if node.op == "Pad" and builder.has(node, 2):  # what stands for 0
                zero_point = builder.zero_point(node, 2, np.dtype(dtype))[0]
            names.update(node.proto.output)
    return 1.0, zero_point


def output_port(builder: Builder, value: onnx.ValueInfoProto, nodes: list[NodeView]) -> Port:
    """Return the port of a network output."""
    where = f"{builder.file}: output {value.name!r}"
    found = builder.values.get(value.name)
    node = next((n for n in nodes if value.name in n.proto.output), None)
    if isinstance(found, Pending) and settled(found):
        found = builder.settle(found, value.name, node)
    if isinstance(found, Hosted):
        found = builder.emit_float(found, value.name, node)
    if isinstance(found, Sums) and not found.scaled:
        raise ModelError(f"{where}: node {node.name!r} ({node.op}): int32 sums must be scaled by a "
                         "Mul and quantised, not leave the network")
    if isinstance(found, Pending):
        raise ModelError(
            f"{where}: node {node.name!r} ({node.op}) must be quantised (a QuantizeLinear is "
            "missing behind it), not float"
        )
    if not isinstance(found, Activation):
        raise ModelError(f"{where}: must be computed from the input, not missing or constant")
    return port_of(builder, value.name, found)


def port_of(builder: Builder, name: str, found: Activation) -> Port:
    """How a value in memory is seen from outside."""
    tensor = found.tensor
    channels, pixels = found.order
    if channels > 1 and tensor.shape[2] != channels:
        # Flattened channel by channel for the user, pixel by pixel in memory: a port can
        # only reorder an image, so view the vector as one.
        image = builder.add_tensor(f"{name}_image", (channels, 1, pixels), found.order,
                                   found.scale, found.zero_point, found.dtype)
        view = builder.unique(f"{name}_image", name)
        builder.nodes.append(Reshape(view, tensor.name, image.tensor.name))
        tensor = image.tensor
    if not math.isclose(found.scale, tensor.scale, rel_tol=1e-6):
        raise ModelError(f"{builder.file}: output {name!r}: scale must be {tensor.scale} as it was "
                         f"quantised, not {found.scale}")
    image_shape = memory_shape(found.shape, found.order)
    layout = "CHW" if len(found.shape) == 3 and image_shape == tensor.shape else "N"
    if found.order == flat(found.shape) and tensor.shape[2] not in (1, tensor.size):
        layout = "HWC"  # as it lies in memory
    return Port(name, tensor.name, found.shape, layout, found.dtype, batched=not found.bare)
