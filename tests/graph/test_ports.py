import dataclasses

import numpy as np
import pytest

from accel.graph import ports
from accel.graph.ir import Graph, Port, Tensor

TENSOR = Tensor("t", (2, 3, 4), 0.5, 10)


def port(layout, shape, dtype):
    return Port("p", "t", shape, layout, dtype)


def test_float_inputs_round_half_to_even_and_saturate():
    values = np.array([0.25, 0.75, -0.25, 1e9, -1e9, 0.0, 58.5], np.float32)
    assert ports.to_int8(values, 0.5, 10).tolist() == [10, 12, 10, 127, -128, 10, 127]


def test_float_inputs_may_round_halves_away_from_zero():
    values = np.array([0.25, 0.75, -0.25, -0.75, 0.2499, -0.2499, 1e9, -1e9, 0.0], np.float32)
    expected = [11, 12, 9, 8, 10, 10, 127, -128, 10]
    assert ports.to_int8(values, 0.5, 10, away=True).tolist() == expected


def test_quantise_inverts_dequantise():
    every = np.arange(-128, 128).astype(np.int8)
    real = ports.to_float(every, 0.037, -5)
    assert real.dtype == np.float32
    np.testing.assert_array_equal(ports.to_int8(real, 0.037, -5), every)


def test_recentre_subtracts_128_and_back():
    every = np.arange(256).astype(np.uint8)
    centred = ports.recentre(every)
    assert centred.dtype == np.int8
    assert (centred.astype(int) == every.astype(int) - 128).all()
    np.testing.assert_array_equal(ports.recentre(centred), every)


@pytest.mark.parametrize("dtype", ports.DTYPES)
@pytest.mark.parametrize(
    ("layout", "shape"), [("CHW", (4, 2, 3)), ("HWC", (2, 3, 4)), ("N", (24,)), ("N", (4, 6))]
)
def test_layouts(layout, shape, dtype):
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (5, 2, 3, 4), dtype=np.int8)
    given = ports.from_tensor(port(layout, shape, dtype), TENSOR, images)
    assert given.shape == (5, *shape)
    assert given.dtype == dtype
    np.testing.assert_array_equal(ports.to_tensor(port(layout, shape, dtype), TENSOR, given),
                                  images)
    if dtype == "int8":
        order = images if layout == "HWC" else images.transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(given.ravel(), order.ravel())


def test_floats_from_the_host_pass_unscaled():
    tensor = Tensor("t", (2, 3, 4), 1.0, 0, "float32")
    values = np.random.default_rng(0).standard_normal((5, 2, 3, 4)).astype(np.float32)
    given = ports.from_tensor(port("CHW", (4, 2, 3), "float32"), tensor, values)
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, values.transpose(0, 3, 1, 2))


GRAPH = Graph("g", {"t": TENSOR, "u": TENSOR}, (),
              (port("HWC", (2, 3, 4), "int8"), Port("q", "u", (24,), "N", "float32")),
              (port("HWC", (2, 3, 4), "int8"),))
GOOD, FLOATS = np.zeros((2, 2, 3, 4), np.int8), np.zeros((2, 24), np.float32)


@pytest.mark.parametrize("count", (3, 7))
def test_numbers_for_the_host_keep_their_type(count):
    tensor = Tensor("t", (1, 1, count), 1.0, 0, "int64")
    values = np.arange(count)[None] + 1000
    made = ports.to_tensor(port("N", (count,), "int64"), tensor, values)
    assert made.dtype == np.int64 and made.ravel().tolist() == values.ravel().tolist()


def test_a_single_input():
    graph = dataclasses.replace(GRAPH, inputs=GRAPH.inputs[:1])
    np.testing.assert_array_equal(ports.quantise(graph, GOOD), GOOD)
    np.testing.assert_array_equal(ports.read_inputs(graph, GOOD)["t"], GOOD)


def test_inputs_by_order_or_name():
    for inputs in ([GOOD, FLOATS], {"q": FLOATS, "p": GOOD}):
        images = ports.read_inputs(GRAPH, inputs)
        assert (images["t"] == 0).all() and (images["u"] == 10).all()
    (output,) = ports.outputs(GRAPH, images)
    np.testing.assert_array_equal(output, GOOD)


NAN = np.full_like(FLOATS, np.nan)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (GOOD, "the network has 2 inputs, not 1"),
        ([GOOD], "the network has 2 inputs, not 1"),
        ({"p": GOOD}, r"inputs are \['p', 'q'\], not \['p'\]"),
        ([GOOD.astype(np.float32), FLOATS], "input 'p' must have dtype int8, not float32"),
        ([GOOD[0], FLOATS], r"input 'p' must have shape \(N, 2, 3, 4\), not \(2, 3, 4\)"),
        ([GOOD, FLOATS[:, :5]], r"input 'q' must have shape \(N, 24\), not \(2, 5\)"),
        ([GOOD[:0], FLOATS], "input 'p' must have at least one image, not 0"),
        ([GOOD[:1], FLOATS], "the same number of images"),
        ([GOOD, NAN], "input 'q' must be finite"),
    ],
)
def test_wrong_inputs(inputs, text):
    with pytest.raises(ports.InputError, match=text):
        ports.read_inputs(GRAPH, inputs)
