"""Compiled programs, run by the interpreter in random order, against naive layers."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import compile_graph
from accel.isa import Op
from accel.params import Params
from tests.support import networks, reference
from tests.support.machine import Machine
from tests.support.programs import commands, without_waits

MACHINES = {
    "4x4 tiny": Params(rows=4, cols=4, input_bytes=1024, acc_rows=8, bus_bytes=4,
                       pool_entries=16, queue_depth=2, window_taps=2, window_bytes=128),
    "4x4": Params(rows=4, cols=4, input_bytes=1024, acc_rows=32, bus_bytes=8, pool_entries=32,
                  queue_depth=4, window_bytes=512),
    "4x4 alone": Params(rows=4, cols=4, input_bytes=1024, acc_rows=32, bus_bytes=8,
                        pool_entries=32, queue_depth=4, window_taps=0),
    "4x8": Params(rows=4, cols=8, input_bytes=2048, acc_rows=16, bus_bytes=16, pool_entries=64,
                  window_taps=8, window_bytes=1024),
    "8x4": Params(rows=8, cols=4, input_bytes=2048, acc_rows=64, bus_bytes=4, pool_entries=64,
                  window_bytes=2048, window_lanes=1),
    "8x8": Params(rows=8, cols=8, input_bytes=8192, acc_rows=128, bus_bytes=8, post_lanes=4),
    "16x16": Params(),
}


def images(graph, batch: int, rng) -> dict[str, np.ndarray]:
    shape = graph.tensors["input"].shape
    return {"input": rng.integers(-128, 128, (batch, *shape)).astype(np.int8)}


def check(graph, params: Params, batch: int, rng, schedules: int = 2) -> Machine:
    program = compile_graph(graph, params, batch)
    inputs = images(graph, batch, rng)
    expected = reference.run(graph, inputs)
    for seed in range(schedules):
        machine = Machine(program, inputs, seed)
        machine.run()
        for layer in (layer for layer in program.layers if not layer.near):
            np.testing.assert_array_equal(
                machine.output(layer.output), expected[layer.output], layer.name
            )
        # The array and the window unit end their layers in any order.
        assert sorted(machine.marks) == [layer.mark_addr for layer in program.layers]
    return machine


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("part", range(3))
def test_random_networks(machine, part):
    done = 0
    for seed in range(1000 * part, 1000 * part + 25):
        rng = np.random.default_rng(seed)
        graph = networks.random_network(rng)
        if networks.macs(graph) < 40_000:
            check(graph, MACHINES[machine], int(rng.integers(1, 6)), rng)
            done += 1
    assert done >= 5


@pytest.mark.parametrize("machine", ["4x4 tiny", "4x4", "8x8"])
def test_mnist(machine):
    rng = np.random.default_rng(1)
    check(networks.mnist(rng), MACHINES[machine], 2, rng)


def test_mnist_keeps_the_array_busy():
    rng = np.random.default_rng(2)
    machine = check(networks.mnist(rng), Params(), 16, rng, schedules=1)
    # ceil(25 / 16) x 784 and ceil(200 / 16) x 196 cycles an image, and 16 tiles for the batch.
    assert machine.busy_cycles == 16 * (2 * 784 + 13 * 196) + 16 * 16 == 66112


def test_fused_layers_and_their_names():
    rng = np.random.default_rng(3)
    program = compile_graph(networks.mnist(rng), Params(), 1)
    assert [layer.op for layer in program.layers] == [
        "conv2d+max_pool", "conv2d+max_pool", "fully_connected"
    ]
    assert [layer.nodes for layer in program.layers] == [
        ("conv0", "max1"), ("conv2", "max3"), ("conv5",)
    ]
    assert [layer.macs for layer in program.layers] == [156800, 627200, 2560]
    assert "conv0_out" not in program.tensors
    assert program.tensors["flatten4_out"].address == program.tensors["max3_out"].address


def test_conv_with_another_user_keeps_its_output():
    rng = np.random.default_rng(4)
    net = networks.Builder(rng, (6, 6, 3)).conv(5, (3, 3))
    conv = net.last
    net.pool("max", (2, 2), (2, 2))
    graph = net.graph()
    port = dataclasses.replace(graph.outputs[0], name="conv", tensor=conv.name)
    graph = dataclasses.replace(graph, outputs=(*graph.outputs, port))
    program = compile_graph(graph, MACHINES["4x4"], 1)
    assert [layer.op for layer in program.layers] == ["conv2d", "max_pool"]
    check(graph, MACHINES["4x4"], 2, rng)


def test_pool_that_crosses_blocks_with_several_groups():
    rng = np.random.default_rng(5)
    for size, pool, stride in ((20, (3, 3), (2, 2)), (9, (9, 9), (1, 1)), (12, (5, 2), (1, 3))):
        net = networks.Builder(rng, (size, size, 3)).conv(10, (3, 3), padding=(1, 1, 1, 1))
        check(net.pool("average", pool, stride).graph(), MACHINES["4x4"], 2, rng)


def test_strided_single_pixel_kernels_load_only_what_they_use():
    rng = np.random.default_rng(7)
    graph = networks.Builder(rng, (9, 12, 32)).conv(4, (1, 1), (2, 3)).graph()
    check(graph, MACHINES["8x8"], 2, rng)
    layer = compile_graph(graph, MACHINES["8x8"], 1).layers[0]
    weights = 9 * 8 + 4 * 64
    assert layer.bytes_read == 5 * 4 * 32 + weights


def test_images_of_the_whole_batch_share_the_tiles_of_a_fully_connected_layer():
    rng = np.random.default_rng(8)
    graph = networks.Builder(rng, (3, 5, 7)).conv(9, (3, 5), op="fully_connected").graph()
    machine = check(graph, Params(), 20, rng)
    assert machine.busy_cycles == -(-105 // 16) * 20


def test_rows_that_are_there_load_before_rows_to_come():
    rng = np.random.default_rng(9)
    net = networks.Builder(rng, (16, 16, 2)).conv(4, (3, 3), padding=(1, 1, 1, 1))
    graph = net.conv(4, (3, 3), padding=(1, 1, 1, 1)).graph()
    program = compile_graph(graph, MACHINES["8x8"], 1)
    blocks = [f for op, f in commands(program) if op == Op.POST]
    layer = next(n for n, f in enumerate(blocks, 1) if f["mark"])
    # The POST that ends each row of the tensor between the layers; four rows or fewer a block.
    ends = [n for n, f in enumerate(blocks[:layer], 1) for _ in range(f["count"] // 16)]
    place = program.tensors[program.layers[0].output].address
    seen = []
    for op, f in commands(program):
        if op == Op.LOAD and f["inner"] and f["src"] >= place:
            first = (f["src"] - place) // 64
            seen += range(first, first + f["rows"])
            # No row waits for a block that only rows behind it need.
            assert {ends[row] for row in range(first, first + f["rows"])} == {f["wait_post"]}
    assert layer >= 4 and seen == list(range(16))


def test_channels_of_small_images_load_in_parts():
    """The array starts with the channels that are there."""
    rng = np.random.default_rng(11)
    graph = networks.Builder(rng, (6, 6, 32)).depthwise().conv(32).depthwise().graph()
    params = MACHINES["8x8"]
    check(graph, params, 2, rng)
    program = compile_graph(graph, params, 1)
    loads = [f for op, f in commands(program) if op == Op.LOAD and f["inner"]]
    # Two channel groups of 6 pixels and 8 channels, which lie side by side in a row.
    assert [(f["rows"], f["items"], f["inner"]) for f in loads] == [(6, 1, 2 * 6 * 8)] * 2
    execs = [f for op, f in commands(program) if op == Op.EXEC]
    assert execs[0]["wait_load"] < execs[1]["wait_load"] and not execs[0]["last"]
    # Each part waits for its two channel groups alone.
    assert [f["wait_window"] for f in loads] == [2, 4]


def test_a_batch_of_small_images_is_pooled_apart():
    rng = np.random.default_rng(12)
    graph = networks.Builder(rng, (3, 3, 16)).conv(8).pool("average", (3, 3), (1, 1)).graph()
    ran = check(graph, Params(), 4, rng)
    # The pixels of all images share the weight tile.
    assert ran.busy_cycles == 4 * 9
    for batch, parts in ((1, ["conv2d+average_pool"]), (4, ["conv2d", "average_pool"])):
        program = compile_graph(graph, Params(), batch)
        assert [layer.op for layer in program.layers] == parts


def test_window_sizes_that_share_a_place_in_the_average_table():
    rng = np.random.default_rng(10)
    # Windows of 3 to 17 by 11 to 17 elements: 17 x 17 = 289 and 3 x 11 = 33 are equal modulo 256.
    net = networks.Builder(rng, (17, 17, 5)).conv(3)
    graph = net.pool("average", (17, 17), (7, 6), (14, 6, 0, 0)).graph()
    assert {33, 289} <= {(3 + 7 * a) * (11 + 6 * b) for a in range(3) for b in range(2)}
    check(graph, MACHINES["8x8"], 2, rng)
    check(graph, MACHINES["4x4"], 1, rng)


@pytest.mark.parametrize(
    "op, name, machine",
    [
        (Op.LOAD, "wait_exec", "4x4"),
        (Op.LOAD, "wait_post", "8x8"),
        (Op.EXEC, "wait_load", "4x4"),
    ],
)
def test_the_interpreter_notices_a_missing_wait(op, name, machine):
    rng = np.random.default_rng(6)
    graph = networks.mnist(rng)
    program = without_waits(compile_graph(graph, MACHINES[machine], 1), op, name)
    inputs = images(graph, 1, rng)
    expected = reference.run(graph, inputs)["conv5_out"]
    outputs = []
    for seed in range(4):
        machine = Machine(program, inputs, seed)
        machine.run()
        outputs.append(np.array_equal(machine.output("conv5_out"), expected))
    assert not all(outputs)
