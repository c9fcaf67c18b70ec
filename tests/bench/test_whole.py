"""Whole networks beside ONNX Runtime: the same layers, the same bytes, and nothing left out."""

import numpy as np
import pytest

from accel import models
from accel.bench import whole
from accel.graph import ir
from accel.network import Add, Conv2d, Flatten, GlobalAveragePool, Network, ReLU
from accel.report import bench_table


@pytest.fixture(scope="module")
def mobilenet():
    return whole.Pair(*whole.quantised(models.NETWORKS["mobilenet"].build()), 1)


def test_it_is_the_network_with_unsigned_bytes(mobilenet):
    kinds = [whole.kind_of(node) for node in mobilenet.graph.nodes]
    assert kinds.count(whole.DEPTHWISE) == kinds.count("1x1 convolution") == 13
    assert kinds.count(whole.DENSE) == kinds.count("3x3 convolution") == 1
    assert mobilenet.graph.inputs[0].dtype == "float32"
    np.testing.assert_array_equal(mobilenet.ours(), mobilenet.theirs())


def test_a_seed_gives_one_file():
    build = models.NETWORKS["convnetjs_cifar10"].build
    (one, image), (same, _), (other, _) = (whole.quantised(build(), n) for n in (1, 1, 2))
    assert one == same != other and image.shape == (1, 3, 32, 32)


def test_every_layer_is_compared(mobilenet, monkeypatch):
    assert mobilenet.differences() == 0
    last = [node for node in mobilenet.graph.nodes if isinstance(node, ir.Conv)][-2]
    real = whole.compute

    def wrong(graph, node, values):
        made = real(graph, node, values)
        if node is last:
            made.flat[-1] ^= 1
        return made

    monkeypatch.setattr(whole, "compute", wrong)
    with pytest.raises(AssertionError, match=f"{last.name} differs from ONNX Runtime"):
        mobilenet.differences()


def test_only_sums_may_be_a_step_apart(monkeypatch):
    net = Network("residual", (3, 9, 8))
    stem = net.chain(Conv2d(5, 3, padding=1), ReLU())
    net.add(Add(), net.add(Conv2d(5, 1), stem), stem)
    net.chain(GlobalAveragePool(), Flatten())
    network = whole.Pair(*whole.quantised(net), 1)
    before, real = network.differences(), whole.compute
    step = 1

    def wrong(graph, node, values):
        made = real(graph, node, values)
        if isinstance(node, ir.Add):
            made.flat[0] += step if made.flat[0] < 0 else -step
        return made

    monkeypatch.setattr(whole, "compute", wrong)
    assert network.differences() > before
    step = 2
    with pytest.raises(AssertionError, match="differs from ONNX Runtime"):
        network.differences()


def test_shares_add_up_to_the_whole():
    row = whole.whole_network("mobilenet", 1, 1)
    for side in ("ours", "ort"):
        assert sum(part[side] for part in row["parts"]) == pytest.approx(row[side])
    assert [part["kind"] for part in row["parts"]][-1] == whole.OTHER
    both = {part["kind"] for part in row["parts"] if min(part["ours"], part["ort"]) > 0}
    assert {whole.DEPTHWISE, whole.DENSE, whole.POOL, "1x1 convolution", "3x3 convolution"} <= both
    assert row["differing"] == 0 and row["met"] == (row["ratio"] <= whole.TARGET)


def test_the_page_tells_of_sums():
    row = {"what": "a network", "ours": 2.0, "ort": 1.0, "differing": 3,
           "parts": [{"kind": whole.SUM, "ours": 0.5, "ort": 0.25},
                     {"kind": whole.OTHER, "ours": 1.5, "ort": 0.0}]}  # fmt: skip
    lines = bench_table._shares({"figures": [row]})
    assert "3 element(s) of sums are a step apart" in "\n".join(lines)
    assert lines[-2:] == [
        "| sum | 0.500 | 25% | 0.250 | 2 |",
        "| between layers, conversions | 1.500 | 75% | 0.000 |  |",
    ]  # fmt: skip
