"""One filter a channel, by vectors of channels: against the naive twin, whatever the processor."""

import numpy as np
import pytest

from accel import golden
from accel.golden import depthwise, integer, threads
from accel.graph.ir import Conv, Requant, Tensor
from accel.isa import FLOATS, Rounding
from accel.quant import float_multipliers, quantize_multipliers
from tests.support import graphs, naive


def skip_without(width):
    return pytest.mark.skipif(width not in depthwise.WIDTHS, reason="needs AVX2 or AVX-512")


BLOCKS = [pytest.param(width, marks=skip_without(width)) for width in (16, 32)]
WAYS = [pytest.param(None, id="loops"), *BLOCKS]
#: Kernel, stride, padding (top, left, bottom, right), dilation.
VIEWS = {
    "3x3": ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
    "strided": ((3, 3), (2, 2), (0, 1, 1, 0), (1, 1)),
    "dilated": ((3, 2), (1, 2), (2, 3, 2, 0), (2, 3)),
    "5x5": ((5, 5), (1, 1), (2, 2, 2, 2), (1, 1)),
    "one tap": ((1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
    "one tap strided": ((1, 1), (2, 3), (0, 0, 0, 0), (1, 1)),
    "one tap padded": ((1, 1), (2, 1), (1, 0, 2, 1), (1, 1)),
    "two taps": ((1, 2), (1, 1), (0, 1, 0, 0), (1, 1)),
    "whole image": ((7, 6), (1, 1), (0, 0, 0, 0), (1, 1)),
}


def choose(way, monkeypatch):
    """Compute by loops, or by blocks of so many channels."""
    monkeypatch.setattr(integer, "WAY", way and np.dtype(np.int16))
    if way:
        monkeypatch.setattr(depthwise, "WIDTHS", (way,))


def network(channels, view, random, *, values=None, rounding=None, zero=-7):
    kernel, stride, padding, dilation = VIEWS[view]
    shape = (channels, *kernel, 1)
    if values is None:
        weights = random.integers(-128, 128, shape, dtype=np.int8)
    else:
        weights = random.choice(np.array(values, np.int8), shape)
    bias = random.integers(-1000, 1000, channels, dtype=np.int32)
    need = graphs.random_requant(random, channels, 80 * 73 * np.sqrt(weights[0].size), 3)
    if rounding is not None:
        quantize = float_multipliers if rounding in FLOATS else quantize_multipliers
        factors = random.uniform(0.5, 2, channels) / (128 * 2 * weights[0].size)
        need = Requant(*quantize(factors), 3, rounding=rounding)
    node = Conv("one", "conv2d", "in", "out", weights, bias, need, stride, padding, dilation,
                channels)  # fmt: skip
    return graphs.single(node, Tensor("in", (7, 6, channels), 1.0, zero), zero_point=3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("channels", [2, 16, 19, 72])
def test_equals_the_naive_twin(channels, view, way, monkeypatch):
    choose(way, monkeypatch)
    random = np.random.default_rng(channels)
    graph = network(channels, view, random)
    images = graphs.random_images(random, graph.tensors["in"].shape, batch=3)
    expected = naive.run(graph, {"in": images})["out"]
    for worth in (threads.WORTH, 0):  # in the calling thread, and spread
        monkeypatch.setattr(threads, "WORTH", worth)
        np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channels", range(1, 18))
def test_every_number_of_channels(channels, way, monkeypatch):
    choose(way, monkeypatch)
    random = np.random.default_rng(channels)
    graph = network(channels, "3x3", random)
    images = graphs.random_images(random, graph.tensors["in"].shape, batch=2)
    expected = naive.run(graph, {"in": images})["out"]
    np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("view", ["3x3", "5x5", "dilated"])
def test_extremes_do_not_saturate(view, rounding, way, monkeypatch):
    choose(way, monkeypatch)
    random = np.random.default_rng(3)
    for zero in (-128, 127):
        graph = network(17, view, random, values=(-128, 127), rounding=rounding, zero=zero)
        images = random.choice(np.array([-128, 127], np.int8), (2, 7, 6, 17))
        expected = naive.run(graph, {"in": images})["out"]
        np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)
        assert len(np.unique(expected)) > 10


@pytest.mark.parametrize("width", BLOCKS)
@pytest.mark.parametrize("view", VIEWS)
def test_lines_one_by_one(view, width, monkeypatch):
    choose(width, monkeypatch)
    random = np.random.default_rng(4)
    graph = network(21, view, random)
    node, source = graph.nodes[0], graph.tensors["in"]
    images = graphs.random_images(random, source.shape, batch=2)
    _, (geometry, packed, numbers) = integer._prepare(node, source, np.dtype(np.int16))
    flat = images.view(np.uint8).reshape(2, 7, -1)
    y = np.zeros((2 * geometry.out[0] * geometry.out[1], 21), np.int8)
    for line in range(2 * geometry.out[0]):
        before = y.copy()
        depthwise.convolve(
            flat, numbers, *packed[:3], packed.recipe.steps, y, line, line + 1
        )
        rest = np.ones(len(y), bool)
        rest[line * geometry.out[1] : (line + 1) * geometry.out[1]] = False
        np.testing.assert_array_equal(y[rest], before[rest])
    np.testing.assert_array_equal(y, naive.run(graph, {"in": images})["out"].reshape(y.shape))


@pytest.mark.parametrize("width", [16, 32])
def test_the_order_of_sums_has_every_channel(width):
    assert sorted(depthwise.order(width)) == list(range(width))
    assert depthwise.order(width)[:6] == [0, 1, 2, 3, 8, 9]
