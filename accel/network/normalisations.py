"""Batch normalisation and local response normalisation."""

import numpy as np

from accel.golden import normalise
from accel.network.layer import Layer, image


class BatchNorm(Layer):
    """Each channel shifted and scaled to mean ``bias`` and spread ``scale``, both trained.

    Training normalises by the batch's own statistics and keeps running ones for inference in
    ``state``: momentum * old + (1 - momentum) * the batch's.  As in PyTorch, the variance that
    normalises is the batch's own (divided by its elements m), and the running one an estimate of
    all images' (divided by m - 1).
    """

    op = "batch_norm"

    def __init__(self, *, momentum: float = 0.9, epsilon: float = 1e-5):
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon

    def parameter_shapes(self, *shapes):
        """Scale and bias [channels]."""
        ((channels, *_),) = shapes
        return {"scale": (channels,), "bias": (channels,)}

    def initialise(self, rng, *shapes, dtype=np.float32) -> None:
        """Identity: scale 1, bias 0, running mean 0 and variance 1."""
        ((channels, *_),) = shapes
        one, zero = np.ones(channels, dtype), np.zeros(channels, dtype)
        self.parameters.update(scale=one, bias=zero)
        self.state.update(mean=zero.copy(), variance=one.copy())

    def forward(self, *inputs, rng=None):
        """Normalise by the batch in training, by the running statistics in inference."""
        (x,) = inputs
        given = (*self.parameters.values(), *self.state.values())
        if rng is None:
            return normalise.batch_norm(x, *given, epsilon=self.epsilon)
        y, saved, mean, variance = normalise.batch_norm_training(
            x, *given, momentum=self.momentum, epsilon=self.epsilon, correction=1
        )
        self.state["mean"][:], self.state["variance"][:] = mean, variance
        self._keep(rng, x, saved)
        return y

    def backward(self, dy):
        """Gradients of input, scale and bias."""
        x, saved = self._kept()
        dx, dscale, dbias = normalise.batch_norm_backward(dy, x, self.parameters["scale"], saved)
        self.gradients.update(scale=dscale, bias=dbias)
        return (dx,)


class LRN(Layer):
    """Local response normalisation: each element over its neighbouring channels' strength.

    y = x / (bias + alpha / size * sum of squares over ``size`` channels) ** beta.  This is
    ONNX's alpha: AlexNet's paper leaves out the division by ``size``.
    """

    op = "lrn"

    def __init__(self, size=5, *, alpha=1e-4, beta=0.75, bias=1.0):
        super().__init__()
        self.size = size
        self.options = {"alpha": alpha, "beta": beta, "bias": bias}

    def output_shape(self, *shapes):
        """The input's, which must be an image."""
        return image(self.op, *shapes)

    def forward(self, *inputs, rng=None):
        """Divide by the neighbouring channels' strength."""
        (x,) = inputs
        self._keep(rng, x)
        return normalise.lrn(x, self.size, **self.options)

    def backward(self, dy):
        """Gradient of the input."""
        return (normalise.lrn_backward(dy, *self._kept(), self.size, **self.options),)
