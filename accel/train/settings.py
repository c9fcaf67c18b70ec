"""What decides a training run, so that equal settings and data give equal networks."""

import dataclasses
import math

from accel.train.errors import TrainingError
from accel.train.losses import LOSSES
from accel.train.optimisers import OPTIMISERS


@dataclasses.dataclass(frozen=True)
class Settings:
    """All choices of a run but its length.

    Args:
        loss: a name of accel.train.losses.LOSSES.
        optimiser: a name of accel.train.optimisers.OPTIMISERS.
        learning_rate: step size of the first epoch.
        decay: the learning rate is multiplied by this after every epoch.
        batch_size: images an update learns from: 1 is by sample, None the whole batch at once.
        jitter: in training, turn, stretch and move every image at random, this strongly (see
            accel.train.augment); 0 leaves the images as they are.
        seed: of weights, order, dropout and jitter.
    """

    loss: str = "cross_entropy"
    optimiser: str = "momentum"
    learning_rate: float = 0.01
    decay: float = 1.0
    batch_size: int | None = 32
    jitter: float = 0.0
    seed: int = 1

    def __post_init__(self):
        """Check every number; NaN fulfils no rule."""
        rules = (
            ("loss", self.loss in LOSSES, f"one of {', '.join(LOSSES)}"),
            ("optimiser", self.optimiser in OPTIMISERS, f"one of {', '.join(OPTIMISERS)}"),
            ("learning rate", 0 < self.learning_rate < math.inf, "positive and finite"),
            ("decay", 0 < self.decay <= 1, "above 0 and at most 1"),
            ("batch size", self.batch_size is None or self.batch_size >= 1, "at least 1"),
            ("jitter", 0 <= self.jitter <= 4, "from 0 to 4"),
            ("seed", self.seed >= 0, "at least 0"),
        )
        for name, holds, rule in rules:
            if not holds:
                value = getattr(self, name.replace(" ", "_"))
                raise TrainingError(f"{name} must be {rule}, not {value}")
