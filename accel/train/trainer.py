"""The trainer: epochs of updates, watched, saved and resumable bit for bit.

Counting is the lecture notes': an *iteration* is one update of the weights, from one batch; an
*epoch* is over when every image has been used once, ceil(images / batch size) iterations.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import threadpoolctl

from accel.network import Network, ReLU
from accel.train import checkpoint
from accel.train.augment import jittered
from accel.train.data import Dataset
from accel.train.errors import TrainingError
from accel.train.losses import LOSSES, correct
from accel.train.optimisers import OPTIMISERS
from accel.train.settings import Settings
from accel.train.watch import Norms, first_filters

Progress = Callable[[str, float], None]
#: Images computed together when nothing is learnt.
_INFERENCE_BATCH = 100
#: The filters' name in a checkpoint.
_FILTERS = "watched/filters"


class Trainer:
    """Trains one network on one set of images.

    Args:
        network: its parameters are made anew from the settings' seed.
        settings: all choices; equal ones on equal data give bit-identical networks.
        data: images to learn from.
        held_back: images that only measure.

    Members:
        history: one dict per epoch: mean loss and accuracy while learning, those on the
            images held back, per ReLU layer [dead units, units] (see accel.network.ReLU), and
            the mean length of each parameter's gradient.
        filters: the first convolution's filters before the first epoch and after each.
    """

    def __init__(self, network: Network, settings: Settings, data: Dataset, held_back: Dataset):
        self.network, self.settings, self.data, self.held_back = network, settings, data, held_back
        network.initialise(settings.seed)
        self.rng = np.random.default_rng((settings.seed, 1))  # not the weights' stream
        self.optimiser = OPTIMISERS[settings.optimiser](
            settings.learning_rate, network.parameters()
        )
        self.history: list[dict] = []
        self.filters: list[np.ndarray] = []
        self._keep_filters()

    @property
    def batch_size(self) -> int:
        """Images of one iteration."""
        return min(self.settings.batch_size or len(self.data), len(self.data))

    @property
    def iterations_per_epoch(self) -> int:
        """Updates until every image has been used once."""
        return -(-len(self.data) // self.batch_size)

    def run(
        self, epochs: int, *, save_to=None, progress: Progress = lambda stage, share: None
    ) -> list[dict]:
        """Train until ``epochs`` epochs are over, those before a resume included.

        Args:
            epochs: in total.
            save_to: a checkpoint file, written anew after every epoch.
            progress: called with a stage and a share from 0 to 1.

        Raises:
            TrainingError: the loss is not a number any more.
        """
        # Matrix products split among threads add up in another order on each machine, and the
        # small ones here lose up to ten times more by waiting for one another than they gain.
        with threadpoolctl.threadpool_limits(1, "blas"):
            while len(self.history) < epochs:
                self.history.append(self._epoch(epochs, progress))
                self._keep_filters()
                if save_to is not None:
                    self.save(save_to)
        return self.history

    def _keep_filters(self) -> None:
        found = first_filters(self.network)
        self.filters += [found[1]] if found else []

    def _epoch(self, epochs: int, progress: Progress) -> dict:
        epoch = len(self.history) + 1
        rate = self.settings.learning_rate * self.settings.decay ** (epoch - 1)
        self.optimiser.rate = rate
        watched = [node for node in self.network.nodes if isinstance(node.layer, ReLU)]
        for node in watched:
            node.layer.watch()
        order = self.rng.permutation(len(self.data))
        total, right, norms = 0.0, 0, Norms()
        for number, start in enumerate(range(0, len(order), self.batch_size)):
            share = (epoch - 1 + number / self.iterations_per_epoch) / epochs
            progress(f"epoch {epoch}/{epochs}", share)
            chosen = order[start : start + self.batch_size]
            loss, hits = self._iteration(self.data.images[chosen], self.data.labels[chosen])
            total, right = total + loss * len(chosen), right + hits
            norms.add(self.network.gradients())
        held_loss, held_accuracy = self.measure(self.held_back)
        self._require_finite(held_loss)
        return {
            "epoch": epoch,
            "iterations": self.optimiser.steps,
            "learning_rate": rate,
            "loss": total / len(order),
            "accuracy": right / len(order),
            "held_back_loss": held_loss,
            "held_back_accuracy": held_accuracy,
            "dead_relus": {node.name: list(node.layer.dead) for node in watched},
            "gradient_norms": norms.means,
        }

    def _iteration(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """One update; returns the batch's mean loss and its right answers."""
        if self.settings.jitter:
            images = jittered(images, self.settings.jitter, self.rng)
        # Numbers that run away show in the loss, which is checked; NumPy need not warn too.
        with np.errstate(all="ignore"):
            outputs = self.network.forward(images, rng=self.rng)
            loss, gradient = LOSSES[self.settings.loss](outputs, labels)
            self._require_finite(loss)
            self.network.backward(gradient)
            self.optimiser.update(self.network.parameters(), self.network.gradients())
        return float(loss), correct(outputs, labels)

    def _require_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"loss must stay finite, but is {loss} in epoch {len(self.history) + 1}, after "
                f"{self.optimiser.steps} iterations: try a learning rate below "
                f"{self.optimiser.rate:g}"
            )

    def measure(self, data: Dataset) -> tuple[float, float]:
        """(mean loss, accuracy) of the network as it is, in inference."""
        total, right = 0.0, 0
        with np.errstate(all="ignore"):
            for start in range(0, len(data), _INFERENCE_BATCH):
                part = slice(start, start + _INFERENCE_BATCH)
                labels = data.labels[part]
                outputs = self.network.forward(data.images[part])
                loss, _ = LOSSES[self.settings.loss](outputs, labels)
                total, right = total + float(loss) * len(labels), right + correct(outputs, labels)
        return total / len(data), right / len(data)

    def _arrays(self) -> dict[str, np.ndarray]:
        """Every array of the run by the name it has in a checkpoint; the run's own."""
        kinds = {
            "parameters": self.network.parameters(),
            "state": self.network.state(),
            "optimiser": self.optimiser.memory,
        }
        return {f"{kind}/{name}": a for kind, found in kinds.items() for name, a in found.items()}

    def _identity(self) -> dict:
        """What must be equal in a run that continues this one."""
        return {
            "network": self.network.name,
            **dataclasses.asdict(self.settings),
            "data": self.data.digest(),
            "held back": self.held_back.digest(),
        }

    def save(self, path) -> None:
        """Write a checkpoint."""
        facts = {
            "run": self._identity(),
            "history": self.history,
            "steps": self.optimiser.steps,
            "random": self.rng.bit_generator.state,
        }
        watched = {_FILTERS: np.array(self.filters)} if self.filters else {}
        checkpoint.save(path, self._arrays() | watched, facts)

    def resume(self, path) -> None:
        """Continue where a checkpoint of the same run was written.

        Raises:
            TrainingError: missing or damaged file, or one of another run.
        """
        arrays, facts = checkpoint.load(path)
        filters = arrays.pop(_FILTERS, None)  # of earlier versions' checkpoints there are none
        own = self._arrays()
        try:
            for name, value in self._identity().items():
                if facts["run"][name] != value:
                    raise TrainingError(
                        f"{path}: the checkpoint's {name.replace('_', ' ')} is "
                        f"{facts['run'][name]}, not {value}"
                    )
            forms = [{name: (a.shape, a.dtype) for name, a in x.items()} for x in (own, arrays)]
            if forms[0] != forms[1]:
                raise TrainingError(f"{path}: the checkpoint's arrays are not this network's")
            self.rng.bit_generator.state = facts["random"]
            self.optimiser.steps, self.history = facts["steps"], facts["history"]
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, TrainingError):
                raise
            raise TrainingError(f"{path}: is damaged or not a checkpoint: {error}") from error
        for name, array in own.items():
            array[...] = arrays[name]
        self.filters = [] if filters is None else list(filters)
