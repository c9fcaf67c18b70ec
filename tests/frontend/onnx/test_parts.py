"""What the machine does not compute becomes parts of the host, and everything else stays."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from accel import frontend, golden, onnx_session
from accel.compiler import compile_graph
from accel.frontend import ModelError
from accel.frontend.onnx import importer
from accel.graph import ports
from accel.graph.ir import External
from accel.params import Params
from tests.support.onnx_models import Model

IMAGES = np.random.default_rng(5).standard_normal((3, 3, 8, 8)).astype(np.float32)


def conv(model, source, name, cin, cout, scale=0.05, k=3):
    """A quantised 3x3 convolution, quantised again and dequantised behind it."""
    rng = np.random.default_rng(len(name) + cin)
    w = model.weights(f"{name}_w", rng.integers(-40, 40, (cout, cin, k, k)), np.float32(0.02))
    made = model.node("Conv", [source, w], f"{name}_y", pads=[k // 2] * 4)
    return model.quantise(made, scale, 3)


def start():
    model = Model(["N", 3, 8, 8], opset=17)
    return model, model.quantise("x", 0.03, -5)


def middle(model, source):
    """LpNormalization, which the machine does not know, between two convolutions."""
    y = model.node("LpNormalization", [conv(model, source, "a", 3, 4)], "e")
    y = model.quantise(y, 1 / 120, 0)
    return model.output(conv(model, y, "b", 4, 5))


def at_the_end(model, source):
    y = conv(model, source, "a", 3, 4)
    e = model.node("LpNormalization", [y], "e")
    model.output(model.node("Mul", [e, e], "square"))
    return model.output(model.node("Exp", [e], "exp"))


def index(model, source):
    y = conv(model, source, "a", 3, 4)
    return model.output(model.node("ArgMax", [y], "most", axis=1), TensorProto.INT64)


def float_first(model, source):
    """The host reads the image itself, and so does the machine."""
    t = model.quantise(model.node("LpNormalization", ["x"], "t"), 1 / 100, 0)
    return model.output(model.node("Add", [conv(model, source, "a", 3, 4),
                                           conv(model, t, "b", 3, 4)], "sum"))


def split(model, source):
    y = conv(model, source, "a", 3, 4)
    model.nodes.append(helper.make_node("Split", [y, model.const("sizes", [1, 3], np.int64)],
                                        ["s0", "s1"], name="split", axis=1))
    parts = [model.quantise(model.node("LpNormalization", [s], f"{s}e"), 1 / 90, n)
             for n, s in enumerate(("s0", "s1"))]
    joined = model.node("Concat", parts, "joined", axis=1)
    return model.output(conv(model, model.quantise(joined, 1 / 90, 0), "b", 4, 3))


def skip(model, source):
    """A float that the host makes early and uses again behind the machine."""
    e = model.node("LpNormalization", [conv(model, source, "a", 3, 4)], "e")
    y = conv(model, model.quantise(e, 1 / 100, 0), "b", 4, 4)
    return model.output(model.node("Mul", [model.node("LpNormalization", [y], "e2"), e], "product"))


def flat(model, source):
    """A row of channels behind a host's pooling, and a fully connected layer."""
    y = model.node("LpNormalization", [conv(model, source, "a", 3, 6)], "e")
    y = model.node("GlobalMaxPool", [y], "g")
    y = model.node("Reshape", [y, model.const("to", [0, -1], np.int64)], "r")
    y = model.quantise(y, 1 / 110, 0)
    w = model.weights("fc", np.random.default_rng(0).integers(-50, 50, (6, 4)), np.float32(0.01))
    return model.output(model.quantise(model.node("MatMul", [y, w], "m"), 0.01, 0))


NETWORKS = {
    function.__name__: function
    for function in (middle, at_the_end, index, float_first, split, skip, flat)
}
#: How many parts of the host each has, and how many operators the machine keeps.
SHAPES = {"middle": (1, 2), "at_the_end": (1, 1), "index": (1, 1), "float_first": (2, 2),
          "split": (1, 2), "skip": (2, 2), "flat": (1, 2)}  # fmt: skip


