"""Every rule of the graph check: the error names the node, the rule and the value."""

import dataclasses

import numpy as np
import pytest

from accel.graph.check import check, sum_bounds
from accel.graph.ir import (
    AveragePool,
    Conv,
    Graph,
    GraphError,
    MaxPool,
    Port,
    Requant,
    Reshape,
    Tensor,
)

REQUANT = Requant(np.full(2, 1 << 30, np.int32), np.full(2, -8, np.int8), 3)
CONV = Conv("c", "conv2d", "x", "y", np.ones((2, 3, 3, 4), np.int8), np.zeros(2, np.int32),
            REQUANT, padding=(1, 1, 1, 1))
POOL = MaxPool("m", "y", "z", (2, 2), (2, 2))
AVERAGE = AveragePool("a", "z", "w", (2, 2), (1, 1), (0, 0, 1, 1),
                      {1: (1 << 30, 1), 2: (1 << 30, 0), 4: (1 << 30, -1)}, 0)
FLAT = Reshape("r", "w", "v")


def network(*replaced, **changes) -> Graph:
    """A small good network, some nodes replaced (by name) and some fields changed."""
    tensors = {
        "x": Tensor("x", (4, 4, 4), 1.0, -1), "y": Tensor("y", (4, 4, 2), 1.0, 3),
        "z": Tensor("z", (2, 2, 2), 1.0, 3), "w": Tensor("w", (2, 2, 2), 1.0, 0),
        "v": Tensor("v", (1, 1, 8), 1.0, 0),
    }
    tensors.update(changes.pop("tensors", {}))
    replaced = {node.name: node for node in replaced}
    nodes = tuple(replaced.get(n.name, n) for n in (CONV, POOL, AVERAGE, FLAT))
    graph = Graph("net", tensors, nodes, (Port("in", "x", (4, 4, 4), "CHW", "float32"),),
                  (Port("out", "v", (8,), "N", "int8"),))
    return dataclasses.replace(graph, **changes)


def test_a_good_network_passes():
    graph = network()
    assert check(graph) is graph


def conv(**changes):
    return network(dataclasses.replace(CONV, **changes))


def requant(**changes):
    return conv(requant=dataclasses.replace(REQUANT, **changes))


def pool(**changes):
    return network(dataclasses.replace(POOL, **changes))


def average(**changes):
    return network(dataclasses.replace(AVERAGE, **changes))


def tensor(name, /, **changes):
    good = network().tensors[name]
    return network(tensors={name: dataclasses.replace(good, **changes)})


