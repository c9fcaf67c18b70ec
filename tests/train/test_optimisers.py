"""Each optimiser's first steps against the update rules worked out by hand."""

import math

import numpy as np
import pytest

from accel.train.optimisers import OPTIMISERS


def steps(name, gradients, rate=0.1):
    """Values of one parameter, 1 at first, after each gradient."""
    parameters = {"w": np.array([1.0])}
    optimiser = OPTIMISERS[name](rate, parameters)
    values = []
    for gradient in gradients:
        optimiser.update(parameters, {"w": np.array([gradient])})
        values.append(float(parameters["w"][0]))
    assert optimiser.steps == len(gradients)
    return values


def test_sgd():
    assert steps("sgd", [2.0, -1.0]) == pytest.approx([0.8, 0.9])


def test_momentum():
    # v: 2, then 0.9 * 2 - 1 = 0.8, then 0.72.
    assert steps("momentum", [2.0, -1.0, 0.0]) == pytest.approx([0.8, 0.72, 0.648])


def test_adam():
    # The first step is the learning rate, whatever the gradient's size.
    assert steps("adam", [2.0]) == pytest.approx([0.9])
    assert steps("adam", [-1e-3]) == pytest.approx([1.1], rel=1e-4)
    mean = (0.1 * 0.9 * 2 + 0.1 * -1) / (1 - 0.81)
    square = (0.001 * 0.999 * 4 + 0.001 * 1) / (1 - 0.999**2)
    second = 0.9 - 0.1 * mean / (math.sqrt(square) + 1e-8)
    assert steps("adam", [2.0, -1.0])[1] == pytest.approx(second)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_parameters_keep_their_array_and_type(name):
    array = np.ones(3, np.float32)
    OPTIMISERS[name](0.1, {"w": array}).update({"w": array}, {"w": np.ones(3, np.float32)})
    assert array.dtype == np.float32
    assert (array < 1).all()
