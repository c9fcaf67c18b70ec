"""The layers that multiply: convolution and dense."""

import math

import numpy as np

from accel.golden import conv, dense
from accel.golden.window import window
from accel.network.layer import Layer, NetworkError, Shape, image


def _he_normal(rng: np.random.Generator, shape: Shape, dtype) -> np.ndarray:
    """Normal weights of variance 2 / fan-in, which ReLUs pass on undiminished (He et al. 2015)."""
    spread = math.sqrt(2 / math.prod(shape[1:]))
    return (spread * rng.standard_normal(shape)).astype(dtype)


class _Weighted(Layer):
    """Weights [outputs, fan-in ...] and, unless left out, a bias [outputs]."""

    def __init__(self, outputs: int, bias: bool):
        super().__init__()
        if not isinstance(outputs, int) or outputs < 1:
            raise NetworkError(f"{self.op}: outputs must be a positive integer, not {outputs}")
        self.outputs, self.bias = outputs, bias

    def initialise(self, rng, *shapes, dtype=np.float32) -> None:
        """Weights He normal, bias zero."""
        for name, shape in self.parameter_shapes(*shapes).items():
            self.parameters[name] = (
                _he_normal(rng, shape, dtype) if name == "weights" else np.zeros(shape, dtype)
            )

    def _store(self, dw, db) -> None:
        self.gradients["weights"] = dw
        if self.bias:
            self.gradients["bias"] = db


class Conv2d(_Weighted):
    """Convolution: ``filters`` of ``kernel`` elements, slid over the image.

    Args:
        filters: output channels.
        kernel, stride, dilation: one number or (vertical, horizontal).
        padding: zeros around the image: one number, (vertical, horizontal), (top, left, bottom,
            right), "same" or "valid".
        groups: input and output channels are split into this many independent parts.
        bias: add a trained number to each output channel.
    """

    op = "conv"

    def __init__(self, filters, kernel, *, stride=1, padding=0, dilation=1, groups=1, bias=True):
        super().__init__(filters, bias)
        if not isinstance(groups, int) or groups < 1 or filters % groups:
            raise NetworkError(f"groups must divide the {filters} filters, not {groups}")
        self.kernel = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        self.groups = groups
        self.options = {
            "stride": stride, "padding": padding, "dilation": dilation, "groups": groups
        }  # fmt: skip

    def window(self, shape: Shape):
        """The resolved geometry (accel.golden.window.Window) on an input of ``shape``."""
        _, *size = image(self.op, shape)
        return window(
            size, self.kernel, self.options["stride"], self.options["padding"],
            self.options["dilation"],
        )  # fmt: skip

    def output_shape(self, *shapes):
        """(filters, height, width), rounded down where the stride leaves a rest."""
        (shape,) = shapes
        out = self.window(shape).out
        if shape[0] % self.groups:
            raise NetworkError(f"groups must divide the {shape[0]} channels, not {self.groups}")
        return (self.outputs, *out)

    def parameter_shapes(self, *shapes):
        """Weights [filters, channels / groups, kh, kw] and bias [filters]."""
        found = {"weights": (self.outputs, shapes[0][0] // self.groups, *self.kernel)}
        return {**found, "bias": (self.outputs,)} if self.bias else found

    def macs(self, *shapes):
        """Every output element sums one product per weight of its filter."""
        _, height, width = self.output_shape(*shapes)
        return height * width * math.prod(self.parameter_shapes(*shapes)["weights"])

    def forward(self, *inputs, rng=None):
        """Compute the convolution."""
        (x,) = inputs
        self._keep(rng, x)
        weights, bias = self.parameters["weights"], self.parameters.get("bias")
        return conv.conv2d(x, weights, bias, **self.options)

    def backward(self, dy):
        """Gradients of input, weights and bias."""
        (x,) = self._kept()
        dx, dw, db = conv.conv2d_backward(
            dy, x, self.parameters["weights"], bias=self.bias, **self.options
        )
        self._store(dw, db)
        return (dx,)


class Dense(_Weighted):
    """Fully connected: every output sums all inputs of a vector, weighted."""

    op = "dense"

    def __init__(self, outputs, *, bias=True):
        super().__init__(outputs, bias)

    def output_shape(self, *shapes):
        """(outputs,)."""
        (shape,) = shapes
        if len(shape) != 1:
            raise NetworkError(f"input must be a vector (flatten it first), not {shape}")
        return (self.outputs,)

    def parameter_shapes(self, *shapes):
        """Weights [outputs, inputs] and bias [outputs]."""
        found = {"weights": (self.outputs, *shapes[0])}
        return {**found, "bias": (self.outputs,)} if self.bias else found

    def macs(self, *shapes):
        """One product per weight."""
        return self.outputs * shapes[0][0]

    def forward(self, *inputs, rng=None):
        """Multiply by the weights and add the bias."""
        (x,) = inputs
        self._keep(rng, x)
        return dense.dense(x, self.parameters["weights"], self.parameters.get("bias"))

    def backward(self, dy):
        """Gradients of input, weights and bias."""
        (x,) = self._kept()
        dx, dw, db = dense.dense_backward(dy, x, self.parameters["weights"], bias=self.bias)
        self._store(dw, db)
        return (dx,)
