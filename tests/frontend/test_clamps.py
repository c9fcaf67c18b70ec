"""Clamps that become limits of the layer before."""

import numpy as np
import pytest

import accel
from accel import frontend, onnx_session
from accel.graph.ir import Conv, Table
from tests.support.onnx_pairs import Net
from tests.support.onnx_pairs_bytes import clipped


def network(also: str | None):
    """A convolution and a Clip of its bytes, who else reads them, and a second one behind."""
    net = Net()
    whole = net.const("w", net.random.integers(-127, 128, (4, 3, 3, 3)), np.int8)
    weights = net.real([whole, *net.params("ws", 0.004, dtype=np.int8)])
    conv = net.node("Conv", [net.real(net.input([1, 3, 8, 8])), weights], "c")
    params = net.params("a", 0.05, 3)
    value = clipped(net, net.node("QuantizeLinear", [conv, *params], "a"), (-8, 7), np.int8, "k")
    if also == "output":
        net.finish("a")
    elif also == "reader":
        real = net.node("DequantizeLinear", ["a", *params], "again")
        pooled = net.node("MaxPool", [real], "p", kernel_shape=[2, 2])
        net.finish(net.node("QuantizeLinear", [pooled, *params], "p_q"))
    value = clipped(net, value, (-5, 9), np.int8, "closer")
    net.finish(net.node("Relu", [net.node("DequantizeLinear", [value, *params], "real")], "r"),
               net.params("y", 0.03, 3))
    return net


@pytest.mark.parametrize(("also", "clamp"), [(None, False), ("output", True), ("reader", True)])
def test_a_layers_limits_are_the_clamps_where_nobody_else_reads_it(also, clamp, tmp_path):
    net = network(also)
    path, given = net.save(tmp_path), net.images()["x"]
    graph = frontend.load(path, strict=True)
    [conv] = [node for node in graph.nodes if isinstance(node, Conv)]
    limits = conv.requant.lo, conv.requant.hi
    assert limits == ((-128, 127) if clamp else (-5, 7))
    assert sum(isinstance(node, Table) for node in graph.nodes) == 1 + clamp
    wanted = onnx_session.session(path).run(None, {"x": given})
    for got, expected in zip(accel.golden_run(path, given), wanted, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_bytes_have_a_clip_from_operator_set_12_on(tmp_path):
    net = Net(opset=10)
    net.finish(net.node("Clip", net.input([1, 2, 4, 4])[:1], "k", min=-8.0, max=7.0))
    with pytest.raises(accel.ModelError, match="Clip of integers must be of operator set 12"):
        frontend.load(net.save(tmp_path), strict=True)


def test_bounds_must_be_of_the_bytes_type_and_in_order(tmp_path):
    for bounds, dtype, text in (
        ((-8, 7), np.int16, "min must be one int8, not int16"),
        ((7, -8), np.int8, r"min must be at most max, not \[7, -8\]"),
    ):
        net = Net()
        x = net.input([1, 2, 4, 4])
        net.finish(clipped(net, x[0], bounds, dtype, "k"))
        with pytest.raises(accel.ModelError, match=rf"node 'k_node' \(Clip\): {text}"):
            frontend.load(net.save(tmp_path), strict=True)
