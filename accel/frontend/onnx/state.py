"""The state of one import: values by ONNX name; the graph's tensors, nodes and inputs so far."""

import collections
import dataclasses
import math

import numpy as np
import onnx

from accel.frontend.onnx import lines, pixels
from accel.frontend.onnx.nodes import TO_CHW, TURNED, NodeView, reshaped
from accel.frontend.onnx.stored import read_tensor
from accel.frontend.onnx.values import (
    Activation,
    Constant,
    Elsewhere,
    flat,
    memory_shape,
    order_of,
)
from accel.graph.check import check_node
from accel.graph.ir import GraphError, Node, Port, Tensor
from accel.quant import QuantError, check_scale

#: Operators that only pass on, quantise or reshape: an input's way to its first layer.
VIEWS = frozenset({
    "QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity",
    "Transpose", "Dropout",
})
#: Most nodes a network may grow to; it keeps hostile files cheap.
LARGEST_GRAPH = 10_000
#: What arrays made of stored data may take: this, and so many times the graph's own size.
SPARE_BYTES, COPIES = 1 << 26, 16


class State:
    """Tensors, nodes and ports, collected while handlers walk the ONNX nodes in order.

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
        self._numbers = collections.Counter()
        self._users = collections.defaultdict(list)
        self._makers = {name: node for node in nodes for name in node.proto.output}
        for node in nodes:
            for name in set(node.proto.input):
                self._users[name].append(node)

    def users(self, name: str) -> list[NodeView]:
        """The nodes that read a value."""
        return self._users.get(name, [])

    def maker(self, name: str) -> NodeView | None:
        """The node that computes a value."""
        return self._makers.get(name)

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
        """Append to the graph what the machine can do: what it cannot, ends with the host."""
        view.require(len(self.nodes) < LARGEST_GRAPH,
                     f"the network must have at most {LARGEST_GRAPH} nodes", "more")
        try:
            check_node(self.tensors, node)
        except GraphError as error:
            raise view.error(str(error)) from None
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
        else:  # a vector's layouts are one; an image's sizes may agree by chance
            vector = tuple(port_shape) == value.tensor.shape == (1, 1, value.tensor.size)
            layout = "HWC" if vector else "N"
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
        alone = len(self._users[name]) == 1 and len(shape) == 3 and not turned
        if alone and pixels.leads_to_layer(self, name, (1, *shape)):
            return (shape[2], *shape[:2]), True
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
                full = reshaped(user, (1, *shape), lambda n, user=user: self.constant(user, n))
                if full[0] != 1:
                    break  # a list of pixels
                longer = tuple(full[1:])
                if len(longer) > 3 == len(shape):
                    break  # an image that a chain of Reshapes and Transposes may shuffle
                shape = longer
            elif user.op == "Transpose":
                if turned or user.permutation(1 + len(shape)) not in (TO_CHW, TURNED):
                    break
                shape, turned = (shape[-1], *shape[:-1]), True
            name = user.proto.output[0]
        if len(shape) == 2 and (turned or any(lines.wants(one, name) for one in self.users(name))):
            shape = shape[0], 1, shape[1]
        return shape, turned
