"""The state of one import: values by ONNX name, and the graph that grows from them."""

import collections
import dataclasses
import math

import numpy as np
import onnx

from accel.frontend.errors import ModelError
from accel.frontend.onnx_nodes import NodeView, new_shape
from accel.frontend.onnx_values import (
    Activation,
    Constant,
    Input,
    Mean,
    Pending,
    Same,
    Sums,
    Window,
    memory_shape,
    order_of,
    settled,
)
from accel.graph.ir import (
    AveragePool,
    Conv,
    MaxPool,
    Node,
    Port,
    Requant,
    Reshape,
    Tensor,
)
from accel.isa import Rounding
from accel.quant import QuantError, check_scale, quantize_multiplier, quantize_multipliers

#: Operators that only pass on, quantise or reshape: an input's way to its first layer.
VIEWS = frozenset({
    "QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity",
})
#: Scales that differ by less are the same scale, written with other roundings.
SAME_SCALE = 1e-6


class Builder:
    """Collects tensors, nodes and ports while handlers walk the ONNX nodes in order.

    Attributes:
        file: for error messages.
        values: what each ONNX value that was computed so far stands for.
        initializers: constants not yet converted, by name.
        stored: names of all initializers.
        tensors: the graph's tensors so far, by name.
        nodes: the graph's nodes so far.
        inputs: the graph's input ports so far.
        input_shapes: shapes (without batch) of the network's inputs as ONNX has them.
    """

    def __init__(self, file: str, graph: onnx.GraphProto, nodes: list[NodeView]):
        self.file = file
        self.values = {}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.stored = frozenset(self.initializers)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[Port] = []
        self.input_shapes = {}
        self._names = set()
        self._users = collections.defaultdict(list)
        for node in nodes:
            for name in set(node.proto.input):
                self._users[name].append(node)

    # -- reading a node's inputs

    def has(self, node: NodeView, number: int) -> bool:
        """Whether an optional input is there."""
        return len(node.proto.input) > number and node.proto.input[number] != ""

    def value(self, node: NodeView, number: int):
        """What input ``number`` of a node stands for."""
        node.require(self.has(node, number), f"input {number} must be given", "left out")
        name = node.proto.input[number]
        if name in self.initializers:
            self.values[name] = Constant(read_tensor(self.file, self.initializers.pop(name)))
        if name not in self.values:
            raise node.error(f"input {name!r} must be computed or stored, not missing")
        return self.values[name]

    def constant(self, node: NodeView, number: int) -> np.ndarray | None:
        """The array of a constant input, or None if it is left out."""
        if not self.has(node, number):
            return None
        value = self.value(node, number)
        node.require(isinstance(value, Constant),
                     f"input {node.proto.input[number]!r} must be a constant", "computed")
        return value.array

    def activation(self, node: NodeView, number: int, quantised: bool) -> Activation:
        """An activation: int8 or uint8 if ``quantised``, else float (dequantised)."""
        value = self.value(node, number)
        name = node.proto.input[number]
        if isinstance(value, Pending) and settled(value):
            value = self.values[name] = self.settle(value, name, node)
        if isinstance(value, (Input, Pending)):
            raise node.error(
                f"input {name!r} is float: quantise the whole model (a QuantizeLinear and a "
                "DequantizeLinear are missing here)"
            )
        node.require(isinstance(value, Activation), f"input {name!r} must be an activation",
                     "a constant")
        node.require((value.dtype == "float32") != quantised,
                     f"input {name!r} must be {'int8 or uint8' if quantised else 'dequantised'}",
                     value.dtype)
        return value

    def scale(self, node: NodeView, number: int) -> float:
        """A per-tensor scale."""
        array = self.scales(node, number)
        node.require(array.size == 1, f"scale {node.proto.input[number]!r} must be one number",
                     f"{array.size} numbers")
        return float(array[0])

    def scales(self, node: NodeView, number: int) -> np.ndarray:
        """A flat float64 array of scales, all positive and finite."""
        array = self.constant(node, number)
        node.require(array is not None and array.dtype.kind == "f" and array.size > 0,
                     f"scale (input {number}) must be a float constant",
                     "missing" if array is None else f"{array.dtype} {list(array.shape)}")
        for value in array.ravel():
            try:
                check_scale(value, f"scale {node.proto.input[number]!r}")
            except QuantError as error:
                raise node.error(str(error)) from None
        return array.astype(np.float64).ravel()

    def zero_point(self, node: NodeView, number: int, dtype=np.uint8) -> tuple[int, str]:
        """A per-tensor zero point, re-centred to int8, and the activation's dtype."""
        array = self.constant(node, number)
        array = np.zeros((), dtype) if array is None else array
        node.require(array.size == 1 and array.dtype in (np.int8, np.uint8),
                     "zero point must be one int8 or uint8", f"{array.dtype} {list(array.shape)}")
        value = int(array.ravel()[0])
        return (value - 128, "uint8") if array.dtype == np.uint8 else (value, "int8")

    def check_same(self, node: NodeView, source: Activation, zero_point: int, dtype: str) -> None:
        """Refuse an input that is read with another zero point or dtype than it was written."""
        node.require((source.zero_point, source.dtype) == (zero_point, dtype),
                     f"input zero point must be {source.zero_point} (centred), "
                     f"{source.dtype}, as its producer's", f"{zero_point}, {dtype}")

    # -- growing the graph

    def unique(self, name: str, output: str) -> str:
        """``name``, made different from all earlier node names."""
        for candidate in (name, f"{name}/{output}"):
            if candidate not in self._names:
                break
        number = 2
        while candidate in self._names:
            candidate, number = f"{name}/{output}/{number}", number + 1
        self._names.add(candidate)
        return candidate

    def add_tensor(self, name, shape, order, scale, zero_point, dtype) -> Activation:
        """Create a tensor."""
        original, number = name, 2
        while name in self.tensors:  # two ways of quantising one float value
            name, number = f"{original}/{number}", number + 1
        tensor = Tensor(name, memory_shape(shape, order), float(scale), int(zero_point))
        self.tensors[name] = tensor
        return Activation(tensor, shape, order, float(scale), dtype)

    def add_input(self, port, shape, name, scale, zero_point, dtype, port_dtype) -> Activation:
        """Create an input's tensor and its port.

        ``port`` is (name, shape) as the user knows it; ``shape`` what ONNX calls the tensor
        ``name``.  The tensor lies in memory as the first layer that uses it wants it.
        """
        target = self._final_shape(name, shape)
        order = order_of(target)
        value = self.add_tensor(name, target, order, scale, zero_point, dtype)
        port_name, port_shape = port
        planes = target if len(target) == 3 else (math.prod(target), 1, 1)
        if tuple(port_shape) == planes:
            layout = "CHW"
        else:
            layout = "HWC" if tuple(port_shape) == value.tensor.shape else "N"
        self.inputs.append(Port(port_name, value.tensor.name, tuple(port_shape), layout,
                                port_dtype))
        return Activation(value.tensor, shape, order, value.scale, dtype)

    def _final_shape(self, name, shape):
        """Shape that a chain of reshapes, each the only user, finally gives a value."""
        seen = set()
        while len(self._users[name]) == 1 and name not in seen:
            seen.add(name)
            (user,) = self._users[name]
            if user.op not in VIEWS or user.proto.input[0] != name or not user.proto.output:
                break
            if user.op in ("Reshape", "Flatten", "Squeeze", "Unsqueeze"):
                shape = new_shape(user, shape, lambda n, user=user: self.constant(user, n))
            name = user.proto.output[0]
        return shape

    def quantise_input(self, value: Input, name, scale, zero_point, dtype) -> Activation:
        """Create the tensor of a float input that is quantised like this."""
        port = (value.name, self.input_shapes[value.name])
        return self.add_input(port, value.shape, name, scale, zero_point, dtype, "float32")

    def settle(self, pending: Pending, name, node) -> Activation:
        """Emit a pooling, reshape or clamp of an activation, quantised as that is."""
        origin = settled(pending)
        return self.emit(pending, name, origin.scale, origin.zero_point, "float32", node)

    def emit(self, pending: Pending, name, scale, zero_point, dtype, node) -> Activation:
        """Add the node that computes ``pending`` with the given output quantisation."""
        if isinstance(pending, Same):
            source, via = pending.source, pending.via
            if isinstance(source, Input):
                source = self.quantise_input(source, via, scale, zero_point, "float32")
            elif settled(source):
                source = self.settle(source, via, node) if isinstance(source, Pending) else source
            else:
                source = self.emit(source, via, scale, zero_point, "float32", node)
            pending = dataclasses.replace(pending, source=source)
            if source.zero_point != zero_point or not math.isclose(
                source.scale, scale, rel_tol=SAME_SCALE
            ):
                value = self.settle(pending, f"{name}_input", node)
                return self.emit(identity_sums(node, value), name, scale, zero_point, dtype, node)
        try:
            build = _BUILDERS[type(pending)]
            lo, hi = (
                int(np.clip(np.rint(bound / scale) + zero_point, -128, 127))
                for bound in (pending.lo, pending.hi)
            )
            node_name = self.unique(pending.name, name)
            result = self.add_tensor(name, pending.shape, pending.order, scale, zero_point, dtype)
            self.nodes.append(build(pending, node_name, result, lo, hi))
        except QuantError as error:
            raise node.error(str(error)) from None
        return result


