"""Losses of training, each with its gradient: a mean over the batch, whatever its size."""

import numpy as np

from accel.golden.check import floating, like


def softmax(logits, axis=-1) -> np.ndarray:
    """Compute exp(logits) / sum(exp(logits)) along ``axis``.

    The largest is subtracted first, which changes nothing but keeps exp from overflowing.

    Raises:
        ValueError: logits is no float array.
    """
    floating("logits", logits)
    powers = np.exp(logits - logits.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def softmax_cross_entropy(logits, labels):
    """Softmax and cross entropy in one: L = mean of -log(softmax(logits)[label]).

    Args:
        logits: float32 or float64 [batch, classes].
        labels: integers [batch], each in 0 .. classes - 1.

    Returns:
        (loss, dlogits): a float, and its gradient (softmax - one-hot) / batch like logits.

    Raises:
        ValueError: shapes do not fit, or a label is no class.
    """
    floating("logits", logits, 2)
    batch, classes = logits.shape
    if not logits.size:
        raise ValueError(f"logits must have samples and classes, not shape {[batch, classes]}")
    labels = np.asarray(labels)
    if labels.shape != (batch,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be integers [{batch}], not {labels.dtype} {list(labels.shape)}"
        )
    outside = labels[(labels < 0) | (labels >= classes)]
    if outside.size:
        raise ValueError(f"labels must lie in 0..{classes - 1}, not {outside[0]}")
    shifted = logits - logits.max(1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(1, keepdims=True)
    rows = np.arange(batch)
    loss = float(np.mean(np.log(sums[:, 0]) - shifted[rows, labels]))
    dlogits = powers / sums
    dlogits[rows, labels] -= 1
    dlogits /= batch
    return loss, dlogits


def half_squared_error(y, target):
    """Half squared error: L = mean over the batch (axis 0) of 1/2 * sum((y - target)**2).

    Args:
        y: float32 or float64 [batch, ...].
        target: like y.

    Returns:
        (loss, dy): a float, and its gradient (y - target) / batch like y.

    Raises:
        ValueError: the arrays are not of one shape and float dtype, or there is no sample.
    """
    floating("y", y)
    if not y.ndim or not len(y):
        raise ValueError(f"y must have samples along axis 0, not shape {list(y.shape)}")
    error = y - like("target", target, y.shape, y.dtype)
    return float(np.vdot(error, error)) / (2 * len(y)), error / len(y)
