"""The program, read back, says which vector computes which pixel."""

import dataclasses

import numpy as np
import pytest

from accel import machines
from accel.graph.ir import AveragePool, MaxPool
from accel.opening import open_network
from accel.page import vectors
from accel.page.network import compiled
from tests.page.support import subject


def reached(shape, nodes, layer):
    """The rows and columns of a layer's sums that its output needs."""
    inside = [nodes[name] for name in layer.nodes if name in nodes]
    pool = next((node for node in inside if isinstance(node, MaxPool | AveragePool)), None)
    if pool is None:
        return slice(shape[0]), slice(shape[1])
    ends = []
    for axis in range(2):
        before, behind = pool.padding[axis], pool.padding[axis + 2]
        windows = (shape[axis] + before + behind - pool.kernel[axis]) // pool.stride[axis]
        ends.append(slice(windows * pool.stride[axis] + pool.kernel[axis] - before))
    return ends


@pytest.mark.parametrize("name", ["lenet5", "mnist", "shallow", "resnet8", "notes"])
@pytest.mark.parametrize("machine", ["small", "default"])
def test_every_output_has_a_block_for_each_channel_once(name, machine):
    graph = open_network(name)
    program = compiled(graph, machines.open_machine(machine, {}).params)
    (step,) = program.steps
    found = vectors.blocks(program, step, graph)
    nodes = {node.name: node for node in graph.nodes}
    for layer in step.layers:
        if layer.unit != "array":
            assert layer.name not in found
            continue
        conv = nodes[layer.nodes[0]]
        shape = graph.tensors[conv.output].shape
        seen = np.zeros(shape, int)
        for block in found[layer.name]:
            for number in range(block.first, block.first + block.count):
                y, x = block.y + number // block.width, block.x + number % block.width
                seen[y, x, block.channel : block.channel + block.cols] += 1
            taps = [tap for one in block.execs for tap in one.taps]
            weights = {(ky, kx, c) for ky, kx, first, last in taps for c in range(first, last)}
            assert weights == set(np.ndindex(conv.weights.shape[1:]))
            assert sum(one.fields["k"] for one in block.execs) == len(weights)
        # Nothing is computed twice, and nothing left out but what no pooling window reaches.
        assert seen.max() == 1 and seen[tuple(reached(shape, nodes, layer))].min() == 1


def test_the_vectors_bytes_in_the_line_buffer_are_the_windows():
    """For EXEC commands of LeNet-5's second layer: addresses of one lane are one window's."""
    network = subject("lenet5")
    (step,) = network.program.steps
    (block, *_) = vectors.blocks(network.program, step, network.graph)["conv2"]
    (one, *_) = block.execs
    fields, rows = one.fields, network.program.params.rows
    for pixel in (0, 7, block.count - 1):
        base = fields["base"] + pixel % fields["nx"] * fields["step_x"]
        base += pixel // fields["nx"] * fields["step_y"]
        for tile in range(-(-fields["k"] // rows)):
            lanes = range(tile * rows, min(fields["k"], (tile + 1) * rows))
            banks = {(base + i + i // fields["seg"] * fields["seg_skip"] * rows) % rows
                     for i in lanes}  # fmt: skip
            assert len(banks) == len(lanes)


def test_blocks_whose_weights_lie_otherwise_are_left_out():
    network = subject("lenet5")
    (step,) = network.program.steps
    nodes = []
    for node in network.graph.nodes:
        if node.name == "conv1":  # what the graph says is not what is in the program
            node = dataclasses.replace(node, weights=node.weights[::-1])
        nodes.append(node)
    graph = dataclasses.replace(network.graph, nodes=tuple(nodes))
    found = vectors.blocks(network.program, step, graph)
    assert "conv1" not in found and "conv2" in found
