"""Fully connected layers on every pixel run on the machine; test_pairs.py compares their bytes."""

import numpy as np
import pytest

import accel
from accel import frontend, golden, onnx_session
from accel.graph import ports
from accel.graph.ir import Conv, External
from tests.support.covering import covering
from tests.support.onnx_pairs import Net
from tests.support.onnx_pairs_pixels import PIXELS, SHAPES

ROWS = covering(PIXELS.options, PIXELS.possible)


@pytest.mark.parametrize("op", PIXELS.options["op"])
@pytest.mark.parametrize("rank", SHAPES)
def test_on_the_rtl(op, rank, tmp_path):
    rows = [row for row in ROWS if (row["op"], row["rank"]) == (op, rank)]
    assert rows or ("Gemm" in op and rank != "list")
    for row in rows[:1]:
        net = PIXELS.build(row)
        given = net.images()
        report = accel.run(net.save(tmp_path), given, array=(4, 4), batch=2).report
        assert report["total"]["mismatches"] == 0
        assert not [layer for layer in report["layers"] if layer["where"] == "host"]


def both(net, path):
    """The graph, its outputs, and ONNX Runtime's."""
    given = net.images()
    graph = frontend.load(net.save(path))
    actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    return graph, actual[0], onnx_session.session(net.proto()).run(None, given)[0]


def stored(net, name, shape, scale=0.01):
    """Weights, dequantised."""
    return net.real([net.const(name, net.random.integers(-127, 128, shape), np.int8),
                     *net.params(name, scale, 0, np.int8)])


def quantised(net, value, name, scale=0.05, zero=3):
    return net.real([net.node("QuantizeLinear", [value, *net.params(name, scale, zero)],
                              f"{name}_q"), f"{name}_scale", f"{name}_zero"])


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("shape", [[1, 7, 12], [1, 3, 4, 12]])
def test_behind_what_the_host_computes(listed, shape, tmp_path):
    """A LayerNorm in the middle, and a residual around it: only it is the host's."""
    net = Net(np.uint8, 21)
    if len(shape) == 4:
        turned = net.node("Transpose", [net.real(net.input([1, 12, *shape[1:3]]))], "turned",
                          perm=[0, 2, 3, 1])
        x = quantised(net, turned, "t", 0.03, -7)
    else:
        x = net.real(net.input(shape))
    normal = net.node("LayerNormalization", [x, net.const("ones", np.ones(12, np.float32))], "ln",
                      axis=-1)
    value = quantised(net, normal, "n")
    if listed:
        value = quantised(net, net.node("Reshape", [value, net.const("flat", [-1, 12], np.int64)],
                                        "list"), "l")
    value = net.node("MatMul", [value, stored(net, "w", (12, 12))], "m")
    value = quantised(net, value, "mq")
    if listed:
        value = quantised(net, net.node("Reshape", [value, net.const("back", shape, np.int64)],
                                        "image"), "i")
    y = net.params("y", 0.0617, -4)
    graph, actual, expected = both(net.finish(net.node("Add", [value, x], "sum"), y), tmp_path)
    [part] = [node for node in graph.nodes if isinstance(node, External)]
    assert (part.op, part.macs) == ("layernormalization", 0)
    assert np.abs(actual.astype(int) - expected).max() <= 1
    assert (actual != expected).mean() < 0.02


def test_a_constant_for_the_rows_is_none_for_the_channels(tmp_path):
    """Of a square image in the other order: [C, 1, 1] goes with what ONNX has as rows."""
    net = Net(np.uint8, 21)
    x = net.input([1, 8, 8, 8])
    turned = net.node("Transpose", [net.real(x)], "turned", perm=[0, 2, 3, 1])
    value = net.node("Mul", [quantised(net, turned, "t", 0.03, -7),
                             net.const("c", np.linspace(0.1, 1, 8).reshape(8, 1, 1), np.float32)],
                     "product")
    _, actual, expected = both(net.finish(value, net.params("y", 0.05, 3)), tmp_path)
    assert np.abs(actual.astype(int) - expected).max() <= 1


def test_pixels_are_no_image_of_one_channel(tmp_path):
    """Of a row of pixels [1, 1, W, C], a convolution reads rows and columns."""
    net = Net(np.uint8, 21)
    x = net.input([1, 1, 6, 12])
    value = quantised(net, net.node("MatMul", [net.real(x), stored(net, "w", (12, 8))], "m"), "mq")
    value = net.node("Conv", [value, stored(net, "k", (5, 1, 3, 3))], "c")
    graph, actual, expected = both(net.finish(value, net.params("y", 0.1, 3)), tmp_path)
    np.testing.assert_array_equal(actual, expected)
    assert any(isinstance(node, Conv) for node in graph.nodes)


def test_pixels_in_many_dimensions(tmp_path):
    net = Net(np.uint8, 21)
    value = net.node("MatMul", [net.real(net.input([1, 2, 3, 4, 12])), stored(net, "w", (12, 8))],
                     "m")
    graph, actual, expected = both(net.finish(value, net.params("y", 0.1, 3)), tmp_path)
    np.testing.assert_array_equal(actual, expected)
    assert not any(isinstance(node, External) for node in graph.nodes)


def test_a_list_and_a_batch_do_not_mix(tmp_path):
    """[P, C] times [1, P, C] is [1, P, C]: the host's."""
    net = Net(np.uint8, 21)
    x = net.real(net.input([1, 5, 12]))
    flat = net.node("Reshape", [x, net.const("flat", [5, 12], np.int64)], "list")
    value = net.node("MatMul", [quantised(net, flat, "l", 0.03, -7), stored(net, "w", (12, 12))],
                     "m")
    value = net.node("Mul", [quantised(net, value, "mq"), x], "product")
    _, actual, expected = both(net.finish(value, net.params("y", 0.1, 3)), tmp_path)
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual, expected)
