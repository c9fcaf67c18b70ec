"""int8 addition: by hand, and every pair of bytes against the naive twin."""

import dataclasses

import numpy as np
import pytest

from accel import golden
from accel.golden import threads
from accel.golden.pairs import HEADROOM, factors, scale
from accel.graph.ir import Add, Requant, Tensor
from accel.isa import Rounding
from tests.support import graphs, naive

#: Operands times 1/2 and 1/4, their sum times 2**-18: a + b / 2 with scales 1 and 1/2 and 1/2.
HALF, QUARTER = (1 << 30, 0), (1 << 30, -1)
NEED = Requant(np.array([1 << 30]), np.array([-17]), 5, rounding=Rounding.DOUBLE)


def network(shape, zeros=(3, -7), need=NEED, operands=(HALF, QUARTER), offset=0):
    sources = [Tensor(name, shape, 1.0, zero) for name, zero in zip("ab", zeros, strict=True)]
    node = Add("add", ("a", "b"), "out", operands, need, offset=offset)
    return graphs.joined(node, sources, Tensor("out", shape, 1.0, need.zero_point))


def test_by_hand():
    """((a - 3) / 2 + (b + 7) / 4) * 4 + 5: nothing is left to round."""
    graph = network((1, 1, 5))
    values = {"a": [3, 10, -5, 40, 0], "b": [-7, 13, 20, -100, 127]}
    images = {name: np.array(row, np.int8).reshape(1, 1, 1, 5) for name, row in values.items()}
    out = golden.run(graph, images)["out"]
    assert out.ravel().tolist() == [5, 39, 16, -14, 127]


def test_halves():
    """With the sum times 2**-20, (a - 3) / 2 has halves: away from zero, to even or odd."""
    images = {"a": np.array([0, 2, 4, 6], np.int8).reshape(1, 1, 1, 4),
              "b": np.full((1, 1, 1, 4), -7, np.int8)}
    for rounding, expected in (
        (Rounding.DOUBLE, [-2, -1, 1, 2]), (Rounding.AWAY, [-2, -1, 1, 2]),
        (Rounding.SINGLE, [-1, 0, 1, 2]), (Rounding.FLOAT, [-2, 0, 0, 2]),
        (Rounding.FLOAT_ODD, [-1, -1, 1, 1]),
    ):  # fmt: skip
        need = dataclasses.replace(NEED, shift=np.array([-19]), zero_point=0, rounding=rounding)
        out = golden.run(network((1, 1, 4), need=need), images)["out"]
        assert out.ravel().tolist() == expected


@pytest.mark.parametrize("offset", [0, -128, 127])
@pytest.mark.parametrize("rounding", Rounding)
def test_every_pair_of_bytes(rounding, offset):
    every = np.arange(-128, 128, dtype=np.int8)
    images = {"a": np.repeat(every, 256).reshape(1, 256, 256, 1),
              "b": np.tile(every, 256).reshape(1, 256, 256, 1)}
    need = Requant(np.array([0xC0FFEE << 7]), np.array([-19]), -11, -120, 119, rounding)
    graph = network((256, 256, 1), (-128, 127), need, (HALF, (0x5EAF00D5, -3)), offset)
    out = golden.run(graph, images)["out"]
    with threads.limit(1):
        np.testing.assert_array_equal(golden.run(graph, images)["out"], out)
    some = np.random.default_rng(int(rounding)).permutation(65536)[:3000]
    part = {name: values.reshape(1, 1, -1, 1)[:, :, some] for name, values in images.items()}
    sources = [graph.tensors[name] for name in "ab"]
    expected = naive.add(graph.nodes[0], sources, None, list(part.values()))
    np.testing.assert_array_equal(out.reshape(1, 1, -1, 1)[:, :, some], expected)


def scaled(zero, multiplier, shift):
    """What every byte from -128 on adds."""
    sums = np.zeros(256, np.int32)
    scale(np.arange(-128, 128).astype(np.int8), factors(zero, multiplier, shift, 0), sums)
    return sums


def test_scaled_bytes_round_twice():
    """2**20 * 0x40000001 * 2**-31 is 2**19 + 2**-11, and a shift by 20 makes it just one half."""
    table = scaled(0, 0x40000001, -20)
    assert [int(table[q + 128]) for q in (-3, -1, 0, 1, 3)] == [-2, -1, 0, 1, 2]


@pytest.mark.parametrize("zero", [-128, 0, 127])
def test_scaling_in_32_bits_is_scaling_in_64(zero):
    random = np.random.default_rng(1)
    product = (np.arange(-128, 128) - zero) << HEADROOM
    for multiplier in (0, 1 << 30, 2**31 - 1, *random.integers(1 << 30, 1 << 31, 20)):
        upper = (product * int(multiplier) + (1 << 30)) >> 31
        for right in range(32):
            half = (1 << right >> 1) - (upper < 0) * (right > 0)
            np.testing.assert_array_equal(
                scaled(zero, int(multiplier), -right), (upper + half) >> right
            )


def test_a_tensor_added_to_itself():
    source = Tensor("a", (2, 3, 4), 1.0, 3)
    node = Add("add", ("a", "a"), "out", (HALF, HALF), NEED)
    graph = graphs.joined(node, [source], Tensor("out", (2, 3, 4), 1.0, 5))
    images = graphs.random_inputs(np.random.default_rng(0), graph)
    expected = (4 * (images["a"].astype(int) - 3) + 5).clip(-128, 127)
    np.testing.assert_array_equal(golden.run(graph, images)["out"], expected)
