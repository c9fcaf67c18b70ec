import dataclasses

import numpy as np
import pytest

from accel.graph.ir import (
    Add,
    Assemble,
    Concat,
    GraphError,
    LocalResponse,
    Max,
    MaxPool,
    Mul,
    Pad,
    Place,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)
from accel.graph.macs import graph_macs, node_macs
from accel.graph.shapes import node_shape, out_size, pool_counts, window_counts
from tests.support import graphs


def brute_size(size, kernel, stride, pads, dilation, ceil_mode):
    """Count windows one by one."""
    reach, total = dilation * (kernel - 1) + 1, size + sum(pads)
    if total < reach:
        return None
    count = 0
    while True:
        start = count * stride
        partial = ceil_mode and start - stride + reach < total and start < size + pads[0]
        if start + reach > total and not (count and partial):
            return count
        count += 1


def test_out_size_equals_counting():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        size, kernel, stride, dilation = (int(v) for v in rng.integers(1, (20, 6, 5, 4)))
        pads = tuple(int(v) for v in rng.integers(0, kernel, 2))
        for ceil_mode in (False, True):
            expected = brute_size(size, kernel, stride, pads, dilation, ceil_mode)
            actual = out_size(size, kernel, stride, pads, dilation, ceil_mode)
            if expected is None:
                assert ceil_mode or actual <= 0
            else:
                assert actual == expected, (size, kernel, stride, pads, dilation, ceil_mode)


def test_window_counts_equal_counting():
    rng = np.random.default_rng(1)
    for _ in range(300):
        size, kernel, stride = (int(v) for v in rng.integers(1, (15, 6, 5)))
        before = int(rng.integers(0, kernel))
        out = max(1, out_size(size, kernel, stride, (before, kernel - 1)))
        expected = [
            sum(0 <= i * stride - before + k < size for k in range(kernel)) for i in range(out)
        ]
        assert window_counts(size, out, kernel, stride, before).clip(0).tolist() == expected


def test_pool_counts_are_products():
    node = MaxPool("p", "in", "out", (3, 2), (2, 2), (1, 0, 1, 1))
    source = Tensor("in", (4, 3, 1), 1.0, 0)
    target = Tensor("out", node_shape(node, source), 1.0, 0)
    assert target.shape == (2, 2, 1)
    assert pool_counts(node, source, target).tolist() == [2, 3, 4, 6]


def test_kernel_must_fit():
    node = MaxPool("big", "in", "out", (5, 2), (1, 1))
    with pytest.raises(GraphError, match=r"node 'big': kernel \(5, 2\).* must fit"):
        node_shape(node, Tensor("in", (4, 4, 1), 1.0, 0))


WIDE, OTHER = Tensor("wide", (4, 3, 2), 1.0, 0), Tensor("other", (4, 3, 5), 1.0, 0)
PIXEL = Tensor("pixel", (1, 1, 2), 1.0, 0)


@pytest.mark.parametrize(
    ("node", "sources", "shape"),
    [
        (Add("n", ("", ""), "", (), None), [WIDE, WIDE], (4, 3, 2)),
        (Sub("n", ("", ""), "", (), None), [WIDE, PIXEL], (4, 3, 2)),
        (Mul("n", ("", ""), "", None), [PIXEL, WIDE], (4, 3, 2)),
        (Max("n", ("", ""), ""), [PIXEL, PIXEL], (1, 1, 2)),
        (Concat("n", ("", "", ""), ""), [WIDE, OTHER, WIDE], (4, 3, 9)),
        (Concat("n", ("",), ""), [OTHER], (4, 3, 5)),
        (Slice("n", "", "", Place((1, 0, 0), (2, 1)), (2, 3, 1)), [WIDE], (2, 3, 1)),
        (Assemble("n", ("", ""), "", (Place((0, 0, 0)), Place((0, 0, 2)))), [WIDE, OTHER],
         (4, 3, 7)),
        (Assemble("n", ("", ""), "", (Place((1, 0, 0), (2, 1)), Place((0, 0, 0), (2, 1)))),
         [OTHER, OTHER], (8, 3, 5)),
        (Table("n", "", "", None), [WIDE], (4, 3, 2)),
        (Pad("n", "", "", (1, 2, 3, 4)), [WIDE], (8, 9, 2)),
        (Softmax("n", "", "", "float"), [OTHER], (4, 3, 5)),
        (LocalResponse("n", "", "", 3, 1.0, 1.0, 1.0), [OTHER], (4, 3, 5)),
        (Reshape("n", "", ""), [WIDE], None),
    ],
)
def test_shapes_of_other_nodes(node, sources, shape):
    assert node_shape(node, *sources) == shape


@pytest.mark.parametrize(
    ("node", "sources", "text"),
    [
        (Add("n", ("", ""), "", (), None), [WIDE, OTHER],
         r"node 'n': inputs must have one shape, or one of them be \(1, 1, C\), not "
         r"\(4, 3, 2\) and \(4, 3, 5\)"),
        (Concat("n", ("", ""), ""), [WIDE, Tensor("tall", (5, 3, 2), 1.0, 0)],
         r"node 'n': inputs must all be 4x3, not 5x3 \('tall'\)"),
    ],
)
def test_inputs_must_fit_one_another(node, sources, text):
    with pytest.raises(GraphError, match=text):
        node_shape(node, *sources)


def test_macs():
    graph = graphs.random_fully_connected(np.random.default_rng(0))
    node = graph.nodes[0]
    assert graph_macs(graph) == node.weights.shape[0] * graph.tensors["in"].size
    pool = graphs.random_pool(np.random.default_rng(0), "max")
    assert node_macs(pool.nodes[0], pool.tensors) == 0
    reorder = dataclasses.replace(node, op="reorder")
    assert node_macs(reorder, graph.tensors) == 0
