"""Golden inference's convolution where its panels, blocks and bytes have their edges."""

import dataclasses

import numpy as np
import pytest

from accel import golden
from accel.golden import integer, threads
from accel.graph.ir import Conv, Requant, Tensor
from accel.isa import Rounding
from accel.quant import quantize_multipliers, requantise
from tests.support import graphs, naive

#: Image, filters, kernel, groups and options.
CASES = {
    "depthwise": ((9, 8, 20), 20, 3, 20, {"stride": (2, 1), "padding": (1, 0, 1, 2)}),
    "as many taps as channels": ((6, 6, 9), 9, 3, 9, {}),
    "two filters a channel": ((6, 6, 3), 6, 3, 3, {}),
    "groups": ((5, 5, 40), 14, 3, 2, {"padding": (1, 1, 1, 1)}),
    "1x1 strided": ((7, 8, 33), 13, 1, 1, {"stride": (2, 3)}),
    "1x1 padded": ((4, 4, 17), 5, 1, 1, {"stride": (2, 2), "padding": (1, 1, 1, 1)}),
    "dilation": ((9, 9, 5), 7, 3, 1, {"dilation": (2, 3), "padding": (2, 3, 2, 3)}),
    "whole vectors": ((4, 5, 16), 12, 3, 1, {}),
    "longer than a stretch": ((2, 2, 1100), 7, 2, 1, {}),
}


def layer(case, seed=1):
    shape, filters, kernel, groups, options = CASES[case]
    random = np.random.default_rng(seed)
    weights = random.integers(
        -128, 128, (filters, kernel, kernel, shape[2] // groups), dtype=np.int8
    )
    bias = random.integers(-1000, 1000, filters, dtype=np.int32)
    need = graphs.random_requant(random, filters, 80 * 73 * np.sqrt(weights[0].size), 3)
    node = Conv("one", "conv2d", "in", "out", weights, bias, need, groups=groups, **options)
    return graphs.single(node, Tensor("in", shape, 1.0, -7), zero_point=3), random


@pytest.mark.parametrize("case", CASES)
def test_equals_the_naive_twin(case):
    graph, random = layer(case)
    images = graphs.random_images(random, graph.tensors["in"].shape, batch=3)
    expected = naive.run(graph, {"in": images})["out"]
    np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)
    with threads.limit(1):
        np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)


def test_a_kernel_of_one_row_and_two_columns(monkeypatch):
    """By loops, which every processor has."""
    monkeypatch.setattr(integer, "WAY", None)
    graph, random = layer("whole vectors")
    weights = random.integers(-128, 128, (12, 1, 2, 16), dtype=np.int8)
    node = dataclasses.replace(graph.nodes[0], weights=weights, stride=(1, 2))
    graph = graphs.single(node, graph.tensors["in"], zero_point=3)
    images = graphs.random_images(random, graph.tensors["in"].shape, batch=2)
    expected = naive.run(graph, {"in": images})["out"]
    np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)


def test_extreme_bytes_are_exact(monkeypatch):
    """No product or pair of products saturates; panels and threads have their edges inside."""
    monkeypatch.setattr(threads, "WORTH", 0)
    monkeypatch.setattr("accel.golden.dots.PANEL_BYTES", 3 << 12)
    weights = np.full((7, 1, 1, 640), -128, np.int8)
    weights[1::2] = 127
    need = Requant(*quantize_multipliers(np.full(7, 1e-5)), 0, rounding=Rounding.SINGLE)
    node = Conv("one", "conv2d", "in", "out", weights, np.arange(7, dtype=np.int32), need)
    graph = graphs.single(node, Tensor("in", (5, 9, 640), 1.0, 127), zero_point=0)
    images = np.full((2, 5, 9, 640), -128, np.int8)
    images[:, ::2] = 127
    difference = images.astype(np.int64) - 127
    sums = difference @ weights.reshape(7, -1).astype(np.int64).T + node.bias
    expected = requantise(sums, need.multiplier, need.shift, need.rounding)
    np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)
    assert len(np.unique(expected)) > 2


def test_the_bias_takes_the_weights_sums():
    w = np.array([[1, 2, -4], [127, 127, 127]], np.int8)
    folded = np.empty(2, np.int32)
    integer.fold_bias(w, np.array([10, 20], np.int32), -3, folded, 0, 2)
    assert folded.tolist() == [10 + 125, 20 - 125 * 381]
