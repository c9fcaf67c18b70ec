"""Gradients by central differences, to compare the layers' own with."""

import numpy as np

#: Weighs the truncation (its square) against float64's rounding (2e-16 over it).
STEP = 1e-5
LIMIT = 1e-6


def numeric(loss, values, step=STEP):
    """Gradient of ``loss()``, a function of the array ``values``, which is changed and restored."""
    gradient = np.empty(values.shape)
    for index in np.ndindex(*values.shape):
        kept = values[index]
        values[index] = kept + step
        above = loss()
        values[index] = kept - step
        below = loss()
        values[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(actual, expected):
    """Largest difference, relative to the largest expected magnitude."""
    assert actual.shape == expected.shape
    assert actual.dtype == np.float64
    return np.abs(actual - expected).max() / np.abs(expected).max()


def check(forward, gradients, inputs, seed=0):
    """Compare a layer's gradients with central differences of a random weighting of its output.

    ``forward()`` computes the output from the float64 arrays ``inputs`` (a dict by name);
    ``gradients(dy)`` gives the layer's own, in the same order.
    """
    weights = np.random.default_rng(seed).standard_normal(forward().shape)
    own = gradients(weights)
    for (name, values), gradient in zip(inputs.items(), own, strict=True):
        expected = numeric(lambda: float((forward() * weights).sum()), values)
        error = relative_error(gradient, expected)
        assert error < LIMIT, f"gradient by {name}: relative error {error:.1e}"


def apart(generator, shape, gap=1e-3):
    """Random float64 values around 0 that lie at least ``gap`` from each other and from 0."""
    count = int(np.prod(shape))
    steps = np.concatenate([np.arange(1, count // 2 + 1), -np.arange(1, count - count // 2 + 1)])
    return generator.permutation(steps * gap * 5).reshape(shape)
