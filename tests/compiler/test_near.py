"""Layers whose results stay on the chip: which do, in which order, what their commands await."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import Mapping, compile_graph
from accel.compiler.ring import Ring
from accel.compiler.rows import Rows, Strip, Target
from accel.estimate import estimate
from accel.isa import Op
from accel.params import Params
from tests.compiler.test_networks import MACHINES, check
from tests.support import networks, reference
from tests.support.chain_campaign import draw_chain, near
from tests.support.machine import Machine
from tests.support.programs import commands, without_waits
from tests.support.random_chains import first


def chain(seed, shape, outputs):
    """A pointwise and a depthwise convolution."""
    rng = np.random.default_rng(seed)
    return rng, networks.Builder(rng, shape).conv(outputs).depthwise().graph()


def posts(program) -> list[dict]:
    return [fields for op, fields in commands(program) if op == Op.POST]


def test_the_result_between_two_layers_is_nowhere_in_memory():
    """It is neither written nor read: the bus carries less by at least twice its bytes."""
    _, graph = chain(1, (9, 7, 8), 8)
    apart = compile_graph(graph, MACHINES["8x8"], 1, mapping=Mapping(near=False))
    program = compile_graph(graph, MACHINES["8x8"], 1)
    assert [layer.near for layer in program.layers] == [True, False]
    assert [layer.near for layer in apart.layers] == [False, False]
    between = graph.nodes[0].output
    assert between in apart.tensors and between not in program.tensors
    moved = [sum(layer.bytes_read + layer.bytes_written for layer in one.layers)
             for one in (apart, program)]  # fmt: skip
    assert moved[0] - moved[1] >= 2 * 9 * 7 * 8
    assert all(fields["near"] for fields in posts(program))
    assert not any(fields["near"] for fields in posts(apart))
    assert not [f for op, f in commands(program) if op == Op.WLOAD and f["inner"]]


@pytest.mark.parametrize("machine", [name for name, one in MACHINES.items() if one.window_taps])
@pytest.mark.parametrize("batch", (1, 3))
def test_both_layers_compute_what_they_should(machine, batch):
    rng, graph = chain(2, (13, 9, 11), 21)
    check(graph, MACHINES[machine], batch, rng)


def test_random_chains():
    """On the interpreter, which knows no more than the instruction set, under random schedules."""
    stay = 0
    for number in range(80):
        rng, params, graph, batch = draw_chain(2, number)
        program = compile_graph(graph, params, batch)
        stay += near(program)
        shape = (batch, *graph.tensors["input"].shape)
        inputs = {"input": rng.integers(-128, 128, shape).astype(np.int8)}
        expected = reference.run(graph, inputs)
        machine = Machine(program, inputs, number)
        machine.run()
        for name in program.tensors:
            assert np.array_equal(machine.output(name), expected[name]), (number, name)
    assert stay > 15


def test_a_tall_image_goes_through_a_small_buffer():
    """The buffer holds a tenth of a group's rows; they go around it."""
    params = Params(rows=4, cols=4, input_bytes=4096, acc_rows=64, bus_bytes=8, window_taps=2,
                    window_bytes=512)  # fmt: skip
    rng, graph = chain(3, (60, 13, 4), 8)
    program = compile_graph(graph, params, 1)
    assert near(program) == 1
    found = posts(program)
    # Group by group, each from top to bottom.
    assert [fields["out_h"] for fields in found] == [2] * 60
    assert len({fields["dst"] for fields in found}) > 4
    check(graph, params, 2, rng)


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.depthwise((1, 1), (2, 2), (0, 0, 0, 0)),  # leaves rows out
        lambda net: net.depthwise((3, 3), (3, 1), (0, 1, 0, 1)),  # leaves the last row out
        lambda net: net.depthwise().add(net.tensors[net.nodes[0].output]),  # is needed again
        lambda net: net.table().depthwise().conv(4),
    ],
)
def test_what_somebody_else_needs_or_nobody_reads_goes_to_memory(change):
    rng = np.random.default_rng(4)
    net = networks.Builder(rng, (10, 8, 8)).conv(8)
    graph = change(net).graph()
    program = compile_graph(graph, MACHINES["8x8"], 1)
    if any(node.op == "table" for node in graph.nodes):
        assert near(program) == 2  # the table is a part of the convolution
    else:
        assert near(program) == 0
    check(graph, MACHINES["8x8"], 1, rng)


@pytest.mark.parametrize(
    "op, name", [(Op.POST, "wait_window"), (Op.WINDOW, "wait_post"), (Op.WINDOW, "wait_wload")]
)
def test_the_interpreter_notices_a_missing_wait(op, name):
    params = Params(rows=4, cols=4, input_bytes=4096, acc_rows=64, bus_bytes=8, window_taps=2,
                    window_bytes=512)  # fmt: skip
    rng, graph = chain(5, (24, 13, 4), 8)
    program = without_waits(compile_graph(graph, params, 1), op, name)
    inputs = {"input": rng.integers(-128, 128, (1, 24, 13, 4)).astype(np.int8)}
    expected = reference.run(graph, inputs)
    outputs = []
    for seed in range(6):
        machine = Machine(program, inputs, seed)
        machine.run()
        outputs += [np.array_equal(machine.output(name), expected[name])
                    for name in program.tensors if name in expected]  # fmt: skip
    assert not all(outputs)


