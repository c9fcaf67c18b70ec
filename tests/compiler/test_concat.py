"""Concatenation by placement, tables, padding, and steps around the host."""

import numpy as np
import pytest

from accel.compiler import compile_graph
from accel.graph.check import check as check_graph
from accel.isa import Op
from accel.params import Params
from tests.compiler.test_networks import MACHINES, check, images
from tests.support import networks, reference
from tests.support.machine import Machine
from tests.support.programs import commands


@pytest.mark.parametrize("machine", MACHINES)
def test_inception_modules_move_no_bytes_for_their_concatenation(machine):
    rng = np.random.default_rng(1)
    graph = check_graph(networks.inception(rng, 5, (6, 4, 7)))
    program = compile_graph(graph, MACHINES[machine], 2)
    assert not program.copies and not any("concat" in layer.op for layer in program.layers)
    check(graph, MACHINES[machine], 2, rng, schedules=1)


@pytest.mark.parametrize("machine", ["4x4", "4x4 alone", "16x16"])
def test_nested_concatenations(machine):
    rng = np.random.default_rng(2)
    net = networks.Builder(rng, (4, 5, 3))
    first, parts = net.last, []
    for width in (5, 2, 4):
        net.last = first
        parts.append(net.conv(width, zero=7).last)
    inner = net.concat(parts[0], parts[1]).last
    graph = net.concat(inner, parts[2]).conv(6, (3, 3)).graph()
    check(check_graph(graph), MACHINES[machine], 3, rng)


@pytest.mark.parametrize("machine", ["4x4", "4x4 alone", "16x16"])
def test_what_cannot_lie_in_its_place_is_copied(machine):
    """A network input, a tensor used twice, and one that is also seen in another shape."""
    rng = np.random.default_rng(3)
    net = networks.Builder(rng, (3, 4, 2))
    first = net.last
    conv = net.conv(3, zero=first.zero_point).last
    flat = net.flatten().last
    net.last = conv
    twice = net.conv(5, zero=first.zero_point).last
    both = net.concat(first, conv, twice, twice).last
    net.concat(twice, both)
    wide = net.last
    graph = net.flatten().conv(4, op="fully_connected").graph()
    program = compile_graph(check_graph(graph), MACHINES[machine], 1)
    assert sorted(program.copies.values()) == sorted([first.name, conv.name, *[twice.name] * 2])
    assert flat.name in program.tensors and wide.name in program.tensors
    inputs = images(graph, 1, rng)
    expected = reference.run(graph, inputs)
    ran = Machine(program, inputs)
    ran.run()
    for name in program.tensors:
        np.testing.assert_array_equal(
            ran.output(name), expected[program.copies.get(name, name)], name
        )


@pytest.mark.parametrize("machine", ["4x4", "8x8"])
def test_additions_and_pools_of_parts(machine):
    rng = np.random.default_rng(4)
    net = networks.Builder(rng, (6, 6, 3))
    first = net.last
    one = net.conv(5, zero=3).last
    net.last = first
    two = net.conv(5, zero=3).last
    whole = net.concat(one, two).last
    net.last = one
    added = net.add(two).last
    net.last = one
    net.pool("max", (2, 2), (2, 2))
    net.last = whole
    net.depthwise().conv(5).add(added)
    check(check_graph(net.graph()), MACHINES[machine], 2, rng)


@pytest.mark.parametrize("machine", ["4x4", "4x4 alone", "16x16"])
def test_tables_are_fused_behind_a_convolution(machine):
    rng = np.random.default_rng(5)
    net = networks.Builder(rng, (6, 6, 3)).conv(5, (3, 3)).table().pool("max", (2, 2), (2, 2))
    graph = check_graph(net.table().conv(3).table().graph())
    program = compile_graph(graph, MACHINES[machine], 1)
    assert [layer.op for layer in program.layers] == [
        "conv2d+table+max_pool", "table", "conv2d+table"
    ]
    written = [fields for op, fields in commands(program) if op == Op.ACTIVATION]
    assert [fields["first"] for fields in written] == 3 * list(range(0, 256, 32))
    check(graph, MACHINES[machine], 2, rng)


@pytest.mark.parametrize("machine", ["4x4", "4x4 alone"])
def test_padding_alone(machine):
    rng = np.random.default_rng(6)
    graph = networks.Builder(rng, (3, 4, 5)).pad(1, 2, 0, 3).graph()
    program = compile_graph(check_graph(graph), MACHINES[machine], 1)
    assert [(layer.op, layer.macs) for layer in program.layers] == [("pad", 0)]
    check(graph, MACHINES[machine], 2, rng)


def test_the_host_cuts_a_network_into_steps():
    rng = np.random.default_rng(7)
    net = networks.Builder(rng, (4, 4, 3))
    stem = net.conv(6).last
    host = net.softmax().last
    net.conv(5)
    late = net.last
    net.last = stem
    side = net.conv(5).last
    net.last = late
    graph = check_graph(net.add(side).graph())
    program = compile_graph(graph, Params(), 1)
    first, second = program.steps
    assert [layer.output for layer in first.layers] == [stem.name, side.name]
    assert len(first.host) == 1 and not second.host
    assert [layer.output for layer in second.layers] == [late.name, net.last.name]

    inputs = images(graph, 1, rng)
    ran = Machine(program, inputs)
    values = rng.integers(-128, 128, (1, *host.shape)).astype(np.int8)

    def compute(machine, name):
        assert name == first.host[0]
        machine.write(host.name, values)

    ran.run(compute)
    after = {**reference.run(_before(graph, first.host[0]), inputs), host.name: values}
    expected = reference.run(_behind(graph, first.host[0]), after)
    np.testing.assert_array_equal(ran.output(net.last.name), expected[net.last.name])


def _before(graph, name):
    """The nodes ahead of one."""
    return _with(graph, graph.nodes[: [node.name for node in graph.nodes].index(name)])


def _behind(graph, name):
    """The nodes behind one."""
    return _with(graph, graph.nodes[[node.name for node in graph.nodes].index(name) + 1 :])


def _with(graph, nodes):
    return type(graph)(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)
