"""Batch normalisation and LRN: naive twins, central differences, folding, errors."""

import numpy as np
import pytest

from accel.golden import conv, normalise
from accel.golden.dense import dense
from tests.support import gradients, naive_float

SHAPES = [(3, 2, 4, 5), (2, 3, 1, 1), (6, 4), (1, 2, 3, 3)]


def arrays(shape, seed=1):
    random = np.random.default_rng(seed)
    channels = shape[1]
    return (
        random.standard_normal(shape) * 3 + 5, random.standard_normal(channels),
        random.standard_normal(channels), random.standard_normal(channels),
        random.random(channels) + 0.5,
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_training_equals_the_naive_twin(shape):
    x, scale, bias, mean, variance = arrays(shape)
    y, _, new_mean, new_variance = normalise.batch_norm_training(
        x, scale, bias, mean, variance, momentum=0.75, epsilon=1e-3
    )
    expected, means, variances = naive_float.batch_norm(x, scale, bias, 1e-3)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(new_mean, 0.75 * mean + 0.25 * np.array(means), atol=1e-14)
    np.testing.assert_allclose(new_variance, 0.75 * variance + 0.25 * np.array(variances))


@pytest.mark.parametrize("correction", [0, 1])
def test_the_running_variance_may_be_an_unbiased_estimate(correction):
    x, scale, bias, mean, variance = arrays((3, 2, 4, 5))
    y, _, _, kept = normalise.batch_norm_training(
        x, scale, bias, mean, variance, momentum=0.75, correction=correction
    )
    squares = np.square(x - x.mean((0, 2, 3), keepdims=True)).sum((0, 2, 3))
    np.testing.assert_allclose(kept, 0.75 * variance + 0.25 * squares / (60 - correction))
    # What normalises is the batch's own either way.
    np.testing.assert_allclose(y.std((0, 2, 3)), np.abs(scale), rtol=1e-5)


def test_one_element_has_no_spread():
    one = np.ones(4)
    kept = normalise.batch_norm_training(np.ones((1, 4)), one, one, one, one, correction=1)[3]
    np.testing.assert_allclose(kept, 0.9 * one)


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (4, 3, 1, 1), (6, 4), (2, 2, 3, 3)])
def test_batch_norm_gradients(shape):
    x, scale, bias, mean, variance = arrays(shape)

    def forward():
        return normalise.batch_norm_training(x, scale, bias, mean, variance)

    gradients.check(
        lambda: forward()[0],
        lambda dy: normalise.batch_norm_backward(dy, x, scale, forward()[1]),
        {"x": x, "scale": scale, "bias": bias},
    )


def test_inference_uses_the_running_statistics():
    x, scale, bias, _, _ = arrays((4, 3, 5, 5))
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    y = normalise.batch_norm(x, scale, bias, mean, variance)
    trained = normalise.batch_norm_training(x, scale, bias, mean, variance)[0]
    np.testing.assert_allclose(y, trained, atol=1e-12)
    single = normalise.batch_norm(*(a.astype(np.float32) for a in (x, scale, bias, mean, variance)))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, y, atol=1e-5)


def test_nothing_is_changed_in_place():
    given = arrays((2, 3, 4, 4))
    kept = [array.copy() for array in given]
    normalise.batch_norm_training(*given)
    for array, copy in zip(given, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("biased", [False, True])
def test_folding(biased):
    random = np.random.default_rng(2)
    _, scale, bias, mean, variance = arrays((1, 4, 1, 1))
    x, w, b = random.standard_normal((2, 6, 5, 5)), random.standard_normal((4, 3, 3, 3)), \
        random.standard_normal(4) if biased else None
    unfolded = conv.conv2d(x, w, b, padding=1, groups=2)
    folded = normalise.fold_batch_norm(w, b, scale, bias, mean, variance)
    np.testing.assert_allclose(
        conv.conv2d(x, *folded, padding=1, groups=2),
        normalise.batch_norm(unfolded, scale, bias, mean, variance), atol=1e-12,
    )
    flat, matrix = x.reshape(2, -1), random.standard_normal((4, 150))
    np.testing.assert_allclose(
        dense(flat, *normalise.fold_batch_norm(matrix, b, scale, bias, mean, variance)),
        normalise.batch_norm(dense(flat, matrix, b), scale, bias, mean, variance), atol=1e-12,
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 9])
def test_lrn(size):
    random = np.random.default_rng(3)
    x = random.standard_normal((2, 6, 3, 2)) * 2
    options = {"alpha": 0.7, "beta": 0.6, "bias": 1.5}
    y = normalise.lrn(x, size, **options)
    np.testing.assert_allclose(y, naive_float.lrn(x, size, **options), atol=1e-14)
    assert normalise.lrn(x.astype(np.float32), size, **options).dtype == np.float32
    gradients.check(
        lambda: normalise.lrn(x, size, **options),
        lambda dy: [normalise.lrn_backward(dy, x, size, **options)],
        {"x": x},
    )


def test_lrn_threads_change_nothing():
    x = np.random.default_rng(4).standard_normal((4, 16, 64, 64)).astype(np.float32)
    together = normalise.lrn(x)
    apart = np.concatenate([normalise.lrn(image[None, :, :8]) for image in x])
    np.testing.assert_array_equal(together[:, :, :8], apart)


X, C = np.ones((2, 3, 4, 4)), np.ones(3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: normalise.batch_norm(X, C[:2], C, C, C),
         "scale must be float64 [3], not float64 [2]"),
        (lambda: normalise.batch_norm(X, C, C, C, C, epsilon=-1),
         "epsilon must be a number of at least 0, not -1"),
        (lambda: normalise.batch_norm(C, C, C, C, C),
         "x must be [batch, channels, ...], not shape [3]"),
        (lambda: normalise.batch_norm_training(X, C, C, C, C, momentum=2),
         "momentum must be a number from 0 to 1, not 2"),
        (lambda: normalise.batch_norm_training(X[:0], C, C, C, C),
         "x must have elements to average, not shape [0, 3, 4, 4]"),
        (lambda: normalise.fold_batch_norm(X, C, C, C, C, C),
         "b must be float64 [2], not float64 [3]"),
        (lambda: normalise.lrn(X, 0), "size must be a whole number of at least 1, not 0"),
        (lambda: normalise.lrn(X, bias=0.0), "bias must be a number above 0, not 0.0"),
        (lambda: normalise.lrn_backward(X[:1], X),
         "dy must be float64 [2, 3, 4, 4], not float64 [1, 3, 4, 4]"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message


def test_a_negative_exponent_of_lrn_is_refused():
    with pytest.raises(ValueError, match=r"beta must be a number of at least 0, not -0\.5"):
        normalise.lrn(X, beta=-0.5)