def build(name, folder):
    model, source = start()
    return NETWORKS[name](model, source).save(folder)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_whole_network_runs(name, tmp_path):
    path = build(name, tmp_path)
    graph = frontend.load(path)
    parts = [node for node in graph.nodes if isinstance(node, External)]
    layers = [node for node in graph.nodes if node.op in ("conv2d", "fully_connected")]
    assert (len(parts), len(layers)) == SHAPES[name]
    outputs = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, IMAGES)))
    session = onnx_session.session(path)
    expected = [session.run(None, {"x": image[None]}) for image in IMAGES]
    for number, output in enumerate(outputs):
        wanted = np.concatenate([answer[number] for answer in expected])
        assert (output.dtype, output.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(output, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_programs_hold_the_parts(name, tmp_path):
    graph = frontend.load(build(name, tmp_path))
    program = compile_graph(graph, Params(rows=4, cols=4), 2)
    hosted = [name for step in program.steps for name in step.host]
    assert hosted == [node.name for node in graph.nodes if isinstance(node, External)]


def test_a_part_says_why(tmp_path):
    graph = frontend.load(build("middle", tmp_path))
    [part] = [node for node in graph.nodes if isinstance(node, External)]
    assert (part.op, part.name, part.macs) == ("lpnormalization", "e_node", 0)
    assert part.reason == "the machine has no such operator"


def test_what_reads_a_value_of_the_hosts_says_so(tmp_path):
    """A float that the host makes, uses again behind the machine."""
    model, source = start()
    e = model.node("LpNormalization", [conv(model, source, "a", 3, 4)], "e")
    y = conv(model, model.quantise(e, 1 / 100, 0), "b", 4, 4)
    graph = frontend.load(model.output(model.node("Mul", [y, e], "product")).save(tmp_path))
    reasons = [node.reason for node in graph.nodes if isinstance(node, External)]
    assert reasons == ["the machine has no such operator", "its input 'e' is computed on the host"]


def test_multiplications_of_the_host_are_counted(tmp_path):
    model, source = start()
    w = model.const("w", np.ones((4, 3, 3, 3)), np.float32)
    model.output(model.node("Conv", [source, w], "y"))
    [part] = frontend.load(model.save(tmp_path)).nodes
    assert part.macs == 4 * 3 * 3 * 3 * 6 * 6


def test_strict_refuses_with_the_reason(tmp_path):
    with pytest.raises(ModelError, match="'e_node' has the unsupported operator LpNormalization"):
        frontend.load(build("middle", tmp_path), strict=True)


def test_control_flow_is_refused(tmp_path):
    model, source = start()
    y = conv(model, source, "a", 3, 4)
    value = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    branches = {
        name: helper.make_graph([helper.make_node(op, [y], ["z"])], name, [], [value])
        for name, op in (("then_branch", "LpNormalization"), ("else_branch", "Exp"))
    }
    chosen = model.node("If", [model.const("yes", True)], "z2", **branches)
    with pytest.raises(ModelError, match=r"'z2_node' \(If\): .*control flow.*export it without"):
        frontend.load(model.output(chosen).save(tmp_path))


def test_what_onnx_runtime_refuses_is_one_line(tmp_path):
    model, source = start()
    y = model.node("Nonsense", [conv(model, source, "a", 3, 4)], "y", domain="com.example")
    path = model.output(y).save(tmp_path)
    proto = onnx.load(path)
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(proto, path)
    with pytest.raises(ModelError) as error:
        frontend.load(path)
    assert "ONNX Runtime does not run it" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("opset, named", [(13, True), (13, False), (17, True), (17, False)])
def test_an_operator_that_onnx_runtime_had_before_onnx(opset, named, tmp_path):
    """Its optimiser writes LayerNormalization into files of older opsets.

    ``named``: whether the file says that it uses operators of ONNX Runtime's own.
    """
    model = Model(["N", 3, 4, 6], opset=opset)
    x = model.quantise("x", 0.03, 5)
    pair = [model.const(name, np.linspace(0.5, 2, 6), np.float32) for name in "ab"]
    made = model.node("LayerNormalization", [x, *pair], "n")
    path = model.output(model.quantise(made, 0.04, 3)).save(tmp_path)
    if not named:
        proto = onnx.load(path)
        del proto.opset_import[1]
        onnx.save(proto, path)
    images = np.random.default_rng(2).normal(0, 2, (2, 3, 4, 6)).astype(np.float32)
    graph = frontend.load(path)
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, images)))
    [expected] = onnx_session.session(path).run(None, {"x": images})
    np.testing.assert_array_equal(actual, expected)


def test_a_node_that_breaks_a_rule_of_graphs_is_the_hosts(monkeypatch, tmp_path):
    """Whatever an importer overlooks costs its operator the machine, not the network its run."""
    model, source = start()
    value = conv(model, source, "a", 3, 4)
    path = model.output(conv(model, value, "b", 4, 5)).save(tmp_path)
    right = importer.HANDLERS["Conv"]

    def wrong(builder, node):
        sums = right(builder, node)
        return dataclasses.replace(sums, groups=3) if node.name.startswith("b") else sums

    monkeypatch.setitem(importer.HANDLERS, "Conv", wrong)
    graph = frontend.load(path)
    [part] = [node for node in graph.nodes if isinstance(node, External)]
    assert "groups must divide" in part.reason
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, IMAGES)))
    session = onnx_session.session(path)
    expected = [session.run(None, {"x": image[None]})[0] for image in IMAGES]
    np.testing.assert_allclose(actual, np.concatenate(expected), atol=0.0501)
    with pytest.raises(ModelError, match="'b_y_node': groups must divide"):
        frontend.load(path, strict=True)


def test_what_a_part_reads_is_in_one_order(tmp_path):
    """Not as sets have names, which is another order in every process."""
    model, source = start()
    values = [conv(model, source, name, 3, 4) for name in "hgfedcba"]
    joined = model.node("Concat", values, "joined", axis=1)
    path = model.output(model.node("LpNormalization", [joined], "e")).save(tmp_path)
    [part] = [node for node in frontend.load(path).nodes if isinstance(node, External)]
    names = [port.name for port in part.reads]
    assert len(names) == 8
    assert names == sorted(names)


def test_one_number_an_image_of_the_hosts(tmp_path):
    """Its only dimension is the batch."""
    model, source = start()
    e = model.node("LpNormalization", [conv(model, source, "a", 3, 4)], "e")
    most = model.node("ReduceMax", [e], "most", axes=[1, 2, 3], keepdims=0)
    path = model.output(most).save(tmp_path)
    graph = frontend.load(path)
    assert [(port.shape, port.batched) for port in graph.outputs] == [((), True)]
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, IMAGES)))
    session = onnx_session.session(path)
    expected = [session.run(None, {"x": image[None]})[0] for image in IMAGES]
    np.testing.assert_allclose(actual, np.concatenate(expected), rtol=1e-6)
