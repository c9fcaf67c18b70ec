"""What every layer is: shapes and costs without running, forward, backward, parameters."""

import numpy as np

from accel.errors import AccelError

#: A shape without the batch: (channels, height, width), or (features,) for a vector.
Shape = tuple[int, ...]


class NetworkError(AccelError, ValueError):
    """A network breaks a rule; the message names the layer, the rule and the value."""


class Layer:
    """One step of a network.

    A layer's description is fixed when it is made; input sizes come from the network it is added
    to.  Parameters exist after :meth:`initialise`.

    Members:
        op: what tables call the layer.
        parameters: trained arrays by name ("weights", "bias", ...).
        gradients: the loss's gradient of each parameter, written by :meth:`backward`.
        state: arrays that training keeps but no gradient changes (running statistics).
    """

    op = "layer"

    def __init__(self):
        self.parameters: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}
        self.state: dict[str, np.ndarray] = {}
        self._saved = None

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the output for inputs of ``shapes``.

        Raises:
            NetworkError: the layer cannot take these inputs.
        """
        (shape,) = shapes
        return shape

    def parameter_shapes(self, *shapes: Shape) -> dict[str, Shape]:
        """Shapes of the trained arrays for inputs of ``shapes``."""
        return {}

    def macs(self, *shapes: Shape) -> int:
        """Multiply-accumulates of one image; only convolutions and dense layers have any."""
        return 0

    def initialise(self, rng: np.random.Generator, *shapes: Shape, dtype=np.float32) -> None:
        """Make the parameters, random ones from ``rng``."""

    def forward(self, *inputs: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Compute the output; ``rng`` is given in training, None in inference.

        Training keeps what :meth:`backward` needs; inference keeps nothing.
        """
        raise NotImplementedError

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, ...]:
        """Gradients of the inputs from the output's, after a forward pass in training."""
        raise NotImplementedError

    def _keep(self, rng, *values) -> None:
        """Remember values for backward, in training only."""
        self._saved = values if rng is not None else None

    def _kept(self) -> tuple:
        """Hand out what the forward pass kept, once."""
        if self._saved is None:
            raise NetworkError(f"{self.op}: backward must follow a forward pass in training")
        saved, self._saved = self._saved, None
        return saved


def image(op: str, shape: Shape) -> tuple[int, int, int]:
    """Return (channels, height, width), refusing vectors."""
    if len(shape) != 3:
        raise NetworkError(f"{op}: input must be (channels, height, width), not {shape}")
    return shape
