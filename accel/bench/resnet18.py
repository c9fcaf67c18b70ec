"""ResNet-18 for int8 inference with seeded random weights, from the golden model's layers.

This network exists to be timed, and its classes mean nothing.
"""

import numpy as np

from accel.golden.layers import JOINS, LAYERS
from accel.graph.ir import Add, AveragePool, Conv, MaxPool, Requant, Tensor
from accel.graph.shapes import node_shape
from accel.isa import Rounding
from accel.quant import quantize_multiplier, quantize_multipliers

#: Activations after a ReLU: zero is the smallest value, as in a calibrated network.
ZERO = -128


class ResNet18:
    """Build with a seed, call with int8 [n, 224, 224, 3]; returns int8 [n, 1, 1, 1000].

    Attributes:
        macs: multiplications for one image, counted while it runs.
    """

    def __init__(self, seed: int = 1):
        self._random = np.random.default_rng(seed)
        self.macs = 0
        self._stem = self._conv(3, 64, 7, 2, zero=0)
        self._blocks = []
        channels = 64
        for stage in range(4):
            for number in range(2):
                filters, stride = 64 << stage, 2 if stage and not number else 1
                shortcut = self._conv(channels, filters, 1, stride) if stride > 1 else None
                self._blocks.append((
                    self._conv(channels, filters, 3, stride), self._conv(filters, filters, 3),
                    shortcut,
                ))  # fmt: skip
                channels = filters
        self._dense = self._conv(channels, 1000, 1, op="fully_connected")

    def _conv(self, channels, filters, kernel, stride=1, *, zero=ZERO, op="conv2d"):
        """A layer and its input's zero point; sums come out at about the inputs' spread."""
        weights = self._random.integers(-127, 128, (filters, kernel, kernel, channels), np.int8)
        # Half of the sums become 0, so the results' root mean square is the sums' over sqrt(2);
        # this makes it the inputs'.  That of the weights is 73.
        factor = np.sqrt(2 / weights[0].size) / 73
        need = Requant(
            *quantize_multipliers(self._random.uniform(0.7, 1.4, filters) * factor), ZERO,
        )  # fmt: skip
        bias = self._random.integers(-(1 << 12), 1 << 12, filters, np.int32)
        pad = (kernel // 2,) * 4
        return zero, Conv("", op, "", "", weights, bias, need, (stride, stride), pad)

    def _run(self, layer, values):
        """Apply a convolution, with its ReLU."""
        zero, node = layer
        y = self._node(node, values, zero)
        self.macs += node.weights[0].size * y[0].size
        return y

    @staticmethod
    def _node(node, values, zero=ZERO):
        source = Tensor("", values.shape[1:], 1.0, zero)
        target = Tensor("", node_shape(node, source), 1.0, ZERO)
        return LAYERS[type(node)](node, source, target, values)

    @staticmethod
    def _add(one, other):
        """0.6 times the sum."""
        need = Requant(*quantize_multipliers([0.6 * 2.0**-19]), ZERO, rounding=Rounding.DOUBLE)
        node = Add("", ("", ""), "", (quantize_multiplier(0.5),) * 2, need)
        tensor = Tensor("", one.shape[1:], 1.0, ZERO)
        return JOINS[Add](node, (tensor, tensor), tensor, (one, other))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Compute the classes' scores."""
        self.macs = 0
        x = self._run(self._stem, images)
        x = self._node(MaxPool("", "", "", (3, 3), (2, 2), (1, 1, 1, 1)), x)
        for a, b, shortcut in self._blocks:
            inner = self._run(b, self._run(a, x))
            beside = x if shortcut is None else self._run(shortcut, x)
            x = self._add(inner, beside)
        table = {49: quantize_multiplier(1 / 49)}
        pool = AveragePool(
            "", "", "", (7, 7), (1, 1), (0, 0, 0, 0), table, ZERO, ZERO, Rounding.SINGLE
        )
        return self._run(self._dense, self._node(pool, x))
