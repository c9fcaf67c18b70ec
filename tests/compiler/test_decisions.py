"""Decisions by rough costs: each case here is one that was decided wrongly once."""

import numpy as np
import pytest

from accel.compiler import Mapping, begin, compile_graph, order, weave
from accel.compiler.layer import Axis, MachineLayer
from accel.cyclemodel import predict
from accel.isa import Op
from accel.opening import open_network
from accel.params import Params
from tests.compiler.test_networks import check
from tests.support import networks
from tests.support.chain_campaign import draw_chain, near
from tests.support.programs import commands

#: Cycles that were once counted at batch 1: network, rows and columns, bytes of bus.
ONCE = {
    ("googlenet", 16, 16): 6_367_253, ("kws", 8, 8): 39_987, ("mobilenet_v2", 8, 8): 4_589_398,
    ("kws", 16, 16): 11_045, ("resnet18", 16, 16): 7_168_426, ("kws", 16, 4): 12_352,
}  # fmt: skip


def cycles(graph, params, batch=1, bytes_per_cycle=0, **mapping) -> int:
    program = compile_graph(graph, params, batch, data=False, mapping=Mapping(**mapping))
    return counted(program, bytes_per_cycle)


def counted(program, bytes_per_cycle=0) -> int:
    return sum(
        predict(program.params, program.image, step.start, step.commands,
                bytes_per_cycle=bytes_per_cycle)[0]["cycles"]
        for step in program.steps if step.commands
    )  # fmt: skip


@pytest.mark.parametrize("name, size, bus", ONCE)
def test_no_network_takes_longer_than_once(name, size, bus):
    params = Params(rows=size, cols=size, bus_bytes=bus)
    assert cycles(open_network(name), params) <= ONCE[name, size, bus]


def test_visual_wake_words_keeps_four_fifths_of_the_array_busy():
    graph = open_network("mobilenet")
    program = compile_graph(graph, Params(), 1, data=False)
    macs = sum(layer.macs for step in program.steps for layer in step.layers)
    assert macs >= 0.8 * 256 * counted(program)


@pytest.mark.parametrize("name, size, bus, memory", [
    ("resnet18", 16, 16, 8), ("resnet50", 32, 16, 0), ("squeezenet", 16, 4, 0),
])  # fmt: skip
def test_by_channel_groups_layers_read_no_more_often(name, size, bus, memory):
    """The bus may be narrower than the array is wide, or the memory slower than the bus."""
    graph, params = open_network(name), Params(rows=size, cols=size, bus_bytes=bus)
    read, taken = {}, {}
    for grouped in (False, True):
        program = compile_graph(graph, params, 1, data=False, mapping=Mapping(grouped=grouped))
        read[grouped] = sum(layer.bytes_read for layer in program.layers)
        taken[grouped] = counted(program, memory)
    assert read[True] <= 1.02 * read[False]
    assert taken[True] <= 1.005 * taken[False]


@pytest.mark.parametrize("name, size, bus", [("googlenet", 16, 8), ("squeezenet", 16, 4)])
def test_layers_do_not_take_turns_where_they_load_again(name, size, bus, monkeypatch):
    """Each would push the other's rows out of the buffer."""
    graph, params = open_network(name), Params(rows=size, cols=size, bus_bytes=bus)
    woven = cycles(graph, params)
    monkeypatch.setattr(weave, "pairs", lambda *_: set())
    assert woven <= 1.005 * cycles(graph, params)


@pytest.mark.parametrize("number", (2, 98, 440, 566))
def test_an_addition_behind_a_chain_comes_in_no_smaller_blocks_than_pay(number):
    """The window unit's buffer is so small that they would be single pixels."""
    _, params, graph, batch = draw_chain(1, number)
    program = compile_graph(graph, params, batch, data=False)
    assert near(program)
    assert counted(program) < cycles(graph, params, batch, near=False)


def test_nothing_stays_near_where_that_takes_longer():
    """So little stays in a tiny buffer that every block loads its input again."""
    _, params, graph, batch = draw_chain(1, 585)
    assert cycles(graph, params, batch) <= cycles(graph, params, batch, near=False)


