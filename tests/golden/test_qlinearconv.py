"""Convolution with rounding FLOAT against ONNX Runtime's QLinearConv, byte for byte."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from accel import golden
from accel.graph.ir import Conv, Requant, Tensor
from accel.isa import Rounding
from accel.onnx_session import session
from accel.quant import float_multipliers
from tests.support import graphs

ZEROS, SIZE = (-7, 19), 60


def onnx_runtime(x, w, bias, x_scale, w_scales, y_scale):
    """QLinearConv of int8 [1, channels, height, width] without padding."""
    given = {
        "x_scale": x_scale, "x_zero": np.int8(ZEROS[0]), "w": w, "w_scale": w_scales,
        "w_zero": np.zeros(len(w), np.int8), "y_scale": y_scale, "y_zero": np.int8(ZEROS[1]),
        "bias": bias,
    }  # fmt: skip
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in given.items()]
    node = helper.make_node("QLinearConv", ["x", *given], ["y"])
    kind = onnx.TensorProto.INT8
    graph = helper.make_graph(
        [node], "one", [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, [None] * 4)], constants,
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    return session(model).run(None, {"x": x})[0]


@pytest.mark.parametrize("kernel", [1, 3])
def test_equals_onnx_runtime(kernel):
    """The factor is float32(x_scale * w_scale) / y_scale, every step in float32."""
    rng = np.random.default_rng(kernel)
    for channels, filters in ((1, 16), (13, 20), (64, 16)):
        x = rng.integers(-128, 128, (1, channels, SIZE, SIZE), dtype=np.int8)
        w = rng.integers(-127, 128, (filters, channels, kernel, kernel), dtype=np.int8)
        bias = rng.integers(-2000, 2000, filters, dtype=np.int32)
        x_scale = np.float32(rng.uniform(0.01, 1))
        w_scales = rng.uniform(0.001, 0.1, filters).astype(np.float32)
        y_scale = np.float32(x_scale * w_scales.mean() * 60 * np.sqrt(w[0].size))
        expected = onnx_runtime(x, w, bias, x_scale, w_scales, y_scale).transpose(0, 2, 3, 1)
        need = Requant(*float_multipliers(x_scale * w_scales / y_scale), ZEROS[1],
                       rounding=Rounding.FLOAT)
        node = Conv("conv", "conv2d", "in", "out", np.ascontiguousarray(w.transpose(0, 2, 3, 1)),
                    bias, need)
        source = Tensor("in", (SIZE, SIZE, channels), 1.0, ZEROS[0])
        graph = graphs.single(node, source, zero_point=ZEROS[1])
        out = golden.run(graph, np.ascontiguousarray(x.transpose(0, 2, 3, 1)))["out"]
        np.testing.assert_array_equal(out, expected)
        assert len(np.unique(out)) == 256
