"""Float files with operators on two tensors: quantised, they run on the machine as a whole."""

import numpy as np
import pytest
from onnx import helper

from accel import frontend, golden, onnx_session
from accel.frontend.onnx.quantize import quantize
from accel.graph import ports
from tests.support.float_models import IMAGES, Float


def difference(m, a, b):
    return m.node("Sub", [a, b], "v")


def from_average(m, a, b):
    """A pixel less an image."""
    return m.node("Sub", [m.node("GlobalAveragePool", [b], "g"), a], "v")


def less_average(m, a, b):
    return m.node("Sub", [a, m.node("GlobalAveragePool", [b], "g")], "v")


def largest(m, a, b):
    """Maxout over the halves of the channels, and of both layers."""
    sizes = m.const("sizes", [4, 4], np.int64)
    m.nodes.append(helper.make_node("Split", [a, sizes], ["a0", "a1"], name="split", axis=1))
    both = m.node("Concat", [m.node("Max", ["a0", "a1"], "most"), "a0"], "both", axis=1)
    return m.node("Max", [both, b], "v")


def smallest(m, a, b):
    return m.node("Min", [a, b, m.conv("x", "c", 3, 8)], "v")


def slopes(m, a, b):
    return m.node("PRelu", [m.node("Sub", [a, b], "s"), m.floats("slopes", 8, 1, 1)], "v")


def normalised(m, a, b):
    return m.norm(m.node("Add", [a, b], "s"), "n", 8)


def floor(m, a, b):
    """A bound for each channel."""
    return m.node("Max", [m.node("Add", [a, b], "s"), m.floats("c", 1, 8, 1, 1)], "v")


#: Each with the kinds of nodes that must come of it, beside convolutions, tables and poolings.
NETWORKS = {
    difference: {"Sub"}, from_average: {"Sub"}, less_average: {"Sub"}, smallest: {"Min"},
    largest: {"Max", "Slice", "Concat"}, slopes: {"Sub", "Max"}, normalised: {"Add"},
    floor: {"Add", "Max"},
}  # fmt: skip
OTHERS = {"Conv", "Table", "AveragePool", "Reshape"}


@pytest.mark.parametrize("activations", ["int8", "uint8"])
@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_bytes_are_onnx_runtimes(build, activations, tmp_path):
    m = Float()
    a, b = (m.relu(m.conv("x", name, 3, 8)) for name in "ab")
    source, target = m.end(build(m, a, b), 8).save(tmp_path), tmp_path / "int8.onnx"
    quantize(source, target, IMAGES, activations=activations)
    graph = frontend.load(target, strict=True)
    assert {type(node).__name__ for node in graph.nodes} - OTHERS == NETWORKS[build]
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, IMAGES)))
    session = onnx_session.session(target)
    expected = [session.run(None, {"x": IMAGES[n : n + 1]})[0] for n in range(len(IMAGES))]
    # A step of the last layer, where a byte on the way there is a step off.
    step = graph.tensors[graph.nodes[-1].output].scale
    assert np.abs(actual - np.concatenate(expected)).max() <= 1.01 * step
