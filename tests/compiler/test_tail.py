"""Additions behind chains: their blocks come between the chain's windows, and wait for enough."""

import numpy as np
import pytest

from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph, near, near_tail
from accel.compiler.stream import Stream
from accel.cyclemodel import predict
from accel.isa import Op, WindowMode
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.compiler.test_networks import images
from tests.support import networks, reference
from tests.support.counted import differences, random_memory
from tests.support.listing import misplaced
from tests.support.machine import Machine
from tests.support.machines import MACHINES
from tests.support.programs import commands, without_waits

#: Those with room for a chain, from none to spare to plenty.
ROOMS = (
    Params(rows=4, cols=4, input_bytes=8192, acc_rows=64, bus_bytes=8, window_taps=2,
           window_bytes=2048),
    Params(rows=4, cols=4, input_bytes=16384, acc_rows=128, bus_bytes=4, window_taps=4,
           window_bytes=8192),
    MACHINES[3],
)  # fmt: skip


def residual(seed, number):
    """Blocks that widen, slide windows, narrow, and add what they began with."""
    rng = np.random.default_rng([seed, number])
    size, channels = int(rng.integers(8, 25)), int(rng.integers(1, 14))
    if rng.random() < 0.5:
        channels = 4 * -(-channels // 4)  # tensors by channel groups
    net = networks.Builder(rng, (size, int(rng.integers(5, 17)), channels))
    if rng.random() < 0.5:
        net.conv(channels)
    for _ in range(int(rng.integers(1, 3))):
        before, kernel = net.last, int(rng.choice((3, 3, 5)))
        net.conv(int(rng.integers(2, 25)))
        net.depthwise((kernel, kernel), padding=(kernel // 2,) * 4)
        net.conv(channels).add(before)
    return rng, net.conv(5).graph()


def between(program) -> int:
    """How many blocks of additions come before a window of a convolution."""
    modes = [fields["mode"] for op, fields in commands(program) if op == Op.WINDOW]
    last = max((n for n, mode in enumerate(modes) if mode == WindowMode.MAC), default=0)
    return sum(mode == WindowMode.ADD for mode in modes[:last])


def test_random_blocks():
    """On the interpreter, which knows no more than the instruction set, under random schedules."""
    found = 0
    for number in range(60):
        rng, graph = residual(1, number)
        program = compile_graph(graph, ROOMS[number % len(ROOMS)], 1)
        found += between(program) > 0
        assert not misplaced(program), number
        inputs = images(graph, 1, rng)
        expected = reference.run(graph, inputs)
        machine = Machine(program, inputs, number)
        machine.run()
        for name in program.tensors:
            assert np.array_equal(machine.output(name), expected[name]), (number, name)
    assert found > 15


@pytest.mark.parametrize("op, name", [(Op.WLOAD, "wait_window"), (Op.POST, "wait_window")])
def test_the_interpreter_notices_a_missing_wait(op, name):
    """Operands come where rows were, and rows where operands were."""
    wrong = 0
    for number in range(12):
        rng, graph = residual(1, number)
        program = without_waits(compile_graph(graph, ROOMS[0], 1), op, name)
        inputs = images(graph, 1, rng)
        expected = reference.run(graph, inputs)
        machine = Machine(program, inputs, number)
        machine.run()
        wrong += any(not np.array_equal(machine.output(one), expected[one])
                     for one in program.tensors)  # fmt: skip
    assert wrong


@pytest.mark.parametrize("number", range(6))
def test_on_the_machine(number):
    """Every byte, under stalls; and every counter, as predicted."""
    rng, graph = residual(1, number)
    params, engine = MACHINES[3], get_engine("auto")
    program = compile_graph(graph, params, 1)
    engine.build(params)
    given = images(graph, 1, rng)["input"]
    ran = run_batch(engine, program, graph, given, Memory(20, stall_seed=5, stall_percent=30))
    expected = golden.run(graph, given)
    assert all(np.array_equal(ran.tensors[name], expected[name]) for name in ran.tensors)
    _, found = differences(engine, program, random_memory(rng, params.bus_bytes))
    assert not found


@pytest.mark.parametrize("ahead, places", [
    (1024, [1024 + 512, 1024, 1024 + 512]),  # two places in turn, behind the chain's next block
    (3072 - 511, [3072 - 512] * 3),  # no room behind that: the last place there is, again and again
])  # fmt: skip
def test_where_blocks_of_an_addition_come(ahead, places):
    """A block takes 512 bytes; of 4096, the chain has 1024 now."""
    class Recorded:
        def blocks(self, size):
            return [(number, 1, 0) for number in range(4)]

        def words(self, count):
            return 64

        def rows(self, block):
            return block[0] + 1

        def block(self, first, count, channel, at):
            found.append(at)

    found = []
    stream = Stream(Params(rows=4, cols=4, window_taps=2, window_bytes=4096))
    tail = near_tail.Tail(Recorded(), (0, 1), stream)
    stream.window_ring.reserve(1024)
    tail.some(3, 0, ahead)  # three rows of both operands are there
    assert [at - 1024 for at in found] == places
    tail.some(4, 0, ahead)
    assert len(found) == 4


def large():
    """A block of 40 x 28 pixels and 96 channels, and a machine."""
    net = networks.Builder(np.random.default_rng(3), (40, 28, 16)).conv(16)
    before = net.last
    graph = net.conv(96).depthwise().conv(16).add(before).conv(16).graph()
    return graph, Params(rows=8, cols=8, input_bytes=65536, acc_rows=512, window_bytes=32768)


def test_windows_behind_a_block_of_the_addition_are_the_convolution_s():
    """They count for it, and the last one marks its end."""
    graph, params = large()
    program = compile_graph(graph, params, 1)
    assert between(program) > 3
    convolution, addition = (layer for layer in program.layers if layer.unit == "window")
    last = {fields["mode"]: fields for op, fields in commands(program) if op == Op.WINDOW}
    assert last[WindowMode.MAC]["mark_addr"] == convolution.mark_addr
    assert last[WindowMode.ADD]["mark_addr"] == addition.mark_addr
    assert convolution.busy_cycles == 40 * 28 * (96 // 8) * -(-9 // params.window_taps)


def test_it_saves_the_time_of_the_addition(monkeypatch):
    graph, params = large()

    def cycles():
        program = compile_graph(graph, params, 1)
        step = program.steps[0]
        counters, _ = predict(params, program.image, step.start, step.commands, 32, 8)
        return between(program), counters["cycles"]

    blocks, woven = cycles()
    monkeypatch.setattr(near, "tails", lambda *_: set())
    none, apart = cycles()
    assert blocks > 3 > none == 0
    assert woven < apart - 300