def test_groups_share_the_padding_between_them():
    """A chain's groups follow each other in the buffer: one fills below itself, none above."""
    rng = np.random.default_rng(1)
    params = Params(rows=4, cols=4, input_bytes=4096, acc_rows=64, bus_bytes=8, window_taps=2,
                    window_bytes=4096)  # fmt: skip
    for kernel, padding, fills in (((3, 3), (1, 1, 1, 1), 2), ((3, 3), (2, 1, 1, 1), 3),
                                   ((3, 3), (0, 1, 1, 1), 2), ((2, 2), (1, 0, 0, 0), 2)):
        net = networks.Builder(rng, (6, 5, 4)).conv(12)
        graph = net.depthwise(kernel, padding=padding).graph()
        program = compile_graph(graph, params, 1)
        assert near(program) == 1
        filled = [fields for op, fields in commands(program) if op == Op.WLOAD]
        alone = 1  # the first one's, above itself
        assert len(filled) <= fills * 3 + alone
        check(graph, params, 1, rng)


def block(seed, listed, side=12, channels=16):
    """A residual block; ``listed``: where its shortcut is, in front, between or behind."""
    rng = np.random.default_rng(seed)
    net = networks.Builder(rng, (side, side, channels)).conv(channels, (3, 3), padding=(1,) * 4)
    begin = net.last

    def shortcut():
        after, net.last = net.last, begin
        made = net.conv(2 * channels, (1, 1), (2, 2)).last
        net.last = after
        return made

    made = shortcut() if listed == "in front" else None
    net.conv(2 * channels, (3, 3), (2, 2), (0, 0, 1, 1))
    made = shortcut() if listed == "between" else made
    net.conv(2 * channels, (3, 3), padding=(1,) * 4)
    made = shortcut() if listed == "behind" else made
    return rng, net.add(made).conv(8).graph()


def test_a_shortcut_s_place_in_the_file_does_not_matter(monkeypatch):
    params = Params(rows=8, cols=8, bus_bytes=8)
    listed = "in front", "between", "behind"
    found = [cycles(block(1, one)[1], params) for one in listed]
    monkeypatch.setattr(order, "ordered", lambda *_: None)
    in_front, between, behind = (cycles(block(1, one)[1], params) for one in listed)
    assert max(found) <= 1.005 * between
    assert between < min(in_front, behind)


@pytest.mark.parametrize("listed", ("in front", "behind"))
def test_a_moved_shortcut_s_bytes(listed):
    rng, graph = block(2, listed, 8, 8)
    check(graph, Params(rows=4, cols=4, bus_bytes=8), 1, rng)


def layer(outputs: Axis, across: Axis, channels: int) -> MachineLayer:
    """As much of a layer as a program's begin looks at."""
    class Part:
        pass

    made, made.channels = Part(), channels
    one = Axis(outputs.outputs, outputs.outputs), Axis(across.outputs, across.outputs)
    nothing = dict.fromkeys(MachineLayer.__dataclass_fields__)
    return MachineLayer(**nothing | {"rows": outputs, "columns": across, "slices": (made,),
                                     "pool_rows": one[0], "pool_columns": one[1]})  # fmt: skip


def test_where_a_program_begins():
    """The first block in two parts, if the array has more to do than the bus to bring."""
    rows = layer(Axis(96, 48, 3, 2, 1), Axis(96, 48, 3, 2, 1), 3)
    blocks = [(0, 16), (16, 32), (32, 48)]
    (zero, cut), (again, end), *others = begin.cut(blocks, rows, 9, 1, Params())
    assert zero == 0 < cut == again < end == 16 and others == blocks[1:]
    small = [(0, 4), (4, 8)]
    assert begin.cut(small, rows, 1, 1, Params(bus_bytes=4)) == small
    assert begin.cut([(0, 1), (1, 2)], rows, 9, 1, Params()) == [(0, 1), (1, 2)]
