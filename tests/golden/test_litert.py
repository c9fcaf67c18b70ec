"""Golden layers against LiteRT's reference kernels, byte for byte.

Random single layers (tests/data/litert), and each layer of the networks whose tensors were
recorded, given the recorded input (beside the repository).
"""

import json
import math
import pathlib

import numpy as np
import pytest

from accel import frontend, golden
from accel.golden.layers import compute
from accel.graph import ports
from accel.graph.ir import Add, AveragePool, MaxPool, Requant, Softmax, Tensor
from accel.isa import Rounding
from accel.quant import quantize_multiplier
from tests.support import graphs, shared

FILE = pathlib.Path(__file__).parents[1] / "data" / "litert" / "cases.npz"
with np.load(FILE, allow_pickle=False) as _file:
    ARRAYS = dict(_file)
CASES = json.loads(str(ARRAYS["cases"]))


def softmax(case, source, target):
    fraction, shift = math.frexp(case["beta"] * case["scale"] * 2**26)
    return Softmax("n", "in0", "out", "integer", int(fraction * 2**31 + 0.5), shift)


def bounds(case, zero, scale) -> tuple[int, int]:
    """Clamp of a fused activation."""
    low = -128 if case["activation"] == "NONE" else zero
    high = zero + int(6 / scale + 0.5) if case["activation"] == "RELU6" else 127
    return low, min(high, 127)


def add(case, source, target):
    scales = [scale for scale, _ in case["inputs"]]
    operands = tuple(quantize_multiplier(scale / (2 * max(scales))) for scale in scales)
    out, zero = case["output"]
    factor = quantize_multiplier(2 * max(scales) / (2**20 * out))
    need = Requant(*(np.array([part]) for part in factor), zero, *bounds(case, zero, out),
                   Rounding.DOUBLE)
    return Add("n", ("in0", "in1"), "out", operands, need)


def mean(case, source, target):
    """LiteRT divides the multiplier by the count, after a left shift that keeps its bits."""
    (scale, zero), (out, out_zero) = case["input"], case["output"]
    count = source.shape[0] * source.shape[1]
    multiplier, shift = quantize_multiplier(scale / out)
    left = count.bit_length() - 1
    table = {count: ((multiplier << left) // count, shift - left)}
    return AveragePool("n", "in0", "out", source.shape[:2], (1, 1), (0, 0, 0, 0), table, zero,
                       out_zero, Rounding.DOUBLE)


def average_pool(case, source, target):
    """Raw bytes, divided exactly: a reciprocal rounded up takes halves away from zero."""
    kernel = case["kernel"]
    table = {n: quantize_multiplier(1 / n) for n in range(1, kernel[0] * kernel[1] + 1)}
    table = {n: (m + (m > 1 << 30), s) for n, (m, s) in table.items()}
    lo, hi = bounds(case, case["zero"], 1)
    return AveragePool("n", "in0", "out", kernel, case["stride"], case["padding"], table, 0, 0,
                       Rounding.AWAY, lo, hi)


def max_pool(case, source, target):
    lo, hi = bounds(case, case["zero"], 1)
    return MaxPool("n", "in0", "out", case["kernel"], case["stride"], case["padding"], lo, hi)


def tensors(case, inputs, output):
    """The case's tensors, with their scales and zero points."""
    given = case.get("inputs") or [case.get("input") or (1.0, case.get("zero", 0))]
    sources = [
        Tensor(f"in{n}", values.shape[1:], *quantisation)
        for n, (values, quantisation) in enumerate(zip(inputs, given, strict=True))
    ]
    made = (1 / 256, -128) if case["op"] == "softmax" else case.get("output") or given[0]
    return sources, Tensor("out", output.shape[1:], *made)


MAKERS = {"softmax": softmax, "add": add, "mean": mean, "average_pool": average_pool,
          "max_pool": max_pool}  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n]['op']} {n}")
def test_single_layer(number):
    case, output = CASES[number], ARRAYS[f"{number} output"]
    count = 2 if case["op"] == "add" else 1
    inputs = [ARRAYS[f"{number} input {n}"] for n in range(count)]
    if case["op"] == "softmax":
        inputs, output = [inputs[0][:, None, None]], output[:, None, None]
    sources, target = tensors(case, inputs, output)
    graph = graphs.joined(MAKERS[case["op"]](case, sources[0], target), sources, target)
    images = {source.name: values for source, values in zip(sources, inputs, strict=True)}
    np.testing.assert_array_equal(golden.run(graph, images)["out"], output)


def test_the_cases_are_many():
    ops = [case["op"] for case in CASES]
    assert {op: ops.count(op) for op in ops} == dict.fromkeys(MAKERS, 12)
    outputs = [ARRAYS[f"{number} output"].ravel() for number in range(len(CASES))]
    assert len(np.unique(np.concatenate(outputs))) == 256


#: Model, recorded tensors, and the kinds of their layers.
NETWORKS = {
    "mlperf_tiny_kws_dscnn_int8": ("kws_dscnn_int8", {"conv2d", "average_pool", "reshape",
                                                      "fully_connected", "softmax"}),
    "tinymaix_mnist_resnet_q": ("tinymaix_mnist_resnet_q", {"conv2d", "add", "reshape",
                                                            "fully_connected", "softmax"}),
    "tinymaix_mnist_valid_q": ("tinymaix_mnist_valid_q", {"conv2d", "average_pool",
                                                          "fully_connected", "softmax"}),
}  # fmt: skip


@pytest.fixture(params=NETWORKS)
def network(request):
    name, kinds = NETWORKS[request.param]
    file = shared.need("golden", f"{name}.litert_ref.npz")
    graph = frontend.load(shared.need("models", f"{request.param}.tflite"))
    assert {node.op for node in graph.nodes} == kinds
    with np.load(file, allow_pickle=False) as recorded:
        return graph, dict(recorded)


@pytest.mark.parametrize("sample", [0, 1])
def test_recorded_layers(network, sample):
    """Every layer alone, given the recorded tensors; the graph's nodes are the file's operators."""
    graph, recorded = network
    names = sorted(name for name in recorded if name.startswith(f"s{sample}_op"))
    assert len(names) == len(graph.nodes)
    values = {graph.inputs[0].tensor: ports.quantise(graph, recorded["input"][sample : sample + 1])}
    for node, name in zip(graph.nodes, names, strict=True):
        given = recorded[name].reshape(1, *graph.tensors[node.output].shape)
        np.testing.assert_array_equal(compute(graph, node, values), given, err_msg=name)
        values[node.output] = given


def test_recorded_answers(network):
    graph, recorded = network
    results = golden.run(graph, ports.read_inputs(graph, recorded["input"]))
    (output,) = ports.outputs(graph, results)
    np.testing.assert_array_equal(output, recorded["output"])
