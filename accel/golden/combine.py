"""Layers that join or thin tensors: concat, residual add, dropout; and their gradients."""

import numpy as np

from accel.golden.check import floating, like, real, whole


def concat(tensors, axis=1) -> np.ndarray:
    """Join float tensors along ``axis`` (1: channels); their other axes must agree.

    Raises:
        ValueError: no tensors, or dtypes or other axes that differ.
    """
    tensors = list(tensors)
    if not tensors:
        raise ValueError("tensors must be at least one, not none")
    first = floating("tensors[0]", tensors[0])
    _axis(axis, first.ndim)
    for i, tensor in enumerate(tensors[1:], 1):
        floating(f"tensors[{i}]", tensor, first.ndim)
        shape = list(first.shape)
        shape[axis] = tensor.shape[axis]
        like(f"tensors[{i}]", tensor, shape, first.dtype)
    return np.concatenate(tensors, axis)


def concat_backward(dy, sizes, axis=1) -> list[np.ndarray]:
    """Gradients by concat's inputs: dy cut into pieces (views) of ``sizes`` along ``axis``.

    Raises:
        ValueError: the sizes do not add up to dy's along the axis.
    """
    _axis(axis, floating("dy", dy).ndim)
    sizes = [whole("sizes", size, 0) for size in sizes]
    if not sizes or sum(sizes) != dy.shape[axis]:
        raise ValueError(f"sizes must add up to dy's {dy.shape[axis]}, not {sizes}")
    return np.split(dy, np.cumsum(sizes)[:-1], axis)


def _axis(axis, axes) -> None:
    if whole("axis", axis, -axes) >= axes:
        raise ValueError(f"axis must be below the number of axes, {axes}, not {axis}")


def add(a, b) -> np.ndarray:
    """Residual add of two float tensors of one shape and dtype (He et al. 2015).

    Raises:
        ValueError: shapes or dtypes differ; nothing is broadcast.
    """
    return floating("a", a) + like("b", b, a.shape, a.dtype)


def add_backward(dy) -> tuple[np.ndarray, np.ndarray]:
    """Gradients (da, db) by add's inputs: dy for both, the same array twice.

    Raises:
        ValueError: dy is no float array.
    """
    return floating("dy", dy), dy


def dropout(x, rate, generator: np.random.Generator):
    """Training's dropout: an element survives with probability 1 - rate, times 1 / (1 - rate).

    So the expectation is x ("inverted" dropout; Srivastava et al. 2014), and inference is the
    identity.

    Args:
        x: float tensor of any shape.
        rate: probability to drop an element, 0 <= rate < 1.
        generator: numpy.random.default_rng(seed); the same state gives the same mask.

    Returns:
        (y, mask): both like x; mask holds 0 or 1 / (1 - rate), and y = x * mask.

    Raises:
        ValueError: rate is out of range, or generator is no numpy.random.Generator.
    """
    floating("x", x)
    rate = real("rate", rate, 0, 1)
    if not isinstance(generator, np.random.Generator):
        raise ValueError(f"generator must be a numpy.random.Generator, not {generator!r}")
    kept = generator.random(x.shape, x.dtype) >= rate
    mask = kept * x.dtype.type(1 / (1 - rate))
    return x * mask, mask


def dropout_backward(dy, mask) -> np.ndarray:
    """Gradient by dropout's input: dy * mask, with the mask that dropout returned.

    Raises:
        ValueError: the arrays are not of one shape and float dtype.
    """
    return floating("dy", dy) * like("mask", mask, dy.shape, dy.dtype)
