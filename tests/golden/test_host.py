"""Layers on the host in float32: against real numbers and ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import helper

from accel import golden
from accel.graph import ports
from accel.graph.ir import LocalResponse, Tensor
from accel.onnx_session import session
from tests.support import graphs, naive

#: Relative error of a float32 result: a few units in the last place; and that of e**-20, of whose
#: exponent float32 may round away 1e-6.
CLOSE, CLOSE_TO_REAL = 1e-6, 4e-6


def onnx_runtime(values, op, **attributes):
    """One float operator of ONNX on [batch, channels, height, width]."""
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    ends = [
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, values.shape)] for name in "xy"
    ]
    model = helper.make_model(helper.make_graph([node], "one", *ends), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 13)])
    return session(model).run(None, {"x": values})[0]


@pytest.mark.parametrize("channels", [1, 2, 12, 100])
def test_float_softmax(channels):
    source = Tensor("in", (2, 3, channels), 0.07, -9)
    graph = graphs.softmax(source, "float", "float32")
    images = graphs.random_inputs(np.random.default_rng(channels), graph)
    out = golden.run(graph, images)["out"]
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, naive.run(graph, images)["out"], rtol=CLOSE_TO_REAL)
    real = ports.to_float(images["in"], source.scale, source.zero_point)
    theirs = onnx_runtime(real.transpose(0, 3, 1, 2), "Softmax", axis=1).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(out, theirs, rtol=CLOSE)
    (given,) = ports.outputs(graph, {"out": out})
    np.testing.assert_array_equal(given, out)
    quantised = golden.run(graphs.softmax(source, "float"), images)["out"]
    np.testing.assert_array_equal(quantised, ports.to_int8(theirs, 1 / 256, -128))


def test_local_response_equals_the_naive_twin():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        graph = graphs.random_local_response(rng)
        images = graphs.random_inputs(rng, graph)
        out, target = golden.run(graph, images)["out"], graph.tensors["out"]
        assert out.dtype == np.int8 and out.flags.c_contiguous
        exact = naive.run(graph, images)["out"] / target.scale + target.zero_point
        assert np.abs(out - exact.clip(-128, 127)).max() < 0.5 + 1e-4


def test_local_response_by_hand():
    """4 / (1 + 3 * (4**2 + 2**2) / 2): a window of 2 begins at its own channel."""
    node = LocalResponse("lrn", "in", "out", 2, 3.0, 1.0, 1.0)
    graph = graphs.single(node, Tensor("in", (1, 1, 2), 0.5, 1), zero_point=0, scale=1 / 62)
    out = golden.run(graph, np.array([9, 5], np.int8).reshape(1, 1, 1, 2))["out"]
    assert out.ravel().tolist() == [8, 18]  # 4/31 and 2/7


@pytest.mark.parametrize("size", [1, 3, 4, 5])
def test_local_response_is_onnx_runtimes(size):
    source = Tensor("in", (4, 5, 9), 0.2, 4)
    node = LocalResponse("lrn", "in", "out", size, 0.01, 0.75, 2.0)
    graph = graphs.single(node, source, zero_point=-3, scale=0.15)
    images = graphs.random_inputs(np.random.default_rng(size), graph)
    real = ports.to_float(images["in"], source.scale, source.zero_point).transpose(0, 3, 1, 2)
    if size % 2:
        theirs = onnx_runtime(real, "LRN", size=size, alpha=0.01, beta=0.75, bias=2.0)
        expected = ports.to_int8(theirs.transpose(0, 2, 3, 1), 0.15, -3)
    else:  # which ONNX Runtime does not take
        expected = ports.to_int8(naive.run(graph, images)["out"], 0.15, -3)
    np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)
