"""Optimisers: how a gradient becomes an update.  All change the parameters in place."""

import numpy as np


class SGD:
    """Plain gradient descent: w -= rate * dw.

    Members:
        rate: the learning rate, which the trainer may change between epochs.
        steps: updates so far.
        memory: arrays kept between updates, by slot and parameter name ("velocity/conv1.weights").
    """

    #: Names of the arrays that are kept for each parameter.
    SLOTS: tuple[str, ...] = ()

    def __init__(self, rate: float, parameters: dict[str, np.ndarray]):
        self.rate, self.steps = rate, 0
        self.memory = {
            f"{slot}/{name}": np.zeros_like(array)
            for slot in self.SLOTS
            for name, array in parameters.items()
        }

    def update(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        """Change every parameter by its gradient."""
        self.steps += 1
        for name, array in parameters.items():
            array -= self._step(name, gradients[name])

    def _step(self, name: str, gradient: np.ndarray) -> np.ndarray:
        return self.rate * gradient


class Momentum(SGD):
    """A velocity that gradients push: v = 0.9 * v + dw; w -= rate * v."""

    SLOTS = ("velocity",)
    FRICTION = 0.9

    def _step(self, name, gradient):
        velocity = self.memory[f"velocity/{name}"]
        velocity *= self.FRICTION
        velocity += gradient
        return self.rate * velocity


class Adam(SGD):
    """Steps of even size (Kingma and Ba 2014): running mean over the root of the running square.

    Both start at zero, and the factors 1 - 0.9**t and 1 - 0.999**t make up for it.
    """

    SLOTS = ("mean", "square")
    MEAN, SQUARE, EPSILON = 0.9, 0.999, 1e-8

    def _step(self, name, gradient):
        mean, square = self.memory[f"mean/{name}"], self.memory[f"square/{name}"]
        mean += (1 - self.MEAN) * (gradient - mean)
        square += (1 - self.SQUARE) * (gradient * gradient - square)
        true_mean = mean / (1 - self.MEAN**self.steps)
        true_square = square / (1 - self.SQUARE**self.steps)
        return self.rate * true_mean / (np.sqrt(true_square) + self.EPSILON)


OPTIMISERS = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
