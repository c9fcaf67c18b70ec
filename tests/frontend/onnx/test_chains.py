"""Functions of one byte, of however many operators: one table, and ONNX Runtime's own bytes."""

import numpy as np
import pytest

from accel import frontend, golden, onnx_session
from accel.frontend import ModelError
from accel.graph import ports
from tests.support.onnx_models import Model

#: Every byte, several times, in an image.
BYTES = np.random.default_rng(0).permutation(np.tile(np.arange(-128, 128), 2)).reshape(1, 2, 16, 16)
SCALE, ZERO = 0.05, -7


def silu(m, x):
    return m.node("Mul", [x, m.node("Sigmoid", [x], "s")], "y")


def silu_quantised_between(m, x):
    """As ONNX Runtime's quantiser writes it."""
    s = m.quantise(m.node("Sigmoid", [x], "s"), 1 / 256, -128)
    return m.node("Mul", [x, s], "y")


def hard_swish(m, x):
    three, six = m.const("three", 3.0, np.float32), m.const("six", 6.0, np.float32)
    zero = m.const("zero", 0.0, np.float32)
    clipped = m.node("Clip", [m.node("Add", [x, three], "plus"), zero, six], "clipped")
    return m.node("Div", [m.node("Mul", [x, clipped], "times"), six], "y")


def gelu(m, x):
    root, one = m.const("root", 2**0.5, np.float32), m.const("one", 1.0, np.float32)
    half = m.const("half", 0.5, np.float32)
    erf = m.node("Erf", [m.node("Div", [x, root], "scaled")], "erf")
    return m.node("Mul", [m.node("Mul", [x, m.node("Add", [erf, one], "e1")], "m"), half], "y")


def mish(m, x):
    return m.node("Mul", [x, m.node("Tanh", [m.node("Softplus", [x], "soft")], "t")], "y")


def elu(m, x):
    return m.node("Elu", [x], "y", alpha=0.7)


def negative(m, x):
    return m.node("Sub", [m.const("two", [2.0], np.float32), m.node("Neg", [x], "n")], "y")


def larger(m, x):
    return m.node("Max", [x, m.node("Mul", [x, m.const("k", 0.1, np.float32)], "less")], "y")


CHAINS = {
    function.__name__: function
    for function in (silu, silu_quantised_between, hard_swish, gelu, mish, elu, negative, larger)
}


def build(function, dtype=np.int8, out=0.04):
    model = Model(["N", 2, 16, 16], opset=17)
    x = model.quantise("x", SCALE, ZERO + 128 * (dtype == np.uint8), dtype)
    made = function(model, x)
    return model.output(model.quantise(made, out, 128 * (dtype == np.uint8), dtype))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8], ids=["int8", "uint8"])
@pytest.mark.parametrize("name", CHAINS)
def test_every_byte_is_onnx_runtimes(name, dtype, tmp_path):
    path = build(CHAINS[name], dtype).save(tmp_path)
    graph = frontend.load(path)
    assert [type(node).__name__ for node in graph.nodes] == ["Table"]
    x = ((BYTES - ZERO) * SCALE).astype(np.float32)
    [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, x)))
    [expected] = onnx_session.session(path).run(None, {"x": x})
    np.testing.assert_array_equal(actual, expected)


def hard_swish_quantised_between(m, x):
    """As PyTorch's new exporter and ONNX Runtime's quantiser write it together."""
    s = m.quantise(m.node("HardSigmoid", [x], "s", alpha=1 / 6, beta=0.5), 1 / 255, 0)
    return m.node("Mul", [x, s], "y")


def scaled(m, x):
    return m.node("Mul", [x, m.weights("k", [77], 0.0123)], "y")


def shifted(m, x):
    return m.node("Add", [m.weights("k", [-35], 0.0371), x], "y")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8], ids=["int8", "uint8"])
