"""Tensors by channel groups: which, what the machine computes with them, their bursts."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import Mapping, compile_graph
from accel.cyclemodel import predict
from accel.isa import Op
from accel.params import Params
from accel.program import Placement
from tests.compiler.test_networks import MACHINES, check
from tests.support import networks
from tests.support.programs import commands

SMALL = MACHINES["4x4"]


def grouped(program) -> set[str]:
    return {name for name, place in program.tensors.items() if place.group}


def compiled(graph, params=SMALL, batch=1):
    """With every result in memory, whatever a chain could keep on the chip."""
    return compile_graph(graph, params, batch, mapping=Mapping(near=False))


def builder(seed=1, shape=(9, 7, 8)):
    return networks.Builder(np.random.default_rng(seed), shape)


def test_what_only_the_machine_sees_lies_by_groups():
    net = builder().conv(12, (3, 3), padding=(1, 1, 1, 1)).conv(8).conv(8)
    first, second, third = (node.output for node in net.nodes)
    program = compiled(net.graph())
    assert grouped(program) == {first, second}
    place = program.tensors[first]
    assert (place.pixel, place.group, place.row, place.image) == (4, 28, 84, 756)
    assert program.tensors[third].group == program.tensors["input"].group == 0
    # Rows of a group follow each other without a gap.
    posts = [fields for op, fields in commands(program) if op == Op.POST]
    assert {fields["pitch_x"] for fields in posts[:3]} == {4}
    assert {fields["dst"] - place.address for fields in posts[:3]} >= {0, 28, 56}


def joined(net, *channels):
    """Convolutions of the same tensor, side by side."""
    source, parts = net.last, []
    for count in channels:
        net.last = source
        parts.append(net.conv(count).last)
    return net.concat(*parts)


@pytest.mark.parametrize("what, make", {
    "too few channels": lambda net: net.conv(4).conv(8),
    "no whole groups": lambda net: net.conv(10).conv(8),
    "a row is a pixel": lambda net: net.conv(8, (1, 7)).conv(8),
    "grouped convolution": lambda net: net.conv(8).conv(8, groups=2),
    "rows apart": lambda net: net.conv(8).conv(8, (3, 3), dilation=(2, 1)),
    "too large for the buffer": lambda net: net.conv(64).conv(8, (3, 3)),
    "joined of no whole groups": lambda net: net.conv(8).concat(net.last, net.tensors["input"]),
    "joined of parts of groups": lambda net: joined(net, 6, 10).conv(8),
    "two shapes": lambda net: net.conv(8).flatten().conv(8),
    "softmax of the host": lambda net: net.conv(8).softmax().conv(8),
}.items())  # fmt: skip
def test_what_does_not(what, make):
    net = builder()
    make(net)
    assert net.nodes[0].output not in grouped(compiled(net.graph()))


def test_what_is_joined_of_whole_groups():
    net = builder()
    first = net.conv(8).last
    net.last = net.tensors["input"]
    second = net.conv(4, (3, 3), padding=(1, 1, 1, 1)).last
    net.concat(first, second)
    whole, graph = net.last, net.conv(8).graph()
    program = compiled(graph)
    assert grouped(program) == {one.name for one in (first, second, whole)}
    places = [program.tensors[one.name] for one in (whole, first, second)]
    assert [one.address - places[0].address for one in places] == [0, 0, 56]
    assert {(one.pixel, one.row, one.group) for one in places} == {(4, 84, 28)}
    for batch in (1, 2):
        check(graph, MACHINES["4x8" if batch == 2 else "4x4"], batch, np.random.default_rng(1))


def test_a_part_that_somebody_else_reads_keeps_the_whole_as_it_is():
    """Else that reader would find groups where it expects pixels."""
    net = builder()
    first = net.conv(8).last
    second = net.conv(8, (3, 3), padding=(1, 1, 1, 1)).last
    net.concat(first, second)
    whole, graph = net.last.name, net.conv(8).graph()
    assert whole not in grouped(compiled(graph))
    check(graph, SMALL, 1, np.random.default_rng(1))


def test_outputs_stay_as_they_are():
    net = builder().conv(8).conv(8)
    inner = net.nodes[0].output
    graph = net.graph()
    both = dataclasses.replace(graph, outputs=(
        *graph.outputs, dataclasses.replace(graph.outputs[0], name="inner", tensor=inner),
    ))  # fmt: skip
    assert grouped(compiled(graph)) == {inner}
    assert grouped(compiled(both)) == set()


def mixed(seed, pairs):
    """Convolutions of several kernels, strides and paddings, pools, perhaps sums."""
    rng = np.random.default_rng(seed)
    channels = int(rng.choice([8, 12, 16]))
    net = networks.Builder(rng, (int(rng.integers(5, 12)), int(rng.integers(4, 10)), 5))
    net.conv(channels, (3, 3), padding=(1, 1, 1, 1))
    for _ in range(int(rng.integers(2, 5))):
        kind = int(rng.integers(6))
        height, width, _ = net.last.shape
        if kind == 0 and min(height, width) > 3:
            net.conv(channels, (3, 2), (2, 2), (1, 0, 1, 1))
        elif kind == 1:
            net.depthwise((3, 3), (1, 1), (1, 1, 1, 1))
        elif kind == 2 and min(height, width) > 2:
            net.pool("max", (2, 2), (1, 2))
        elif kind == 3 and pairs:
            source = net.last
            net.conv(channels).add(source)
        elif kind == 4:
            net.conv(channels, (1, 3), padding=(0, 1, 0, 1), dilation=(1, 1))
        else:
            net.conv(channels)
    return rng, net.conv(6, (2, 2), padding=(0, 0, 1, 1)).graph()


@pytest.mark.parametrize("machine", MACHINES)
def test_random_networks_by_groups(machine):
    params, found = MACHINES[machine], 0
    for seed in range(8 if machine != "16x16" else 3):
        rng, graph = mixed(seed, params.window_taps)
        batch = 1 + seed % 2
        found += len(grouped(compile_graph(graph, params, batch)))
        check(graph, params, batch, rng, schedules=1)
    assert found or machine in ("16x16", "4x4 tiny")


@pytest.mark.parametrize("seed, channels", [(21, 16), (26, 32)])
def test_chunks_of_a_group_wait_for_all_groups_of_their_rows(seed, channels):
    """On an array that is wider than tall, a layer by groups may have a group in chunks."""
    rng = np.random.default_rng(seed)
    params = dataclasses.replace(MACHINES["4x8"], acc_rows=256, input_bytes=8192)
    net = networks.Builder(rng, (int(rng.integers(5, 12)), int(rng.integers(5, 12)), 3))
    net.conv(channels, (3, 3), padding=(1, 1, 1, 1)).pool("max", (3, 3), (1, 1), (1, 1, 1, 1))
    check(net.conv(int(rng.integers(3, 24))).conv(5).graph(), params, 1, rng)


@pytest.mark.parametrize("side, channels", [(14, 72), (7, 24), (5, 30), (6, 40)])
def test_what_small_images_are_read_of_lies_by_groups_too(side, channels):
    """In chunks of whole groups; the last group may have fewer channels than its room."""
    rng = np.random.default_rng(3)
    params = dataclasses.replace(SMALL, acc_rows=512, input_bytes=1 << 15)
    net = networks.Builder(rng, (side, side, 8)).conv(channels).conv(12).conv(5, (3, 3))
    first = net.nodes[0].output
    graph = net.graph()
    place = compiled(graph, params).tensors[first]
    assert place.group == side * 4
    assert place.row == side * (channels + (-channels) % 4)
    check(graph, params, 1, rng)


def test_a_layer_that_leaves_out_rows_of_groups_loads_none_of_them():
    """Where all groups of a row lie side by side, as one row to the array."""
    net = builder(shape=(9, 9, 8)).conv(12)
    source = net.last.name
    program = compiled(net.conv(8, (1, 1), (2, 2)).conv(8).graph())
    place = program.tensors[source]
    assert place.group
    loads = [fields for op, fields in commands(program) if op == Op.LOAD]
    read = [fields["rows"] * fields["items"] * fields["inner"] for fields in loads
            if place.address <= fields["src"] < place.address + place.size]  # fmt: skip
    assert sum(read) == 5 * 9 * 12


def test_a_layer_with_a_pool_reads_no_more_by_groups():
    """Also where its input would stay in the buffer: even so it is read once."""
    net = builder(1, (17, 22, 19)).conv(58).conv(9).pool("max", (3, 3), (2, 1))
    graph, params = net.graph(), Params(rows=8, cols=8, input_bytes=8192, acc_rows=256, bus_bytes=8)
    read = []
    for by_groups in (False, True):
        program = compile_graph(graph, params, 1, mapping=Mapping(near=False, grouped=by_groups))
        assert len(grouped(program)) == by_groups
        read.append(program.layers[-1].bytes_read)
    assert read[1] <= read[0]


def test_bursts_are_longer_and_the_machine_is_not_slower():
    net = builder(3, (16, 16, 8))
    net.conv(32, (3, 3), padding=(1, 1, 1, 1)).conv(32, (3, 3), padding=(1, 1, 1, 1))
    source = net.last
    net.conv(32).add(source).conv(16).conv(8)
    graph, params = net.graph(), Params(rows=8, cols=8, bus_bytes=8)
    found = {}
    for by_groups in (False, True):
        program = compile_graph(graph, params, 1, mapping=Mapping(near=False, grouped=by_groups))
        step, traffic = program.steps[0], {}
        counters, _ = predict(params, program.image, step.start, step.commands, traffic=traffic)
        total = traffic["total"]
        found[by_groups] = counters, total["read_bursts"] + total["write_bursts"]
    before, after = found[False], found[True]
    assert after[1] * 3 < before[1]
    assert after[0]["write_beats"] <= before[0]["write_beats"]
    assert after[0]["cycles"] <= 1.01 * before[0]["cycles"]


def test_a_placement_by_groups_is_seen_as_any_other():
    place = Placement("t", 8, (3, 5, 12), 2, 4, 60, 180, 20, 4)
    memory = np.random.default_rng(1).integers(0, 256, 400, dtype=np.uint8)
    values = place.view(memory)
    for at in np.ndindex(values.shape):
        image, y, x, channel = at
        address = 8 + 180 * image + 60 * y + 4 * x + 20 * (channel // 4) + channel % 4
        assert values[at] == memory.view(np.int8)[address]
    assert place.size == 360
    assert [first for first, _ in place.pieces] == [0, 4, 8]
    for first, piece in place.pieces:
        assert np.array_equal(piece.view(memory), values[..., first : first + 4])
