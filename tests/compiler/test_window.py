"""Layers of the window unit, compiled and run by the interpreter, against naive layers."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import CompileError, Mapping, compile_graph
from accel.compiler.window_tile import add_pixels
from accel.graph.ir import AveragePool, Max, Min, Sub
from accel.isa import Op, WindowMode
from accel.params import WINDOW_TILES, Params
from tests.compiler.test_networks import MACHINES, check, images
from tests.support import networks, reference
from tests.support.machine import Machine
from tests.support.programs import commands, without_waits

WITH_UNIT = [name for name, params in MACHINES.items() if params.window_taps]


def build(seed, shape):
    rng = np.random.default_rng(seed)
    return rng, networks.Builder(rng, shape)


def windows(graph, params=MACHINES["4x4"], batch=1) -> list[dict]:
    """The fields of a program's WINDOW commands."""
    return [f for op, f in commands(compile_graph(graph, params, batch)) if op == Op.WINDOW]


def ops(graph, params) -> list[Op]:
    return [op for op, _ in commands(compile_graph(graph, params, 1))]


@pytest.mark.parametrize("machine", WITH_UNIT)
@pytest.mark.parametrize("part", range(3))
def test_random_networks(machine, part):
    done = used = 0
    for seed in range(1000 * part, 1000 * part + 20):
        rng = np.random.default_rng(seed)
        graph = networks.random_window_network(rng)
        if networks.macs(graph) < 40_000:
            ran = check(graph, MACHINES[machine], int(rng.integers(1, 4)), rng)
            used += bool(ran.completed["window"])
            done += 1
    assert done >= 5 and used >= done // 2


@pytest.mark.parametrize("machine", WITH_UNIT)
def test_mobile(machine):
    rng = np.random.default_rng(1)
    check(networks.mobile(rng, 16, MACHINES[machine].cols, 3), MACHINES[machine], 2, rng)


@pytest.mark.parametrize("machine", WITH_UNIT)
def test_residual(machine):
    rng = np.random.default_rng(2)
    check(networks.residual(rng, 8, MACHINES[machine].cols), MACHINES[machine], 2, rng)