def read_tensor(file: str, tensor: onnx.TensorProto) -> np.ndarray:
    """Convert an ONNX tensor, refusing one whose data do not fit its dimensions."""
    try:
        array = onnx.numpy_helper.to_array(tensor)
        if array.shape != tuple(tensor.dims):
            raise ValueError(f"{array.shape}")
    except (ValueError, TypeError, RuntimeError, OSError, MemoryError, OverflowError) as error:
        raise ModelError(
            f"{file}: initializer {tensor.name!r}: data must fit its dimensions "
            f"{list(tensor.dims)} and type {tensor.data_type}, not: {error}"
        ) from None
    return array


def identity_sums(node: NodeView, source: Activation, bias=None) -> Sums:
    """A 1x1 depthwise convolution: passes channels on, to requantise, clamp or add a constant.

    Its weight is 64, so that a bias resolves 1/64 of the input's scale.
    """
    channels = source.tensor.shape[2]
    unit = np.full(channels, source.scale / 64)
    whole = np.zeros(channels, np.int64)
    if bias is not None:
        whole = np.rint(bias / unit).astype(np.int64)
    weights = np.full((channels, 1, 1, 1), 64, np.int8)
    return Sums(node.name, source, source.shape, source.order, op="conv2d", weights=weights,
                bias=whole, unit=unit, window=Window((1, 1)), groups=channels)


