"""The state of one import, and how pending values become nodes of its graph."""

import dataclasses
import math

import numpy as np
import onnx

from accel.frontend import pieces, wide
from accel.frontend.onnx import layers, nearly
from accel.frontend.onnx.add import Effort
from accel.frontend.onnx.emit import BUILDERS
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.state import State
from accel.frontend.onnx.values import (
    Activation,
    Assembled,
    Extremes,
    Function,
    Input,
    Joined,
    Moved,
    Pending,
    Product,
    Same,
    Sums,
    Total,
    Window,
    flat,
    is_quantised,
    memory_shape,
    order_of,
    settled,
)
from accel.graph.ir import Node, Reshape, Table, Tensor
from accel.graph.ports import to_float, to_int8
from accel.quant import QuantError

#: Scales that differ by less are the same scale, written with other roundings.
SAME_SCALE = 1e-6


class Builder(State):
    """A State that quantises: what is pending becomes a node once its output's scale is known."""

    def __init__(self, file: str, graph: onnx.GraphProto, nodes: list[NodeView], opset: int,
                 exact: bool = False):
        super().__init__(file, graph, nodes, opset)
        self.exact = exact
        self._quantised = {}
        # Of their own, so that many products leave the additions theirs.
        self._sums_effort, self._products_effort = Effort(exact=exact), Effort(exact=exact)

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
        made = self.emit(pending, name, origin.scale, origin.zero_point, "float32", node)
        return dataclasses.replace(made, bare=pending.bare)

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
        elif isinstance(pending, Extremes):
            pending = self._two(pending, name, (scale, zero_point, dtype), node)
        elif isinstance(pending, Assembled):
            parts = tuple(
                self._alike(part, f"{name}/part{number}", scale, zero_point, dtype, node)
                for number, part in enumerate(pending.parts)
            )
            pending = dataclasses.replace(pending, parts=parts)
        elif isinstance(pending, Total):
            pending = dataclasses.replace(pending, effort=self._sums_effort)
        elif isinstance(pending, Product):
            pending = dataclasses.replace(pending, effort=self._products_effort)
        elif isinstance(pending, Sums):
            pending = self._split(pending, name, node)
            pending = dataclasses.replace(pending, effort=self._products_effort)
        return self._emit(pending, name, (scale, zero_point, dtype), node)

    def _two(self, pending: Extremes, name, quantisation, node) -> Extremes:
        """The largest of the last source and of all before it, which become nodes."""
        first, *rest = (
            self._alike(source, f"{name}_input{number}", *quantisation, node)
            for number, source in enumerate(pending.sources)
        )
        for number, source in enumerate(rest[:-1]):
            whole = layers.larger(node, first, source)
            both = Extremes(f"{pending.name}/{number}", first, whole.shape, whole.order,
                            sources=(first, source), largest=pending.largest)
            first = self._emit(both, f"{name}/{number}", quantisation, node)
        return dataclasses.replace(pending, source=first, sources=(first, rest[-1]))

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
            if result.dtype == "float32":  # in between: ONNX knows it as it knows the source
                result = dataclasses.replace(result, centred=pending.source.centred)
            if isinstance(pending, (Function, Product, Total, Extremes)):
                # Elements stay where they are.
                result = self._laid_out(result, _laid_out_as(pending))
            elif pending.laid:
                result = self._laid_out(result, pending.laid)
            self._check_near(pending, result, (lo, hi))
            if isinstance(pending, Moved):
                made = self._moved(pending, node_name, result, node)
            else:
                made = BUILDERS[type(pending)](pending, node_name, result, lo, hi)
            self.add_node(made, node)
            if isinstance(made, Table):
                self.tables[result.tensor.name] = pending.source, made.values
        except QuantError as error:
            raise node.error(str(error)) from None
        return result

    def _check_near(self, pending: Pending, result: Activation, clamp: tuple[int, int]) -> None:
        """Refuse what would be off ONNX Runtime's float32: if that is asked for, or by a step."""
        why = nearly.reason(pending, result, clamp)
        if why and self.exact:
            raise QuantError(f"to be exact it is not the machine's: {why}")
        if why and isinstance(pending, Sums):
            with np.errstate(over="ignore"):
                steps = pending.rounded * float((pending.unit / np.float32(result.scale)).max())
            if steps > 1:
                raise QuantError("biases and shifts are rounded to multiples of input scale times "
                                 "weight scale: that must be less than the output's scale, not "
                                 f"{steps:.4g} times as large")

    def _moved(self, pending: Moved, name, result: Activation, node) -> Node:
        """The last of the nodes that put pieces together; the others are added."""
        source = pending.source.tensor
        wanted = memory_shape(pending.source.shape, pending.source.order)
        if source.shape != wanted:  # a reshape lies as the tensor before it did
            source = self._another(source, wanted)
            self.add_node(Reshape(self.unique(f"{name}/image", source.name),
                                  pending.source.tensor.name, source.name), node)
        if pending.channels is not None:
            shape = (*wanted[:2], len(pending.channels))
            self.spend(node, np.broadcast_to(np.int8(0), (shape[2], wanted[2])))
            if pending.pieces == pieces.cut((0, 0, 0), shape):
                return pieces.reordered(name, source, result.tensor, pending.channels)
            given, source = source, self._another(source, shape)
            self.add_node(pieces.reordered(self.unique(f"{name}/channels", source.name), given,
                                           source, pending.channels), node)
        tensors, (*nodes, last) = pieces.nodes(name, source, result.tensor, pending.pieces,
                                               self.unused)
        for tensor in tensors:
            self.tensors[tensor.name] = tensor
        for made in nodes:
            self.add_node(dataclasses.replace(made, name=self.unique(made.name, made.output)), node)
        return last

    def _another(self, tensor: Tensor, shape) -> Tensor:
        """A new tensor quantised as another one, of another shape."""
        name = self.unused(f"{tensor.name}/moved")
        self.tensors[name] = dataclasses.replace(tensor, name=name, shape=shape)
        return self.tensors[name]

    def _split(self, pending: Sums, name, node) -> Sums:
        """Take weights that need 9 bits apart, over copies of the input."""
        weights, source = pending.weights, pending.source
        self.spend(node, weights)
        if wide.fits(weights):
            return dataclasses.replace(pending, weights=weights.astype(np.int8, order="C"))
        pieces = wide.parts(weights)
        copies = len(pieces)
        shape, order, laid = (copies * source.shape[0], *source.shape[1:]), None, None
        if pending.laid:
            shape = *source.shape[:-1], copies * source.shape[-1]
            order, laid = flat(shape), (*source.tensor.shape[:2], shape[-1])
        joined = Joined(f"{pending.name}/copies", source, shape, order or order_of(shape),
                        laid=laid, sources=copies * (source,))
        quantisation = source.tensor.scale, source.zero_point, source.dtype
        copied = self._emit(joined, f"{name}_copies", quantisation, node)
        if pending.groups == 1:
            return dataclasses.replace(pending, source=copied, weights=wide.beside(pieces))
        view = pending.window
        shape = wide.across_shape(weights.shape, copies, view.dilation[1])
        self.spend(node, np.broadcast_to(np.int8(0), shape))
        height, width, channels = source.tensor.shape
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
        """An activation, or what is pending, quantised as wanted."""
        if isinstance(source, Activation) and same_quantisation(source, scale, zero_point):
            return source
        return self.quantise(source, name, scale, zero_point, dtype, node)


def _laid_out_as(pending: Function | Product | Total | Extremes) -> tuple[int, int, int]:
    """The shape of the tensor of an element-wise operator's result."""
    others = getattr(pending, "sources", (pending.source, getattr(pending, "other", None)))
    shapes = [other.tensor.shape for other in others if other is not None]
    return max(shapes, key=lambda shape: shape[0] * shape[1])


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


def keeping(builder: Builder, node: NodeView, build, output: int = 0):
    """Apply an operator that keeps the quantisation, and so exists in both forms.

    Args:
        builder: the import.
        node: the operator.
        build: makes a pending value of the input.
        output: which of the node's outputs that is.
    """
    value = builder.value(node, 0)
    if is_quantised(value):
        pending = build(value)
        return builder.emit(pending, node.proto.output[output], value.scale, value.zero_point,
                            value.dtype, node)
    if isinstance(value, (Input, Pending)):
        return build(value)
    return build(builder.activation(node, 0, quantised=False))
