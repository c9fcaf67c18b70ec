"""Files on which an importer fell short once, in ../shared/cases, with the oracle's answers."""

import numpy as np
import pytest

from accel import frontend, golden
from accel.frontend import ModelError
from accel.graph import ports
from tests.support import shared

#: Files, and the part of their bytes that may be one step off: averages and additions, which ONNX
#: Runtime computes in float32.  Scales of 0.05, 0.02 and 0.06 make every sixth sum a half.
TAKEN = {
    "qlinear_average-c0": 0.02, "qlinear_average-c2": 0, "qlinear_average-c7": 0.02,
    "qlinear_average-c9": 0, "partly_quantised-fan-out_own_q_same_scale": 0,
    "partly_quantised-input_two_q_same_scale": 0.05, "float_pool_beside_quantised": 0,
    "uint8_weights-o4_122": 0, "uint8_weights-conv122": 0, "uint8_weights-dw151": 0,
    "uint8_weights-fc160": 0, "tflite_op-split": 0, "tflite_op-tconv": 0, "tflite_op-resize": 0,
}  # fmt: skip
#: Files with a part that would have to be computed in float, and the node that begins it.
FLOAT = {
    "partly_quantised-first_layer_float": "node 'Conv_2' (Conv): input 'x' is float",
    "partly_quantised-float_gap_then_q":
        "node 'GlobalAveragePool_15' (GlobalAveragePool): input 'relu_14' is float",
    "partly_quantised-residual_float_branch_tensorrt":
        "node 'Add_28' (Add): input 'conv_27' is float",
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_answers(name):
    answers = shared.need("cases", f"{name}.npz")
    [path] = {answers.with_suffix(suffix) for suffix in (".onnx", ".tflite")} & {
        *answers.parent.iterdir()}
    graph = frontend.load(path)
    with np.load(answers, allow_pickle=False) as file:
        answers = dict(file)
    given = {port.name: answers[f"input|{port.name}"] for port in graph.inputs}
    outputs = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    for port, output in zip(graph.outputs, outputs, strict=True):
        step = graph.tensors[port.tensor].scale if port.dtype == "float32" else 1
        off = np.abs(output.astype(float) - answers[f"exact|{port.name}"]) / step
        assert off.max() < 1.01
        assert (off > 0.5).mean() <= TAKEN[name]


@pytest.mark.parametrize("name", FLOAT)
def test_float_parts(name):
    with pytest.raises(ModelError) as error:
        frontend.load(shared.need("cases", f"{name}.onnx"))
    assert f"{FLOAT[name]}: quantise the whole model" in str(error.value)
