"""Losses by name: how far outputs are from labels, and the outputs' gradient."""

import numpy as np

from accel.golden import loss


def cross_entropy(outputs: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Softmax and cross entropy with class numbers, mean over the batch."""
    return loss.softmax_cross_entropy(outputs, labels)


def half_squared(outputs: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the squared error, mean over the batch.

    Class numbers of a network with several outputs stand for the target 1 at that output and 0
    elsewhere; one output is compared with the label itself.
    """
    if outputs.shape[1] == 1:
        targets = labels.reshape(-1, 1)
    else:
        targets = labels[:, None] == np.arange(outputs.shape[1])
    return loss.half_squared_error(outputs, targets.astype(outputs.dtype))


LOSSES = {"cross_entropy": cross_entropy, "half_squared": half_squared}


def correct(outputs: np.ndarray, labels: np.ndarray) -> int:
    """Number of images whose class is right; a single output says yes from one half on."""
    if outputs.shape[1] == 1:
        return int(np.count_nonzero((outputs[:, 0] >= 0.5) == (labels >= 0.5)))
    return int(np.count_nonzero(outputs.argmax(axis=1) == labels))
