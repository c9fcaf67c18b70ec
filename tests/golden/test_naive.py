"""The golden layers against their naive twins, on random small layers with all options."""

import numpy as np
import pytest

from accel import golden
from accel.graph.ir import Max, Min
from accel.opening import open_network
from tests.support import graphs, naive

MAKERS = {
    "conv": graphs.random_conv,
    "fully_connected": graphs.random_fully_connected,
    "max_pool": lambda rng: graphs.random_pool(rng, "max"),
    "average_pool": lambda rng: graphs.random_pool(rng, "average"),
    "add": graphs.random_add,
    "sub": graphs.random_sub,
    "mul": graphs.random_mul,
    "max": lambda rng: graphs.random_extreme(rng, Max),
    "min": lambda rng: graphs.random_extreme(rng, Min),
    "concat": graphs.random_concat,
    "slice": graphs.random_slice,
    "assemble": graphs.random_assemble,
    "table": graphs.random_table,
    "pad": graphs.random_pad,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_layers_equal_naive_twins(kind):
    distinct = set()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        graph = MAKERS[kind](rng)
        images = graphs.random_inputs(rng, graph)
        expected = naive.run(graph, images)["out"]
        actual = golden.run(graph, images)["out"]
        assert actual.dtype == np.int8
        np.testing.assert_array_equal(actual, expected, err_msg=f"{kind}, seed {seed}")
        distinct.update(expected.ravel().tolist())
    assert len(distinct) > 100  # the cases do not saturate


def test_reshape_keeps_the_bytes():
    graph = graphs.reshape((2, 3, 4), (1, 1, 24))
    images = np.arange(48, dtype=np.int8).reshape(2, 2, 3, 4)
    out = golden.run(graph, images)["out"]
    np.testing.assert_array_equal(out, images.reshape(2, 1, 1, 24))


def test_a_batch_is_the_images_one_by_one():
    rng = np.random.default_rng(3)
    graph = graphs.random_conv(rng)
    images = graphs.random_images(rng, graph.tensors["in"].shape, batch=7)
    whole = golden.run(graph, images)["out"]
    single = [golden.run(graph, images[i : i + 1])["out"] for i in range(7)]
    np.testing.assert_array_equal(whole, np.concatenate(single))


def test_only_what_is_wanted_is_kept():
    graph = open_network("resnet8")  # whose sums read tensors again, some layers later
    images = graphs.random_images(np.random.default_rng(1), (32, 32, 3))
    every = golden.run(graph, images)
    assert set(every) == set(graph.tensors)
    middle, last = graph.nodes[3].output, graph.nodes[-1].output
    for keep in ([last], [middle, last], [middle], [graph.inputs[0].tensor], []):
        kept = golden.run(graph, images, keep=keep)
        assert set(kept) == set(keep)
        for name in keep:
            np.testing.assert_array_equal(kept[name], every[name])


def test_padding_is_the_zero_point():
    graph = graphs.random_conv(np.random.default_rng(11))
    node, source = graph.nodes[0], graph.tensors["in"]
    images = np.full((1, *source.shape), source.zero_point, np.int8)
    out = golden.run(graph, images)["out"]
    need = node.requant
    for channel, bias in enumerate(node.bias):
        assert set(out[..., channel].ravel().tolist()) == {naive.requantise(
            bias, need.multiplier[channel], need.shift[channel], need.rounding,
            need.zero_point, need.lo, need.hi,
        )}


@pytest.mark.parametrize(
    ("images", "text"),
    [
        ({}, "no images for input tensor 'in'"),
        (np.zeros((1, 2, 2, 2), np.int8), r"must be int8 \[batch, 2, 3, 4\]"),
        (np.zeros((1, 2, 3, 4), np.uint8), "not uint8"),
        (np.zeros((0, 2, 3, 4), np.int8), r"not int8 \[0, 2, 3, 4\]"),
    ],
)
def test_wrong_images(images, text):
    with pytest.raises(ValueError, match=text):
        golden.run(graphs.reshape((2, 3, 4), (1, 1, 24)), images)
