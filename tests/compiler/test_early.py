"""Pointwise layers that take a whole image in chunks of channels: which, and the same results."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import early
from accel.compiler.layer import MachineLayer
from accel.opening import open_network
from accel.params import Params
from tests.compiler.test_decisions import cycles
from tests.compiler.test_networks import MACHINES, check
from tests.support import networks


@pytest.fixture
def always(monkeypatch):
    """Wherever that is possible, and how often it was."""
    monkeypatch.setattr(early, "_pays", lambda *_: True)
    found, plain = [], early._in_chunks

    def in_chunks(layer: MachineLayer, *given):
        found.append((layer.name, plain(layer, *given)))
        return found[-1][1]

    monkeypatch.setattr(early, "_in_chunks", in_chunks)
    return found


@pytest.mark.parametrize("machine", ["4x4", "4x8", "8x8"])
def test_random_networks_that_begin_early(machine, always):
    params = dataclasses.replace(MACHINES[machine], acc_rows=256, input_bytes=8192)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        channels = params.cols * int(rng.integers(2, 6)) - int(rng.integers(0, 2))
        net = networks.Builder(rng, (int(rng.integers(5, 12)), int(rng.integers(5, 12)), 3))
        net.conv(channels, (3, 3), padding=(1, 1, 1, 1))
        net.pool("max", (3, 3), (1, 1), (1, 1, 1, 1))
        net.conv(int(rng.integers(3, 3 * params.cols)))
        check(net.conv(5, (1, 1)).conv(channels).conv(7).graph(), params, 1, rng)
    assert any(tiling for _, tiling in always)


@pytest.mark.parametrize("name, size", [("mobilenet_v2", 32), ("squeezenet", 16)])
def test_it_pays(name, size, monkeypatch):
    graph, params = open_network(name), Params(rows=size, cols=size, bus_bytes=size)
    before = cycles(graph, params)
    monkeypatch.setattr(early, "begin", lambda *_: None)
    assert before <= 0.996 * cycles(graph, params)
