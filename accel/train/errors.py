"""The one error of training."""

from accel.errors import AccelError


class TrainingError(AccelError, ValueError):
    """Training cannot go on; the message names the file or setting, the rule and the value."""
