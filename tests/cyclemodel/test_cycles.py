"""The cycle model against the RTL, counter by counter."""

import numpy as np
import pytest

from accel.bench.sim import convolutions
from accel.compiler import compile_graph
from accel.cyclemodel import predict
from accel.frontend import load
from accel.graph.places import along
from accel.isa import Op, pack
from accel.models import BUILTIN
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.coverage.backlog import due_records
from tests.faults.subject import PARAMS
from tests.support import networks
from tests.support.counted import differences
from tests.support.machine import Machine
from tests.support.machines import MACHINES


@pytest.mark.parametrize("batch", [1, 3])
def test_a_network(batch):
    engine = get_engine("auto")
    engine.build(MACHINES[1])
    program = compile_graph(load(BUILTIN["lenet5"].network), MACHINES[1], batch)
    cycles, found = differences(engine, program, Memory())
    assert cycles > 0
    assert not found, found


@pytest.mark.parametrize("latency", [32, 74, 200])
def test_short_commands_behind_full_queues(latency):
    """Writes of single beats fill the store's queues while a layer's record waits to be written.

    The next command's end waits for the record, all responses wait behind that end: the record's
    way must be free nevertheless.
    """
    net = networks.Builder(np.random.default_rng(1), (8, 4, 16))
    source, parts = net.last, []
    net.add(source)
    for first, rows in ((7, 1), (0, 7)):
        net.last = source
        parts.append(net.slice((first, 0, 0), (rows, 4, 16)).last)
    graph = net.assemble(along(0, (1, 7)), *parts).graph()
    engine = get_engine("auto")
    engine.build(MACHINES[3])
    program = compile_graph(graph, MACHINES[3], 2)
    cycles, found = differences(engine, program, Memory(latency_cycles=latency))
    assert cycles and not found


@pytest.mark.parametrize("op, few", [(Op.POST, 8), (Op.WINDOW, 12)])
@pytest.mark.parametrize("latency", [32, 90, 400])
def test_more_records_are_due_than_have_places(latency, op, few):
    """They wait for places; nothing is lost, and the memory is right."""
    engine = get_engine("auto")
    engine.build(PARAMS)
    written = due_records(PARAMS, few, op)
    program = written.program(PARAMS)
    cycles, found = differences(engine, program, Memory(latency_cycles=latency))
    assert cycles and not found
    machine = Machine(program, {}, 1)
    machine.run()
    left = written.memory.copy()
    engine.run(left, written.start, written.commands, Memory(latency_cycles=latency), 100_000)
    assert written.same(left, machine.memory)


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(BUILTIN))
@pytest.mark.parametrize("array", [(8, 8), (16, 16)])
def test_built_in_networks(name, array):
    params = Params(rows=array[0], cols=array[1])
    engine = get_engine("auto")
    engine.build(params)
    program = compile_graph(load(BUILTIN[name].network), params, 1)
    _, found = differences(engine, program, Memory())
    assert not found, found


@pytest.mark.parametrize("latency, width", [(1, 0), (32, 0), (100, 3)])
def test_leaving_out_cycles_changes_nothing(latency, width):
    program = compile_graph(load(BUILTIN["mnist"].network), MACHINES[0], 1)
    step = program.steps[0]
    arguments = (MACHINES[0], program.image, step.start, step.commands, latency, width)
    assert predict(*arguments) == predict(*arguments, skip=False)


@pytest.mark.parametrize("latency, width", [(1, 0), (32, 0), (100, 3), (300, 128)])
@pytest.mark.parametrize("rows, cols, bus", [(8, 8, 16), (16, 16, 16), (16, 32, 8), (32, 16, 64)])
@pytest.mark.parametrize("channels, size", [(64, 28), (128, 7)])
def test_leaving_out_steady_cycles_changes_nothing(
    channels, size, rows, cols, bus, latency, width
):
    params = Params(rows=rows, cols=cols, bus_bytes=bus)
    program = compile_graph(convolutions(channels, size, 2), params, 1)
    step = program.steps[0]
    arguments = (params, program.image, step.start, step.commands, latency, width)
    assert predict(*arguments) == predict(*arguments, skip=False)


@pytest.mark.parametrize("latency, width", [(32, 0), (66, 2), (83, 0)])
@pytest.mark.parametrize("machine", [0, 2])
def test_leaving_out_cycles_behind_the_last_exec_changes_nothing(machine, latency, width):
    net = networks.Builder(np.random.default_rng(3), (23, 19, 16))
    graph = net.conv(16).add(net.tensors["input"]).graph()
    program = compile_graph(graph, MACHINES[machine], 2)
    step = program.steps[0]
    arguments = (MACHINES[machine], program.image, step.start, step.commands, latency, width)
    assert predict(*arguments) == predict(*arguments, skip=False)


def test_a_slower_memory_takes_longer():
    program = compile_graph(load(BUILTIN["mnist"].network), MACHINES[1], 1)
    step = program.steps[0]
    arguments = (MACHINES[1], program.image, step.start, step.commands)
    quick, slow = predict(*arguments, 1)[0], predict(*arguments, 100, 4)[0]
    assert slow["cycles"] > quick["cycles"]
    assert slow["memory"] > quick["memory"]
    assert slow["read_beats"] == quick["read_beats"]


def test_causes_add_up_to_the_cycles():
    program = compile_graph(load(BUILTIN["mnist"].network), MACHINES[0], 2)
    step = program.steps[0]
    total, records = predict(MACHINES[0], program.image, step.start, step.commands)
    causes = ("busy", "fill", "weight", "memory", "post", "sync")
    for counters in (total, *records.values()):
        assert sum(counters[name] for name in causes) == counters["cycles"]


def test_an_opcode_the_machine_lacks():
    image = np.frombuffer(pack(Op.WPARAM, src=64, tiles=1), np.uint8)
    with pytest.raises(ValueError, match="command 0 has unknown opcode 7"):
        predict(Params(rows=4, cols=4, window_taps=0), image, 0, 1)


def test_a_program_that_never_ends():
    image = np.frombuffer(pack(Op.EXEC, wait_load=1, cols=1, nx=1, ny=1, k=1, seg=1), np.uint8)
    with pytest.raises(ValueError, match="does not end within 5000 cycles"):
        predict(Params(rows=4, cols=4, window_taps=0), image, 0, 1, max_cycles=5000)
