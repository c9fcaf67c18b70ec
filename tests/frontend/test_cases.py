"""Files on which the project fell short once: each gives the bytes that were recorded beside it.

The recorded answers are LiteRT's reference kernels' and ONNX Runtime's, by output.
"""

import numpy as np
import pytest

from accel import frontend, golden
from accel.frontend import FloatModelError
from accel.graph import ports
from tests.support import litert, shared

FOLDER = shared.SHARED / "cases"
FILES = sorted(path.name for path in FOLDER.glob("*") if path.suffix in (".onnx", ".tflite"))
#: Of averages and sums in float32: the share of bytes that may be a step apart.
NEAR = {"qlinear_average-c0.onnx": 0.02, "qlinear_average-c7.onnx": 0.02,
        "last_batch-b.onnx": 0.2,  # its last average is one float32 product and one rounding
        "partly_quantised-input_two_q_same_scale.onnx": 0.05}  # fmt: skip
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
        assert (apart > 1e-4).mean() <= NEAR.get(name, 0)
