"""The state of one import: values by ONNX name, and the graph that grows from them."""

import collections
import dataclasses
import math

import numpy as np
import onnx

from accel.frontend import wide
from accel.frontend.errors import ModelError
from accel.frontend.onnx.add import Effort
from accel.frontend.onnx.emit import BUILDERS
from accel.frontend.onnx.nodes import TO_CHW, NodeView, new_shape
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Elsewhere,
    Function,
    Input,
    Joined,
    Pending,
    Same,
    Sums,
    Total,
    Window,
    flat,
    memory_shape,
    order_of,
    settled,
)
from accel.graph.ir import Node, Port, Reshape, Table, Tensor
from accel.graph.ports import to_float, to_int8
from accel.quant import QuantError, check_scale

#: Operators that only pass on, quantise or reshape: an input's way to its first layer.
VIEWS = frozenset({
    "QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity",
    "Transpose", "Dropout",
})
#: Scales that differ by less are the same scale, written with other roundings.
SAME_SCALE = 1e-6
#: Most nodes a network may grow to; it keeps hostile files cheap.
LARGEST_GRAPH = 10_000
#: What arrays made of stored data may take: this, and so many times the graph's own size.
SPARE_BYTES, COPIES = 1 << 26, 16
#: Most elements of a stored tensor.
LARGEST_STORED = 1 << 29


