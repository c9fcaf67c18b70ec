"""Files on which the project fell short once: each gives the bytes that were recorded beside it.

The recorded answers are LiteRT's reference kernels' and ONNX Runtime's, by output.
"""

import numpy as np
import pytest

from accel import frontend, golden
from accel.frontend import FloatModelError
from accel.graph import ports
from tests.support import litert, naive, shared

FOLDER = shared.SHARED / "cases"
FILES = sorted(path.name for path in FOLDER.glob("*") if path.suffix in (".onnx", ".tflite"))
#: Whose last layer is an average or a sum, which ONNX Runtime computes in float32: a result just
#: between two steps falls to either side there, as the noise of the scales' last bits will have it
#: (equal scales, six elements: every sixth).  ONNX Runtime differs from itself there, too.
TIES = ("qlinear_average-c0.onnx", "qlinear_average-c7.onnx",
        "partly_quantised-input_two_q_same_scale.onnx")  # fmt: skip


@pytest.mark.skipif(not FILES, reason="no files beside the checkout")
@pytest.mark.parametrize("name", FILES)
def test_a_case_gives_the_recorded_bytes(name):
    path = FOLDER / name
    if name.startswith("float_block"):  # quantised first: tests/test_floats.py
        with pytest.raises(FloatModelError):
            frontend.load(path)
        return
    with np.load(path.with_suffix(".npz")) as file:
        arrays = {key: file[key] for key in file.files}
    inputs = [values for key, values in arrays.items() if key.startswith("input")]
    wanted = [values for key, values in arrays.items() if key.startswith("exact")]
    graph = frontend.load(path)
    if any(getattr(node, "runtime", "") == "litert" for node in graph.nodes):
        litert.need()
    outputs = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
    for port, actual, expected in zip(graph.outputs, outputs, wanted, strict=True):
        actual = actual.reshape(expected.shape)
        step = graph.tensors[port.tensor].scale if actual.dtype == np.float32 else 1
        apart = np.abs(actual.astype(np.float64) - expected) / step
        assert apart.max() < 1.001
        wrong = apart > 1e-4
        if name in TIES:
            exact = _exactly(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
            between = np.abs(exact % 1 - 0.5).reshape(-1, *exact.shape[1:]).transpose(0, 3, 1, 2)
            assert wrong.any() and between.reshape(expected.shape)[wrong].max() < 1e-4
        else:
            assert not wrong.any()


def _exactly(graph, tensors) -> np.ndarray:
    """The last layer's result in steps before any rounding, [batch, height, width, channels]."""
    node = graph.nodes[-1]
    inputs = [graph.tensors[name] for name in node.inputs]
    if node.op == "add":
        scale = graph.tensors[node.output].scale
        return sum((tensors[one.name] - float(one.zero_point)) * (one.scale / scale)
                   for one in inputs)  # fmt: skip
    result = np.empty(tensors[node.output].shape)
    for _, y, x, channel in np.ndindex(result.shape):
        taps = [tensors[node.input][:, ty, tx, channel].astype(int) - node.in_zero
                for ty, tx in naive.window(node, inputs[0], y, x)]  # fmt: skip
        multiplier, shift = node.table[len(taps)]
        result[:, y, x, channel] = sum(taps) * (multiplier * 2.0 ** (shift - 31))
    return result
