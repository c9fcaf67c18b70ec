"""The golden layers against CMSIS-NN's own test vectors, byte for byte.

A few vectors are in tests/data; all of them run where the reference data lie beside the repository.
"""

import json
import pathlib

import numpy as np
import pytest

from accel import golden
from accel.graph.ir import AveragePool, Conv, MaxPool, Requant, Tensor
from accel.isa import Rounding
from accel.quant import quantize_multiplier
from tests.support import graphs, naive, shared

DATA = pathlib.Path(__file__).parents[1] / "data" / "cmsis_nn"
SHARED = shared.SHARED / "cmsis_nn_vectors"
FILES = sorted(SHARED.glob("*.npz")) or sorted(DATA.glob("*.npz"))


def layer(vector) -> tuple:
    """A graph, the images and the expected output of a vector."""
    params = json.loads(str(vector["params"]))
    images, expected = vector["input"], vector["output"]
    if params["kind"] == "fc":
        images, expected = images[:, None, None], expected[:, None, None]
        params |= {"kh": 1, "kw": 1, "stride": [1, 1], "pad_top_left": [0, 0],
                   "dilation": [1, 1], "groups": 1}
    kernel, stride = (params["kh"], params["kw"]), tuple(params["stride"])
    padding = list(params["pad_top_left"])
    for axis in (0, 1):  # the vectors give the output's size instead of the padding behind
        reach = params["dilation"][axis] * (kernel[axis] - 1) + 1
        room = images.shape[1 + axis] + padding[axis]
        padding.append(max(0, (expected.shape[1 + axis] - 1) * stride[axis] + reach - room))
    out_zero = params.get("output_offset", 0)
    if params["kind"] == "maxpool":
        node = MaxPool("n", "in", "out", kernel, stride, tuple(padding), params["act_min"],
                       params["act_max"])
    elif params["kind"] == "avgpool":
        # CMSIS-NN divides exactly; a reciprocal one step too large rounds ties away as it does.
        table = {n: quantize_multiplier(1 / n) for n in range(1, kernel[0] * kernel[1] + 1)}
        table = {n: (m + (m > 1 << 30), s) for n, (m, s) in table.items()}
        node = AveragePool("n", "in", "out", kernel, stride, tuple(padding), table, 0, 0,
                           Rounding.AWAY, params["act_min"], params["act_max"])
    else:
        weights = vector["weights"]
        if params["kind"] == "depthwise":  # [1, kh, kw, channels]
            weights = weights[0].transpose(2, 0, 1)[..., None]
        elif params["kind"] == "fc":
            weights = weights[:, None, None]
        channels = len(weights)
        requant = Requant(
            np.broadcast_to(vector["mult"], channels).astype(np.int32),
            np.broadcast_to(vector["shift"], channels).astype(np.int8),
            out_zero, params["act_min"], params["act_max"], Rounding.DOUBLE,
        )
        node = Conv("n", "conv2d", "in", "out", np.ascontiguousarray(weights), vector["bias"],
                    requant, stride, tuple(padding), tuple(params["dilation"]), params["groups"])
    source = Tensor("in", images.shape[1:], 1.0, -params.get("input_offset", 0))
    graph = graphs.single(node, source, zero_point=out_zero)
    return graph, images, expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_vector(file):
    with np.load(file, allow_pickle=False) as vector:
        graph, images, expected = layer(vector)
    actual = golden.run(graph, images)["out"]
    np.testing.assert_array_equal(actual, expected)


def test_naive_twin_on_a_vector():
    with np.load(DATA / "conv_dilation_golden.npz", allow_pickle=False) as vector:
        graph, images, expected = layer(vector)
    np.testing.assert_array_equal(naive.run(graph, {"in": images})["out"], expected)


def test_some_vectors_are_there():
    assert len(FILES) >= 4