def test_a_depthwise_layer_takes_no_array_and_one_cycle_for_each_group_of_taps():
    rng, net = build(3, (12, 12, 20))
    graph = net.depthwise().graph()
    ran = check(graph, Params(), 2, rng)
    assert ran.busy_cycles == 0
    assert ran.window_cycles == 2 * 144 * 2 * -(-9 // Params().window_taps)
    layer = compile_graph(graph, Params(), 2).layers[0]
    assert (layer.op, layer.macs) == ("conv2d", 2 * 144 * 20 * 9)


def test_averages_at_edges_have_their_own_factors():
    rng, net = build(4, (6, 7, 4))
    graph = net.pool("average", (3, 3), (1, 1), (1, 1, 1, 1)).graph()
    found = windows(graph)
    assert sum(f["nx"] * f["ny"] for f in found) == 42
    assert len({(f["multiplier"], f["shift"]) for f in found}) == 3  # of 4, 6 and 9 elements
    check(graph, MACHINES["4x4"], 2, rng)
    # Padding that counts is the same factor everywhere.
    node = graph.nodes[0]
    node = dataclasses.replace(node, table=dict.fromkeys(node.table, (1 << 30, -3)))
    even = dataclasses.replace(graph, nodes=(node,))
    assert len({(f["multiplier"], f["shift"]) for f in windows(even, Params())}) == 1
    check(even, Params(), 2, rng)


def test_pools_clamp():
    rng, net = build(5, (7, 5, 6))
    for kind in ("max", "average"):
        graph = networks.Builder(rng, (7, 5, 6)).pool(kind, (3, 2), (2, 1)).graph()
        node = dataclasses.replace(graph.nodes[0], lo=-11, hi=9)
        graph = dataclasses.replace(graph, nodes=(node,))
        check(graph, MACHINES["4x4"], 2, rng)
        if kind == "max":
            check(graph, MACHINES["4x4 alone"], 2, rng)
    with pytest.raises(CompileError, match="average0: averages are clamped to -11 .. 9 only by"):
        compile_graph(graph, MACHINES["4x4 alone"], 1)


def test_a_maximum_behind_a_convolution_clamps_with_it():
    rng, net = build(6, (8, 8, 3))
    graph = net.conv(5, (3, 3)).pool("max", (2, 2), (2, 2)).graph()
    for lo, hi in ((-9, 30), (-128, -100), (100, 127)):
        pool = dataclasses.replace(graph.nodes[1], lo=lo, hi=hi)
        clamped = dataclasses.replace(graph, nodes=(graph.nodes[0], pool))
        program = compile_graph(clamped, MACHINES["4x4"], 1)
        assert [layer.op for layer in program.layers] == ["conv2d+max_pool"]
        check(clamped, MACHINES["4x4"], 1, rng)


def test_what_does_not_fit_the_unit_runs_on_the_array():
    rng = np.random.default_rng(7)
    small = MACHINES["4x4 tiny"]  # 2 taps, 128 bytes: 32 words
    taps = WINDOW_TILES * small.window_taps
    fits = networks.Builder(rng, (9, 9, 3)).depthwise((5, 6), padding=(0,) * 4).graph()
    wide = networks.Builder(rng, (9, 9, 3)).depthwise((6, 6), padding=(0,) * 4).graph()
    many = networks.Builder(rng, (1, taps + 1, 2)).depthwise((1, taps + 1), padding=(0,) * 4)
    dilated = networks.Builder(rng, (9, 9, 3)).conv(3, (3, 3), dilation=(2, 1), groups=3)
    single = networks.Builder(rng, (9, 9, 1)).depthwise().graph()
    pool = networks.Builder(rng, (7, 7, 3)).pool("average", (7, 7), (1, 1)).graph()
    assert Op.WINDOW in ops(fits, small) and Op.EXEC not in ops(fits, small)
    for graph in (wide, many.graph(), dilated.graph(), single, pool):
        assert Op.WINDOW not in ops(graph, small)
        check(graph, small, 1, rng)
    for graph in (fits, pool):
        assert Op.WINDOW not in ops(graph, MACHINES["4x4 alone"])


def test_addition_needs_the_unit():
    _, net = build(8, (4, 4, 4))
    graph = net.add(net.last).graph()
    with pytest.raises(CompileError, match="add0: 'add' of two tensors needs the window unit"):
        compile_graph(graph, MACHINES["4x4 alone"], 1)


@pytest.mark.parametrize("machine", ["4x4", "8x8"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels", [1, 4, 5, 8, 11])
def test_products_of_images_and_of_gates(machine, batch, channels):
    """A gate is a pixel an image: it is read again for every pixel."""
    rng, net = build(20 + channels, (5, 6, channels))
    first = net.last
    gate = net.pool("average", (5, 6), (1, 1)).conv(channels).last
    net.last = first
    graph = net.mul(gate).mul(first).conv(4).graph()
    assert {f["mode"] for f in windows(graph, MACHINES[machine])} >= {WindowMode.MUL}
    check(graph, MACHINES[machine], batch, rng)


@pytest.mark.parametrize("machine", ["4x4", "8x8"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels", [1, 5, 8])
def test_differences_and_extremes_in_either_order(machine, batch, channels):
    rng, net = build(30 + channels, (5, 6, channels))
    first = net.last
    gate = net.pool("average", (5, 6), (1, 1)).conv(channels).last
    net.add(first, Sub)  # a pixel less an image
    net.add(gate, Sub).add(first, Sub).extreme(first, Max).extreme(gate, Min)
    net.last, last = gate, net.last
    graph = net.extreme(last, Max).conv(4).graph()
    modes = {f["mode"] for f in windows(graph, MACHINES[machine])}
    assert modes >= {WindowMode.SUB, WindowMode.MAX, WindowMode.MIN}
    check(graph, MACHINES[machine], batch, rng)


def test_factors_must_have_one_shape_or_be_a_pixel():
    _, net = build(9, (4, 4, 4))
    graph = net.conv(4).mul(net.tensors["input"]).graph()
    source = dataclasses.replace(graph.tensors["input"], shape=(4, 1, 4))
    tensors = graph.tensors | {"input": source}
    with pytest.raises(CompileError, match=r"mul1: operands must have the output's shape"):
        compile_graph(dataclasses.replace(graph, tensors=tensors, nodes=graph.nodes[1:]),
                      Params(), 1)  # fmt: skip


def test_operands_must_have_one_shape_and_shrink():
    _, net = build(9, (4, 4, 4))
    graph = net.conv(4).add(net.tensors["input"]).graph()
    node = graph.nodes[1]
    grown = dataclasses.replace(node, operands=((1 << 30, 0), (1 << 30, 1)))
    with pytest.raises(CompileError, match="add1: operands' shifts must not be positive, not 1"):
        compile_graph(dataclasses.replace(graph, nodes=(graph.nodes[0], grown)), Params(), 1)
    source = dataclasses.replace(graph.tensors["input"], shape=(4, 5, 4))
    tensors = graph.tensors | {"input": source}
    with pytest.raises(CompileError, match=r"add1: operands must have the output's shape"):
        compile_graph(dataclasses.replace(graph, tensors=tensors, nodes=(node,)), Params(), 1)


def test_sums_of_a_pool_must_stay_in_int32():
    _, net = build(10, (4, 4, 4))
    graph = net.pool("average", (2, 2), (2, 2)).graph()
    node = dataclasses.replace(graph.nodes[0], table={4: (1 << 30, 22)})
    with pytest.raises(CompileError, match="average0: sums must stay in int32, but 4 elements"):
        compile_graph(dataclasses.replace(graph, nodes=(node,)), Params(), 1)


def test_additions_take_bytes_where_channels_would_waste_columns():
    rng, net = build(11, (8, 8, 5))
    graph = net.add(net.last).graph()
    found = windows(graph, MACHINES["4x4"])
    assert {f["cols"] for f in found} == {4} and sum(f["nx"] for f in found) == 8 * 8 * 5 // 4
    check(graph, MACHINES["4x4"], 1, rng)
    odd = networks.Builder(rng, (3, 3, 5))
    odd = odd.add(odd.last).graph()
    assert {f["cols"] for f in windows(odd, MACHINES["4x4"])} == {4, 1}
    check(odd, MACHINES["4x4"], 1, rng)


def test_a_small_image_goes_group_by_group_from_array_to_window_unit():
    _, net = build(12, (6, 6, 32))
    graph = net.conv(64).depthwise().conv(64).graph()
    program = compile_graph(graph, Params(), 1, mapping=Mapping(near=False))
    copies = [f for op, f in commands(program) if op == Op.WLOAD and f["inner"]]
    # Every group waits for its own POST and not for the last one's.
    assert sorted({f["wait_post"] for f in copies}) == [1, 2, 3, 4]


def test_a_large_image_goes_row_by_row_from_window_unit_to_array():
    _, net = build(13, (40, 40, 32))
    graph = net.depthwise().conv(16).graph()
    program = compile_graph(graph, Params(), 1)
    loads = [f for op, f in commands(program) if op == Op.LOAD and f["inner"]]
    last = sum(op == Op.WINDOW for op, _ in commands(program))
    waits = [f["wait_window"] for f in loads]
    assert waits == sorted(waits) and 0 < waits[0] < last // 2 and waits[-1] == last
    assert not any(f["wait_post"] for f in loads)


def copies(graph, params) -> list[dict]:
    """The fields of a program's WLOAD commands."""
    return [f for op, f in commands(compile_graph(graph, params, 1)) if op == Op.WLOAD]


def test_an_addition_s_blocks_come_as_their_operands_get_ready():
    """Of 17 pixels each; the second one's last pixel is the first of a row of three."""
    rng, net = build(19, (22, 3, 4))
    first = net.conv(15, (3, 3), padding=(1,) * 4).last
    graph = net.conv(15, (3, 3), padding=(1,) * 4).add(first).graph()
    params = Params(rows=4, cols=8, input_bytes=8192, acc_rows=256, bus_bytes=8,
                    window_bytes=2048)  # fmt: skip
    waits = [f["wait_post"] for f in copies(graph, params)]
    assert len({*waits[::2]}) == 4
    assert waits[::2] == sorted(waits[::2]) and waits[1::2] == sorted(waits[1::2])
    check(graph, params, 1, rng)


def test_channel_groups_stay_side_by_side_so_that_blocks_share_rows():
    rng, net = build(15, (24, 24, 16))
    graph = net.depthwise().graph()
    params = dataclasses.replace(MACHINES["8x8"], window_bytes=16384)
    found = windows(graph, params)
    assert {f["cols"] for f in found} == {8} and max(f["ny"] for f in found) < 24
    loads = [f for f in copies(graph, params) if f["inner"]]
    assert sum(f["rows"] * f["items"] * f["inner"] for f in loads) == 24 * 24 * 16
    check(graph, params, 3, rng)
    # Without room for both groups, blocks load the rows between them again.
    small = copies(graph, dataclasses.replace(params, window_bytes=2048))
    assert sum(f["rows"] * f["items"] * f["inner"] for f in small) > 24 * 24 * 16


@pytest.mark.parametrize("shape, padding", [((8, 8, 8), (6, 1, 6, 1)), ((3, 3, 8), (9,) * 4)])
def test_windows_beyond_the_image_hold_nothing_but_padding(shape, padding):
    """A buffer of few rows: blocks lie above and below the image as a whole."""
    rng, net = build(18, shape)
    graph = net.depthwise(padding=padding).graph()
    params = dataclasses.replace(MACHINES["4x4"], window_bytes=512)
    found = windows(graph, params)
    assert len(found) > 2 and max(f["ny"] for f in found) < padding[0]
    check(graph, params, 1, rng)


def test_strips_share_the_padding_between_them():
    rng, net = build(16, (6, 6, 32))
    graph = net.depthwise().graph()
    params = MACHINES["8x8"]
    padding = [f for f in copies(graph, params) if not f["inner"]]
    assert len(windows(graph, params)) == 4 and len(padding) == 5
    check(graph, params, 3, rng)


def test_both_engines_have_commands_all_the_time():
    """The array's next commands are listed while the window unit is at work, and vice versa."""
    _, net = build(14, (40, 40, 16))
    graph = net.conv(32).depthwise().conv(32).depthwise().conv(16).graph()
    found = ops(graph, Params())
    execs = [n for n, op in enumerate(found) if op == Op.EXEC]
    units = [n for n, op in enumerate(found) if op == Op.WINDOW]
    between = [n for n in units if execs[0] < n < execs[-1]]
    order = [op for op in found if op in (Op.EXEC, Op.WINDOW)]
    turns = sum(one != other for one, other in zip(order, order[1:], strict=False))
    assert len(between) == len(units) and turns >= len(units) // 2
    assert sum(a < b for a in execs for b in units) > len(execs) * len(units) // 4
    assert sum(a > b for a in execs for b in units) > len(execs) * len(units) // 4


def test_the_last_window_of_a_layer_marks_its_end():
    _, net = build(15, (9, 9, 8))
    graph = net.depthwise().pool("max", (3, 3), (2, 2)).graph()
    program = compile_graph(graph, MACHINES["4x4"], 2)
    marks = [f["mark_addr"] for op, f in commands(program) if op == Op.WINDOW and f["mark"]]
    assert marks == [layer.mark_addr for layer in program.layers]
    modes = [f["mode"] for op, f in commands(program) if op == Op.WINDOW]
    assert modes == sorted(modes) and set(modes) == {WindowMode.MAC, WindowMode.MAX}


@pytest.mark.parametrize(
    "op, name, machine",
    [
        (Op.WLOAD, "wait_window", "4x4 tiny"),
        (Op.WLOAD, "wait_post", "16x16"),
        (Op.WINDOW, "wait_wload", "4x4"),
        (Op.LOAD, "wait_window", "16x16"),
    ],
)
def test_the_interpreter_notices_a_missing_wait(op, name, machine):
    rng = np.random.default_rng(16)
    graph = networks.mobile(rng, 16, MACHINES[machine].cols, 3)
    program = compile_graph(graph, MACHINES[machine], 1, mapping=Mapping(near=False))
    inputs = images(graph, 1, rng)
    expected = reference.run(graph, inputs)
    wrong = 0
    for seed in range(4):
        ran = Machine(without_waits(program, op, name), inputs, seed)
        ran.run()
        wrong += any(
            (ran.output(layer.output) != expected[layer.output]).any()
            for layer in program.layers
        )
    assert wrong


def test_a_pool_without_an_entry_for_a_count():
    _, net = build(17, (4, 4, 2))
    graph = net.pool("average", (2, 2), (1, 1), (1, 1, 0, 0)).graph()
    node: AveragePool = graph.nodes[0]
    node = dataclasses.replace(node, table={4: node.table[4]})
    with pytest.raises(CompileError, match="average0: its table has no entry for 1 elements"):
        compile_graph(dataclasses.replace(graph, nodes=(node,)), Params(), 1)


def test_an_addition_of_a_small_image_comes_in_blocks_too():
    """What follows begins behind the first; but a block's fixed cost should stay small."""
    at = {cols: Params(rows=cols, cols=cols) for cols in (16, 32)}
    assert add_pixels(14 * 14, at[16]) == 49
    assert add_pixels(7 * 7, at[16]) == 49
    assert add_pixels(14 * 14, at[32]) == 196
    assert add_pixels(112 * 112, at[16]) == add_pixels(112 * 112, at[32]) == 256


def test_two_blocks_of_an_addition_fit_the_buffer():
    """Of both operands: 4 times 64 pixels of 16 channels."""
    assert add_pixels(112 * 112, Params(window_bytes=4096)) == 64
