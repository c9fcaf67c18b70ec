"""Several QuantizeLinear nodes behind one float value."""

import numpy as np
import pytest

import accel
from accel import frontend, golden
from accel.graph import ports
from accel.graph.ir import Concat, Conv, MaxPool, Table
from accel.onnx_session import session
from tests.support.machines import MACHINES
from tests.support.onnx_models import Model

SHAPE = [1, 4, 6, 5]


def both(model: Model, folder, given):
    """The graph, and the answers of the golden model and of ONNX Runtime."""
    graph = frontend.load(model.save(folder))
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, {"x": given})))
    return graph, actual, session(model.proto()).run(None, {"x": given})[0]


def images(seed=1):
    return np.random.default_rng(seed).normal(0, 1, SHAPE).astype(np.float32)


def weights(model, name, seed):
    random = np.random.default_rng(seed)
    return model.weights(name, random.integers(-127, 128, (4, 4, 1, 1)), 0.005)


def fan(model: Model, value, params):
    """The value quantised with each of the params, and all of them joined."""
    parts = [model.quantise(value, scale, zero, name=f"part{number}")
             for number, (scale, zero) in enumerate(params)]
    return model.output(model.quantise(model.node("Concat", parts, "j", axis=1), 0.03, 0))


def test_equal_ones_are_one_value(tmp_path):
    """The layer before them is computed once."""
    model = Model(SHAPE)
    value = model.node("Conv", [model.quantise("x", 0.02, 3), weights(model, "w", 2)], "c")
    value = model.node("Relu", [value], "r")
    graph, actual, expected = both(fan(model, value, [(0.03, -5)] * 3), tmp_path, images())
    np.testing.assert_array_equal(actual, expected)
    assert [type(node) for node in graph.nodes] == [Conv, Table, Concat]


def test_different_ones_are_different_values(tmp_path):
    """Each rounds the same float, for which ONNX Runtime computes the layer in float."""
    model = Model(SHAPE)
    value = model.node("Conv", [model.quantise("x", 0.02, 3), weights(model, "w", 2)], "c")
    fan(model, value, [(0.03, 0), (0.05, 0), (0.03, 4), (0.03, 0)])
    graph, actual, expected = both(model, tmp_path, images())
    assert np.abs(actual - expected).max() <= 0.0501
    assert (actual != expected).mean() < 0.001
    assert [type(node) for node in graph.nodes if isinstance(node, Conv)] == [Conv] * 3


def test_of_an_activation(tmp_path):
    """A change of scale that two readers ask for is one table."""
    model = Model(SHAPE)
    model = fan(model, model.quantise("x", 0.02, 3), [(0.025, 1), (0.025, 1), (0.02, 3)])
    graph, actual, expected = both(model, tmp_path, images())
    np.testing.assert_array_equal(actual, expected)
    assert sum(isinstance(node, Table) and node.input == "x_q" for node in graph.nodes) == 2


def test_before_and_behind_a_maximum_pooling(tmp_path):
    """A MaxPool in float is quantised as its source, which then is the same value as its other."""
    model = Model(SHAPE)
    value = model.node("Conv", [model.quantise("x", 0.02, 3), weights(model, "w", 2)], "c")
    one = model.quantise(value, 0.03, -5, name="one")
    pooled = model.node("MaxPool", [value], "m", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    other = model.quantise(pooled, 0.03, -5, name="other")
    model.output(model.quantise(model.node("Concat", [one, other], "j", axis=1), 0.03, -5))
    graph, actual, expected = both(model, tmp_path, images())
    np.testing.assert_allclose(actual, expected, atol=0.0301)
    assert (actual != expected).mean() < 0.001
    assert [type(node) for node in graph.nodes] == [Conv, MaxPool, Concat]


@pytest.mark.parametrize("params", [[(0.02, 3), (0.02, 3)], [(0.02, 3), (0.03, -1)]])
def test_of_the_input(params, tmp_path):
    """Equal ones are one tensor, different ones several tensors of one array."""
    model = fan(Model(SHAPE), "x", params)
    graph, actual, expected = both(model, tmp_path, images())
    np.testing.assert_array_equal(actual, expected)
    assert [port.name for port in graph.inputs] == ["x"] * len(set(params))
    [run] = accel.run(graph, images(), params=MACHINES[1]).outputs
    np.testing.assert_array_equal(run, expected)
    [alone] = accel.golden_run(graph, {"x": images()})
    np.testing.assert_array_equal(alone, expected)


def test_of_the_input_in_two_shapes(tmp_path):
    """As an image and flattened: one reader wants the bytes pixel by pixel, the other in order."""
    model = Model(SHAPE)
    random = np.random.default_rng(3)
    flat = model.quantise(model.node("Flatten", ["x"], "f"), 0.02, 3, name="f")
    matrix = model.weights("m", random.integers(-127, 128, (120, 4)), 0.002, axis=1)
    dense = model.quantise(model.node("MatMul", [flat, matrix], "d"), 0.05, 0)
    image = model.node("Conv", [model.quantise("x", 0.02, 3), weights(model, "w", 4)], "c")
    image = model.node("GlobalAveragePool", [model.quantise(image, 0.05, 0)], "g")
    image = model.node("Flatten", [model.quantise(image, 0.05, 0)], "gf")
    model.output(model.quantise(model.node("Concat", [dense, image], "j", axis=1), 0.05, 0))
    _, actual, expected = both(model, tmp_path, images())
    np.testing.assert_array_equal(actual, expected)


def test_two_inputs_on_the_machine(tmp_path):
    """A network with several inputs takes them by name or in order."""
    model = Model(SHAPE)
    model.inputs += Model(SHAPE, name="z").inputs
    parts = [model.quantise("x", 0.02, 3), model.quantise("z", 0.03, -4)]
    model.output(model.quantise(model.node("Concat", parts, "j", axis=1), 0.03, -4))
    given = {"x": images(1), "z": images(2)}
    path = model.save(tmp_path)
    [expected] = session(model.proto()).run(None, given)
    for inputs in (given, [given["x"], given["z"]]):
        result = accel.run(path, inputs, params=MACHINES[1])
        np.testing.assert_array_equal(result.outputs[0], expected)
    [alone] = accel.golden_run(path, given)
    np.testing.assert_array_equal(alone, expected)
