"""Dense, activations, joins, dropout and losses: by formula, central differences, errors."""

import math

import numpy as np
import pytest

from accel.golden import activation, combine, dense, loss
from tests.support import gradients

SHAPE = (3, 2, 4, 2)


def values(seed=1, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal(shape)


def test_dense():
    x, w, b = values(1, (3, 5)), values(2, (4, 5)), values(3, (4,))
    expected = [[sum(p * q for p, q in zip(row, column, strict=True)) + bias
                 for column, bias in zip(w, b, strict=True)] for row in x]  # fmt: skip
    np.testing.assert_allclose(dense.dense(x, w, b), expected, atol=1e-14)
    np.testing.assert_allclose(dense.dense(x, w), expected - b, atol=1e-14)
    gradients.check(
        lambda: dense.dense(x, w, b), lambda dy: dense.dense_backward(dy, x, w),
        {"x": x, "w": w, "b": b},
    )
    assert dense.dense_backward(x @ w.T, x, w, bias=False)[2] is None


@pytest.mark.parametrize("name, scalar", [
    ("relu", lambda v: max(v, 0.0)),
    ("leaky_relu", lambda v: v if v > 0 else 0.01 * v),
    ("sigmoid", lambda v: 1 / (1 + math.exp(-v))),
    ("tanh", math.tanh),
])  # fmt: skip
def test_activation(name, scalar):
    forward, backward = getattr(activation, name), getattr(activation, f"{name}_backward")
    x = gradients.apart(np.random.default_rng(2), SHAPE, gap=0.02)
    expected = np.reshape([scalar(float(v)) for v in x.ravel()], SHAPE)
    np.testing.assert_allclose(forward(x), expected, rtol=1e-14)
    single = forward(x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-6)
    given = (lambda: x) if "relu" in name else (lambda: forward(x))
    gradients.check(lambda: forward(x), lambda dy: [backward(dy, given())], {"x": x})
    assert backward(single, single).dtype == np.float32


def test_the_relu_gate_is_shut_at_the_kink_and_open_to_its_output():
    x = np.array([-1.0, -0.0, 0.0, 2.0])
    np.testing.assert_array_equal(activation.relu_backward(np.ones(4), x), [0, 0, 0, 1])
    np.testing.assert_array_equal(
        activation.relu_backward(np.ones(4), activation.relu(x)), [0, 0, 0, 1]
    )
    assert np.isnan(activation.relu(np.array([np.nan]))).all()


def test_sigmoid_has_no_overflow():
    for dtype in (np.float32, np.float64):
        y = activation.sigmoid(np.array([-1e4, -90, 0, 90, 1e4], dtype))
        np.testing.assert_allclose(y, [0, math.exp(-90), 0.5, 1, 1], rtol=1e-5, atol=1e-44)


@pytest.mark.parametrize("axis", [0, 1, 3, -1])
def test_concat(axis):
    parts = [values(seed) for seed in range(3)]
    parts[1] = np.concatenate([parts[1], parts[1]], axis)
    sizes = [part.shape[axis] for part in parts]
    gradients.check(
        lambda: combine.concat(parts, axis),
        lambda dy: combine.concat_backward(dy, sizes, axis),
        dict(enumerate(parts)),
    )
    joined = combine.concat(parts, axis)
    for part, piece in zip(parts, combine.concat_backward(joined, sizes, axis), strict=True):
        np.testing.assert_array_equal(part, piece)


def test_add():
    a, b = values(1), values(2)
    np.testing.assert_array_equal(combine.add(a, b), a + b)
    gradients.check(lambda: combine.add(a, b), combine.add_backward, {"a": a, "b": b})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout(dtype):
    x = np.ones((400, 100), dtype)
    y, mask = combine.dropout(x, 0.25, np.random.default_rng(7))
    again, _ = combine.dropout(x, 0.25, np.random.default_rng(7))
    other, _ = combine.dropout(x, 0.25, np.random.default_rng(8))
    np.testing.assert_array_equal(y, again)
    assert (y != other).any() and y.dtype == mask.dtype == dtype
    assert set(np.unique(y)) == {0, dtype(1 / 0.75)}
    assert abs((y > 0).mean() - 0.75) < 0.01 and abs(y.mean() - 1) < 0.02
    np.testing.assert_array_equal(combine.dropout(x, 0, np.random.default_rng())[0], x)


def test_dropout_gradient():
    x = values()
    gradients.check(
        lambda: combine.dropout(x, 0.5, np.random.default_rng(9))[0],
        lambda dy: [combine.dropout_backward(
            dy, combine.dropout(x, 0.5, np.random.default_rng(9))[1])],
        {"x": x},
    )  # fmt: skip


def test_softmax_sums_to_one_whatever_the_size():
    y = loss.softmax(np.array([[1e4, 1e4, -1e4], [math.log(1), math.log(2), math.log(5)]]))
    np.testing.assert_allclose(y, [[0.5, 0.5, 0], [1 / 8, 2 / 8, 5 / 8]], atol=1e-15)


def test_softmax_cross_entropy():
    logits, labels = values(1, (5, 4)) * 3, np.array([0, 3, 3, 1, 2])
    value, dlogits = loss.softmax_cross_entropy(logits, labels)
    expected = [-math.log(row[label]) for row, label in zip(loss.softmax(logits), labels,
                                                            strict=True)]
    assert value == pytest.approx(sum(expected) / 5, rel=1e-14)
    numeric = gradients.numeric(lambda: loss.softmax_cross_entropy(logits, labels)[0], logits)
    assert gradients.relative_error(dlogits, numeric) < gradients.LIMIT
    far, _ = loss.softmax_cross_entropy(np.array([[0.0, 1e4]]), np.array([0]))
    assert far == 1e4
    single = loss.softmax_cross_entropy(logits.astype(np.float32), labels.astype(np.uint8))
    assert single[1].dtype == np.float32 and single[0] == pytest.approx(value, rel=1e-6)


def test_half_squared_error():
    y, target = values(1, (3, 2)), values(2, (3, 2))
    value, dy = loss.half_squared_error(y, target)
    expected = sum((p - q) ** 2 for p, q in zip(y.ravel(), target.ravel(), strict=True)) / 2 / 3
    assert value == pytest.approx(expected, rel=1e-14)
    numeric = gradients.numeric(lambda: loss.half_squared_error(y, target)[0], y)
    assert gradients.relative_error(dy, numeric) < gradients.LIMIT


X, Y = np.ones((2, 3)), np.ones((3, 3))
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: dense.dense(X, Y[:, :2]), "w must be float64 [3, 3], not float64 [3, 2]"),
        (lambda: dense.dense(np.ones((1, 1, 2)), X), "x must have 2 axes, not shape [1, 1, 2]"),
        (lambda: dense.dense(X, Y, X[0, :2]), "b must be float64 [3], not float64 [2]"),
        (lambda: dense.dense_backward(Y, X, Y), "dy must be float64 [2, 3], not float64 [3, 3]"),
        (lambda: dense.dense(X, None), "w must be an array of float64, not NoneType"),
        (lambda: activation.relu([1.0]), "x must be an array of float32 or float64, not list"),
        (lambda: activation.relu_backward(Y, X), "dy must be float64 [2, 3], not float64 [3, 3]"),
        (lambda: activation.leaky_relu(X, 1),
         "slope must be a number of at least 0 and below 1, not 1"),
        (lambda: combine.concat([]), "tensors must be at least one, not none"),
        (lambda: combine.concat([X, Y]), "tensors[1] must be float64 [2, 3], not float64 [3, 3]"),
        (lambda: combine.concat([X], 2), "axis must be below the number of axes, 2, not 2"),
        (lambda: combine.concat_backward(X, [1, 1]), "sizes must add up to dy's 3, not [1, 1]"),
        (lambda: combine.add(X, Y), "b must be float64 [2, 3], not float64 [3, 3]"),
        (lambda: combine.add(X, 1.0), "b must be float64 [2, 3], not float"),
        (lambda: combine.dropout(X, 1.0, RANDOM),
         "rate must be a number of at least 0 and below 1, not 1.0"),
        (lambda: combine.dropout(X, 0.5, 7), "generator must be a numpy.random.Generator, not 7"),
        (lambda: loss.softmax(1.0), "logits must be an array of float32 or float64, not float"),
        (lambda: loss.softmax_cross_entropy(X, [0, 3]), "labels must lie in 0..2, not 3"),
        (lambda: loss.softmax_cross_entropy(X, [-1, 0]), "labels must lie in 0..2, not -1"),
        (lambda: loss.softmax_cross_entropy(X, [0]), "labels must be integers [2], not int64 [1]"),
        (lambda: loss.softmax_cross_entropy(X, [0.0, 1.0]),
         "labels must be integers [2], not float64 [2]"),
        (lambda: loss.softmax_cross_entropy(X[:0], []),
         "logits must have samples and classes, not shape [0, 3]"),
        (lambda: loss.half_squared_error(X, Y),
         "target must be float64 [2, 3], not float64 [3, 3]"),
        (lambda: loss.half_squared_error(X[:0], X[:0]),
         "y must have samples along axis 0, not shape [0, 3]"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
