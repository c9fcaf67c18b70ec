"""The golden model and the importer against ONNX Runtime: recorded tensors, and live by layer."""

import numpy as np
import onnx
import pytest

from accel import frontend, golden
from accel.graph import ports
from accel.graph.ir import Reshape, Softmax
from accel.onnx_session import session
from tests.support import shared
from tests.support.onnx_oracle import Steps

#: Recorded without ONNX Runtime's optimisations: the QDQ form was computed in float there.
MODELS = {"mnist8_QDQ_pt_QInt8": 1, "mnist8_QOperator_pt_QInt8": 0, "mnist8_QOperator_pt_QUInt8": 0}


@pytest.fixture(params=MODELS)
def case(request):
    file = shared.need("golden", f"{request.param}.ort.npz")
    graph = frontend.load(shared.need("models", f"{request.param}.onnx"))
    with np.load(file, allow_pickle=False) as reference:
        return graph, dict(reference), MODELS[request.param]


def hwc(values):
    """ONNX Runtime's [1, C, H, W] or [1, n], int8 or uint8, as int8 [1, H, W, C]."""
    if values.dtype == np.uint8:
        values = ports.recentre(values)
    values = values[:, :, None, None] if values.ndim == 2 else values
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1))


def test_recorded_tensors(case):
    """Every tensor of the two recorded samples, each computed from the network's input on."""
    graph, reference, limit = case
    for number, sample in enumerate(("s0", "s1")):
        images = reference["input"][number : number + 1]
        tensors = golden.run(graph, ports.read_inputs(graph, images))
        for name in [graph.inputs[0].tensor, *(node.output for node in graph.nodes)]:
            wanted = hwc(reference[f"{sample}|{name}"])
            actual = tensors[name]
            node = next((node for node in graph.nodes if node.output == name), None)
            if isinstance(node, Reshape):  # ONNX flattens in CHW order
                actual = tensors[node.input].transpose(0, 3, 1, 2).reshape(wanted.shape)
            difference = np.abs(actual.astype(int) - wanted).max()
            assert difference <= (limit if node else 0), (sample, name)


def test_answers(case):
    graph, reference, limit = case
    tensors = golden.run(graph, ports.read_inputs(graph, reference["input"]))
    (output,) = ports.outputs(graph, tensors)
    assert (output.dtype, output.shape) == (np.float32, reference["output"].shape)
    if limit == 0:
        np.testing.assert_array_equal(output, reference["output"])
    same = int((output.argmax(1) == reference["output"].argmax(1)).sum())
    exact = int((output == reference["output"]).all(1).sum())
    print(f"{graph.name}: top-1 equal on {same} of {len(output)}, all outputs equal on {exact}")
    assert same >= 499


def differing(path, images) -> dict[str, tuple[int, int]]:
    """Bytes that differ from ONNX Runtime's given the same input, and the largest step, by layer.

    The names are the operators between two quantised values.
    """
    graph = frontend.load(path)
    steps = Steps(path, graph)
    tensors = golden.run(graph, ports.read_inputs(graph, images))
    found = {}
    for number in range(len(images)):
        values = {name: array[number : number + 1] for name, array in tensors.items()}
        for step in steps.steps:
            actual = steps.golden(step, values).astype(int)
            wanted = steps.runtime(step, values)
            assert actual.shape == wanted.shape
            bytes_, most = found.get(step.op, (0, 0))
            found[step.op] = (bytes_ + int((actual != wanted).sum()),
                              max(most, int(np.abs(actual - wanted).max())))  # fmt: skip
    computed = {node.output for node in graph.nodes if not isinstance(node, (Reshape, Softmax))}
    assert len(steps.steps) >= len(computed)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_mnist_layers(name):
    images = np.load(shared.need("golden", f"{name}.ort.npz"))["input"][2:5]
    found = differing(shared.need("models", f"{name}.onnx"), images)
    assert set(found.values()) == {(0, 0)}


def keywords(count):
    return np.load(shared.need("golden", "kws_dscnn_int8.litert_ref.npz"))["input"][:count]


KWS = "mlperf_tiny_kws_dscnn_int8.tf2onnx_qdq.onnx"


def test_keyword_spotting_layers():
    found = differing(shared.need("models", KWS), keywords(3))
    assert set(found.values()) == {(0, 0)}


def test_keyword_spotting_answers():
    """The whole network, on all recorded samples."""
    path = shared.need("models", KWS)
    graph, given = frontend.load(path), keywords(300)
    [output] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    runtime = session(onnx.load(path))
    name = runtime.get_inputs()[0].name
    wanted = np.concatenate([runtime.run(None, {name: one[None]})[0] for one in given])
    assert output.dtype == wanted.dtype
    np.testing.assert_array_equal(output, wanted)


@pytest.fixture(scope="module")
def pictures():
    """Smooth random images, as float pixels: 32 x 32 x 3."""
    random = np.random.default_rng(3)
    coarse = random.uniform(0, 255, (12, 5, 5, 3))
    rows, part = np.divmod(np.linspace(0, 3.99, 32), 1)
    rows, part = rows.astype(int), part[:, None, None]
    tall = coarse[:, rows] * (1 - part[None]) + coarse[:, rows + 1] * part[None]
    return (tall[:, :, rows] * (1 - part) + tall[:, :, rows + 1] * part).astype(np.float32)


@pytest.mark.parametrize("form", ["qdq", "qoperator"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_resnet8(form, per_channel, pictures, tmp_path):
    """MLPerf Tiny's ResNet-8, quantised here: every layer and all answers as ONNX Runtime's."""
    from accel.frontend.onnx import quantize

    source = shared.need("models", "mlperf_tiny_resnet8_fp32.tf2onnx.onnx")
    path = tmp_path / "resnet8.onnx"
    quantize.quantize(source, path, pictures[:8], per_channel=per_channel, form=form)
    found = differing(path, pictures[8:10])
    assert {"Conv", "Add", "Gemm", "Softmax"} <= {
        op.replace("QLinear", "").replace("QG", "G") for op in found
    }
    assert set(found.values()) == {(0, 0)}
    graph = frontend.load(path)
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, pictures)))
    runtime = session(onnx.load(path))
    name = runtime.get_inputs()[0].name
    wanted = np.concatenate([runtime.run(None, {name: one[None]})[0] for one in pictures])
    np.testing.assert_array_equal(actual, wanted)
    assert isinstance(graph.nodes[-1], Softmax)
