"""Seeded weights are the bytes that NumPy's own generator gives, whatever is drawn between them."""

import math

import numpy as np
import pytest

from accel.seeded import values


@pytest.mark.parametrize("shapes", [
    [(8, 3, 3, 16)],
    [(1, 1, 1, 4), (8, 1, 1, 8)],  # half a number is left for the second
    [(3, 1, 1, 1), (2, 2, 2, 2), (5, 1, 1, 8), (1, 1, 1, 1), (64, 1, 1, 1)],
])  # fmt: skip
def test_they_are_numpy_s_bytes(shapes):
    ours, theirs = np.random.default_rng(7), np.random.default_rng(7)
    for shape in shapes:
        expected = np.frombuffer(theirs.bytes(math.prod(shape)), np.int8).reshape(shape)
        np.testing.assert_array_equal(values.weights(ours, shape), expected)
        assert ours.uniform() == theirs.uniform()  # and both go on alike
