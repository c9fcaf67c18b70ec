"""Pooling layers."""

from accel.golden import pool
from accel.golden.window import window
from accel.network.layer import Layer, Shape, image


class _Pool(Layer):
    """A window slid over each channel.

    Args:
        kernel: one number or (vertical, horizontal).
        stride: the same; by default the kernel, windows side by side.
        padding: what convolutions take; padded elements never count.
        ceil: round the number of windows up instead of down.
    """

    def __init__(self, kernel, stride=None, padding=0, *, ceil=False):
        super().__init__()
        self.kernel = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        self.stride = self.kernel if stride is None else stride
        self.padding, self.ceil = padding, ceil

    def window(self, shape: Shape):
        """The resolved geometry (accel.golden.window.Window) on an input of ``shape``."""
        _, *size = image(self.op, shape)
        return window(size, self.kernel, self.stride, self.padding, ceil=self.ceil)

    def output_shape(self, *shapes):
        """(channels, height, width)."""
        (shape,) = shapes
        return (shape[0], *self.window(shape).out)


class MaxPool(_Pool):
    """The largest element of each window."""

    op = "max_pool"

    def forward(self, *inputs, rng=None):
        """Compute the maxima, and keep where they were."""
        (x,) = inputs
        y, argmax = pool.max_pool(x, self.kernel, self.stride, self.padding, ceil=self.ceil)
        self._keep(rng, argmax, x.shape)
        return y

    def backward(self, dy):
        """Each window's gradient goes to its largest element, the first on ties."""
        return (pool.max_pool_backward(dy, *self._kept()),)


class AveragePool(_Pool):
    """The mean of each window's elements."""

    op = "average_pool"

    def forward(self, *inputs, rng=None):
        """Compute the means."""
        (x,) = inputs
        self._keep(rng, x.shape)
        return pool.average_pool(x, self.kernel, self.stride, self.padding, ceil=self.ceil)

    def backward(self, dy):
        """Each window's gradient is shared out evenly among its elements."""
        (shape,) = self._kept()
        dx = pool.average_pool_backward(
            dy, shape, self.kernel, self.stride, self.padding, ceil=self.ceil
        )
        return (dx,)


class GlobalAveragePool(Layer):
    """The mean of each channel: (channels, 1, 1)."""

    op = "global_average_pool"

    def output_shape(self, *shapes):
        """(channels, 1, 1)."""
        channels, _, _ = image(self.op, *shapes)
        return channels, 1, 1

    def forward(self, *inputs, rng=None):
        """Compute the means."""
        (x,) = inputs
        self._keep(rng, x.shape)
        return pool.global_average_pool(x)

    def backward(self, dy):
        """Each channel's gradient is shared out evenly among its pixels."""
        return (pool.global_average_pool_backward(dy, *self._kept()),)
