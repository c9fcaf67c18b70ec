"""Channel shuffles that become orders of weights: fewer layers, the same bytes."""

import numpy as np
import pytest

import accel
from accel import frontend, golden, onnx_session
from accel.estimate import estimate
from accel.frontend import origins
from accel.graph import ports
from tests.frontend.onnx.test_moves import Layers
from tests.support.zoo_sample import DATA

SAMPLE = DATA / "shufflenet_v2.legacy.qoperator.onnx"


def reorders(graph) -> int:
    return sum(node.op == "reorder" for node in graph.nodes)


def outputs(graph, given):
    return ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))


@pytest.fixture
def always(monkeypatch):
    """Shuffles are traced back however little they cost."""
    monkeypatch.setattr(origins, "LAYER", 0)


def test_shufflenet_on_the_rtl(always):
    graph = frontend.load(SAMPLE)
    assert reorders(graph) == 0
    given = np.random.default_rng(1).standard_normal((2, 3, 32, 32)).astype(np.float32)
    result = accel.run(graph, given, array=(4, 4), batch=2)
    assert result.report["total"]["mismatches"] == 0
    session = onnx_session.session(SAMPLE)
    expected = [session.run(None, {"x": image[None]})[0] for image in given]
    np.testing.assert_array_equal(result.outputs[0], np.concatenate(expected))


def test_small_shuffles_stay_layers():
    """A layer for each range would take longer than the reorders of so small images."""
    assert reorders(frontend.load(SAMPLE)) > 0


def random_network(seed):
    """Units of convolutions on a half of the channels, shuffles, and functions in between."""
    net = Layers([8, 6, 5])
    rng = np.random.default_rng(seed)
    net.conv(8, 8)
    for _ in range(4):
        one, other = net.parts(1, 2)
        net.last = other
        for kind in rng.permutation(["point", "depth", "function"])[: rng.integers(1, 4)]:
            if kind == "point":
                net.conv(4, 4)
            elif kind == "depth":
                net.conv(4, 1, 3, group=4, pads=[1] * 4)
            else:
                net.op("Tanh")
        pair = [one, net.last] if rng.random() < 0.5 else [net.last, one]
        net.at = net.params(f"y{len(net.nodes)}", float(rng.choice([0.04, 0.031])), -3)
        net.op("Concat", *pair, axis=1)
        if rng.random() < 0.8:
            net.shuffle(int(rng.choice([2, 4])), 8, 6, 5)
        if rng.random() < 0.3:
            net.conv(8, 1, 3, group=8, pads=[1] * 4)
    net.conv(5, 8)
    return net.done()


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed, always, monkeypatch, tmp_path):
    net = random_network(seed)
    path, given = net.save(tmp_path), net.images()
    graph = frontend.load(path, strict=True)
    [actual] = outputs(graph, given)
    monkeypatch.setattr(origins, "LAYER", 1 << 60)
    plain = frontend.load(path, strict=True)
    np.testing.assert_array_equal(actual, outputs(plain, given)[0])
    [expected] = onnx_session.session(net.proto()).run(None, given)
    np.testing.assert_array_equal(actual, expected)
    assert reorders(graph) <= reorders(plain)


def test_random_networks_have_shuffles(always, monkeypatch, tmp_path):
    """Most of them: what the test above compares is not nothing."""
    counts = []
    for layer in (0, 1 << 60):
        monkeypatch.setattr(origins, "LAYER", layer)
        counts.append([reorders(frontend.load(random_network(seed).save(tmp_path)))
                       for seed in range(12)])
    fewer = [one < other for one, other in zip(*counts, strict=True)]
    assert sum(fewer) >= 6


@pytest.mark.parametrize(("groups", "left"), [(12, 0), (13, 1)])
def test_a_dozen_ranges_are_put_side_by_side(groups, left, always, tmp_path):
    """The first half of what is shuffled is two channels of each group."""
    channels = 4 * groups
    net = Layers([channels, 4, 3])
    net.conv(channels, channels)
    net.op("Tanh")
    net.shuffle(groups, channels, 4, 3)
    net.last = net.parts(1, 2)[0]
    net.conv(5, channels // 2)
    assert reorders(frontend.load(net.done().save(tmp_path))) == left


def test_large_shuffles_are_traced_back(tmp_path):
    """Two units of 64 channels: without reorders, and in fewer cycles."""
    def build():
        net = Layers([64, 12, 12])
        net.conv(64, 64)
        for _ in range(2):
            one, net.last = net.parts(1, 2)
            net.conv(32, 32)
            net.op("Concat", one, net.last, axis=1)
            net.shuffle(2, 64, 12, 12)
        net.conv(16, 64)
        return net.done()

    path = build().save(tmp_path)
    quick, graph = estimate(str(path), array=(8, 8)), frontend.load(path)
    assert reorders(graph) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origins, "LAYER", 1 << 60)
        slow = estimate(str(path), array=(8, 8))
        assert reorders(frontend.load(path)) > 0
    assert quick["total"]["cycles"] < 0.9 * slow["total"]["cycles"]
