"""Activation functions, element by element."""

import numpy as np

from accel.golden import activation
from accel.network.layer import Layer


class ReLU(Layer):
    """max(x, 0), and a watch over units that no gradient passes any more.

    A unit is what has weights of its own: a filter (all pixels of a channel) or a neuron.
    ``alive`` marks the units that some gradient has passed since :meth:`watch`; a unit whose
    gradient is zero for every image of an epoch cannot learn: its ReLU is dying.
    """

    op = "relu"

    def __init__(self):
        super().__init__()
        self.alive: np.ndarray | None = None

    def watch(self) -> None:
        """Start to watch anew."""
        self.alive = None

    @property
    def dead(self) -> tuple[int, int]:
        """(units without any gradient since :meth:`watch`, units)."""
        if self.alive is None:
            return 0, 0
        return int(np.count_nonzero(~self.alive)), self.alive.size

    def forward(self, *inputs, rng=None):
        """Cut off below zero."""
        (x,) = inputs
        y = activation.relu(x)
        self._keep(rng, y)
        return y

    def backward(self, dy):
        """Let the gradient through where the output is positive."""
        (y,) = self._kept()
        dx = activation.relu_backward(dy, y)
        passed = (dx != 0).any(axis=(0, *range(2, dx.ndim)))
        self.alive = passed if self.alive is None else self.alive | passed
        return (dx,)


class LeakyReLU(Layer):
    """Return x where it is positive, else ``slope`` times x."""

    op = "leaky_relu"

    def __init__(self, slope: float = 0.01):
        super().__init__()
        self.slope = slope

    def forward(self, *inputs, rng=None):
        """Flatten the negative side."""
        (x,) = inputs
        self._keep(rng, x)
        return activation.leaky_relu(x, self.slope)

    def backward(self, dy):
        """Scale the gradient where the input was negative."""
        return (activation.leaky_relu_backward(dy, *self._kept(), self.slope),)


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    op = "sigmoid"

    def forward(self, *inputs, rng=None):
        """Squash to (0, 1)."""
        y = activation.sigmoid(*inputs)
        self._keep(rng, y)
        return y

    def backward(self, dy):
        """Multiply by y * (1 - y)."""
        return (activation.sigmoid_backward(dy, *self._kept()),)


class Tanh(Layer):
    """Hyperbolic tangent."""

    op = "tanh"

    def forward(self, *inputs, rng=None):
        """Squash to (-1, 1)."""
        y = activation.tanh(*inputs)
        self._keep(rng, y)
        return y

    def backward(self, dy):
        """Multiply by 1 - y * y."""
        return (activation.tanh_backward(dy, *self._kept()),)
