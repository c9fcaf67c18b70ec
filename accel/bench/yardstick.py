"""ONNX Runtime's convolutions as functions without arguments, one single-node model each."""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from accel import onnx_session
from accel.bench.shapes import Shape


def _runner(node, kind, values, constants, threads: int) -> Callable[[], np.ndarray]:
    """Build a model of ``node`` from x to y and return a call of it on ``values``."""
    graph = helper.make_graph(
        [node], "one",
        [helper.make_tensor_value_info("x", kind, values.shape)],
        [helper.make_tensor_value_info("y", kind, [None] * 4)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnx_session.session(model, threads)  # an exact one: a fast wrong one is no yardstick
    return lambda: session.run(None, {"x": values})[0]


def _options(shape: Shape) -> dict:
    return {
        "kernel_shape": [shape.kernel] * 2, "strides": [shape.stride] * 2,
        "pads": [shape.padding] * 4,
    }  # fmt: skip


def qlinear_conv(shape: Shape, x, w, b, zero, factor, zero_out, threads):
    """QLinearConv with int8 weights per channel and uint8 activations, its fastest.

    Args:
        shape: the layer.
        x: uint8 [1, channels, height, width].
        w: int8 [filters, channels, kh, kw].
        b: int32 [filters].
        zero: of x.
        factor: float32 [filters], from sums to results.
        zero_out: of y.
        threads: that ONNX Runtime may use.

    Returns:
        A function that computes uint8 y.
    """
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    constants = {
        "xs": np.float32(1), "xz": np.uint8(zero), "w": w, "ws": factor.astype(np.float32),
        "wz": np.zeros(len(w), np.int8), "ys": np.float32(1), "yz": np.uint8(zero_out), "b": b,
    }  # fmt: skip
    node = helper.make_node("QLinearConv", names, ["y"], **_options(shape))
    return _runner(node, TensorProto.UINT8, x, constants, threads)


def conv(shape: Shape, x, w, b, threads) -> Callable[[], np.ndarray]:
    """Conv in float32."""
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], **_options(shape))
    return _runner(node, TensorProto.FLOAT, x, {"w": w, "b": b}, threads)
