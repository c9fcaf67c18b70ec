"""Every command is listed after all that it waits for: no program can deadlock (accel/isa.py)."""

import collections

import numpy as np
import pytest

from accel.compiler import CompileError, compile_graph
from accel.isa import Op, WindowMode
from accel.opening import open_network
from accel.params import Params
from tests.compiler.test_networks import MACHINES
from tests.layers.campaign import draw_layer
from tests.support import networks
from tests.support.chain_campaign import draw_chain, near
from tests.support.listing import misplaced, misplaced_in
from tests.support.programs import commands

SMALL = Params(rows=8, cols=8, input_bytes=16384, acc_rows=256, window_bytes=8192, queue_depth=2)


@pytest.mark.parametrize("batch", (1, 4))
@pytest.mark.parametrize("params", (Params(), SMALL), ids=("16x16", "8x8"))
@pytest.mark.parametrize("name", ("kws", "lenet5", "mnist", "mobilenet", "resnet8", "shallow"))
def test_of_networks(name, params, batch):
    assert misplaced(compile_graph(open_network(name), params, batch)) == []


@pytest.mark.parametrize("name", ("mobilenet_v2", "squeezenet", "resnet18"))
def test_of_large_networks(name):
    assert misplaced(compile_graph(open_network(name), Params(), 1)) == []


def test_of_random_chains():
    stay = 0
    for number in range(120):
        _, params, graph, batch = draw_chain(5, number)
        program = compile_graph(graph, params, batch)
        assert misplaced(program) == [], number
        stay += near(program)
    assert stay > 60


@pytest.mark.parametrize("machine", MACHINES)
def test_of_random_layers_and_networks(machine):
    checked = 0
    for number in range(30):
        rng = np.random.default_rng([6, number])
        graph, batch = draw_layer(rng, MACHINES[machine])
        graphs = graph, networks.random_network(rng), networks.random_window_network(rng)
        for one in graphs:
            try:
                program = compile_graph(one, MACHINES[machine], batch)
            except CompileError:
                continue
            assert misplaced(program) == [], number
            checked += 1
    assert checked > 20


def block():
    """An inverted block with a residual addition, whose tensors stay."""
    net = networks.Builder(np.random.default_rng(3), (60, 8, 8)).conv(16).depthwise().conv(8)
    params = Params(rows=4, cols=4, input_bytes=8192, acc_rows=128, bus_bytes=8, window_taps=2,
                    window_bytes=1024)  # fmt: skip
    program = compile_graph(net.add(net.tensors["input"]).conv(24).graph(), params, 1)
    assert near(program)
    return commands(program)


#: What a command waits for, with a field or without.
BEHIND = {
    "EXEC comes before its WEIGHTS": (Op.EXEC, Op.WEIGHTS),
    "POST comes before its EXECs": (Op.POST, Op.EXEC),
    "WINDOW comes before its WPARAM": (Op.WINDOW, Op.WPARAM),
    "EXEC waits for load": (Op.EXEC, Op.LOAD),
    "EXEC waits for window": (Op.EXEC, Op.WINDOW),
    "POST waits for window": (Op.POST, Op.WINDOW),
    "WINDOW waits for post": (Op.WINDOW, Op.POST),
    "WINDOW waits for exec": (Op.WINDOW, Op.EXEC),
    "WINDOW waits for wload": (Op.WINDOW, Op.WLOAD),
}


@pytest.mark.parametrize("says", BEHIND)
def test_a_command_in_the_wrong_place_is_noticed(says):
    """A command of the one kind goes before all of the other kind."""
    listed, (op, other) = block(), BEHIND[says]
    assert misplaced_in(listed) == []
    to = next(place for place, (kind, _) in enumerate(listed) if kind == other)
    places = [place for place, (kind, _) in enumerate(listed) if kind == op and place > to]
    for place in places:
        moved = [*listed[:to], listed[place], *listed[to:place], *listed[place + 1 :]]
        lines = [line.partition(", ")[2].replace(",", "") for line in misplaced_in(moved)]
        if any(line.startswith(says) for line in lines):
            return
    raise AssertionError(f"{len(places)} times")


def test_too_much_at_once_is_noticed():
    """Banks, slots and weights have room for so much."""
    counts = collections.Counter()
    first, last = {"first": 1, "last": 0}, {"first": 0, "last": 1}
    weights, mac = (Op.WEIGHTS, {}), (Op.WINDOW, {"mode": WindowMode.MAC})
    both = (Op.EXEC, {"first": 1, "last": 1})
    for listed in (
        [weights, weights, (Op.EXEC, first), (Op.EXEC, last), weights, both, weights],
        [weights, weights, (Op.EXEC, first), weights],
        [weights, both, weights, both, weights, both],
        [weights, both, weights, both, (Op.POST, {}), weights, both, weights, weights, weights],
        [(Op.WPARAM, {}), (Op.WPARAM, {}), (Op.WPARAM, {}), mac],
    ):
        counts.update(line.partition(", ")[2] for line in misplaced_in(listed))
    assert counts == {
        "WEIGHTS, comes before the EXECs of the block before the last": 2,
        "EXEC, comes before the POST that frees its bank": 1,
        "WEIGHTS, comes before the POST that frees its parameters' slot": 1,
        "WPARAM, comes before the WINDOW that frees its slot": 1,
    }, counts
