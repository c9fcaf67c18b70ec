"""Digits on the RTL against other witnesses, and that differences are seen."""

import dataclasses

import numpy as np
import pytest

import accel
from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.frontend import load
from accel.graph import ports
from accel.models import BUILTIN
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.machines import MACHINES
from tests.support.shared import need

MNIST8 = ("mnist8_QDQ_pt_QInt8", "mnist8_QOperator_pt_QInt8", "mnist8_QOperator_pt_QUInt8")


@pytest.mark.campaign
@pytest.mark.parametrize("name", MNIST8)
def test_500_digits_on_the_rtl_against_onnx_runtime(name):
    with np.load(need("golden", f"{name}.ort.npz")) as oracle:
        images, expected = oracle["input"], oracle["output"]
    result = accel.run(need("models", f"{name}.onnx"), images)
    assert result.report["images"] == 500
    assert result.report["total"]["mismatches"] == 0
    assert (result.outputs[0].argmax(axis=1) == expected.argmax(axis=1)).sum() >= 499


@pytest.mark.campaign
def test_mnist_has_the_same_bytes_and_cycles_in_both_engines():
    graph = load(BUILTIN["mnist"].network)
    with np.load(BUILTIN["mnist"].inputs) as file:
        image = ports.quantise(graph, file["images"][:1])
    params = Params(rows=4, cols=4)
    program = compile_graph(graph, params, 1)
    runs = []
    for name in ("pysim", "verilator"):
        engine = get_engine(name)
        engine.build(params)
        runs.append(run_batch(engine, program, graph, image, Memory()))
    assert runs[0].outcomes[0].counters == runs[1].outcomes[0].counters
    assert runs[0].records == runs[1].records
    for name, tensor in runs[0].tensors.items():
        np.testing.assert_array_equal(tensor, runs[1].tensors[name])


def test_a_changed_weight_is_seen():
    graph = load(BUILTIN["mnist"].network)
    with np.load(BUILTIN["mnist"].inputs) as file:
        images = ports.quantise(graph, file["images"][:1])
    program = compile_graph(graph, MACHINES[1], 1)
    node = graph.nodes[0]
    changed = np.array(node.weights)
    changed[0, 2, 2, 0] ^= 0x40
    nodes = (dataclasses.replace(node, weights=changed), *graph.nodes[1:])
    other = dataclasses.replace(graph, nodes=nodes)
    engine = get_engine("auto")
    engine.build(MACHINES[1])
    tensors = run_batch(engine, program, graph, images, Memory()).tensors
    output = program.layers[0].output
    assert np.array_equal(tensors[output], golden.run(graph, images)[output])
    assert not np.array_equal(tensors[output], golden.run(other, images)[output])