def test_a_writer_waits_for_copies_that_nobody_has_read():
    """A reader waits for all copies before it: so the first one behind them is enough."""
    ring = Ring(64)
    ring.allocate(16)
    ring.allocate(16)
    ring.read(16)
    ring.allocate(32)
    ring.read(32)
    assert ring.settled(64) == 0
    assert ring.settled(80) == ring.settled(96) == 1
    assert ring.settled(97) == 2
    with pytest.raises(AssertionError, match="filled once around"):
        ring.settled(129)


#: Cycles of built-in networks at batch 1 before results could stay on the chip: 16x16, 16 bytes.
BEFORE = {"kws": 15178, "mobilenet": 55740, "resnet8": 53394}


@pytest.mark.parametrize("name", BEFORE)
def test_no_network_takes_longer(name):
    total = estimate(name, array=(16, 16))["total"]
    assert total["cycles"] <= BEFORE[name]


def test_a_machine_without_window_unit_keeps_nothing():
    rng, graph = chain(6, (9, 7, 8), 8)
    params = Params(rows=8, cols=8, window_taps=0)
    assert near(compile_graph(graph, params, 1)) == 0
    check(graph, params, 1, rng)


def block(seed, shape, wide, outputs, kernel=(3, 3)):
    """An inverted block: pointwise, depthwise, pointwise."""
    rng = np.random.default_rng(seed)
    reach = kernel[0] // 2
    net = networks.Builder(rng, shape).conv(wide)
    return rng, net.depthwise(kernel, padding=(reach,) * 4).conv(outputs).graph()


def windows(program) -> list[dict]:
    return [fields for op, fields in commands(program) if op == Op.WINDOW]


def test_a_block_touches_memory_for_its_input_and_output_only():
    """What the window unit computes goes into the array's buffer; no copy brings it there."""
    params = Params(rows=8, cols=8, input_bytes=16384, acc_rows=256, window_bytes=4096)
    rng, graph = block(7, (9, 7, 8), 24, 16)
    program = compile_graph(graph, params, 1)
    assert [layer.near for layer in program.layers] == [True, True, False]
    assert program.tensors.keys() == {"input", graph.nodes[-1].output}
    assert all(fields["near"] for fields in windows(program))
    loads = [fields for op, fields in commands(program) if op == Op.LOAD]
    assert sum(f["rows"] * f["items"] * f["inner"] for f in loads) == 9 * 7 * 8
    check(graph, params, 1, rng)


def test_a_machine_with_more_columns_than_rows_feeds_nothing():
    """A pixel of C channels would not fit a row of banks."""
    params = Params(rows=4, cols=8, input_bytes=16384, acc_rows=256, window_bytes=4096)
    rng, graph = block(8, (9, 7, 8), 24, 16)
    program = compile_graph(graph, params, 1)
    assert [layer.near for layer in program.layers] == [True, False, False]
    assert not any(fields["near"] for fields in windows(program))
    check(graph, params, 1, rng)


#: A machine whose window unit is the slower one, so that the third layer comes in between, and one
#: whose buffer holds some of the groups only.
BETWEEN = {
    "one pass": (Params(rows=4, cols=4, input_bytes=16384, acc_rows=512, window_taps=2,
                        window_bytes=4096), (20, 12, 8), 16),
    "two passes": (Params(rows=4, cols=4, input_bytes=16384, acc_rows=512, window_taps=2,
                          window_bytes=2048), (20, 12, 8), 24),
}  # fmt: skip


@pytest.mark.parametrize("case", BETWEEN)
def test_the_third_layer_s_blocks_come_between_the_first_s(case):
    params, shape, wide = BETWEEN[case]
    rng, graph = block(9, shape, wide, 8)
    program = compile_graph(graph, params, 1)
    assert near(program) == 2
    order = ["near" if fields["near"] else "stored" for fields in posts(program)]
    first = order.index("stored")
    assert "near" in order[first:] and "stored" in order[: -order[::-1].index("near")]
    # Several groups go through together: the rows of one are apart by all of them.
    words = shape[1] + 2
    assert min(fields["pitch_y"] for fields in posts(program) if fields["near"]) > 2 * words * 4
    check(graph, params, 1, rng)


#: Its window unit has room for whole images of these layers.
FOUR = Params(rows=4, cols=4, acc_rows=256, window_taps=2, window_bytes=4096)


