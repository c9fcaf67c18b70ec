"""The fixed-point softmax: by hand, its functions against math's, and the layer against a twin."""

import math

import numpy as np
import pytest

from accel import golden
from accel.golden import softmax_int8
from accel.graph.ir import Tensor
from tests.support import graphs, naive


def run(values, scale):
    """Softmax of a list of bytes."""
    graph = graphs.softmax(Tensor("in", (1, 1, len(values)), scale, 0))
    return golden.run(graph, np.array(values, np.int8).reshape(1, 1, 1, -1))["out"].ravel().tolist()


@pytest.mark.parametrize(
    ("values", "scale", "expected"),
    [
        ([-77], 0.1, [127]),  # 256 / 256 saturates
        ([3, 3], 0.1, [0, 0]),
        ([9] * 4, 2.0, [-64] * 4),
        ([127, -128], 0.2, [127, -128]),  # the difference, 51, is out of the exponential's range
        ([0, 1], math.log(3), [-64, 64]),  # 1/4 and 3/4
        ([1, 0, 0], math.log(2), [0, -64, -64]),
        ([-128] * 400, 1.0, [-127] * 400),  # 256 / 400 rounds to 1
        # So near to 100.5 / 256 that the reciprocal's last bits decide; as LiteRT answers.
        ([1, 0], 1874699310 * 2.0**-32, [27, -28]),
    ],
)
def test_by_hand(values, scale, expected):
    assert run(values, scale) == expected


def test_exponential():
    raw = np.unique(np.concatenate([
        -np.geomspace(1, 2**31, 5000).astype(np.int64), -(np.arange(129) << 24), [0],
    ]))  # fmt: skip
    expected = np.exp(raw / 2.0**26) * 2**31
    assert np.abs(softmax_int8.exp_negative(raw) - expected).max() < 2**31 * 1e-6
    assert softmax_int8.exp_negative(np.array([0])).item() == 2**31 - 1


def test_reciprocal():
    raw = np.linspace(0, 2**31 - 1, 5000).astype(np.int64)
    expected = 2**31 / (1 + raw / 2.0**31)
    assert np.abs(softmax_int8.reciprocal(raw) - expected).max() < 8


@pytest.mark.parametrize("scale", [0.002, 0.03, 0.1, 0.7, 20.0])
@pytest.mark.parametrize("channels", [1, 2, 10, 300])
def test_within_a_step_of_real_numbers(channels, scale):
    graph = graphs.softmax(Tensor("in", (2, 3, channels), scale, -5))
    rng = np.random.default_rng(channels)
    images = graphs.random_inputs(rng, graph)
    images["in"][1] //= 8
    out = golden.run(graph, images)["out"]
    exact = naive.run(graph, images)["out"]
    # A step is 1/256; the largest result is 255/256.
    assert np.abs(out - (256 * exact - 128).clip(None, 127)).max() < 0.51
    assert out.dtype == np.int8
    reordered = rng.permutation(channels)
    again = golden.run(graph, {"in": images["in"][..., reordered]})["out"]
    np.testing.assert_array_equal(again, out[..., reordered])