def _build_sums(pending: Sums, name, result: Activation, lo, hi) -> Node:
    limit = (1 << 31) - 1
    for value in pending.bias[abs(pending.bias) > limit][:1]:
        raise QuantError(f"bias must fit int32 in multiples of its scale, not {value}")
    multiplier, shift = quantize_multipliers(pending.unit / result.scale)
    requant = Requant(multiplier, shift, result.zero_point, lo, hi, Rounding.SINGLE)
    view = pending.window
    return Conv(
        name, pending.op, pending.source.tensor.name, result.tensor.name, pending.weights,
        pending.bias.astype(np.int32), requant, view.stride, view.padding, view.dilation,
        pending.groups,
    )


def _build_mean(pending: Mean, name, result: Activation, lo, hi) -> Node:
    if (lo, hi) != (-128, 127):
        raise QuantError(f"an average must be quantised before it is clamped, not to {lo} to {hi}")
    table = {
        count: quantize_multiplier(pending.source.scale / result.scale / divisor)
        for count, divisor in pending.divisors.items()
    }
    view = pending.window
    return AveragePool(
        name, pending.source.tensor.name, result.tensor.name, view.kernel, view.stride,
        view.padding, table, result.zero_point, Rounding.SINGLE,
    )


def _build_same(pending: Same, name, result: Activation, lo, hi) -> Node:
    source = pending.source.tensor.name
    if pending.window is None:
        return Reshape(name, source, result.tensor.name)
    view = pending.window
    return MaxPool(name, source, result.tensor.name, view.kernel, view.stride, view.padding)


_BUILDERS = {Sums: _build_sums, Mean: _build_mean, Same: _build_same}
