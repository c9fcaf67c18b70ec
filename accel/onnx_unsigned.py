"""A model's int8 weights as uint8, where uint8 activations are multiplied by them.

w with zero point z and w + 128 with zero point z + 128 are the same numbers, so nothing changes in
what a model means.  What changes is the kernel that ONNX Runtime takes: see ``accel.onnx_session``.

Its own setting for this (``session.x64quantprecision``) does not reach every layer: not QLinearConv
of the domain com.microsoft, not weights that another node computes, and in a model where some
layers have int8 activations it breaks those.  This does it layer by layer.
"""

import itertools

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Of what multiplies activations (its first input) by weights: where these and their zero points
#: are.  No zero point: floats, whose integers are found behind a DequantizeLinear.
_WEIGHTED = {"Conv": (1, None), "Gemm": (1, None), "MatMul": (1, None), "ConvInteger": (1, 3),
             "MatMulInteger": (1, 3), "QGemm": (3, 5), "QLinearConv": (3, 5),
             "QLinearMatMul": (3, 5), "MatMulIntegerToFloat": (1, 5),
             "DynamicQuantizeMatMul": (1, 3), "QAttention": (1, 7)}  # fmt: skip
#: Which input of these tells by its type the type of the result.
_ZERO_POINT = {"QuantizeLinear": 2, "QLinearConv": 7, "QLinearMatMul": 7, "QGemm": 8,
               "QLinearAdd": 7, "QLinearMul": 7, "QLinearConcat": 1}  # fmt: skip


def unsigned(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same model with uint8 weights wherever activations are uint8.

    Args:
        model: with its weights inside, or without: those that lie in files beside it are of no
            use here if ``mixed(model)``.
    """
    layers = mixed(model)
    if not layers:
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    _Rewriting(result).run(layers)
    result.ir_version = max(result.ir_version, 4)  # before, every stored tensor is an input, too
    return result


def mixed(model: onnx.ModelProto) -> list[int]:
    """Indices of the nodes that multiply uint8 activations by int8 weights ("U8S8").

    Of the QDQ form the types of the integers behind the floats count.
    """
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    types |= {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    found = []
    for index, node in enumerate(model.graph.node):
        if node.op_type in _WEIGHTED:
            left, right = node.input[0], node.input[_WEIGHTED[node.op_type][0]]
            # DynamicQuantizeMatMul makes uint8 of its floats itself.
            left = TensorProto.UINT8 if node.op_type.startswith("Dyn") else types.get(left)
            if (left, types.get(right)) == (TensorProto.UINT8, TensorProto.INT8):
                found.append(index)
        types.update(dict.fromkeys(node.output, _type(node, types)))
    return found


def _type(node, types) -> int | None:
    """What a node's results are, or, if they are floats, which integers they come from."""
    zero = _ZERO_POINT.get(node.op_type)
    if zero is not None:
        return types.get(node.input[zero] if len(node.input) > zero else "", TensorProto.UINT8)
    if node.op_type == "Constant":
        return next((item.t.data_type for item in node.attribute if item.name == "value"), None)
    if node.op_type == "Cast":
        return next(item.i for item in node.attribute if item.name == "to")
    return types.get(node.input[0]) if node.input else None


def _replace(field, items) -> None:
    del field[:]
    field.extend(items)


class _Rewriting:
    """Copies of weights, and of the nodes between them and their layers, for U8S8 layers only."""

    def __init__(self, model):
        self._graph = model.graph
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._maker = {name: node for node in model.graph.node for name in node.output}
        self._made = {}  # name -> the name of its copy
        self._new = []  # nodes to stand in front of the next layer
        self._count = itertools.count()

    def run(self, layers) -> None:
        nodes, layers = [], set(layers)
        for index, node in enumerate(self._graph.node):
            if index in layers:
                self._layer(node)
            nodes += [*self._new, node]
            self._new = []
        _replace(self._graph.node, nodes)
        self._forget()

    def _forget(self) -> None:
        """Leave out stored tensors that nothing reads now, which ONNX Runtime does not like."""
        graph = self._graph
        read = {name for node in graph.node for name in node.input}
        read |= {value.name for value in graph.output}
        _replace(graph.initializer, [item for item in graph.initializer if item.name in read])
        _replace(graph.input, [item for item in graph.input if item.name not in self._stored])

    def _layer(self, node) -> None:
        weights, zero = _WEIGHTED[node.op_type]
        if zero is None:
            node.input[weights] = self._floats(node.input[weights])
        else:
            self._integers(node, weights, zero)

    def _floats(self, name) -> str:
        """A copy of a float tensor whose integers are shifted: back to its DequantizeLinear."""
        if name not in self._made:
            node = onnx.NodeProto()
            node.CopyFrom(self._maker[name])
            if node.op_type == "DequantizeLinear":
                self._integers(node, 0, 2)
            else:  # Transpose, Reshape, ...
                node.input[0] = self._floats(node.input[0])
            self._made[name] = self._finish(node, self._maker[name].output)
        return self._made[name]

    def _integers(self, node, weights, zero) -> None:
        """Shift the integers of a node and their zero point."""
        node.input[weights] = self._shifted(node.input[weights])
        node.input.extend([""] * (zero + 1 - len(node.input)))
        if node.input[zero]:
            node.input[zero] = self._shifted(node.input[zero])
        else:
            node.input[zero] = self._zero(node)

    def _zero(self, node) -> str:
        """A zero point of 128 where there was none, which means 0."""
        if node.op_type != "DequantizeLinear":
            return self._store(np.uint8(128), "zero")
        shape = self._name("shape", "Shape", [node.input[1]])  # one for every scale
        return self._name(
            "zero", "ConstantOfShape", [shape],
            value=helper.make_tensor("value", TensorProto.UINT8, [1], [128]),
        )  # fmt: skip

    def _shifted(self, name) -> str:
        """A tensor of int8 plus 128, as uint8."""
        if name not in self._made:
            stored = self._constant(name)
            if stored is not None:
                array = numpy_helper.to_array(stored).astype(np.int16) + 128
                self._made[name] = self._store(array.astype(np.uint8), name)
            else:
                centre = self._store(np.int32(128), "centre")
                wide = self._name(name, "Cast", [name], to=TensorProto.INT32)
                moved = self._name(name, "Add", [wide, centre])
                self._made[name] = self._name(name, "Cast", [moved], to=TensorProto.UINT8)
        return self._made[name]

    def _constant(self, name) -> onnx.TensorProto | None:
        node = self._maker.get(name)
        if node is not None and node.op_type == "Constant":
            return next(item.t for item in node.attribute if item.name == "value")
        return self._stored.get(name)

    def _store(self, array, name) -> str:
        name = self._free(name)
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def _name(self, name, operator, inputs, **attributes) -> str:
        node = helper.make_node(operator, inputs, [name], **attributes)
        return self._finish(node, [name])

    def _finish(self, node, outputs) -> str:
        """Put a node in front of the layer, under names of its own; return its first output's."""
        names = [self._free(name) for name in outputs]
        del node.output[:]
        node.output.extend(names)
        node.name = names[0]
        self._new.append(node)
        return names[0]

    def _free(self, name) -> str:
        """A name that no tensor has."""
        return f"unsigned:{next(self._count)}:{name}"
