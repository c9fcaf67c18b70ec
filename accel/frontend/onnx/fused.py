"""Products and sums of bytes that ONNX Runtime computes in integers.

It makes one integer operator (QLinearMul, QLinearAdd) of a Mul or Add whose operands all come from
a DequantizeLinear and whose result goes to a single QuantizeLinear.  That rounds otherwise than the
float operator does: not always to the same byte.  Where both operands follow from one byte there is
a table, and here ONNX Runtime's own operator fills it.
"""

import dataclasses

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from accel import onnx_session
from accel.frontend.onnx.nodes import NodeView
from accel.frontend.onnx.state import State
from accel.frontend.onnx.values import Activation, Function, QuantConstant
from accel.graph.ports import recentre

OPERATORS = {"Mul": "QLinearMul", "Add": "QLinearAdd"}


@dataclasses.dataclass(frozen=True)
class Operand:
    """int8 [256], an operand for each byte of what it follows from, and what they stand for."""

    values: np.ndarray
    scale: float
    zero_point: int


@dataclasses.dataclass(frozen=True)
class Fused:
    """An integer operator on two operands, which ONNX knows as uint8 if they are ``centred``."""

    op: str
    operands: tuple[Operand, Operand]
    centred: bool

    def bytes(self, scale: float, zero_point: int) -> np.ndarray:
        """int8 [256]: the results in an output of this quantisation."""
        kind, dtype = ((TensorProto.UINT8, np.uint8) if self.centred
                       else (TensorProto.INT8, np.int8))
        stored, inputs = [], []
        places = [*((one.scale, one.zero_point) for one in self.operands), (scale, zero_point)]
        for name, (factor, zero) in zip("aby", places, strict=True):
            zero = np.array(zero + 128 * self.centred, dtype)
            stored += [numpy_helper.from_array(np.float32(factor), f"{name}_scale"),
                       numpy_helper.from_array(zero, f"{name}_zero")]
            inputs += [f"{name}_scale", f"{name}_zero"]
        node = helper.make_node(self.op, ["a", *inputs[:2], "b", *inputs[2:]], ["y"],
                                domain="com.microsoft")
        graph = helper.make_graph(
            [node], "fused", [helper.make_tensor_value_info(n, kind, [256]) for n in "ab"],
            [helper.make_tensor_value_info("y", kind, [256])], stored,
        )
        versions = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=8)
        given = {name: recentre(one.values) if self.centred else one.values
                 for name, one in zip("ab", self.operands, strict=True)}
        [found] = onnx_session.session(model).run(None, given)
        return recentre(found) if self.centred else found


def fused(builder: State, node: NodeView, made: Function, values) -> Function:
    """The function that a node makes of two values, with its integers if ONNX Runtime takes those.

    Args:
        builder: the import.
        node: a Mul or Add, or any other operator.
        made: the function.
        values: the node's operands.
    """
    users = builder.users(node.proto.output[0])
    if node.op not in OPERATORS or len(values) != 2 or [one.op for one in users] != [
            "QuantizeLinear"]:
        return made
    makers = [builder.maker(name) for name in node.proto.input]
    if any(maker is None or maker.op != "DequantizeLinear" for maker in makers):
        return made
    centred = made.source.centred
    operands = [_operand(builder, value, made.source, centred) for value in values]
    if None in operands:
        return made
    return dataclasses.replace(made, fused=Fused(OPERATORS[node.op], tuple(operands), centred))


def _operand(builder: State, value, source: Activation, centred: bool) -> Operand | None:
    """An operand by the bytes of ``source``; None if it is none of bytes, or of another type."""
    if isinstance(value, QuantConstant):
        single = value.integers.size == 1 == value.scale.size
        number = int(value.integers.ravel()[0]) if single else None
        if number is None or not -128 <= number <= 127:
            return None
        return Operand(np.full(256, number, np.int8), float(value.scale[0]), 0)
    if not isinstance(value, Activation) or value.centred != centred:
        return None
    found, at = np.arange(-128, 128, dtype=np.int8), value
    while at.tensor.name != source.tensor.name:
        at, table = builder.tables[at.tensor.name]
        found = found[table.astype(np.int64) + 128]
    return Operand(found, value.scale, value.zero_point)
