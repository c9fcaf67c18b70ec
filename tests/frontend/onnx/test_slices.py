"""Slices of what would have fewer than no rows, on which the libraries end the process."""

import numpy as np
import onnx
import pytest

from accel import frontend
from accel.frontend import ModelError
from accel.frontend.onnx import sizes, slices
from accel.frontend.onnx.prepare import prepare
from accel.frontend.onnx.reading import read
from accel.frontend.onnx.slices import check_slices
from tests.support.onnx_models import Model


def cut(model: Model, value: str, number: int) -> str:
    """Rows 0 to 2 of a value, by a Slice."""
    bounds = [model.const(f"{name}{number}", [at], np.int64)
              for name, at in (("from", 0), ("to", 3), ("rows", 2))]  # fmt: skip
    return model.node("Slice", [value, *bounds], f"s{number}")


def pooled(model: Model, value: str, rows: int, number: int) -> str:
    return model.node("MaxPool", [value], f"m{number}", kernel_shape=[rows, 1])


def model(*steps: int) -> Model:
    """Pools of as many rows as a number says, a Slice where it is 0, on six rows."""
    result = Model([1, 2, 6, 4])
    value = "x"
    for number, rows in enumerate(steps):
        value = pooled(result, value, rows, number) if rows else cut(result, value, number)
    return result.output(result.quantise(value, 0.1, 0, name="y"))


@pytest.mark.parametrize(
    ("steps", "node", "sizes"),
    [
        ((9, 0), "s1_node", [1, 2, -2, 4]),
        ((0, 5, 0), "s2_node", [1, 2, -1, 4]),  # known only behind the first one
    ],
)
def test_refused(steps, node, sizes, tmp_path):
    proto = model(*steps).proto()
    text = rf"node '{node}' \(Slice\): input 'm\d' must not have negative sizes, .*not \[1, 2, -"
    with pytest.raises(ModelError, match=text) as error:
        check_slices("f.onnx", proto)
    assert str(error.value).endswith(f"not {sizes}")
    path = tmp_path / "f.onnx"
    onnx.save(proto, path)
    for strict in (False, True):
        with pytest.raises(ModelError, match=text):
            frontend.load(path, strict=strict)
    with pytest.raises(ModelError, match=text):  # a float one, to be quantised
        read(path)


def of_floats(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The pools and Slices alone, of an input of any number of rows."""
    steps = [node for node in proto.graph.node if node.op_type in ("MaxPool", "Slice")]
    steps[0].input[0], last = "x", steps[-1].output[0]
    given = onnx.helper.make_tensor_value_info("x", 1, [1, 2, "rows", 4])
    made = onnx.helper.make_tensor_value_info(last, 1, None)
    graph = onnx.helper.make_graph(steps, "floats", [given], [made], proto.graph.initializer)
    return onnx.helper.make_model(graph, opset_imports=proto.opset_import)


def test_sizes_that_are_given_later(tmp_path):
    path = tmp_path / "f.onnx"
    onnx.save(of_floats(model(9, 0).proto()), path)
    read(path)
    with pytest.raises(ModelError, match="must not have negative sizes"):
        prepare(path, {"x": (1, 2, 6, 4)})
    prepare(path, {"x": (1, 2, 12, 4)})


def test_inputs_of_any_number():
    """Some writers say so with -1."""
    proto = model(2, 0).proto()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    check_slices("f.onnx", proto)


def test_large_constants_are_not_copied(monkeypatch):
    large = np.zeros((1, 2, 6, 4), np.float32)
    proto = model(0, 0, 0).proto()
    proto.graph.node.insert(0, onnx.helper.make_node(
        "Constant", [], ["large"], value=onnx.numpy_helper.from_array(np.repeat(large, 99, 0))))
    proto.graph.node.insert(1, onnx.helper.make_node("Add", ["large", "large"], ["more"]))
    lengths, inferred = [], onnx.shape_inference.infer_shapes
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", lambda model, **how: lengths.append(
        model.ByteSize()) or inferred(model, **how))
    check_slices("f.onnx", proto)
    assert lengths and max(lengths) < large.nbytes * 99 / 10


@pytest.mark.parametrize("inside", ["control flow", "a function"])
def test_what_is_inside_is_not_inferred_here(inside):
    """It would end the process."""
    proto, bad = model(2, 0).proto(), model(9, 0).proto()
    if inside == "a function":
        body = [*bad.graph.node]
        for tensor in bad.graph.initializer:
            body.insert(0, onnx.helper.make_node("Constant", [], [tensor.name], value=tensor))
        proto.functions.append(onnx.helper.make_function(
            "own", "Bad", ["x"], ["y"], body, bad.opset_import))  # fmt: skip
        proto.opset_import.append(onnx.helper.make_opsetid("own", 1))
        proto.graph.node.append(onnx.helper.make_node("Bad", ["x"], ["z"], domain="own"))
    else:
        del bad.graph.input[:]
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "yes"))
        proto.graph.node.append(onnx.helper.make_node(
            "If", ["yes"], ["z"], then_branch=bad.graph, else_branch=bad.graph))  # fmt: skip
    check_slices("f.onnx", proto)


def test_empty_is_not_negative():
    check_slices("f.onnx", model(2, 0, 2, 0, 3, 0).proto())


def test_a_long_chain_takes_no_long_time(monkeypatch):
    """It is looked at as far as the limit goes, and no further."""
    proto, seen = model(*[0] * 400, 9, 0).proto(), []
    inferred = onnx.shape_inference.infer_shapes
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes",
                        lambda model, **how: seen.append(1) or inferred(model, **how))
    monkeypatch.setattr(slices, "_MOST", 5000)
    check_slices("f.onnx", proto)
    assert 90 < len(seen) < 110


def test_where_nothing_is_inferred_the_inputs_are_known():
    proto = model(2, 0).proto()
    del proto.opset_import[:]  # of which the library complains
    found = sizes.known(sizes.skeleton(proto))
    assert found["x"] == [1, 2, 6, 4]
    check_slices("f.onnx", proto)


def test_a_model_without_slices_is_not_inferred(monkeypatch):
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", None)
    check_slices("f.onnx", model(9).proto())
