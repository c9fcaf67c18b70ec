"""Weights that need nine bits, taken apart into bytes."""

import numpy as np
import pytest
from onnx import TensorProto

import accel
from accel import frontend
from accel.frontend import wide
from accel.graph.ir import Concat, Conv, Reshape
from accel.onnx_session import session
from tests.support.machines import MACHINES
from tests.support.onnx_models import Model


@pytest.mark.parametrize("span", [(-255, 0), (-200, 55), (0, 254), (0, 255)])
def test_parts_add_up(span):
    weights = np.arange(span[0], span[1] + 1, dtype=np.int16).reshape(1, 1, 1, -1)
    pieces = wide.parts(weights)
    assert len(pieces) == (3 if span[1] == 255 else 2)
    assert {piece.dtype for piece in pieces} == {np.dtype(np.int8)}
    np.testing.assert_array_equal(sum(piece.astype(int) for piece in pieces), weights)


@pytest.mark.parametrize("machine", [
    MACHINES[1], pytest.param(MACHINES[4], marks=pytest.mark.campaign),
])  # fmt: skip
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("zero", [0, 70, 250])
def test_on_the_machine(zero, groups, machine, tmp_path):
    """Geometry that differs by direction; with a window unit and, in a campaign, without one."""
    random = np.random.default_rng(zero + groups)
    stored = random.integers(0, 256, (8, 4 // groups, 2, 3))
    stored.flat[:2] = 0, 255
    model = Model(["N", 4, 7, 9], elem_type=TensorProto.UINT8)
    params = [*model.params("x", 0.03, 131, np.uint8), model.const("w", stored, np.uint8),
              *model.params("w", 0.004, zero, np.uint8), *model.params("y", 0.2, 120, np.uint8)]
    model.node("QLinearConv", ["x", *params], "y", group=groups, pads=[1, 2, 0, 1],
               strides=[2, 1], dilations=[1, 2])
    path = model.output("y", TensorProto.UINT8).save(tmp_path)
    images = random.integers(0, 256, (2, 4, 7, 9)).astype(np.uint8)
    [expected] = session(model.proto()).run(None, {"x": images})
    result = accel.run(path, images, params=machine, batch=2)
    np.testing.assert_array_equal(result.outputs[0], expected)
    assert result.report["total"]["mismatches"] == 0
    kinds = [Concat, Conv] if groups == 1 else [Concat, Reshape, Conv]
    assert [type(node) for node in frontend.load(path).nodes] == kinds
