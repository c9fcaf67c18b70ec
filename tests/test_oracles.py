"""The RTL against what other implementations recorded: CMSIS-NN's vectors, LiteRT's networks."""

import numpy as np
import pytest

import accel
from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.frontend import load
from accel.graph import ports
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.golden.test_cmsis_nn import FILES, layer
from tests.support.machines import MACHINES
from tests.support.shared import need

LITERT = ("mlperf_tiny_kws_dscnn_int8", "tinymaix_mnist_resnet_q", "tinymaix_mnist_valid_q")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_cmsis_nn_vector_on_the_rtl(file):
    with np.load(file, allow_pickle=False) as vector:
        graph, images, expected = layer(vector)
    result = accel.run(graph, images, params=MACHINES[1], batch=len(images))
    assert result.report["total"]["mismatches"] == 0
    np.testing.assert_array_equal(result.outputs[0].reshape(expected.shape), expected)


def recorded(name: str):
    """What LiteRT's reference kernels answered for a network."""
    short = name.removeprefix("mlperf_tiny_")
    return np.load(need("golden", f"{short}.litert_ref.npz"), allow_pickle=False)


@pytest.mark.campaign
@pytest.mark.parametrize("name", LITERT)
def test_litert_networks_on_the_rtl(name):
    """All samples: no byte differs in any output."""
    with recorded(name) as oracle:
        images, expected = oracle["input"], oracle["output"]
    result = accel.run(need("models", f"{name}.tflite"), images, batch=20)
    assert result.report["images"] == len(images)
    assert result.report["total"]["mismatches"] == 0
    np.testing.assert_array_equal(result.outputs[0].reshape(expected.shape), expected)


@pytest.mark.campaign
@pytest.mark.parametrize("name", LITERT)
@pytest.mark.parametrize("sample", [0, 1])
def test_every_tensor_of_a_recorded_sample_on_the_rtl(name, sample):
    """No byte differs in any tensor that the machine stores."""
    graph, params = load(need("models", f"{name}.tflite")), Params()
    with recorded(name) as oracle:
        tensors = {key: oracle[key] for key in oracle.files if key.startswith(f"s{sample}_op")}
        image = ports.quantise(graph, oracle["input"][sample : sample + 1])
    engine = get_engine("auto")
    engine.build(params)
    batch = run_batch(engine, compile_graph(graph, params, 1), graph, image, Memory())
    compared = 0
    for node in graph.nodes:
        key = f"s{sample}_{node.name}"
        if node.output in batch.tensors and key in tensors:
            got = batch.tensors[node.output]
            np.testing.assert_array_equal(got.reshape(-1), tensors[key].reshape(-1), key)
            compared += 1
    assert compared >= 5
