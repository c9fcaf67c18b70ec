"""Built-in networks without trained files: their int8 form with seeded random weights."""

import dataclasses

import numpy as np
import pytest

from accel import golden, models
from accel import network as layers
from accel.graph import ports
from accel.graph.check import check
from accel.graph.ir import Add, AveragePool, Concat, Conv, LocalResponse, Reshape
from accel.graph.macs import graph_macs
from accel.graph.shapes import node_shape
from accel.network import Network, NetworkError
from accel.opening import is_seeded, open_network
from accel.runner import golden_run
from accel.seeded import build, images
from accel.seeded.spread import Spread, both_sides, largest, rectified


@pytest.mark.parametrize("name", models.NETWORKS)
def test_it_is_the_definition(name):
    network = models.NETWORKS[name].build()
    graph = check(build(network, 1))
    assert graph_macs(graph) == network.macs
    height, width, channels = graph.tensors[graph.inputs[0].tensor].shape
    assert (channels, height, width) == network.input_shape
    assert graph.outputs[0].shape == network.output_shape
    weighted = [node for node in network.nodes if "weights" in node.parameter_shapes]
    convs = [node for node in graph.nodes if isinstance(node, Conv)]
    assert [node.name for node in convs] == [node.name for node in weighted]
    for node, layer in zip(convs, weighted, strict=True):
        assert node.weights.size == np.prod(layer.parameter_shapes["weights"])
    for kinds, kind in (
        (layers.Add, Add), (layers.Concat, Concat), (layers.LRN, LocalResponse),
        (layers.GlobalAveragePool, AveragePool),
    ):  # fmt: skip
        assert sum(isinstance(node, kind) for node in graph.nodes) == sum(
            isinstance(node.layer, kinds) for node in network.nodes
        )


@pytest.mark.parametrize("name", [
    "resnet18", "alexnet", "googlenet", "mobilenet", "mobilenet_v2", "squeezenet", "minivggnet",
])
def test_values_use_int8(name):
    graph = open_network(name)
    given = images(graph, 2, 1)
    tensors = golden.run(graph, ports.quantise(graph, given))
    for node in graph.nodes:
        values = tensors[node.output]
        assert np.mean(values == 127) < 0.3, node.name
        if isinstance(node, Conv) and values.size > 4096:
            assert len(np.unique(values)) > 150, node.name
            assert np.mean(values == -128) < 0.7, node.name
    one, other = tensors[graph.outputs[0].tensor]
    assert np.mean(one != other) > 0.5  # what comes out depends on what goes in


def test_a_seed_gives_one_network():
    network = models.NETWORKS["convnetjs_cifar10"].build()
    one, same, other = (build(network, seed) for seed in (1, 1, 2))
    for a, b, c in zip(one.nodes, same.nodes, other.nodes, strict=True):
        if isinstance(a, Conv):
            for get in (lambda n: n.weights, lambda n: n.bias, lambda n: n.requant.multiplier):
                assert np.array_equal(get(a), get(b))
                assert not np.array_equal(get(a), get(c))
    assert one.tensors == same.tensors
    assert np.array_equal(images(one, 2, 1), images(one, 2, 1))
    assert not np.array_equal(images(one, 2, 1), images(one, 2, 2))


def test_trained_files_come_first():
    assert is_seeded("resnet50")
    assert not any(is_seeded(name) for name in (*models.BUILTIN, "resnet50.onnx"))
    network = open_network("shallow")
    random = build(models.NETWORKS["shallow"].build(), 1)
    weights = [
        next(node.weights for node in graph.nodes if isinstance(node, Conv))
        for graph in (network, random)
    ]
    assert weights[0].shape == weights[1].shape
    assert not np.array_equal(*weights)


def test_golden_run_has_an_image():
    (scores,) = golden_run("minivggnet")
    assert scores.shape == (1, 10)
    assert scores.dtype == np.float32


def test_every_kind_of_join_and_window():
    """Functions, windows rounded up, padding on one side, groups, sums: as the definition says."""
    net = Network("odd", (4, 9, 8))
    stem = net.chain(layers.Conv2d(8, 3, padding="same", stride=2, groups=2), layers.BatchNorm())
    left = net.add(layers.Tanh(), stem)
    right = net.add(layers.Sigmoid(), stem)
    net.add(layers.Add(), left, right, name="sum")
    net.chain(layers.ReLU(), layers.AveragePool(2, 2, ceil=True), layers.MaxPool(3, 1, padding=1))
    alone = net.add(layers.ReLU(), name="alone")
    net.add(layers.Concat(), alone, alone, name="both")
    net.chain(layers.LRN(3), layers.Flatten(), layers.Dropout(0.5), layers.Dense(3))
    graph = check(build(net, 1))
    kinds = [type(node) for node in graph.nodes]
    assert kinds.count(Reshape) == 1
    for node in graph.nodes:
        sources = [graph.tensors[name] for name in node.inputs]
        assert node_shape(node, *sources) in (None, graph.tensors[node.output].shape)
    average = next(node for node in graph.nodes if isinstance(node, AveragePool))
    assert sorted(average.table) == [2, 4]  # 5 rows make 3 windows, the last with one row
    values = golden.run(graph, ports.quantise(graph, images(graph, 1, 1)))
    assert values[graph.outputs[0].tensor].shape == (1, 1, 1, 3)


def test_a_layer_without_int8_form():
    net = Network("leaky", (1, 4, 4))
    net.chain(layers.Conv2d(2, 3), layers.LeakyReLU())
    with pytest.raises(NetworkError, match="leaky: layer 'leaky_relu1': leaky_relu has no int8"):
        build(net, 1)


def test_spreads_are_those_of_samples():
    sample = np.random.default_rng(1).normal(0.5, 2.0, 400_000)
    spread = rectified(2.0, 0.5)
    assert spread.mean == pytest.approx(np.maximum(sample, 0).mean(), rel=0.01)
    assert spread.deviation == pytest.approx(np.maximum(sample, 0).std(), rel=0.01)
    assert (spread.zero_point, both_sides().zero_point) == (-128, 0)
    assert largest(both_sides(), 1) == both_sides()
    # Nine that resemble each other count for three, whose largest is 0.846 on average.
    assert largest(Spread(0.0, 1.0, 1.0, 0), 9).mean == pytest.approx(0.846, rel=0.05)
    assert dataclasses.replace(largest(spread, 9), mean=spread.mean) == spread
