"""The host's parts of an ONNX network: what the machine does not compute, cut out as models.

A node that no handler takes is *claimed*: what it computes is ``Elsewhere``, and so is what is
computed from that, until a value comes that the machine can go on with, an int8 or uint8 tensor, or
the network's end.  Then all that leads there from the last values known in memory becomes one part:
a model of its own, whose inputs and outputs are tensors of the graph.  Parts that need not wait for
the machine in between are one.
"""

import dataclasses
import math

import numpy as np
import onnx

from accel.frontend.errors import ModelError
from accel.frontend.onnx import facts as about
from accel.frontend.onnx import pixels, searching
from accel.frontend.onnx.build import Builder
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.ports import found_scale, port_of
from accel.frontend.onnx.values import Activation, Elsewhere, Input, is_quantised, order_of
from accel.frontend.parts import Cutter, Part
from accel.graph.ir import External, Port, Tensor

#: Operators with subgraphs or state, which are parts of no static network.
REFUSED = {
    "If": "control flow", "Loop": "control flow", "Scan": "control flow",
    "LSTM": "a recurrent state", "GRU": "a recurrent state", "RNN": "a recurrent state",
    "RandomNormal": "random numbers", "RandomNormalLike": "random numbers",
    "RandomUniform": "random numbers", "RandomUniformLike": "random numbers",
    "Bernoulli": "random numbers", "Multinomial": "random numbers",
    "RegexFullMatch": "texts", "StringConcat": "texts", "StringNormalizer": "texts",
    "StringSplit": "texts",
}  # fmt: skip
#: What a part's name leaves out: conversions at its ends, and what only moves elements.
_PLAIN = frozenset({"QuantizeLinear", "DequantizeLinear", "Constant", "Identity", "Cast", "Reshape",
                    "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Shape"})  # fmt: skip


