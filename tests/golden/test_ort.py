"""The golden model and the importer against ONNX Runtime's answers for the mnist-8 models."""

import numpy as np
import pytest

from accel import frontend, golden
from accel.golden.layers import LAYERS
from accel.graph import ports
from accel.graph.ir import Reshape
from tests.support import shared

MODELS = ("mnist8_QDQ_pt_QInt8", "mnist8_QOperator_pt_QInt8", "mnist8_QOperator_pt_QUInt8")


@pytest.fixture(params=MODELS)
def case(request):
    file = shared.need("golden", f"{request.param}.ort.npz")
    graph = frontend.load(shared.need("models", f"{request.param}.onnx"))
    with np.load(file, allow_pickle=False) as reference:
        return graph, dict(reference)


def hwc(values):
    """ONNX Runtime's [1, C, H, W] or [1, n], int8 or uint8, as int8 [1, H, W, C]."""
    if values.dtype == np.uint8:
        values = ports.recentre(values)
    values = values[:, :, None, None] if values.ndim == 2 else values
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1))


def test_layers_within_one_step(case):
    graph, reference = case
    compared = 0
    for sample in ("s0", "s1"):
        for node in graph.nodes:
            source, target = graph.tensors[node.input], graph.tensors[node.output]
            given = hwc(reference[f"{sample}|{node.input}"])
            wanted = hwc(reference[f"{sample}|{node.output}"])
            if isinstance(node, Reshape):
                flat = given.transpose(0, 3, 1, 2).reshape(wanted.shape)
                np.testing.assert_array_equal(flat, wanted)
                continue
            if source.shape != given.shape[1:]:  # flattened by ONNX in CHW order
                continue
            if node.op == "fully_connected":  # ONNX Runtime's input is in CHW order
                image = next(n for n in graph.nodes if n.output == node.input)
                given = hwc(reference[f"{sample}|{image.input}"]).reshape(1, 1, 1, -1)
            actual = LAYERS[type(node)](node, source, target, given)
            difference = np.abs(actual.astype(int) - wanted).max()
            print(f"{graph.name} {sample} {node.name}: at most {difference} LSB")
            assert difference <= (0 if node.op == "max_pool" else 1), node.name
            compared += 1
    assert compared == 2 * 5


def test_answers(case):
    graph, reference = case
    tensors = golden.run(graph, ports.read_inputs(graph, reference["input"]))
    (output,) = ports.outputs(graph, tensors)
    assert (output.dtype, output.shape) == (np.float32, reference["output"].shape)
    same = int((output.argmax(1) == reference["output"].argmax(1)).sum())
    exact = int((output == reference["output"]).all(1).sum())
    print(f"{graph.name}: top-1 equal on {same} of {len(output)}, all outputs equal on {exact}")
    assert same >= 499
    np.testing.assert_array_equal(
        tensors[graph.inputs[0].tensor][:2],
        np.concatenate([hwc(reference[f"{s}|{graph.inputs[0].tensor}"]) for s in ("s0", "s1")]),
    )