class Builder:
    """Collects tensors, nodes and ports while handlers walk the ONNX nodes in order.

    Attributes:
        file: for error messages.
        opset: version of ONNX's own operators.
        values: what each ONNX value that was computed so far stands for.
        initializers: constants not yet converted, by name.
        stored: names of all initializers.
        tensors: the graph's tensors so far, by name.
        nodes: the graph's nodes so far.
        inputs: the graph's input ports so far.
        tables: for each tensor that is a table of another one, that one and the int8 [256].
        input_shapes: shapes (without batch) of the network's inputs as ONNX has them.
    """

    def __init__(self, file: str, graph: onnx.GraphProto, nodes: list[NodeView], opset: int):
        self.file, self.opset = file, opset
        self._budget = SPARE_BYTES + COPIES * graph.ByteSize()
        self.values = {}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.stored = frozenset(self.initializers)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[Port] = []
        self.tables: dict[str, tuple[Activation, np.ndarray]] = {}
        self.input_shapes = {}
        self._names = set()
        self._quantised = {}
        self._numbers = collections.Counter()
        self._effort = Effort()
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
        if isinstance(self.values[name], Elsewhere):
            raise node.error(f"its input {name!r} is computed on the host")
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
                "DequantizeLinear are missing here; `accel quantize` puts them everywhere)"
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
        values, what = array.astype(np.float64).ravel(), f"scale {node.proto.input[number]!r}"
        for value in values[~(np.isfinite(values) & (values > 0))][:1]:
            try:
                check_scale(value, what)
            except QuantError as error:
                raise node.error(str(error)) from None
        limits = np.finfo(np.float32)
        for value in values[(values < limits.tiny) | (values > limits.max)][:1]:
            raise node.error(f"{what} must be a normal float32, not {value}")
        return values

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
        def title(value: int, kind: str) -> str:
            return f"{kind} {value + (128 if kind == 'uint8' else 0)}"

        node.require((source.zero_point, source.dtype) == (zero_point, dtype),
                     f"input zero point must be {title(source.zero_point, source.dtype)} as where "
                     "the input was quantised", title(zero_point, dtype))

    def spend(self, node: NodeView, array: np.ndarray) -> None:
        """Count an array made of stored data; a file that copies its own too often is refused."""
        self._budget -= array.nbytes
        node.require(self._budget >= 0, "stored data must not be used this often",
                     f"for {array.nbytes} bytes once more")

    # -- growing the graph

    def unique(self, name: str, output: str) -> str:
        """``name``, made different from all earlier node names."""
        for candidate in (name, f"{name}/{output}"):
            if candidate not in self._names:
                break
        else:
            candidate = self._numbered(candidate, self._names)
        self._names.add(candidate)
        return candidate

    def _numbered(self, name: str, taken) -> str:
        """``name`` with the first number from 2 on that makes it new."""
        while True:
            self._numbers[name] += 1
            candidate = f"{name}/{self._numbers[name] + 1}"
            if candidate not in taken:
                return candidate

    def add_tensor(self, name, shape, order, scale, zero_point, dtype, stored="int8") -> Activation:
        """Create a tensor; ``dtype`` is how ONNX sees it, ``stored`` how the graph does."""
        name = self.unused(name)
        tensor = Tensor(name, memory_shape(shape, order), float(scale), int(zero_point), stored)
        self.tensors[name] = tensor
        return Activation(tensor, shape, order, float(scale), dtype, dtype == "uint8")

    def unused(self, name: str) -> str:
        """A tensor's name, made different from others: one float value may be quantised twice."""
        return self._numbered(name, self.tensors) if name in self.tensors else name

    def _laid_out(self, value: Activation, shape) -> Activation:
        """The same new value, in a tensor of this shape."""
        tensor = dataclasses.replace(value.tensor, shape=shape)
        self.tensors[tensor.name] = tensor
        return dataclasses.replace(value, tensor=tensor)

    def add_node(self, node: Node, view: NodeView) -> None:
        """Append to the graph."""
        view.require(len(self.nodes) < LARGEST_GRAPH,
                     f"the network must have at most {LARGEST_GRAPH} nodes", "more")
        self.nodes.append(node)

    def add_input(self, port, shape, name, scale, zero_point, dtype, port_dtype,
                  hwc=False) -> Activation:
        """Create an input's tensor and its port.

        ``port`` is (name, shape) as the user knows it, ``hwc`` whether that is pixel by pixel;
        ``shape`` is what ONNX calls the tensor ``name``.  The tensor lies in memory as the first
        layer that uses it wants it.
        """
        target, turned = self._final_shape(name, shape, hwc)
        order = order_of(target)
        value = self.add_tensor(name, target, order, scale, zero_point, dtype)
        port_name, port_shape = port
        planes = target if len(target) == 3 else (math.prod(target), 1, 1)
        if turned:
            layout = "HWC"
        elif tuple(port_shape) == planes:
            layout = "CHW"
        else:
            layout = "HWC" if tuple(port_shape) == value.tensor.shape else "N"
        self.inputs.append(Port(port_name, value.tensor.name, tuple(port_shape), layout,
                                port_dtype))
        order = flat(shape) if turned and not hwc else order
        return dataclasses.replace(value, shape=shape, order=order)

    def _final_shape(self, name, shape, turned):
        """Shape that a chain of views, each the only user, finally gives a value.

        Args:
            name: of the value.
            shape: of the value.
            turned: whether a Transpose from HWC to CHW came before; what is behind one is an
                image, and stays so.

        Returns:
            The shape, and whether such a Transpose is in front of or within the chain.
        """
        seen = set()
        while len(self._users[name]) == 1 and name not in seen:
            seen.add(name)
            (user,) = self._users[name]
            if user.attributes.get("channels_last") and len(shape) == 3 and not turned:
                return (shape[2], *shape[:2]), True
            if user.op not in VIEWS or user.proto.input[0] != name or not user.proto.output:
                break
            if user.op in ("Reshape", "Flatten", "Squeeze", "Unsqueeze"):
                if turned:
                    break
                shape = new_shape(user, shape, lambda n, user=user: self.constant(user, n))
            elif user.op == "Transpose":
                if turned or len(shape) != 3 or user.permutation(4) != TO_CHW:
                    break
                shape, turned = (shape[2], *shape[:2]), True
            name = user.proto.output[0]
        return shape, turned

    def quantise(self, value, name, scale, zero_point, dtype, node) -> Activation:
        """Quantise a value; quantised in the same way before, it is that activation.

        Args:
            value: a float input, what is pending, or an activation in float.
            name: of the result in the file.
            scale: of the result, as are ``zero_point`` (re-centred) and ``dtype``.
            zero_point: see ``scale``.
            dtype: see ``scale``.
            node: for errors.
        """
        same = id(value) if isinstance(value, Pending) else value
        key = same, np.float32(scale).item(), zero_point, dtype
        if key not in self._quantised:
            if isinstance(value, Input):
                made = self.quantise_input(value, name, scale, zero_point, dtype)
            else:
                pending = value if isinstance(value, Pending) else requantised(node, value)
                made = self.emit(pending, name, scale, zero_point, dtype, node)
            self._quantised[key] = value, made  # with the value, lest another gets its id
        return self._quantised[key][1]

    def quantise_input(self, value: Input, name, scale, zero_point, dtype) -> Activation:
        """Create the tensor of a float input that is quantised like this."""
        port = (value.name, self.input_shapes[value.name])
        return self.add_input(port, value.shape, name, scale, zero_point, dtype, "float32",
                              value.hwc)

    def settle(self, pending: Pending, name, node) -> Activation:
        """Emit a pooling, reshape or clamp of an activation, quantised as that is."""
        origin = settled(pending)
        return self.emit(pending, name, origin.scale, origin.zero_point, "float32", node)

    def emit(self, pending: Pending, name, scale, zero_point, dtype, node) -> Activation:
        """Add the node that computes ``pending`` with the given output quantisation."""
        if isinstance(pending, Same):
            source = self._source(pending.source, pending.via, scale, zero_point, dtype, node)
            if not same_quantisation(source, scale, zero_point):
                value = self.emit(dataclasses.replace(pending, source=source), f"{name}_input",
                                  source.scale, source.zero_point, "float32", node)
                return self.emit(requantised(node, value), name, scale, zero_point, dtype, node)
            pending = dataclasses.replace(pending, source=source)
        elif isinstance(pending, Joined):
            sources = tuple(
                self._alike(source, f"{name}_input{number}", scale, zero_point, dtype, node)
                for number, source in enumerate(pending.sources)
            )
            pending = dataclasses.replace(pending, sources=sources)
        elif isinstance(pending, Total):
            pending = dataclasses.replace(pending, effort=self._effort)
        elif isinstance(pending, Sums):
            pending = self._split(pending, name, node)
        return self._emit(pending, name, (scale, zero_point, dtype), node)

    def emit_float(self, pending: Pending, name, node) -> Activation:
        """Add a node of the host whose output stays float32."""
        return self._emit(pending, name, (1.0, 0, "float32", "float32"), node)

    def _emit(self, pending: Pending, name, quantisation, node) -> Activation:
        scale, zero_point = quantisation[:2]
        try:
            with np.errstate(over="ignore"):  # a bound too large for float32 is none
                lo, hi = (int(to_int8(bound, scale, zero_point))
                          for bound in (pending.lo, pending.hi))
            node_name = self.unique(pending.name, name)
            result = self.add_tensor(name, pending.shape, pending.order, *quantisation)
            if isinstance(pending, (Function, Total)):  # elements stay where they are
                result = self._laid_out(result, pending.source.tensor.shape)
            made = BUILDERS[type(pending)](pending, node_name, result, lo, hi)
            self.add_node(made, node)
            if isinstance(made, Table):
                self.tables[result.tensor.name] = pending.source, made.values
        except QuantError as error:
            raise node.error(str(error)) from None
        return result

    def _split(self, pending: Sums, name, node) -> Sums:
        """Take weights that need 9 bits apart, over copies of the input."""
        weights, source = pending.weights, pending.source
        self.spend(node, weights)
        if wide.fits(weights):
            return dataclasses.replace(pending, weights=weights.astype(np.int8, order="C"))
        pieces = wide.parts(weights)
        copies = len(pieces)
        shape = (copies * source.shape[0], *source.shape[1:])
        joined = Joined(f"{pending.name}/copies", source, shape, order_of(shape),
                        sources=copies * (source,))
        quantisation = source.tensor.scale, source.zero_point, source.dtype
        copied = self._emit(joined, f"{name}_copies", quantisation, node)
        if pending.groups == 1:
            return dataclasses.replace(pending, source=copied, weights=wide.beside(pieces))
        view = pending.window
        shape = wide.across_shape(weights.shape, copies, view.dilation[1])
        self.spend(node, np.broadcast_to(np.int8(0), shape))
        channels, height, width = source.shape
        shape = (channels, height, copies * width)
        rows = self.add_tensor(f"{name}_row", shape, order_of(shape), *quantisation)
        self.add_node(Reshape(self.unique(f"{pending.name}/row", name), copied.tensor.name,
                              rows.tensor.name), node)
        top, left, bottom, right = view.padding
        weights = wide.across(pieces, view.dilation[1])
        view = Window(weights.shape[1:3], (view.stride[0], copies * view.stride[1]),
                      (top, copies * left, bottom, copies * right), (view.dilation[0], 1))
        return dataclasses.replace(pending, source=rows, weights=weights, window=view)

    def _source(self, source, via, scale, zero_point, dtype, node) -> Activation:
        """What a pooling or reshape reads, quantised as wanted or as it is already."""
        if not isinstance(source, Input) and settled(source):
            return self.settle(source, via, node) if isinstance(source, Pending) else source
        return self.quantise(source, via, scale, zero_point, dtype, node)

    def _alike(self, source, name, scale, zero_point, dtype, node) -> Activation:
        """An activation or function of one, quantised as wanted."""
        if isinstance(source, Activation) and same_quantisation(source, scale, zero_point):
            return source
        return self.quantise(source, name, scale, zero_point, dtype, node)


