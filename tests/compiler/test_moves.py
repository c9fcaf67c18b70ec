"""Slices and assemblies: read and written where they lie, byte for byte, copied only where need be.
"""

import numpy as np
import pytest

from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.graph.check import check as check_graph
from accel.graph.ir import Place
from accel.graph.places import along
from accel.isa import Op
from accel.params import Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.compiler.test_networks import MACHINES, images
from tests.support import moves, networks, reference
from tests.support.counted import differences, random_memory
from tests.support.machine import Machine
from tests.support.machines import MACHINES as BUILT
from tests.support.programs import commands


@pytest.mark.parametrize("machine", ["4x4 tiny", "4x4", "8x4", "8x8", "16x16"])
@pytest.mark.parametrize("part", range(2))
def test_random_networks(machine, part):
    done = 0
    for seed in range(1000 * part, 1000 * part + 25):
        rng = np.random.default_rng(seed)
        graph = check_graph(moves.random_moves(rng))
        if networks.macs(graph) < 40_000:
            everything(graph, MACHINES[machine], int(rng.integers(1, 4)), rng)
            done += 1
    assert done >= 15


def everything(graph, params: Params, batch: int, rng) -> None:
    """Every tensor in memory, also those that nothing computes, in two orders."""
    program = compile_graph(graph, params, batch)
    inputs = images(graph, batch, rng)
    expected = reference.run(graph, inputs)
    for seed in range(2):
        machine = Machine(program, inputs, seed)
        machine.run()
        for name in program.tensors:
            np.testing.assert_array_equal(
                machine.output(name), expected[program.copies.get(name, name)], name
            )


@pytest.mark.parametrize("machine", ["4x4", "4x4 alone", "8x8"])
@pytest.mark.parametrize("batch", [1, 2])
def test_what_is_written_to_its_place_is_not_copied(machine, batch):
    """Convolutions beside, below and between each other; slices of all of it."""
    rng = np.random.default_rng(1)
    net = networks.Builder(rng, (4, 3, 5))
    source, parts = net.last, []
    for outputs in (3, 3, 3, 3):
        net.last = source
        parts.append(net.conv(outputs, zero=9).last)
    places = [Place((y, x, 0), (2, 2)) for y in (0, 1) for x in (0, 1)]
    whole = net.assemble(places, *parts).last
    net.slice((1, 0, 1), (3, 3, 2), (2, 2)).conv(4, (3, 3), padding=(1, 1, 1, 1), zero=9)
    net.last = whole
    net.slice((2, 0, 0), (4, 6, 3)).pool("max", (2, 2), (2, 2))
    graph = check_graph(net.graph())
    program = compile_graph(graph, MACHINES[machine], batch)
    assert not program.copies
    everything(graph, MACHINES[machine], batch, rng)


@pytest.mark.parametrize("reads", ("all", "a part"))
def test_images_with_rows_between_them_are_no_tall_image(reads):
    """Of a batch, where only what is read, or what is written, is apart from image to image."""
    rng = np.random.default_rng(3)
    net = networks.Builder(rng, (6, 3, 5))
    source = net.last
    if reads == "a part":
        graph = net.slice((1, 0, 0), (3, 3, 5)).conv(4).graph()
    else:
        above = net.conv(4, zero=9).last
        net.last = source
        below = net.conv(4, (3, 3), padding=(1, 1, 1, 1), zero=9).last
        graph = net.assemble(along(0, (6, 6)), above, below).graph()
    program = compile_graph(check_graph(graph), MACHINES["4x4"], 2)
    assert not program.copies
    everything(graph, MACHINES["4x4"], 2, rng)


def test_a_row_is_ready_when_all_that_write_into_it_are():
    """Rows from two layers, read as one image: each read waits for the writers of its rows only."""
    rng = np.random.default_rng(2)
    net = networks.Builder(rng, (8, 8, 4))
    source = net.last
    above = net.conv(4, (3, 3), padding=(1, 1, 1, 1), zero=3).last
    net.last = source
    below = net.conv(4, (3, 3), padding=(1, 1, 1, 1), zero=3).last
    net.assemble(along(0, (8, 8)), above, below).conv(4, (3, 3))
    program = compile_graph(check_graph(net.graph()), MACHINES["8x8"], 1)
    assert not program.copies
    first, second, last = (
        {fields["wait_post"] for op, fields in commands(program)
         if op == Op.LOAD and fields["inner"] and places(program, name, fields["src"])}
        for name in (source.name, above.name, below.name)
    )
    assert first == {0}
    assert max(second) < min(last)


@pytest.mark.parametrize("machine", ["4x4 tiny", "4x4", "8x8"])
@pytest.mark.parametrize("channels", [4, 12])
def test_lower_rows_that_are_there_first_are_read_last(machine, channels):
    """The upper rows of the image are computed behind the lower ones, by the other engine."""
    rng = np.random.default_rng(5)
    net = networks.Builder(rng, (6, 7, channels))
    source = net.last
    below = net.conv(channels, zero=3).last
    net.last = source
    above = net.conv(channels, (3, 3), padding=(1, 1, 1, 1), zero=3).last
    net.assemble(along(0, (6, 6)), above, below)
    net.depthwise((3, 3)).pool("max", (2, 2), (1, 1))
    everything(check_graph(net.graph()), MACHINES[machine], 2, rng)


@pytest.mark.parametrize("machine", ["4x4 tiny", "4x4", "8x8"])
def test_images_whose_upper_rows_are_all_there_first_are_read_one_by_one(machine):
    rng = np.random.default_rng(6)
    net = networks.Builder(rng, (3, 6, 4))
    source, parts = net.last, []
    for _ in range(3):
        net.last = source
        parts.append(net.pool("max", (1, 1), (1, 1)).last)
    net.assemble(along(0, (3, 3, 3)), *parts).depthwise()
    everything(check_graph(net.graph()), MACHINES[machine], 3, rng)


def places(program, name: str, address: int) -> bool:
    """Whether an address is inside a tensor."""
    place = program.tensors[name]
    return place.address <= address < place.address + place.size


# BUILT[2] takes most of a minute to build.
@pytest.mark.parametrize("number", [0, 1, pytest.param(2, marks=pytest.mark.campaign), 3, 4, 5])
def test_on_the_rtl_with_the_models_cycles(number):
    """Every byte of every tensor equal to golden, every counter to the cycle model."""
    check_on_the_rtl(number, "auto")


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(10))
def test_three_hundred_on_the_rtl(part):
    for number in range(100 + 30 * part, 130 + 30 * part):
        check_on_the_rtl(number, "verilator")


def check_on_the_rtl(number: int, name: str) -> None:
    rng = np.random.default_rng([3, number])
    params = BUILT[number % 4]
    graph, batch = check_graph(moves.random_moves(rng)), int(rng.integers(1, 4))
    while networks.macs(graph) * batch > 60_000:
        graph = check_graph(moves.random_moves(rng))
    program = compile_graph(graph, params, batch)
    engine = get_engine(name)
    engine.build(params)
    inputs = images(graph, batch, rng)
    memory = Memory(
        latency_cycles=int(rng.integers(1, 60)), stall_seed=int(rng.integers(1, 1 << 31)),
        stall_percent=int(rng.integers(0, 60)),
    )  # fmt: skip
    ran = run_batch(engine, program, graph, inputs, memory)
    expected = golden.run(graph, inputs)
    for tensor, values in ran.tensors.items():
        np.testing.assert_array_equal(values, expected[program.copies.get(tensor, tensor)], tensor)
    _, found = differences(engine, program, random_memory(rng, params.bus_bytes))
    assert not found, found
