"""A tiny problem that a tiny network learns in a moment: which half of an image is bright."""

import numpy as np

from accel.network import BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool, Network, ReLU
from accel.train import Dataset, Settings, Trainer


def network():
    """Convolution, batch normalisation, dropout: everything that has a state of its own."""
    net = Network("tiny", (1, 6, 6))
    net.chain(Conv2d(4, 3), BatchNorm(), ReLU(), MaxPool(2), Flatten(), Dropout(0.1), Dense(2))
    return net


def images(count, seed=0):
    """Noise, brighter on the left (label 0) or on the right (label 1)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    found = rng.random((count, 1, 6, 6), np.float32)
    for image, label in zip(found, labels, strict=True):
        image[0, :, 3 * label : 3 * label + 3] += 1
    return Dataset(found, labels)


def trainer(count=50, **choices):
    """A trainer on ``count`` images, 20 held back."""
    choices = {"batch_size": 8, "optimiser": "adam", **choices}
    return Trainer(network(), Settings(**choices), images(count), images(20, seed=1))
