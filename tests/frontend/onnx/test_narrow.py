"""Weights of 4 bits, scales for blocks of a channel, scales of float16: newer operator sets."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import accel
from accel import frontend, onnx_session
from accel.graph.ir import Conv, External
from tests.support.onnx_pairs import Net

LAYERS = {
    "Conv": ([1, 4, 6, 6], (8, 4, 3, 3), 0), "ConvTranspose": ([1, 4, 6, 6], (4, 8, 2, 2), 1),
    "MatMul": ([1, 16], (16, 8), 1), "Gemm": ([1, 16], (16, 8), 1),
}  # fmt: skip
#: The type's number, its least value, one more than its largest, and the first operator set.
KINDS = {"int4": (TensorProto.INT4, -8, 8, 21), "uint4": (TensorProto.UINT4, 0, 16, 21),
         "int2": (TensorProto.INT2, -2, 2, 25), "uint2": (TensorProto.UINT2, 0, 4, 25)}  # fmt: skip


def network(op: str, kind: str, per: bool) -> Net:
    """A layer of such weights."""
    number, low, high, opset = KINDS[kind]
    net = Net(opset=opset)
    shape, stored, axis = LAYERS[op]
    count = stored[axis] if per else 1
    scale = net.const("ws", np.linspace(0.02, 0.06, count)[() if per else 0], np.float32)
    for name, dims in (("w", stored), ("wz", (count,) if per else ())):
        values = net.random.integers(low, high, dims).ravel().tolist()
        net.initializers.append(helper.make_tensor(name, number, dims, values))
    weights = net.node("DequantizeLinear", ["w", scale, "wz"], "wd", axis=axis)
    real = net.node(op, [net.real(net.input(shape)), weights], "layer")
    net.finish(real, net.params("y", 0.05, 3))
    return net


@pytest.mark.parametrize("per", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", LAYERS)
def test_weights_of_four_bits(op, kind, per, tmp_path):
    """ONNX Runtime computes such layers in float32, so they may be a step off."""
    net = network(op, kind, per)
    path, given = net.save(tmp_path), net.images()["x"]
    [wanted] = onnx_session.session(path).run(None, {"x": given})
    assert any(isinstance(node, Conv) for node in frontend.load(path, strict=True).nodes)
    [near] = accel.golden_run(path, given)
    off = np.abs(near.astype(int) - wanted)
    assert off.max() <= 1 and (off > 0).mean() < 0.02
    exactly = frontend.load(path, exact=True)
    assert any(isinstance(node, External) for node in exactly.nodes)
    [got] = accel.golden_run(path, given, exact=True)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("axis", [0, 1])
def test_scales_of_blocks_are_no_scales_of_channels(axis, tmp_path):
    """Of a square matrix with one block a row, or a column, there are as many as channels."""
    net = Net(opset=21)
    whole = net.const("w", net.random.integers(-127, 128, (8, 8)), np.int8)
    scale = net.const("ws", np.linspace(0.002, 0.02, 8).reshape(8, 1)[:: 1 - 2 * axis], np.float32)
    scale = scale if axis else net.const("ws1", np.linspace(0.002, 0.02, 8)[None], np.float32)
    weights = net.node("DequantizeLinear", [whole, scale], "wd", axis=axis, block_size=8)
    net.finish(net.node("MatMul", [net.real(net.input([1, 8])), weights], "m"),
               net.params("y", 0.05, 3))
    path, given = net.save(tmp_path), net.images()["x"]
    [wanted] = onnx_session.session(path).run(None, {"x": given})
    [got] = accel.golden_run(path, given)
    np.testing.assert_array_equal(got, wanted)
    with pytest.raises(accel.ModelError, match=r"'wd_node' \(DequantizeLinear\): block_size must "
                       "be 0: one scale for all, or for each channel, not 8"):
        frontend.load(path, strict=True)


@pytest.mark.parametrize("op", ["Conv", "Sigmoid", "Add"])
def test_scales_of_float16(op, tmp_path):
    """Behind them ONNX Runtime computes in float16, or in float32 that it rounds to float16."""
    net = Net(opset=19)

    def number(name, value):
        return net.const(name, np.float16(value), np.float16)

    x, zero = net.input([1, 3, 8, 8])[0], net.const("z", np.int8(-7), np.int8)
    real = net.node("DequantizeLinear", [x, number("xs", 0.03), zero], "xd")
    other = [real] * (op == "Add")
    if op == "Conv":
        whole = net.const("w", net.random.integers(-127, 128, (4, 3, 3, 3)), np.int8)
        other = [net.node("DequantizeLinear", [whole, number("ws", 0.004)], "wd")]
    value = net.node(op, [real, *other], "made")
    scale = [number("ys", 0.01 if op == "Sigmoid" else 0.05), net.const("yz", np.int8(3), np.int8)]
    net.finish(net.node("QuantizeLinear", [value, *scale], "y"))
    path, given = net.save(tmp_path), net.images()["x"]
    [wanted] = onnx_session.session(path).run(None, {"x": given})
    [near] = accel.golden_run(path, given)
    assert np.abs(near.astype(int) - wanted).max() <= 1
    [got] = accel.golden_run(path, given, exact=True)
    np.testing.assert_array_equal(got, wanted)