BAD = [
    (tensor("x", shape=(4, 4)), r"tensor 'x': shape must be three positive"),
    (tensor("x", shape=(4, 0, 4)), r"not \(4, 0, 4\)"),
    (tensor("x", scale=0.0), "tensor 'x': scale must be positive and finite, not 0.0"),
    (tensor("x", scale=float("nan")), "not nan"),
    (tensor("x", zero_point=128), "zero point must be from -128 to 127, not 128"),
    (tensor("x", name="q"), "must be filed under its own name, not 'q'"),
    (network(inputs=()), "must have at least one input"),
    (network(outputs=(Port("out", "q", (8,), "N", "int8"),)), "output 'out': tensor must exist"),
    (network(outputs=(Port("out", "v", (7,), "N", "int8"),)), "must hold the tensor's 8 elements"),
    (network(outputs=(Port("out", "v", (8,), "N", "int16"),)), "dtype must be one of .*'int16'"),
    (network(outputs=(Port("out", "v", (8,), "C", "int8"),)), "layout must be one of"),
    (network(nodes=(CONV, CONV)), "node 'c': must have a name of its own, not a duplicate"),
    (network(nodes=(CONV, POOL, FLAT)), "node 'r': input must be computed before .*not 'w'"),
    (network(nodes=(CONV, dataclasses.replace(CONV, name="d"))),
     "node 'd': output must be computed by one node only, not 'y'"),
    (network(nodes=(CONV,)), "output 'out': tensor must be computed, not 'v'"),
    (conv(input="q"), "node 'c': input tensor must exist, not 'q'"),
    (conv(weights=np.ones((2, 3, 3, 4), np.int16)), "weights must be int8 .*not int16"),
    (conv(weights=np.ones((2, 3, 3, 3), np.int8)), "weights must have 4 input channels, not 3"),
    (conv(weights=np.ones((2, 3, 2, 4), np.int8)), r"must have shape \(4, 5, 2\), not"),
    (conv(groups=3), "groups must divide 4 input and 2 output channels, not 3"),
    (conv(groups=2), "weights must have 2 input channels, not 4"),
    (conv(bias=np.zeros(3, np.int32)), r"bias must be int32 \[2\], not int32 \[3\]"),
    (conv(stride=(1, 0)), r"stride must be two integers from 1, not \(1, 0\)"),
    (conv(dilation=(0, 1)), "dilation must be two integers from 1"),
    (conv(padding=(-1, 0, 0, 0)), "padding must be four integers from 0"),
    (requant(multiplier=np.full(3, 1 << 30, np.int32)), r"multiplier must be integers \[2\]"),
    (requant(multiplier=np.full(2, 7, np.int32)), "multiplier must be 0 or from .*not 7"),
    (requant(shift=np.full(2, -32, np.int8)), "shift must be from -31 to 30, not -32"),
    (requant(zero_point=4), "zero point must be its output's, 3, not 4"),
    (requant(lo=5, hi=4), r"clamp must satisfy .*not \(5, 4\)"),
    (requant(rounding=7), "rounding must be one of"),
    (conv(bias=np.full(2, (1 << 31) - 1, np.int32)), "output channel 0 must stay within int32"),
    (requant(shift=np.array([-8, 19], np.int8)), "output channel 1 must stay within int32"),
    (pool(kernel=(0, 2)), "node 'm': kernel must be two integers from 1"),
    (pool(kernel=(9, 9)), "must fit the padded input"),
    (pool(kernel=(1, 2), stride=(4, 2), padding=(1, 0, 0, 0)), "must hold an element of the input"),
    (pool(stride=(1, 2)), r"must have shape \(3, 2, 2\)"),
    (tensor("z", zero_point=4), "node 'm': output zero point must be the input's, 3, not 4"),
    (tensor("z", scale=2.0), "node 'm': output scale must be the input's, 1.0, not 2.0"),
    (average(table={4: (1 << 30, -1)}), "table must have an entry for 1 elements"),
    (average(table={**AVERAGE.table, 2: (5, 0)}), "table multiplier must be 0 or from"),
    (average(table={**AVERAGE.table, 2: (1 << 30, 31)}), "table shift must be from"),
    (average(table={**AVERAGE.table, 2: (1 << 30, 23)}), "sums of 2 elements must stay within"),
    (average(zero_point=1), "zero point must be its output's, 0, not 1"),
    (tensor("v", shape=(1, 1, 7)), "must hold the tensor's 7 elements"),
    (tensor("w", shape=(2, 3, 2)), r"must have shape \(2, 2, 2\)"),
]


@pytest.mark.parametrize(("graph", "text"), BAD, ids=range(len(BAD)))
def test_rules(graph, text):
    with pytest.raises(GraphError, match=text):
        check(graph)


def test_sum_bounds_are_reached():
    rng = np.random.default_rng(0)
    weights = rng.integers(-128, 128, (2, 3, 3, 4), dtype=np.int8)
    node = dataclasses.replace(CONV, weights=weights, bias=np.array([5, -9], np.int32),
                               padding=(0, 0, 0, 0))
    low, high = sum_bounds(node, -7)
    for channel in (0, 1):
        for bound, image in ((high, np.where(weights[channel] > 0, 127, -128)),
                             (low, np.where(weights[channel] > 0, -128, 127))):
            total = int(((image.astype(int) + 7) * weights[channel]).sum() + node.bias[channel])
            assert total == bound[channel]