def test_the_third_layer_s_blocks_fit_a_bank():
    """Two rows of 20 pixels would hide the loading of their weights, but a bank has 32."""
    params = dataclasses.replace(FOUR, input_bytes=16384, acc_rows=64)
    rng, graph = block(9, (20, 20, 8), 16, 8)
    program = compile_graph(graph, params, 1)
    execs = [fields for op, fields in commands(program) if op == Op.EXEC]
    assert max(fields["nx"] * fields["ny"] for fields in execs) <= params.bank_rows
    assert near(program) == 2
    check(graph, params, 1, rng)


@pytest.mark.parametrize("shape, rows", [
    ((33, 32, 9), 3),  # blocks of 2 would be 17
    ((64, 16, 9), 4),  # 64 pixels are enough for a block
])  # fmt: skip
def test_a_group_comes_in_up_to_16_blocks(shape, rows):
    """The window unit begins the sooner."""
    params = dataclasses.replace(FOUR, input_bytes=16384, bus_bytes=8, window_bytes=8192)
    _, graph = chain(1, shape, 4)
    found = posts(compile_graph(graph, params, 1))
    assert [fields["out_h"] for fields in found if fields["near"]] == [rows] * (shape[0] // rows)


def test_a_buffer_that_is_full_of_a_chain_s_input_and_what_it_feeds():
    """Images of 16 x 16 pixels, with 4 channels and with 12."""
    params = dataclasses.replace(FOUR, input_bytes=16 * 16 * (4 + 12))
    rng, graph = block(9, (16, 16, 4), 12, 8)
    program = compile_graph(graph, params, 1)
    assert [layer.near for layer in program.layers] == [True, True, False]
    check(graph, params, 1, rng)


def test_the_interpreter_notices_a_missing_wait_of_a_fed_layer():
    """A WINDOW's wait for EXECs is there, too, but what else it waits for is mostly later."""
    params = Params(rows=4, cols=4, input_bytes=8192, acc_rows=128, window_taps=2,
                    window_bytes=1024)  # fmt: skip
    rng, graph = block(10, (60, 8, 8), 16, 8)
    program = compile_graph(graph, params, 1)
    assert near(program) == 2
    assert max(fields["wait_exec"] for fields in windows(program)) > 40
    program = without_waits(program, Op.EXEC, "wait_window")
    inputs = {"input": rng.integers(-128, 128, (1, 60, 8, 8)).astype(np.int8)}
    expected = reference.run(graph, inputs)
    agree = []
    for seed in range(12):
        machine = Machine(program, inputs, seed)
        machine.run()
        agree += [np.array_equal(machine.output(name), expected[name])
                  for name in program.tensors if name in expected]  # fmt: skip
    assert not all(agree)


def test_a_layer_s_bytes_and_cycles_are_its_own_whoever_comes_between():
    """The array's layers take turns; what each reads and is busy with does not change by that."""
    params, shape, wide = BETWEEN["one pass"]
    _, graph = block(9, shape, wide, 8)
    pixels, tiles = shape[0] * shape[1], (shape[2] // 4, wide // 4)
    program = compile_graph(graph, params, 1)
    busy = [layer.busy_cycles for layer in program.layers]
    assert busy[0] == pixels * tiles[0] * wide // 4 and busy[2] == pixels * tiles[1] * 2
    assert busy[1] == pixels * 5 * wide // 4
    assert program.layers[2].bytes_written >= pixels * 8 > program.layers[1].bytes_written


#: Cycles at batch 1 of 16x16 with 16 bytes a cycle before the window unit fed the array.
APART = {"kws": 12385, "mobilenet": 43652, "resnet8": 53394}


@pytest.mark.parametrize("name", APART)
def test_a_fed_network_is_quicker(name):
    assert estimate(name, array=(16, 16))["total"]["cycles"] < APART[name]


def test_rows_before_a_new_place_are_loaded_again():
    """What other layers or chunks load meanwhile lies between them."""
    ring = Ring(1024)

    def copy(fields, length, ready, cols, at):
        return ring.allocate(length)[0]

    strip = Strip(size=8, source=0, row_pitch=0, pixel_pitch=0, left=4, pixels=0, right=0, width=1,
                  pitch=4, fill=0)  # fmt: skip
    rows = Rows(Target(ring, copy, lambda: (0, 0)), None, strip)
    rows.need(0, 3)
    ring.allocate(10)
    rows.need(3, 8)
    assert rows.address(3) == 3 * 4 + 10
    rows.need(0, 8)
    assert rows.address(0) == 8 * 4 + 10 and ring.head == rows.address(8)


def test_a_first_block_in_two_parts_leaves_chunks_whole_for_the_groups_behind():
    """Found by the campaign of random chains: number 167 of seed 1."""
    rng, params, graph, batch = draw_chain(1, 167)
    graph = first(graph, 2)
    assert near(compile_graph(graph, params, batch)) == 1
    check(graph, params, batch, rng)
