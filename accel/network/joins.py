"""Layers that join, thin or reshape tensors; none has parameters."""

import math

from accel.golden import combine
from accel.network.layer import Layer, NetworkError, image


class Concat(Layer):
    """Inputs of one height and width, channels behind one another."""

    op = "concat"

    def output_shape(self, *shapes):
        """(sum of channels, height, width)."""
        for shape in shapes:
            image(self.op, shape)
        if len({shape[1:] for shape in shapes}) != 1:
            raise NetworkError(f"inputs must have one height and width, not {shapes}")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])

    def forward(self, *inputs, rng=None):
        """Join the channels."""
        self._keep(rng, [x.shape[1] for x in inputs])
        return combine.concat(inputs)

    def backward(self, dy):
        """Cut the gradient where the inputs were joined."""
        return tuple(combine.concat_backward(dy, *self._kept()))


class Add(Layer):
    """The sum of two inputs of one shape: a residual connection's end."""

    op = "add"

    def output_shape(self, *shapes):
        """The inputs' shape."""
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            raise NetworkError(f"inputs must be two of one shape, not {shapes}")
        return shapes[0]

    def forward(self, *inputs, rng=None):
        """Add."""
        self._keep(rng)
        return combine.add(*inputs)

    def backward(self, dy):
        """Both inputs get the whole gradient."""
        self._kept()
        return tuple(combine.add_backward(dy))


class Dropout(Layer):
    """In training, zero a share ``rate`` of the elements and scale the rest up; else nothing."""

    op = "dropout"

    def __init__(self, rate: float = 0.5):
        super().__init__()
        if not 0 <= rate < 1:
            raise NetworkError(f"dropout rate must be from 0 to below 1, not {rate}")
        self.rate = rate

    def forward(self, *inputs, rng=None):
        """Thin out in training."""
        (x,) = inputs
        if rng is None:
            return x
        y, mask = combine.dropout(x, self.rate, rng)
        self._keep(rng, mask)
        return y

    def backward(self, dy):
        """The gradient passes where the element did."""
        return (combine.dropout_backward(dy, *self._kept()),)


class Flatten(Layer):
    """An image as a vector: channel by channel, row by row."""

    op = "flatten"

    def output_shape(self, *shapes):
        """(channels * height * width,)."""
        return (math.prod(*shapes),)

    def forward(self, *inputs, rng=None):
        """Reshape."""
        (x,) = inputs
        self._keep(rng, x.shape)
        return x.reshape(len(x), -1)

    def backward(self, dy):
        """Reshape back."""
        (shape,) = self._kept()
        return (dy.reshape(shape),)
