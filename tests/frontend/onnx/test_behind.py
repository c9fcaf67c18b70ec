"""Networks as they are exported when they were quantised while they learned.

Float between layers, as pytorch-quantization and tf2onnx write it; and as Brevitas writes 4 bits.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import accel
from accel import frontend, golden, onnx_session
from accel.frontend.onnx import behind
from accel.frontend.onnx.values import Sums
from accel.graph import ports
from accel.graph.ir import External
from tests.support.onnx_pairs import Net
from tests.support.onnx_pairs_bytes import clipped


def stored(net: Net, name: str, shape, axis: int = 0) -> str:
    """Dequantised weights, with a scale per output channel."""
    whole = net.const(name, net.random.integers(-127, 128, shape), np.int8)
    scales = net.random.uniform(0.004, 0.008, shape[axis])
    return net.real([whole, *net.params(f"{name}_s", scales, dtype=np.int8)], axis=axis)


def normalised(net: Net, real: str, name: str, shape) -> str:
    """Conv, BatchNormalization, Relu."""
    value = net.node("Conv", [real, stored(net, name, shape)], f"{name}_conv", pads=[1, 1, 1, 1])
    numbers = net.random.uniform(0.5, 1.5, (4, shape[0]))
    names = [net.const(f"{name}_{n}", each, np.float32) for n, each in enumerate(numbers)]
    return net.node("Relu", [net.node("BatchNormalization", [value, *names], f"{name}_n")],
                    f"{name}_r")


def between(net: Net, value: str, scale: float) -> str:
    """A QuantizeLinear and a DequantizeLinear."""
    quantised = [value, *net.params(f"{value}_p", scale, -128)]
    return net.real([net.node("QuantizeLinear", quantised, f"{value}_q"), *quantised[1:]])


def test_all_its_layers_are_the_machines(tmp_path):
    net = Net()
    real = net.real(net.input([1, 3, 10, 9]))
    first = normalised(net, real, "first", (8, 3, 3, 3))
    pooled = net.node("MaxPool", [first], "p", kernel_shape=[2, 2], strides=[2, 2])
    first = between(net, pooled, 0.1)
    ways = [normalised(net, first, name, (5, 8, 3, 3)) for name in ("left", "right")]
    second = between(net, net.node("Concat", ways, "both", axis=1), 0.05)
    flat = net.node("Flatten", [second], "flat")
    bias = net.const("bias", net.random.normal(0, 1, 7), np.float32)
    sums = net.node("MatMul", [flat, stored(net, "last", (200, 7), axis=1)], "m")
    net.finish(net.node("Add", [sums, bias], "y_real"), net.params("y", 0.2, 3))
    path = net.save(tmp_path)
    given = net.images()["x"]
    graph = frontend.load(path)
    assert not any(isinstance(node, External) for node in graph.nodes)
    assert sum(type(node).__name__ == "Conv" for node in graph.nodes) == 4
    [wanted] = onnx_session.session(path).run(None, {"x": given})
    [near] = accel.golden_run(path, given)
    assert np.abs(near.astype(int) - wanted).max() <= 1
    [exactly] = accel.golden_run(path, given, exact=True)
    np.testing.assert_array_equal(exactly, wanted)


def test_four_bits_as_brevitas_writes_them(tmp_path):
    """Weights are floats with QuantizeLinear, Clip and DequantizeLinear, and so is all between."""
    net = Net(np.uint8)
    real = net.real(net.input([1, 3, 9, 8]))
    for number, shape in enumerate([(6, 3, 3, 3), (8, 6, 3, 3), (4, 8, 1, 1)]):
        w, params = f"w{number}", net.params(f"s{number}", np.full(shape[0], 0.05), dtype=np.int8)
        stored = net.const(w, net.random.normal(0, 0.2, shape), np.float32)
        stored = net.node("QuantizeLinear", [stored, *params], f"{w}_q", axis=0)
        stored = net.node("DequantizeLinear", [clipped(net, stored, (-7, 7), np.int8, f"{w}_c"),
                                               *params], f"{w}_d", axis=0)
        value = net.node("Relu", [net.node("Conv", [real, stored], f"c{number}")], f"r{number}")
        params = net.params(f"y{number}", 0.1 / 3**number, -128)
        value = net.node("QuantizeLinear", [value, *params], f"q{number}")
        value = clipped(net, value, (-128, -113), np.uint8, f"k{number}")
        real = net.node("DequantizeLinear", [value, *params], f"d{number}")
    net.finish(value)
    path = net.save(tmp_path)
    given = net.images()["x"]
    graph = frontend.load(path, exact=True)
    assert [type(node).__name__ for node in graph.nodes] == ["Conv"] * 3
    [wanted] = onnx_session.session(path).run(None, {"x": given})
    assert {node.requant.hi for node in graph.nodes} == {-113} and len(np.unique(wanted)) > 8
    [got] = accel.golden_run(path, given, exact=True)
    np.testing.assert_array_equal(got, wanted)


def sums(net: Net, scale: float, weight: float, bias=()) -> str:
    """A convolution of few small weights that is not quantised yet."""
    whole = net.const(f"w{len(net.nodes)}", net.random.integers(-2, 3, (6, 4, 1, 1)), np.int8)
    weights = net.real([whole, *net.params(f"{whole}_s", weight, dtype=np.int8)])
    real = net.real(net.input([1, 4, 6, 5], scale, name=f"x{len(net.nodes)}"))
    return net.node("Conv", [real, weights, *bias], f"c{len(net.nodes)}")


@pytest.mark.parametrize("behind", ["Add", "Sub", "BatchNormalization", "Concat"])
@pytest.mark.parametrize(("scale", "machine"), [(0.01, False), (0.2, False), (0.6, True)])
def test_shifts_are_the_machines_where_its_sums_resolve_them(behind, scale, machine, tmp_path):
    """A sum is a multiple of 0.25, to which shifts are rounded: too coarse for finer results."""
    net = Net()
    shifts = net.random.normal(0, 1, (6, 1, 1))
    if behind == "Concat":
        bias = net.const("bias", shifts.ravel(), np.float32)
        value = net.node("Concat", [sums(net, 0.5, 0.5, [bias]) for _ in range(2)], "v", axis=1)
    elif behind == "BatchNormalization":
        stored = [net.const(f"n{n}", np.abs(shifts.ravel()) + 0.5, np.float32) for n in range(4)]
        value = net.node(behind, [sums(net, 0.5, 0.5), *stored], "v")
    else:
        constant = net.const("k", shifts, np.float32)
        value = net.node(behind, [sums(net, 0.5, 0.5), constant], "v")
    net.finish(value, net.params("y", scale, 3))
    path, given = net.save(tmp_path), net.images()
    graph = frontend.load(path)
    assert machine != any(isinstance(node, External) for node in graph.nodes)
    [wanted] = onnx_session.session(path).run(None, given)
    [got] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    assert np.abs(got.astype(int) - wanted).max() <= machine


def test_a_channel_without_a_factor_still_gets_a_shift(tmp_path):
    """As pruning leaves it."""
    net = Net()
    factors, shifts = net.random.normal(1, 0.3, (6, 1, 1)), net.random.normal(0, 1, (6, 1, 1))
    factors[[1, 4]] = shifts[4] = 0
    value = net.node("Mul", [sums(net, 0.03, 0.1), net.const("f", factors, np.float32)], "m")
    value = net.node("Add", [value, net.const("s", shifts, np.float32)], "v")
    net.finish(value, net.params("y", 0.02, 3))
    path, given = net.save(tmp_path), net.images()
    graph = frontend.load(path, strict=True)
    [wanted] = onnx_session.session(path).run(None, given)
    [got] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    assert np.abs(got.astype(int) - wanted).max() <= 1


def test_a_shift_alone_is_what_float32_has():
    """A power of two times its unit, so that nothing is rounded once more."""
    shifts = np.random.default_rng(3).normal(0, 1, 40)
    value = Sums("c", None, (40, 1, 1), None, weights=np.ones((40, 1, 1, 1), np.int16),
                 bias=np.zeros(40, np.int64), unit=np.ones(40, np.float32))
    node = SimpleNamespace(require=lambda rule, *_: rule)
    found = behind.scaled(node, value, np.zeros(40), shifts)
    assert not found.weights.any()
    np.testing.assert_array_equal(found.bias * found.unit.astype(float), np.float32(shifts))


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize("op", ["Mul", "Add", "Sub", "Max"])
def test_a_number_of_many_dimensions_gives_its_result_as_many(op, behind, tmp_path):
    net = Net()
    value = sums(net, 0.03, 0.1) if behind else net.real(net.input([1, 4, 6, 5]))
    net.finish(net.node(op, [value, net.const("k", np.full([1] * 5, 0.5), np.float32)], "v"),
               net.params("y", 0.03, 3))
    path, given = net.save(tmp_path), net.images()
    [wanted] = onnx_session.session(path).run(None, given)
    graph = frontend.load(path)
    [got] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    assert wanted.ndim == 5
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("first", [0, 1])
def test_bytes_and_sums_are_not_joined(first, tmp_path):
    net = Net()
    parts = [sums(net, 0.03, 0.1), net.input([1, 6, 6, 5], name="bytes")[0]]
    value = net.node("Concat", parts[:: 1 - 2 * first], "v", axis=1)
    net.finish(value, None if first else net.params("y", 0.05, 3))
    with pytest.raises(accel.ModelError, match=r"\(Concat\): inputs must all be bytes, or all be "
                       "dequantised, not both"):
        frontend.load(net.save(tmp_path), strict=True)
