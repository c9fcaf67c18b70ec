"""Training of float networks: losses, optimisers, the trainer, checkpoints."""

from accel.train.data import Dataset
from accel.train.errors import TrainingError
from accel.train.settings import Settings
from accel.train.trainer import Trainer

__all__ = ["Dataset", "Settings", "Trainer", "TrainingError"]