@pytest.mark.parametrize("function", [hard_swish_quantised_between, scaled, shifted])
def test_what_onnx_runtime_computes_in_integers(function, dtype, tmp_path):
    """Scales for which that differs from the float operator's bytes, in some of them."""
    rng, wrong = np.random.default_rng(1), 0
    for number in range(60):
        scale, out = rng.uniform(0.01, 0.05, 2).astype(np.float32).tolist()
        if number % 3 == 0:  # exact halves
            scale, out = 2.0 ** -int(rng.integers(3, 7)), 2.0 ** -int(rng.integers(3, 7))
        zeros = rng.integers(-128, 128, 2) + 128 * (dtype == np.uint8)
        model = Model(["N", 2, 16, 16], opset=17)
        x = model.quantise("x", scale, zeros[0], dtype)
        if function is hard_swish_quantised_between:
            s = model.node("HardSigmoid", [x], "s", alpha=1 / 6, beta=0.5)
            made = model.node("Mul", [x, model.quantise(s, 1 / 255, zeros[0], dtype)], "y")
        elif dtype == np.uint8:
            made = model.node("Mul" if function is scaled else "Add", [
                x, model.weights("k", [205], 0.0123, 128, np.uint8)], "y")
        else:
            made = function(model, x)
        path = model.output(model.quantise(made, out, zeros[1], dtype)).save(tmp_path)
        graph = frontend.load(path, strict=True)
        centre = zeros[0] - 128 * (dtype == np.uint8)
        given = ((BYTES - centre) * np.float32(scale)).astype(np.float32)
        [actual] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
        [expected] = onnx_session.session(path).run(None, {"x": given})
        wrong += int((actual != expected).sum())
    assert wrong == 0


def test_what_is_needed_elsewhere_stays(tmp_path):
    model = Model(["N", 2, 16, 16], opset=17)
    x = model.quantise("x", SCALE, ZERO)
    s = model.quantise(model.node("Sigmoid", [x], "s"), 1 / 256, -128)
    model.output(model.quantise(model.node("Mul", [x, s], "y"), 0.04, 0)).output(s)
    graph = frontend.load(model.save(tmp_path))
    assert [node.op for node in graph.nodes] == ["sigmoid", "mul"]


@pytest.mark.parametrize("again", [False, True])
def test_a_chain_on_what_was_transposed_and_quantised_anew(again, tmp_path):
    """The chain's bytes follow from those in front of the Transpose, seen as behind it."""
    model = Model([1, 2, 4, 16], opset=17)
    x = model.quantise("x", SCALE, ZERO)
    turned = model.quantise(model.node("Transpose", [x], "t", perm=[0, 2, 3, 1]), 0.07, 3)
    if again:
        turned = model.node("Transpose", [turned], "back", perm=[0, 3, 1, 2])
    model.output(model.quantise(hard_swish(model, turned), 0.04, 0)).output(x)
    path = model.save(tmp_path)
    graph = frontend.load(path)
    x = np.random.default_rng(1).normal(0, 3, (2, 2, 4, 16)).astype(np.float32)
    actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, x)))
    session = onnx_session.session(path)
    for ours, *theirs in zip(actual, *(session.run(None, {"x": one[None]}) for one in x),
                             strict=True):
        np.testing.assert_array_equal(ours, np.concatenate(theirs))


def test_a_function_without_an_answer_for_some_byte_is_refused(tmp_path):
    model = build(lambda m, x: m.node("Log", [x], "y"))
    with pytest.raises(ModelError, match="'y_node' .Log.: results must be finite for every byte"):
        frontend.load(model.save(tmp_path), strict=True)


def test_two_tensors_are_no_function_of_one_byte(tmp_path):
    """They can be multiplied, but not divided."""
    model = Model(["N", 2, 16, 16], opset=17)
    x, w = model.quantise("x", SCALE, ZERO), model.weights("w", np.ones((2, 2, 1, 1)), 0.1)
    y = model.quantise(model.node("Conv", [x, w], "c"), 0.1, 0)
    model.output(model.quantise(model.node("Div", [x, y], "y"), 0.04, 0))
    with pytest.raises(ModelError, match="'y_node' .Div.: its operands must follow from one"):
        frontend.load(model.save(tmp_path), strict=True)
