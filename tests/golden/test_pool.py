"""Pools: against naive twins, gradients against central differences, ties, errors."""

import numpy as np
import pytest

from accel.golden import pool
from tests.support import gradients, naive_float

#: x shape, kernel and options.
CASES = {
    "side by side": ((2, 3, 6, 4), 2, {}),
    "overlapping": ((2, 2, 7, 7), 3, {"stride": 2}),
    "stride above kernel": ((1, 2, 7, 8), 2, {"stride": 3}),
    "padded": ((2, 2, 5, 6), 3, {"stride": 2, "padding": (1, 1, 1, 1)}),
    "asymmetric": ((1, 2, 5, 6), (2, 3), {"stride": (1, 2), "padding": (1, 0, 0, 2)}),
    "dilated": ((1, 2, 8, 7), 2, {"stride": 1, "dilation": (2, 3), "padding": (1, 1, 1, 1)}),
}  # fmt: skip


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def twin(x, kernel, options, reduce):
    return naive_float.pool(
        x, pair(kernel), pair(options.get("stride", kernel)), options.get("padding", (0,) * 4),
        pair(options.get("dilation", 1)), reduce,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
@pytest.mark.parametrize("case", CASES)
def test_max_pool_equals_the_naive_twin(case, dtype):
    shape, kernel, options = CASES[case]
    x = np.random.default_rng(1).integers(-4, 4, shape).astype(dtype)  # full of ties
    y, argmax = pool.max_pool(x, kernel, **options)
    assert y.dtype == dtype and argmax.dtype == np.int32
    np.testing.assert_array_equal(y, twin(x, kernel, options, lambda e: max(v for v, _ in e)))
    np.testing.assert_array_equal(argmax, twin(x, kernel, options, naive_float.first_largest))


@pytest.mark.parametrize("case", CASES)
def test_max_pool_gradient(case):
    shape, kernel, options = CASES[case]
    x = gradients.apart(np.random.default_rng(2), shape)
    gradients.check(
        lambda: pool.max_pool(x, kernel, **options)[0],
        lambda dy: [pool.max_pool_backward(dy, pool.max_pool(x, kernel, **options)[1], shape)],
        {"x": x},
    )


def test_the_first_of_ties_gets_the_gradient():
    x = np.zeros((1, 1, 2, 4))
    _, argmax = pool.max_pool(x, 2)
    dx = pool.max_pool_backward(np.array([[[[3.0, 5.0]]]]), argmax, x.shape)
    np.testing.assert_array_equal(dx, [[[[3, 0, 5, 0], [0, 0, 0, 0]]]])


def test_overlapping_windows_add_up_at_a_shared_maximum():
    x = np.array([[[[0.0, 9.0, 1.0]]]])
    _, argmax = pool.max_pool(x, (1, 2), 1)
    dx = pool.max_pool_backward(np.array([[[[3.0, 5.0]]]]), argmax, x.shape)
    np.testing.assert_array_equal(dx, [[[[0, 8, 0]]]])


def test_padding_is_never_the_maximum_and_a_nan_always_is():
    x = np.full((1, 1, 2, 2), -7.0)
    assert (pool.max_pool(x, 3, 1, 1)[0] == -7).all()
    x[0, 0, 0, 1] = np.nan
    y, argmax = pool.max_pool(x, 2)
    assert np.isnan(y).all() and argmax.item() == 1


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_average_pool(case, padded):
    shape, kernel, options = CASES[case]
    x = np.random.default_rng(3).standard_normal(shape)
    # With the padding counted (here all windows end on it), the divisor is the whole kernel.
    area = np.prod(pair(kernel))
    expected = twin(x, kernel, options,
                    lambda e: sum(v for v, _ in e) / (area if padded else len(e)))
    options = {**options, "count_include_pad": padded}
    np.testing.assert_allclose(pool.average_pool(x, kernel, **options), expected, atol=1e-15)
    single = pool.average_pool(x.astype(np.float32), kernel, **options)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-6)
    gradients.check(
        lambda: pool.average_pool(x, kernel, **options),
        lambda dy: [pool.average_pool_backward(dy, shape, kernel, **options)],
        {"x": x},
    )


@pytest.mark.parametrize("padded", [False, True])
def test_rounding_up(padded):
    x = np.arange(1.0, 6.0).reshape(1, 1, 1, 5)
    y, argmax = pool.max_pool(x, (1, 2), 2, ceil=True)
    np.testing.assert_array_equal(y.ravel(), [2, 4, 5])
    np.testing.assert_array_equal(argmax.ravel(), [1, 3, 4])
    # What lies behind the padding is not counted, even where the padding is.
    options = {"ceil": True, "count_include_pad": padded}
    np.testing.assert_allclose(pool.average_pool(x, (1, 2), 2, **options).ravel(), [1.5, 3.5, 5])
    gradients.check(
        lambda: pool.average_pool(x, (1, 2), 2, **options),
        lambda dy: [pool.average_pool_backward(dy, x.shape, (1, 2), 2, **options)],
        {"x": x},
    )


def test_global_average_pool():
    x = np.random.default_rng(4).standard_normal((2, 3, 4, 5))
    y = pool.global_average_pool(x)
    np.testing.assert_allclose(y, [[[[plane.sum() / 20]] for plane in image] for image in x])
    gradients.check(
        lambda: pool.global_average_pool(x),
        lambda dy: [pool.global_average_pool_backward(dy, x.shape)],
        {"x": x},
    )


def test_threads_change_nothing():
    x = np.random.default_rng(5).standard_normal((2, 16, 96, 96))
    y, argmax = pool.max_pool(x, 2)
    np.testing.assert_array_equal(y, x.reshape(2, 16, 48, 2, 48, 2).max((3, 5)))
    dx = pool.max_pool_backward(y, argmax, x.shape)
    np.testing.assert_array_equal(dx, np.where(y.repeat(2, 2).repeat(2, 3) == x, x, 0))


X = np.ones((1, 2, 4, 4))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: pool.max_pool(X, 0), "kernel must be a whole number of at least 1, not 0"),
        (lambda: pool.max_pool(X, 5), "kernel (5, 5) with dilation (1, 1) must fit the padded "
                                      "image, not 4x4 with padding (0, 0, 0, 0)"),
        (lambda: pool.max_pool(X, 2, 2, 2), "padding must leave every window an element of the "
                                            "image, not (2, 2, 2, 2) with kernel (2, 2) on 4x4"),
        (lambda: pool.average_pool(X.astype(int), 2),
         "x must be an array of float32 or float64, not int64"),
        (lambda: pool.average_pool_backward(X, X.shape, 2),
         "dy must be float64 [1, 2, 2, 2], not float64 [1, 2, 4, 4]"),
        (lambda: pool.max_pool_backward(X, np.zeros(X.shape), X.shape),
         "argmax must be int32 [1, 2, 4, 4], not float64 [1, 2, 4, 4]"),
        (lambda: pool.max_pool_backward(X, np.full(X.shape, 16, np.int32), X.shape),
         "argmax must lie in 0..15, not 16..16"),
        (lambda: pool.max_pool_backward(X, np.zeros(X.shape, np.int32), (1, 3, 4, 4)),
         "dy must have x_shape's 1x3 planes, not (1, 2)"),
        (lambda: pool.global_average_pool_backward(X, X.shape),
         "dy must be float64 [1, 2, 1, 1], not float64 [1, 2, 4, 4]"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
