"""Two layers whose blocks take turns: which do, in which order, and what it saves."""

import numpy as np
import pytest

from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph, weave
from accel.cyclemodel import predict
from accel.isa import Op
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.compiler.test_networks import MACHINES, check, images
from tests.support import networks
from tests.support.counted import differences
from tests.support.listing import misplaced
from tests.support.machines import MACHINES as BUILT
from tests.support.programs import commands

PARAMS = Params(rows=8, cols=8, input_bytes=16384, acc_rows=256, bus_bytes=8)


def fire(seed, *, first=(1, 1), second=(3, 3), table=(), size=32, both=True):
    """A tensor that two convolutions read, side by side in their results' memory."""
    rng = np.random.default_rng(seed)
    net = networks.Builder(rng, (size, size, 8)).conv(8)
    made, read = [], net.last
    for number, kernel in enumerate((first, second)):
        net.last = read if both else net.last
        net.conv(16, kernel, padding=(kernel[0] // 2,) * 4, zero=3)
        if number in table:
            net.table(zero=3)
        made.append(net.last)
    return rng, (net.concat(*made) if both else net).graph()


def turns(program) -> int:
    """How often post-processing goes from one layer to another."""
    posts = [fields for op, fields in commands(program) if op == Op.POST]
    of = [(fields["rounding"], fields["lo"], fields["hi"], fields["pitch_x"]) for fields in posts]
    return sum(one != other for one, other in zip(of, of[1:], strict=False))


def cycles(program) -> int:
    step = program.steps[0]
    counters, _ = predict(program.params, program.image, step.start, step.commands, 32, 8)
    return counters["cycles"]


@pytest.mark.parametrize("kernels", [((1, 1), (3, 3)), ((3, 3), (1, 1))])
def test_a_layer_that_waits_for_the_bus_and_one_that_computes(kernels, monkeypatch):
    """In turn they take less time, with the same blocks."""
    _, graph = fire(1, first=kernels[0], second=kernels[1])
    woven = compile_graph(graph, PARAMS, 1)
    monkeypatch.setattr(weave, "pairs", lambda *_: set())
    apart = compile_graph(graph, PARAMS, 1)
    assert turns(apart) == 2 < 10 < turns(woven)
    assert not misplaced(woven)
    blocks = [
        [op for op, _ in commands(program) if op in (Op.WEIGHTS, Op.EXEC, Op.POST)]
        for program in (apart, woven)
    ]
    assert sorted(blocks[0]) == sorted(blocks[1])
    assert cycles(woven) < 0.97 * cycles(apart)


@pytest.mark.parametrize(
    "change",
    [
        {"both": False},  # the second reads the first's
        {"second": (1, 1)},  # both wait for the bus
        {"first": (3, 3)},  # neither does
        {"table": (0, 1)},
    ],
)
def test_what_cannot_take_turns_or_would_save_nothing_does_not(change):
    _, graph = fire(2, **change)
    assert turns(compile_graph(graph, PARAMS, 1)) == 2


def test_a_store_has_the_bus_to_itself_or_half_of_it():
    """The other layer's piece, and what post-processing holds, take 132 cycles meanwhile."""
    one = weave.Cost(array=10, bus=1000, stored=1000)
    assert one.waits(weave.Cost(array=100, bus=0)) == 1000 - 132
    assert one.waits(weave.Cost(array=100, bus=5000)) == 2 * 1000 - 132


@pytest.mark.parametrize("table", [(), (0,), (1,)])
@pytest.mark.parametrize("machine", ["4x4", "8x4", "8x8"])
def test_both_compute_what_they_should(machine, table, monkeypatch):
    rng, graph = fire(3, table=table, size=13)
    monkeypatch.setattr(weave, "_CYCLES", 0)
    check(graph, MACHINES[machine], 2 if table else 1, rng)


def test_on_the_machine():
    """Every byte, under stalls; and every counter, as predicted."""
    rng, graph = fire(4, table=(1,))
    params, engine = BUILT[1], get_engine("auto")
    program = compile_graph(graph, params, 1)
    assert turns(program) > 10
    engine.build(params)
    given = images(graph, 1, rng)["input"]
    ran = run_batch(engine, program, graph, given, Memory(20, stall_seed=5, stall_percent=30))
    expected = golden.run(graph, given)
    assert all(np.array_equal(ran.tensors[name], expected[name]) for name in ran.tensors)
    _, found = differences(engine, program, Memory())
    assert not found
