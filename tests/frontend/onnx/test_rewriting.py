"""Rewriting a float file's nodes."""

from onnx import TensorProto, helper

from accel.frontend.onnx.rewriting import Rewriting
from tests.support.onnx_models import Model


def test_what_only_branches_read_is_kept():
    model = Model([1, 4], opset=17)
    value = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    for name, op in (("a", "Relu"), ("b", "Exp"), ("unread", "Neg")):
        model.node(op, ["x"], name)
    branches = {
        name: helper.make_graph([helper.make_node("Abs", [read], ["z"])], name, [], [value])
        for name, read in (("then_branch", "a"), ("else_branch", "b"))
    }
    model.node("ReduceMin", ["x"], "least", keepdims=0)
    model.node("Cast", ["least"], "yes", to=TensorProto.BOOL)
    proto = model.output(model.node("If", ["yes"], "y", **branches)).proto()
    Rewriting(proto).apply([])
    left = [node.op_type for node in proto.graph.node]
    assert left == ["Relu", "Exp", "ReduceMin", "Cast", "If"]
