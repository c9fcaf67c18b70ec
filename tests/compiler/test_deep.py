"""An addition and the layers around it by rows: which, in what order, and the same results."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import compile_graph, deep
from accel.opening import open_network
from accel.params import Params
from tests.compiler.test_decisions import cycles
from tests.compiler.test_networks import MACHINES, check
from tests.support import networks

#: Of a wide array with the bus of a narrow one, so that the array waits for additions.
WIDE = Params(rows=8, cols=8, input_bytes=8192, acc_rows=128, bus_bytes=4)


def residual(seed, channels=24, inside=8, side=14, kernel=3, stride=1, blocks=1):
    """Residual blocks: pointwise, a larger kernel, pointwise, the sum."""
    rng = np.random.default_rng(seed)
    net = networks.Builder(rng, (side, side - 1, 4)).conv(channels)
    for number in range(blocks + 1):
        source = net.last
        pad, behind = kernel // 2, (kernel - 1) // 2
        step = (stride, stride) if number == blocks else (1, 1)
        net.conv(inside).conv(inside, (kernel, kernel), step, (pad, pad, behind, behind))
        if number < blocks:
            net.conv(channels).add(source)
    return rng, net.conv(5).graph()


@pytest.fixture
def always(monkeypatch):
    """By rows wherever that is possible, and how often it was."""
    monkeypatch.setattr(deep, "_pays", lambda *_: True)
    found, plain = [], deep.lower
    monkeypatch.setattr(deep, "lower", lambda *run: (found.append(run), plain(*run)))
    return found


@pytest.mark.parametrize("machine", ["4x4 tiny", "4x4", "4x8", "8x4", "8x8"])
def test_random_blocks_by_rows(machine, always):
    params = MACHINES[machine]
    for seed in range(8):
        draw = np.random.default_rng(seed)
        cols, side = params.cols, int(draw.integers(5, 13))
        rng, graph = residual(
            seed, channels=cols * int(draw.integers(1, 4)), inside=int(draw.integers(3, 13)),
            side=side, kernel=int(draw.choice([1, 2, 3, 5])), stride=int(draw.integers(1, 3)),
            blocks=int(draw.integers(1, 3)),
        )  # fmt: skip
        check(graph, params, 1, rng)
    assert always or machine == "4x4 tiny"


def test_layers_by_rows_take_turns(always):
    """The second convolution behind the sum begins before the one in front of it has ended."""
    _, graph = residual(1)
    program = compile_graph(graph, WIDE, 1)
    assert len(always) == 1
    rows = [(run[0][0].layer.name, run[0][2].layer.name) for run in always]
    names = [layer.name for layer in program.layers]
    ((first, last),) = rows
    assert names.index(last) - names.index(first) == deep.COUNT - 1


def test_a_layer_is_half_a_block_ahead_of_the_next_one(always, monkeypatch):
    """Its first 4 rows are enough for the next one's block of 3, but no more than that."""
    listed, plain = [], deep._Layer.block

    def block(layer, now):
        listed.append((layer.number, layer.next))
        return plain(layer, now)

    monkeypatch.setattr(deep._Layer, "block", block)
    compile_graph(residual(1)[1], WIDE, 1)
    first, behind = 3, 5
    assert listed[:4] == [(first, 0), (first, 4), (behind, 0), (behind, 3)]


def test_where_the_bus_is_the_limit_it_pays(monkeypatch):
    graph = open_network("resnet50")
    params = Params(rows=32, cols=32, bus_bytes=32)
    macs = sum(layer.macs for layer in compile_graph(graph, params, 1, data=False).layers)
    by_rows = cycles(graph, params)
    assert macs >= 0.93 * params.rows * params.cols * by_rows
    monkeypatch.setattr(deep, "runs", lambda *_: set())
    assert by_rows <= 0.985 * cycles(graph, params)


@pytest.mark.parametrize("params", [Params(), dataclasses.replace(WIDE, bus_bytes=16)])
def test_where_the_array_is_the_limit_nothing_changes(params, monkeypatch):
    graph = open_network("resnet8")
    plain = compile_graph(graph, params, 1, data=False)
    monkeypatch.setattr(deep, "runs", lambda *_: set())
    assert plain.image.tobytes() == compile_graph(graph, params, 1, data=False).image.tobytes()
