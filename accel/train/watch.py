"""What a trainer watches beside loss and accuracy: gradients, and the first layer's filters."""

import numpy as np

from accel.network import Network

#: Filters, and input channels of one, that are kept of each epoch.
FILTERS, CHANNELS = 16, 4


class Norms:
    """The mean length of each parameter's gradient over an epoch's iterations.

    Its length is the root of the sum of its squares.  Where it goes to 0, nothing is learnt any
    more; where it grows from epoch to epoch, the learning rate is too large.
    """

    def __init__(self):
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, gradients: dict[str, np.ndarray]) -> None:
        """Take an iteration's gradients."""
        self._count += 1
        for name, array in gradients.items():
            length = float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))
            self._sums[name] = self._sums.get(name, 0.0) + length

    @property
    def means(self) -> dict[str, float]:
        """By the parameters' names."""
        return {name: total / self._count for name, total in self._sums.items()}


def first_filters(network: Network) -> tuple[str, np.ndarray] | None:
    """The first convolution's name and some of its filters [filter, channel, ky, kx], as they are
    now; None if there is no convolution."""
    for node in network.nodes:
        weights = node.layer.parameters.get("weights")
        if weights is not None and weights.ndim == 4:
            return node.name, np.array(weights[:FILTERS, :CHANNELS], np.float32)
    return None