def same_quantisation(value: Activation, scale, zero_point) -> bool:
    """Whether a value's bytes mean the same under this quantisation."""
    return value.zero_point == zero_point and math.isclose(value.scale, scale, rel_tol=SAME_SCALE)


def real_values(value: Activation) -> np.ndarray:
    """float32 [256]: what each byte (plus 128) of an activation stands for."""
    return to_float(np.arange(-128, 128), value.scale, value.zero_point)


def requantised(node: NodeView, value: Activation) -> Function:
    """The same value, to be quantised anew."""
    return Function(node.name, value, value.shape, value.order, op="requantise",
                    real=real_values(value))


def check_stored(file: str, tensor: onnx.TensorProto) -> None:
    """Refuse data that lie elsewhere or do not fill the dimensions, before anyone asks for them."""
    where = f"{file}: initializer {tensor.name!r}"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(f"{where}: data must lie in the file itself, not in another one")
    size = math.prod(tensor.dims)
    if size > LARGEST_STORED or any(dim < 0 for dim in tensor.dims):
        raise ModelError(f"{where}: dimensions must hold at most {LARGEST_STORED} elements, "
                         f"not {list(tensor.dims)[:8]}")


def read_tensor(file: str, tensor: onnx.TensorProto) -> np.ndarray:
    """Convert an ONNX tensor, refusing one whose data do not fit its dimensions."""
    check_stored(file, tensor)
    try:
        array = onnx.numpy_helper.to_array(tensor)
        if array.shape != tuple(tensor.dims):
            raise ValueError(f"{array.shape}")
    except (ValueError, TypeError, KeyError, RuntimeError, OSError, MemoryError,
            OverflowError) as error:
        raise ModelError(
            f"{file}: initializer {tensor.name!r}: data must fit its dimensions "
            f"{list(tensor.dims)} and type {tensor.data_type}, not: {error}"
        ) from None
    return array
