"""Imports that are to be exact: what may be a step off ONNX Runtime's float32 is the host's.

tests/frontend/onnx/test_pairs.py holds every operator's bytes against ONNX Runtime so.
"""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from onnx import TensorProto

import accel
from accel import frontend, onnx_session
from accel.cli import main
from accel.frontend import ModelError
from accel.graph.ir import External
from tests.support.onnx_pairs import Net


def layer(net: Net, x, bias=()):
    """A float Conv of dequantised weights, not yet quantised."""
    integers = net.const("w", net.random.integers(-127, 128, (4, 3, 3, 3)), np.int8)
    weights = net.node("DequantizeLinear", [integers, *net.params("ws", 0.01, dtype=np.int8)], "wd")
    return net.node("Conv", [net.real(x), weights, *bias], "c")


def averaged(folder, seed=0):
    """A convolution, and an average of 2 x 3 pixels behind it, which ONNX Runtime adds in float."""
    net = Net(seed=seed)
    x = net.input([1, 3, 9, 11])
    y = net.params("y", 0.05, 3)
    c = [net.node("QuantizeLinear", [layer(net, x), *y], "cq"), *y]
    value = net.node("AveragePool", [net.real(c)], "p", kernel_shape=[2, 3])
    return net.finish(value, y), net.save(folder)


def reasons(graph) -> list[str]:
    """Why the host's parts are its."""
    return [node.reason for node in graph.nodes if isinstance(node, External)]


def test_exact_equals_where_the_machine_is_a_step_off(tmp_path):
    """Of several networks the machine's average differs in some byte, the host's in none."""
    steps = 0
    for seed in range(12):
        net, path = averaged(tmp_path, seed)
        given = np.concatenate([net.images()["x"] for _ in range(4)])
        session = onnx_session.session(path)
        expected = np.concatenate([session.run(None, {"x": image[None]})[0] for image in given])
        [near] = accel.golden_run(path, given)
        [exactly] = accel.golden_run(path, given, exact=True)
        steps += int((near != expected).sum())
        np.testing.assert_array_equal(exactly, expected)
    assert steps > 0
    graph = frontend.load(path, exact=True)
    assert reasons(frontend.load(path)) == []
    assert reasons(graph) == ["to be exact it is not the machine's: an average is a sum in float32"]


@pytest.mark.parametrize(("behind", "reason"), [
    (None, None),
    ("Relu", "with bounds within its bytes' it is computed in float32"),
    ("Flatten", "no single QuantizeLinear comes behind it"),
    ("QuantizeLinear", "no single QuantizeLinear comes behind it"),
    ("bias", "its bias is stored as bytes, not int32"),
])  # fmt: skip
def test_a_convolution_is_exact_where_onnxruntime_fuses_it(behind, reason, tmp_path):
    net = Net()
    bias = [net.weights("b", [5, -3, 0, 9], 0.01)] if behind == "bias" else []
    value = layer(net, net.input([1, 3, 6, 6]), bias)
    if behind == "QuantizeLinear":
        net.output(net.node(behind, [value, *net.params("z", 0.08, -3)], "z"), TensorProto.INT8)
    elif behind and not bias:
        value = net.node(behind, [value], "b")
    net.finish(value, net.params("y", 0.05, 3))
    graph = frontend.load(net.save(tmp_path), exact=True)
    assert set(reasons(graph)) == (
        {f"to be exact it is not the machine's: {reason}"} if reason else set())


def test_a_bias_behind_a_convolution_leaves_its_reason(tmp_path):
    net = Net()
    bias = net.const("bias", np.linspace(-1, 1, 4).reshape(4, 1, 1), np.float32)
    value = net.node("Add", [layer(net, net.input([1, 3, 6, 6])), bias], "sum")
    net.finish(value, net.params("y", 0.05, 3))
    graph = frontend.load(net.save(tmp_path), exact=True)
    assert set(reasons(graph)) == {
        "to be exact it is not the machine's: no single QuantizeLinear comes behind it"}


def test_a_graph_was_opened_already(tmp_path):
    _, path = averaged(tmp_path)
    with pytest.raises(ModelError, match="is a Graph already: open its file with exact"):
        accel.golden_run(accel.open_network(path), np.zeros((1, 3, 9, 11), np.int8), exact=True)


def test_command_line(tmp_path):
    net, path = averaged(tmp_path)
    np.savez(tmp_path / "x.npz", images=net.images()["x"][:1])
    for options, host in (([], 0), (["--exact"], 1)):
        out = tmp_path / f"out{host}"
        result = CliRunner().invoke(main, ["estimate", str(path), *options, "--array", "4x4",
                                           "--input", str(tmp_path / "x.npz"), "--out", str(out)])
        assert result.exit_code == 0, result.output
        report = json.loads((out / "report.json").read_text())
        assert sum(one["op"] == "averagepool" for one in report["layers"]) == host