class Parts(Cutter):
    """Collects the host's parts of one import.

    Parameters:
        builder: the import.
        model: the file.
        nodes: its nodes, in order.
    """

    def __init__(self, builder: Builder, model: onnx.ModelProto, nodes: list[NodeView]):
        self._builder, self._model, self._nodes = builder, model, nodes
        self._facts = about.Facts(builder.file, model)
        super().__init__(builder.nodes, {name: number for number, node in enumerate(nodes)
                                         for name in node.proto.output if name})
        self._inputs = {value.name for value in model.graph.input}
        self._constant = self._constants()
        self._reasons: dict[int, str] = {}
        self._read: dict[str, Port] = {}  # network inputs that parts read

    def claim(self, number: int, reason: str) -> None:
        """Give the host a node; what it makes in int8 or uint8, the machine may go on with."""
        node = self._nodes[number]
        if node.op in REFUSED:
            raise node.error(f"a network with {REFUSED[node.op]} is not a static one: export it "
                             "without (unrolled, or for one case)")
        self._reasons[number] = reason
        for name in filter(None, node.proto.output):
            self._builder.values[name] = Elsewhere(name, node.name)
        for name in filter(None, node.proto.output):
            try:
                quantisation = self._quantisation(node, name)
            except ModelError as error:
                text = str(error).removeprefix(f"{self._builder.file}: ")
                raise node.error(f"{reason}, and the host cannot: {text}") from None
            if quantisation:
                self._builder.values[name] = self._write_bytes(name, *quantisation)

    def output(self, value: onnx.ValueInfoProto) -> Port:
        """The port of a network output that the host computes."""
        return dataclasses.replace(self.write_values(value.name), name=value.name)

    def finish(self, outputs) -> None:
        """Put the finished parts into the graph, without what none of its ``outputs`` needs."""
        builder, needed = self._builder, self.finished(outputs, self._external)
        order = [value.name for value in self._model.graph.input]
        builder.inputs[:] = sorted((port for port in builder.inputs if port.tensor in needed),
                                   key=lambda port: order.index(port.name))

    # -- claiming

    def _constants(self) -> set[str]:
        """Names of values that follow from stored ones alone."""
        known = {tensor.name for tensor in self._model.graph.initializer} | {""}
        for node in self._nodes:
            if known.issuperset(node.proto.input):
                known.update(node.proto.output)
        return known

    def _quantisation(self, node: NodeView, name: str):
        """Scale, zero point and type of bytes that the machine can go on with, if they are."""
        if name in self._constant or self._facts.dtype(name) not in (np.int8, np.uint8):
            return None
        _, dims = self._facts.of(name)
        self._check_filled(name, dims)
        if len(dims) < 2 or dims[0] != 1 and not self._are_pixels(name):
            return None
        dtype = str(self._facts.dtype(name))
        try:
            if node.op == "QuantizeLinear":
                scale = self._builder.scale(node, 1)
                return scale, *self._builder.zero_point(node, 2, np.dtype(dtype))
            return *found_scale(self._builder, name, dtype, self._nodes), dtype
        except ModelError:
            return None

    def _write_bytes(self, name: str, scale, zero_point, dtype) -> Activation:
        dims, builder = self._facts.of(name)[1], self._builder
        bare = dims[0] != 1
        shape = tuple(dims if bare else dims[1:])
        if len(shape) > 1 and self._are_pixels(name):
            value = pixels.made(builder, name, shape, (scale, zero_point, dtype), bare)
            layout = "HWC"
        else:
            value = builder.add_tensor(name, shape, order_of(shape), scale, zero_point, dtype)
            layout = "CHW" if len(shape) == 3 and order_of(shape) != (1, math.prod(shape)) else "N"
        self.write(name, Port(name, value.tensor.name, shape, layout, dtype, batched=not bare))
        return value

    def _are_pixels(self, name: str) -> bool:
        """Whether a layer reads a value as channels of many pixels."""
        return pixels.leads_to_layer(self._builder, name, self._facts.of(name)[1])

    def _host_port(self, name: str) -> Port:
        finding = None if self._facts.follows(name) else searching.finding(
            name, self._nodes, self._maker, self._constant)
        if finding:
            raise finding.error(
                f"how much it finds, and so the size of {name!r}, depends on the image: end the "
                "network before it (onnx.utils.extract_model does that) and compute the rest from "
                "the outputs that it has then"
            )
        dtype, dims = self._facts.of(name)
        batched = len(dims) > 0 and dims[0] == 1
        shape = tuple(dims[1:] if batched else dims)
        self._check_filled(name, dims)
        tensor = self._builder.unused(name)
        self._builder.tensors[tensor] = Tensor(tensor, (1, 1, math.prod(shape)), 1.0, 0, str(dtype))
        return Port(name, tensor, shape, "N", str(dtype), batched=batched)

    def _check_filled(self, name: str, dims) -> None:
        if not math.prod(dims):
            raise ModelError(f"{self._builder.file}: value {name!r}: must not be empty, {dims}")

    # -- cutting

    def _sources(self, number: int) -> set[str]:
        return searching.sources(self._nodes[number].proto) - self._builder.stored

    def _repeats(self, number: int) -> bool:
        return self._nodes[number].op == "DequantizeLinear"

    def _outside(self, key: str) -> bool:
        return key in self._inputs

    def _copied(self, key: str) -> bool:
        return key in self._constant

    def _tensor(self, key: str) -> str | None:
        value = self._builder.values.get(key)
        return value.tensor.name if is_quantised(value) else None

    def _known_port(self, key: str) -> Port:
        value = self._builder.values.get(key)
        if self._tensor(key) is not None:
            return port_of(self._builder, key, value)
        if key not in self._read:
            port = self._host_port(key)
            if not isinstance(value, (Input, Elsewhere)):
                raise ModelError(f"{self._builder.file}: input {key!r}: must be a tensor")
            self._builder.inputs.append(port)
            self._read[key] = port
        return self._read[key]

    # -- making models

    def _external(self, part: Part, needed: set[str]) -> External:
        writes = tuple(port for port in part.writes.values() if port.tensor in needed)
        numbers = sorted(part.nodes)
        views = [self._nodes[number] for number in numbers]
        main = [view for view in views if view.op not in _PLAIN] or views
        name = main[0].name if len(main) == 1 else f"{main[0].name} .. {main[-1].name}"
        op = main[0].op.lower() if len(main) == 1 else f"host ({len(main)} operators)"
        reason = next((self._reasons[n] for n in numbers if n in self._reasons), "")
        return External(
            self._builder.unique(name, writes[0].name), op, tuple(part.reads.values()), writes,
            "onnxruntime", self._model_of(part, views, writes),
            sum(about.macs(view.proto, self._facts) for view in views), reason,
        )

    def _model_of(self, part: Part, views: list[NodeView], writes) -> bytes:
        graph = self._model.graph
        used = {name for view in views for name in searching.sources(view.proto)}
        made = {name for view in views for name in view.proto.output}
        inputs = [self._info(name) for name in part.reads if name not in made]
        model = onnx.helper.make_model(
            onnx.helper.make_graph(
                [view.proto for view in views], graph.name or "part", inputs,
                [self._info(port.name) for port in writes],
                [tensor for tensor in graph.initializer if tensor.name in used],
            ),
            opset_imports=list(self._model.opset_import), functions=list(self._model.functions),
        )
        model.ir_version = self._model.ir_version
        return model.SerializeToString()

    def _info(self, name: str) -> onnx.ValueInfoProto:
        dtype, dims = self._facts.of(name)
        return onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(dtype), dims
        )
