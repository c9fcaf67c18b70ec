"""ONNX Runtime as oracle of single layers: the file's own nodes between two quantised values."""

import dataclasses

import numpy as np
import onnx
from onnx import TensorProto, helper

from accel.golden.layers import compute
from accel.graph import ports
from accel.graph.ir import Graph, Reshape
from accel.onnx_session import session

#: Operators that give integers for integers.
_KEEP = ("MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Pad",
         "Identity")  # fmt: skip
_DTYPES = {TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8}


@dataclasses.dataclass
class Step:
    """The nodes that make one quantised value from others."""

    output: str
    inputs: tuple[str, ...]
    nodes: list[onnx.NodeProto]
    op: str


class Steps:
    """A quantised ONNX file, cut at its quantised values.

    Attributes:
        steps: in the file's order.
    """

    def __init__(self, path, graph: Graph):
        self.model, self.graph = onnx.load(path), graph
        self.stored = {tensor.name: tensor for tensor in self.model.graph.initializer}
        self.made = {name: node for node in self.model.graph.node for name in node.output}
        self.dtypes = {
            value.name: _DTYPES[value.type.tensor_type.elem_type]
            for value in self.model.graph.input if value.type.tensor_type.elem_type in _DTYPES
        }
        self.steps = []
        for node in self.model.graph.node:
            self._add(node)

    def _add(self, node) -> None:
        name = node.output[0]
        if node.op_type in _KEEP and node.input[0] in self.dtypes:
            self.dtypes[name] = self.dtypes[node.input[0]]
        elif node.op_type == "QuantizeLinear" or node.op_type.startswith("QLinear") \
                or node.op_type == "QGemm":  # fmt: skip
            self.dtypes[name] = self._zero(node)
        if name not in self.dtypes or name not in self.graph.tensors:
            return
        nodes, inputs = [], []
        self._collect(name, nodes, inputs)
        if inputs and all(each in self.graph.tensors for each in inputs):
            ops = [each.op_type for each in nodes if "antizeLinear" not in each.op_type]
            self.steps.append(Step(name, tuple(inputs), nodes, "+".join(ops) or "QuantizeLinear"))

    def _zero(self, node):
        at = {"QLinearConv": 7, "QLinearMatMul": 7, "QGemm": 8, "QLinearAdd": 7, "QLinearConcat": 1,
              "QuantizeLinear": 2}.get(node.op_type, 4)  # fmt: skip
        return _DTYPES[self.stored[node.input[at]].data_type]

    def _collect(self, name, nodes, inputs) -> None:
        """Nodes behind which ``name`` lies, as far back as other quantised values."""
        node = self.made.get(name)
        if node is None or node in nodes:
            return
        for each in node.input:
            if each in self.dtypes:
                if each not in inputs:
                    inputs.append(each)
            else:
                self._collect(each, nodes, inputs)
        nodes.append(node)

    def runtime(self, step: Step, values) -> np.ndarray:
        """ONNX Runtime's answer, as the tensor lies in memory.

        Args:
            step: one of ``steps``.
            values: int8 [1, height, width, channels] by tensor name.
        """
        feeds = {name: self._given(name, values[name]) for name in step.inputs}
        kinds = {np.dtype(kind): number for number, kind in _DTYPES.items()}
        used = {name for node in step.nodes for name in node.input}
        graph = helper.make_graph(
            step.nodes, "step",
            [helper.make_tensor_value_info(name, kinds[array.dtype], array.shape)
             for name, array in feeds.items()],
            [helper.make_tensor_value_info(step.output, kinds[np.dtype(self.dtypes[step.output])],
                                           None)],
            [tensor for name, tensor in self.stored.items() if name in used],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=self.model.opset_import,
                                  ir_version=self.model.ir_version)
        return self._taken(step.output, session(model).run(None, feeds)[0])

    def golden(self, step: Step, values) -> np.ndarray:
        """The golden model's answer, given the same."""
        known = {name: values[name] for name in step.inputs}
        for node in self.graph.nodes:
            if node.output not in known and all(name in known for name in node.inputs):
                known[node.output] = compute(self.graph, node, known)
        return known[step.output]

    def _image(self, name) -> tuple[int, int, int]:
        """Shape of the image that a value is, or was flattened from."""
        node = next((n for n in self.graph.nodes if n.output == name), None)
        if isinstance(node, Reshape) and self.graph.tensors[name].shape[:2] == (1, 1):
            return self._image(node.input)
        return self.graph.tensors[name].shape

    def _given(self, name, values) -> np.ndarray:
        height, width, channels = self._image(name)
        values = values.reshape(1, height, width, channels).transpose(0, 3, 1, 2)
        if self.graph.tensors[name].shape != (height, width, channels) or self._flat(name):
            values = values.reshape(1, -1)
        values = np.ascontiguousarray(values)
        return ports.recentre(values) if self.dtypes[name] == np.uint8 else values

    def _flat(self, name) -> bool:
        """Whether ONNX has a value as a vector."""
        node = self.made.get(name)
        while node is not None and "antizeLinear" in node.op_type:
            node = self.made.get(node.input[0])
        return node is not None and node.op_type in (
            "Gemm", "MatMul", "QGemm", "QLinearMatMul", "Flatten", "Reshape", "Softmax", "Add",
            "QLinearSoftmax",
        ) and self.graph.tensors[name].shape[:2] == (1, 1)  # fmt: skip

    def _taken(self, name, values) -> np.ndarray:
        if values.dtype == np.uint8:
            values = ports.recentre(values)
        height, width, channels = self._image(name)
        values = values.reshape(1, channels, height, width).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(values).reshape(1, *self.graph.tensors[name].shape)
